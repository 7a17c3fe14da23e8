/* SANITIZE and FORMAT UNIT: what they do to the medium, and to everybody else meanwhile. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define BLOCKS 8192 /* four parts when there is a rate */
#define PART   ((uint64_t)1024 * 1024)

#define OVERWRITE 0x01
#define ERASE	  0x02
#define CRYPTO	  0x03
#define EXIT	  0x1f
#define IMMED	  0x80
#define AUSE	  0x20

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void log_in(void)
{
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.blocks = BLOCKS});
	log_in();
	disk_fill(f, 0, BLOCKS, 'k');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *sanitize(uint8_t byte_1)
{
	return FIXTURE_CDB(f, a, 0, 0x48, byte_1, 0, 0, 0, 0, 0, 0, 0, 0);
}

static const struct fixture_result *overwrite_len(uint8_t byte_1, const uint8_t *list, uint16_t len)
{
	return DISK_OUT(f, a, list, len, 0x48, byte_1 | OVERWRITE, 0, 0, 0, 0, 0,
			(uint8_t)(len >> 8), (uint8_t)len, 0);
}

/* `count` with INVERT, and a pattern in text. */
static const struct fixture_result *overwrite(uint8_t byte_1, uint8_t count, const char *pattern)
{
	uint8_t list[4 + FIXTURE_BLOCK] = {count};
	uint16_t len = (uint16_t)strlen(pattern);

	put_be16(list + 2, len);
	memcpy(list + 4, pattern, len);
	return overwrite_len(byte_1, list, (uint16_t)(4 + len));
}

static const struct fixture_result *format_unit(void)
{
	return FIXTURE_CDB(f, a, 0, 0x04, 0, 0, 0, 0, 0);
}

/* Begins BLOCK ERASE in parts, and goes no further than its command's end. */
static void begin(uint8_t byte_1)
{
	const uint8_t cdb[] = {0x48, byte_1, 0, 0, 0, 0, 0, 0, 0, 0};

	fixture_lun(f)->config.erase_rate = PART;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	while (task->state == FIXTURE_RUNNING)
		ck_assert(scsi_executor_reap(f->executor));
	fixture_good(fixture_result(task));
	ck_assert(scsi_lun_erase_is_running(fixture_lun(f)));
}

/* Without letting it go on, as fixture_do would. */
static const struct fixture_result *meanwhile(struct scsi_nexus *nexus, const uint8_t *cdb,
					      size_t cdb_len, uint32_t in_len)
{
	return fixture_result(fixture_start(
		f, nexus,
		&(struct fixture_command){.cdb = cdb, .cdb_len = cdb_len, .in_len = in_len}));
}
#define MEANWHILE(nexus, in_len, ...)                                                              \
	meanwhile((nexus), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), \
		  (in_len))

/* ---- what becomes of the data ---- */

START_TEST(overwrite_repeats_the_pattern_from_the_start_of_each_block)
{
	uint8_t block[FIXTURE_BLOCK];

	for (size_t i = 0; i < FIXTURE_BLOCK; i++)
		block[i] = (uint8_t) "abc"[i % 3];
	fixture_good(overwrite(0, 1, "abc"));
	for (size_t i = 0; i < BLOCKS; i++)
		ck_assert_mem_eq(f->disks[0].bytes + i * FIXTURE_BLOCK, block, FIXTURE_BLOCK);
}
END_TEST

START_TEST(invert_turns_every_other_pass_over)
{
	fixture_good(overwrite(0, 0x80 | 2, "\x0f"));
	ck_assert(disk_is(f, 0, BLOCKS, 0xf0));
	fixture_good(overwrite(0, 0x80 | 3, "\x0f"));
	ck_assert(disk_is(f, 0, BLOCKS, 0x0f));
	fixture_good(overwrite(0, 2, "\x0f"));
	ck_assert(disk_is(f, 0, BLOCKS, 0x0f));
}
END_TEST

START_TEST(both_erasures_leave_zeros)
{
	fixture_good(sanitize(ERASE));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
	disk_fill(f, 0, BLOCKS, 'k');
	fixture_good(sanitize(CRYPTO));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
	disk_fill(f, 0, BLOCKS, 'k');
	fixture_lun(f)->config.thin = false;
	fixture_good(sanitize(ERASE));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

START_TEST(what_is_mapped_is_written_over_before_it_is_unmapped)
{
	const uint8_t cdb[] = {0x48, ERASE, 0, 0, 0, 0, 0, 0, 0, 0};
	static const enum backing_op expected[] = {BACKING_EXTENT, BACKING_WRITE_SAME,
						   BACKING_FLUSH, BACKING_UNMAP, BACKING_FLUSH};

	f->disks[0].hold = true;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		fixture_settle(f);
		ck_assert_uint_eq(f->disks[0].held_count, 1);
		struct backing_request *request = f->disks[0].held[0];
		ck_assert_int_eq(request->op, expected[i]);
		f->disks[0].held_count = 0;
		request->mapped = true;
		request->error = 0;
		request->done(request);
	}
	fixture_settle(f);
	fixture_good(fixture_result(task));
}
END_TEST

START_TEST(format_unit_leaves_zeros)
{
	static const uint8_t immediate[4] = {0, 0x82};

	fixture_good(format_unit());
	ck_assert(disk_is(f, 0, BLOCKS, 0));
	disk_fill(f, 0, BLOCKS, 'k');
	fixture_lun(f)->config.thin = false;
	fixture_good(DISK_OUT(f, a, immediate, 4, 0x04, 0x18, 0, 0, 0, 0));
	fixture_settle(f);
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

/* ---- what is refused ---- */

START_TEST(overwrite_wants_a_pattern_of_one_block_at_most)
{
	uint8_t list[4 + FIXTURE_BLOCK + 1] = {1, 0, 2, 0};

	for (uint16_t len = 0; len <= 4; len++)
		disk_invalid_cdb(overwrite_len(0, list, len), 7, -1);
	disk_invalid_cdb(overwrite_len(0, list, 4 + FIXTURE_BLOCK + 1), 7, -1);
	fixture_good(overwrite_len(0, list, 4 + FIXTURE_BLOCK));
}
END_TEST

START_TEST(the_overwrite_list_is_checked)
{
	uint8_t list[8] = {1, 0, 0, 4};

	list[0] = 0x80;
	disk_invalid_parameter(overwrite_len(0, list, 8), 0, 4); /* COUNT 0 */
	list[0] = 0x21;
	disk_invalid_parameter(overwrite_len(0, list, 8), 0, 6); /* TEST */
	list[0] = 1;
	list[3] = 0;
	disk_invalid_parameter(overwrite_len(0, list, 8), 2, -1);
	list[3] = 5;
	disk_invalid_parameter(overwrite_len(0, list, 8), 2, -1);
	list[3] = 4;
	fixture_sense(DISK_OUT(f, a, list, 7, 0x48, OVERWRITE, 0, 0, 0, 0, 0, 0, 8, 0), 0x5, 0x1a,
		      0x00);
	ck_assert(disk_is(f, 0, BLOCKS, 'k'));
}
END_TEST

START_TEST(the_others_want_no_parameters)
{
	const uint8_t list[8] = {0};

	for (unsigned i = 0; i < 3; i++) {
		const uint8_t actions[] = {ERASE, CRYPTO, EXIT};
		disk_invalid_cdb(DISK_OUT(f, a, list, 8, 0x48, actions[i], 0, 0, 0, 0, 0, 0, 8, 0),
				 7, -1);
	}
	disk_invalid_cdb(sanitize(0x40 | ERASE), 1, 6);
	disk_invalid_cdb(sanitize(0x04), 1, 4);
	ck_assert(disk_is(f, 0, BLOCKS, 'k'));
}
END_TEST

START_TEST(format_unit_takes_no_options)
{
	static const uint8_t lists[][8] = {
		{1},		       /* protection */
		{0, 0x40},	       /* an option without FOV */
		{0, 0x88},	       /* a pattern */
		{0, 0, 0, 1},	       /* defects */
		{0, 0, 0, 0, 0, 0, 0}, /* nothing: this one is good */
	};

	for (size_t i = 0; i < 4; i++)
		fixture_sense(DISK_OUT(f, a, lists[i], 4, 0x04, 0x10, 0, 0, 0, 0), 0x5, 0x26, 0);
	fixture_good(DISK_OUT(f, a, lists[4], 4, 0x04, 0x10, 0, 0, 0, 0));
	fixture_good(DISK_OUT(f, a, lists[4], 8, 0x04, 0x30, 0, 0, 0, 0));
	fixture_sense(DISK_OUT(f, a, lists[4], 4, 0x04, 0x30, 0, 0, 0, 0), 0x5, 0x1a, 0x00);
	disk_invalid_cdb(FIXTURE_CDB(f, a, 0, 0x04, 0x80, 0, 0, 0, 0), 1, 7);
}
END_TEST

START_TEST(a_write_protected_lun_is_not_erased)
{
	fixture_lun(f)->mode.software_write_protect = true;
	fixture_sense(sanitize(ERASE), 0x7, 0x27, 0x00);
	fixture_sense(overwrite(0, 1, "x"), 0x7, 0x27, 0x00);
	fixture_sense(format_unit(), 0x7, 0x27, 0x00);
	ck_assert(disk_is(f, 0, BLOCKS, 'k'));
}
END_TEST

/* ---- meanwhile ---- */

START_TEST(others_are_told_that_it_is_in_progress_and_how_far)
{
	begin(IMMED | ERASE);
	/* One of eight parts, then two of them, rounded down. */
	ck_assert_uint_eq(f->disks[0].bytes[PART - 1], 0);
	fixture_field(MEANWHILE(b, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b, 0x80, 0x1f, 0x81);
	while (f->disks[0].bytes[2 * PART - 1] != 0)
		ck_assert(scsi_executor_reap(f->executor));
	fixture_field(MEANWHILE(b, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b, 0x80, 0x3f, 0x03);
	fixture_sense(MEANWHILE(b, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0x2, 0x04, 0x1b);
	fixture_sense(MEANWHILE(a, 0, 0x1b, 0, 0, 0, 1, 0), 0x2, 0x04, 0x1b);
	fixture_sense(MEANWHILE(a, 0, 0x48, ERASE, 0, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b);
	fixture_sense(MEANWHILE(a, 0, 0x48, EXIT, 0, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b);
	fixture_sense(MEANWHILE(a, 0, 0x04, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b);
	fixture_settle(f);
	fixture_good(fixture_test_unit_ready(f, b));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

START_TEST(request_sense_tells_it_and_inquiry_goes_on)
{
	begin(IMMED | ERASE);
	const struct fixture_result *result = MEANWHILE(b, 18, 0x03, 0, 0, 0, 18, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->data[2], 0x2);
	ck_assert_uint_eq(result->data[12], 0x04);
	ck_assert_uint_eq(result->data[13], 0x1b);
	ck_assert_uint_eq(result->data[15], 0x80);
	result = MEANWHILE(b, 32, 0x03, 1, 0, 0, 32, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->data[0], 0x72);
	ck_assert_uint_eq(result->data[8], 0x02); /* sense-key specific */
	fixture_good(MEANWHILE(b, 36, 0x12, 0, 0, 0, 36, 0));
	fixture_good(MEANWHILE(b, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0));
}
END_TEST

START_TEST(a_format_has_a_sense_of_its_own)
{
	static const uint8_t cdb[] = {0x04, 0x10, 0, 0, 0, 0};
	static const uint8_t list[4] = {0, 0x02};

	fixture_lun(f)->config.erase_rate = PART;
	fixture_start(
		f, a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 6, .out = list, .out_len = 4});
	fixture_sense(MEANWHILE(b, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x04);
}
END_TEST

START_TEST(it_begins_when_earlier_writes_have_ended)
{
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, b, 5, 'w', false);
	const uint8_t cdb[] = {0x48, ERASE, 0, 0, 0, 0, 0, 0, 0, 0};
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	fixture_settle(f);
	ck_assert_uint_eq(f->disks[0].held_count, 1);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(write));
	fixture_good(fixture_result(task));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

START_TEST(a_write_whose_data_come_too_late_is_refused)
{
	struct fixture_task *write = fixture_start_write(f, b, 5, 'w', true);

	begin(IMMED | ERASE);
	fixture_deliver(write);
	fixture_sense(fixture_result(write), 0x2, 0x04, 0x1b);
	fixture_settle(f);
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

static void on_managed(struct scsi_tmf *tmf)
{
	*(bool *)tmf->owner = true;
}

START_TEST(no_reset_stops_it)
{
	static const enum scsi_tmf_function functions[] = {
		SCSI_TMF_ABORT_TASK_SET, SCSI_TMF_LOGICAL_UNIT_RESET, SCSI_TMF_TARGET_WARM_RESET,
		SCSI_TMF_TARGET_COLD_RESET};
	const uint8_t cdb[] = {0x48, ERASE, 0, 0, 0, 0, 0, 0, 0, 0};

	fixture_lun(f)->config.erase_rate = PART;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		bool managed = false;
		struct scsi_tmf tmf = {.nexus = a,
				       .function = functions[i],
				       .owner = &managed,
				       .complete = on_managed};
		target_manage(&tmf);
		ck_assert(managed); /* it waits for nothing */
	}
	ck_assert(fixture_result(task)->aborted);
	fixture_drop(a, NULL);
	ck_assert(scsi_lun_erase_is_running(fixture_lun(f)));
	fixture_settle(f);
	ck_assert(disk_is(f, 0, BLOCKS, 0));
	fixture_drain_unit_attentions(f, b);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

/* ---- failure ---- */

/* A request after the beginning fails. */
static void fail_midway(uint8_t byte_1)
{
	begin(IMMED | byte_1);
	f->disks[0].next_error = -EIO;
	fixture_settle(f);
}

START_TEST(a_failure_is_told_to_who_waits_and_to_everybody_after)
{
	const uint8_t cdb[] = {0x48, ERASE, 0, 0, 0, 0, 0, 0, 0, 0};

	f->disks[0].next_error = -EIO;
	struct fixture_task *task =
		fixture_start(f, a, &(struct fixture_command){.cdb = cdb, .cdb_len = 10});
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0x3, 0x31, 0x03);
	fixture_sense(fixture_test_unit_ready(f, b), 0x3, 0x31, 0x03);
	fixture_sense(fixture_read(f, b, 0, 1), 0x3, 0x31, 0x03);
	fixture_sense(format_unit(), 0x3, 0x31, 0x03);
	const struct fixture_result *result = FIXTURE_CDB(f, b, 18, 0x03, 0, 0, 0, 18, 0);
	ck_assert_uint_eq(result->data[2], 0x3);
	ck_assert_uint_eq(result->data[12], 0x31);
}
END_TEST

START_TEST(a_restricted_failure_is_mended_by_another_restricted_sanitize_alone)
{
	fail_midway(ERASE);
	disk_invalid_cdb(sanitize(EXIT), 1, 4);
	disk_invalid_cdb(sanitize(AUSE | ERASE), 1, 5);
	fixture_good(sanitize(ERASE));
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(an_unrestricted_failure_can_be_left)
{
	fail_midway(AUSE | ERASE);
	fixture_sense(fixture_test_unit_ready(f, b), 0x3, 0x31, 0x03);
	fixture_good(sanitize(EXIT));
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_good(sanitize(EXIT)); /* nothing to leave */
	ck_assert_int_eq(fixture_restart(f), 0);
	log_in();
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_begun)
{
	f->media[0].error = -EIO;
	fixture_sense(sanitize(ERASE), 0x4, 0x44, 0x00);
	ck_assert(disk_is(f, 0, BLOCKS, 'k'));
	fixture_good(fixture_test_unit_ready(f, a));
	f->media[0].error = 0;
	fail_midway(AUSE | ERASE);
	f->media[0].error = -EIO;
	fixture_sense(sanitize(ERASE), 0x4, 0x44, 0x00);
	fixture_sense(sanitize(EXIT), 0x3, 0x0c, 0x00);
	fixture_sense(fixture_test_unit_ready(f, a), 0x3, 0x31, 0x03);
	f->media[0].error = 0;
	fixture_good(sanitize(EXIT));
}
END_TEST

/* ---- over a restart ---- */

START_TEST(a_restart_takes_it_up_again)
{
	begin(IMMED | ERASE);
	scsi_lun_erase_stop(fixture_lun(f));
	fixture_settle(f);
	ck_assert(!disk_is(f, 0, BLOCKS, 0));
	f->disks[0].hold = true;
	ck_assert_int_eq(fixture_restart(f), 0);
	log_in();
	fixture_sense(MEANWHILE(b, 0, 0, 0, 0, 0, 0, 0), 0x2, 0x04, 0x1b);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_test_unit_ready(f, b));
	ck_assert(disk_is(f, 0, BLOCKS, 0));
}
END_TEST

static void note_removed(void *context)
{
	*(bool *)context = true;
}

START_TEST(a_lun_that_is_removed_leaves_it_off)
{
	bool removed = false;

	fixture_free(&f);
	f = fixture_create(&(struct fixture_config){.blocks = BLOCKS, .luns = 2});
	log_in();
	f->lun = 1;
	memset(f->disks[1].bytes, 'k', (size_t)BLOCKS * FIXTURE_BLOCK);
	begin(IMMED | ERASE);
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 1, note_removed, &removed), 0);
	ck_assert(!removed);
	fixture_settle(f);
	ck_assert(removed);
	ck_assert_uint_eq(f->disks[1].bytes[BLOCKS * FIXTURE_BLOCK - 1], 'k');
	f->lun = 0;
}
END_TEST

START_TEST(a_failure_outlives_a_restart)
{
	fail_midway(ERASE);
	ck_assert_int_eq(fixture_restart(f), 0);
	log_in();
	fixture_sense(fixture_test_unit_ready(f, b), 0x3, 0x31, 0x03);
	disk_invalid_cdb(sanitize(EXIT), 1, 4);
	fixture_good(sanitize(ERASE));
	ck_assert_int_eq(fixture_restart(f), 0);
	log_in();
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(another_disk_in_its_place_is_not_erased)
{
	begin(IMMED | ERASE);
	scsi_lun_erase_stop(fixture_lun(f));
	fixture_settle(f);
	disk_fill(f, 0, BLOCKS, 'o');
	f->disks[0].backing.identity = 4711;
	ck_assert_int_eq(fixture_restart(f), -EMEDIUMTYPE);
	ck_assert(disk_is(f, 0, BLOCKS, 'o'));
}
END_TEST

START_TEST(a_record_that_makes_no_sense_keeps_the_lun_away)
{
	fixture_good(sanitize(ERASE));
	f->media[0].bytes[20] ^= 1;
	ck_assert_int_eq(fixture_restart(f), -EILSEQ);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, overwrite_repeats_the_pattern_from_the_start_of_each_block);
	tcase_add_test(tcase, invert_turns_every_other_pass_over);
	tcase_add_test(tcase, both_erasures_leave_zeros);
	tcase_add_test(tcase, what_is_mapped_is_written_over_before_it_is_unmapped);
	tcase_add_test(tcase, format_unit_leaves_zeros);
	tcase_add_test(tcase, overwrite_wants_a_pattern_of_one_block_at_most);
	tcase_add_test(tcase, the_overwrite_list_is_checked);
	tcase_add_test(tcase, the_others_want_no_parameters);
	tcase_add_test(tcase, format_unit_takes_no_options);
	tcase_add_test(tcase, a_write_protected_lun_is_not_erased);
	tcase_add_test(tcase, others_are_told_that_it_is_in_progress_and_how_far);
	tcase_add_test(tcase, request_sense_tells_it_and_inquiry_goes_on);
	tcase_add_test(tcase, a_format_has_a_sense_of_its_own);
	tcase_add_test(tcase, it_begins_when_earlier_writes_have_ended);
	tcase_add_test(tcase, a_write_whose_data_come_too_late_is_refused);
	tcase_add_test(tcase, no_reset_stops_it);
	tcase_add_test(tcase, a_failure_is_told_to_who_waits_and_to_everybody_after);
	tcase_add_test(tcase, a_restricted_failure_is_mended_by_another_restricted_sanitize_alone);
	tcase_add_test(tcase, an_unrestricted_failure_can_be_left);
	tcase_add_test(tcase, what_cannot_be_remembered_is_not_begun);
	tcase_add_test(tcase, a_restart_takes_it_up_again);
	tcase_add_test(tcase, a_lun_that_is_removed_leaves_it_off);
	tcase_add_test(tcase, a_failure_outlives_a_restart);
	tcase_add_test(tcase, another_disk_in_its_place_is_not_erased);
	tcase_add_test(tcase, a_record_that_makes_no_sense_keeps_the_lun_away);
}

int main(void)
{
	return suite_run("target/sbc_sanitize, target/sbc_erase", fill);
}
