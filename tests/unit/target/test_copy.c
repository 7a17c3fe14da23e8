/* EXTENDED COPY (LID1) and RECEIVE COPY RESULTS. */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/copy.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define HOLD	0
#define DISCARD 2
#define NO_ID	3

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(
		&(struct fixture_config){.profile = &pr_profile_spc4, .luns = 2, .blocks = 8192});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

/* ---- parameter lists ---- */

struct list {
	uint8_t bytes[COPY_HEADER_LEN + COPY_DESCRIPTORS_MAX + 256];
	size_t len;
};

static void list_begin(struct list *list, uint8_t id, uint8_t usage)
{
	*list = (struct list){.bytes = {id, (uint8_t)(usage << 3)}, .len = COPY_HEADER_LEN};
}

/* All CSCDs come before the first segment. */
static uint8_t *list_cscd(struct list *list, uint16_t lun)
{
	uint8_t *descriptor = list->bytes + list->len;

	descriptor[0] = 0xe4;
	descriptor[4] = 0x01;
	descriptor[5] = 0x03;
	descriptor[7] = 8;
	if (scsi_target_lun(f->target, lun))
		memcpy(descriptor + 8, scsi_target_lun(f->target, lun)->naa, 8);
	put_be24(descriptor + 29, FIXTURE_BLOCK);
	list->len += COPY_CSCD_LEN;
	put_be16(list->bytes + 2, (uint16_t)(get_be16(list->bytes + 2) + COPY_CSCD_LEN));
	return descriptor;
}

static uint8_t *list_segment(struct list *list, uint16_t source, uint64_t source_lba,
			     uint16_t destination, uint64_t destination_lba, uint16_t blocks)
{
	uint8_t *descriptor = list->bytes + list->len;

	descriptor[0] = 0x02;
	put_be16(descriptor + 2, 24);
	put_be16(descriptor + 4, source);
	put_be16(descriptor + 6, destination);
	put_be16(descriptor + 10, blocks);
	put_be64(descriptor + 12, source_lba);
	put_be64(descriptor + 20, destination_lba);
	list->len += COPY_SEGMENT_LEN;
	put_be32(list->bytes + 8, get_be32(list->bytes + 8) + COPY_SEGMENT_LEN);
	return descriptor;
}

static struct fixture_task *start(struct scsi_nexus *nexus, const struct list *list)
{
	uint8_t cdb[16] = {0x83};
	struct fixture_command command = {
		.cdb = cdb, .cdb_len = 16, .out = list->bytes, .out_len = (uint32_t)list->len};

	put_be32(cdb + 10, (uint32_t)list->len);
	return fixture_start(f, nexus, &command);
}

static const struct fixture_result *copy(struct scsi_nexus *nexus, const struct list *list)
{
	struct fixture_task *task = start(nexus, list);

	fixture_settle(f);
	return fixture_result(task);
}

/* From LUN 0 to LUN 1 and one segment. */
static void list_simple(struct list *list, uint8_t id, uint8_t usage, uint16_t blocks)
{
	list_begin(list, id, usage);
	list_cscd(list, 0);
	list_cscd(list, 1);
	list_segment(list, 0, 10, 1, 20, blocks);
}

static const struct fixture_result *results(struct scsi_nexus *nexus, uint8_t action, uint8_t id)
{
	return FIXTURE_CDB(f, nexus, 255, 0x84, action, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0,
			   0);
}

static void fill_lun(unsigned lun, uint32_t lba, uint32_t blocks, uint8_t fill)
{
	memset(f->disks[lun].bytes + (size_t)lba * FIXTURE_BLOCK, fill,
	       (size_t)blocks * FIXTURE_BLOCK);
}

static bool lun_is(unsigned lun, uint32_t lba, uint32_t blocks, uint8_t fill)
{
	const uint8_t *bytes = f->disks[lun].bytes + (size_t)lba * FIXTURE_BLOCK;

	for (size_t i = 0; i < (size_t)blocks * FIXTURE_BLOCK; i++)
		if (bytes[i] != fill)
			return false;
	return true;
}

/* ---- what it does ---- */

START_TEST(blocks_go_from_one_lun_to_the_other)
{
	struct list list;

	fill_lun(0, 10, 5, 'x');
	list_simple(&list, 1, HOLD, 5);
	fixture_good(copy(a, &list));
	ck_assert(lun_is(1, 20, 5, 'x'));
	ck_assert(lun_is(1, 19, 1, 0));
	ck_assert(lun_is(1, 25, 1, 0));
}
END_TEST

START_TEST(more_than_a_piece_and_several_segments_arrive_whole)
{
	struct list list;

	for (uint32_t lba = 0; lba < 5000; lba++)
		fill_lun(0, lba, 1, (uint8_t)(lba * 7));
	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0);
	list_cscd(&list, 1);
	list_segment(&list, 0, 0, 1, 0, 4999);
	list_segment(&list, 0, 4999, 1, 4999, 1);
	list_segment(&list, 1, 0, 0, 8000, 0); /* nothing */
	list_segment(&list, 1, 3, 0, 6000, 2); /* back */
	fixture_good(copy(a, &list));
	ck_assert_mem_eq(f->disks[1].bytes, f->disks[0].bytes, 5000 * FIXTURE_BLOCK);
	ck_assert(lun_is(0, 6000, 1, 21));
	const struct fixture_result *result = results(a, COPY_STATUS, 1);
	ck_assert_uint_eq(result->data[4], 0x01);
	ck_assert_uint_eq(get_be16(result->data + 5), 4);
	ck_assert_uint_eq(get_be32(result->data + 8), 5002 * FIXTURE_BLOCK);
}
END_TEST

START_TEST(a_lun_is_copied_to_itself)
{
	struct list list;

	fill_lun(0, 0, 2048, 'y');
	list_begin(&list, 0, NO_ID);
	list_cscd(&list, 0);
	list_segment(&list, 0, 0, 0, 8192 - 2048, 2048);
	fixture_good(copy(a, &list));
	ck_assert(lun_is(0, 8192 - 2048, 2048, 'y'));
}
END_TEST

START_TEST(an_ordered_copy_does_not_wait_for_itself)
{
	static const enum scsi_task_attribute attributes[] = {SCSI_ATTRIBUTE_ORDERED,
							      SCSI_ATTRIBUTE_HEAD_OF_QUEUE};

	for (size_t i = 0; i < 2; i++) {
		uint8_t cdb[16] = {0x83};
		struct list list;

		list_begin(&list, 0, NO_ID);
		list_cscd(&list, 0);
		list_segment(&list, 0, 0, 0, 4096, 4096);
		put_be32(cdb + 10, (uint32_t)list.len);
		fixture_good(fixture_do(f, a,
					&(struct fixture_command){.cdb = cdb,
								  .cdb_len = 16,
								  .out = list.bytes,
								  .out_len = (uint32_t)list.len,
								  .attribute = attributes[i]}));
	}
}
END_TEST

START_TEST(an_empty_list_copies_nothing)
{
	struct list list;

	fixture_good(DISK_OUT(f, a, NULL, 0, 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	list_begin(&list, 0, NO_ID);
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(the_loop_breathes_between_pieces)
{
	struct list list;

	list_simple(&list, 1, HOLD, 4096);
	struct fixture_task *task = start(a, &list);

	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	ck_assert_uint_eq(f->disks[0].requests, 1);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	ck_assert_uint_eq(f->disks[0].requests, 2);
}
END_TEST

START_TEST(unit_attentions_are_left_for_the_nexus_to_see)
{
	struct list list;

	scsi_lun_raise(scsi_target_lun(f->target, 1), SCSI_UA_CAPACITY_CHANGED, NULL);
	list_simple(&list, 1, HOLD, 1);
	fixture_good(copy(a, &list));
	f->lun = 1;
	fixture_sense(fixture_test_unit_ready(f, a), 0x6, 0x2a, 0x09);
}
END_TEST

/* ---- reservations ---- */

START_TEST(deferred_errors_are_left_for_the_nexus_to_see)
{
	struct list list;

	f->disks[1].next_error = -EIO;
	f->lun = 1;
	fixture_good(FIXTURE_CDB(f, a, 0, 0x35, 0x02, 0, 0, 0, 0, 0, 0, 0, 0));
	f->lun = 0;
	list_simple(&list, 9, HOLD, 4);
	fixture_good(copy(a, &list));
	f->lun = 1;
	fixture_sense(fixture_test_unit_ready(f, a), 0x3, 0x0c, 0x00);
	fixture_good(fixture_test_unit_ready(f, a));
	f->lun = 0;
}
END_TEST

START_TEST(the_destinations_reservation_stops_it)
{
	struct list list;

	f->lun = 1;
	fixture_hold(f, b, 0xb, 1);
	f->lun = 0;
	fill_lun(0, 10, 5, 'x');
	list_simple(&list, 7, HOLD, 5);
	fixture_sense(copy(a, &list), 0xa, 0x0d, 0x01);
	ck_assert(lun_is(1, 20, 5, 0));
	/* Write Exclusive: reading from there is allowed. */
	list_begin(&list, 7, HOLD);
	list_cscd(&list, 0);
	list_cscd(&list, 1);
	list_segment(&list, 1, 0, 0, 0, 1);
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(the_sources_reservation_stops_it)
{
	struct list list;

	f->lun = 1;
	fixture_hold(f, b, 0xb, 3);
	f->lun = 0;
	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0);
	list_cscd(&list, 1);
	list_segment(&list, 1, 0, 0, 0, 1);
	fixture_sense(copy(a, &list), 0xa, 0x0d, 0x01);
	fixture_good(copy(b, &list));
}
END_TEST

START_TEST(the_copy_managers_own_reservation_stops_it)
{
	struct list list;

	fixture_hold(f, b, 0xb, 1);
	list_simple(&list, 1, HOLD, 1);
	fixture_conflict(copy(a, &list));
}
END_TEST

START_TEST(after_preempt_and_abort_on_the_destination_no_piece_lands_there)
{
	struct list list;

	f->lun = 1;
	fixture_hold(f, a, 0xa, 5);
	fixture_good(fixture_register(f, b, 0, 0xb));
	f->lun = 0;
	fill_lun(0, 10, 4096, 'x');
	list_simple(&list, 9, HOLD, 4096);
	f->disks[1].hold = true;
	struct fixture_task *task = start(a, &list);
	ck_assert_uint_eq(f->disks[1].held_count, 1);
	f->lun = 1;
	struct fixture_task *preempt =
		fixture_start_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xa, 0, false);
	f->lun = 0;
	while (scsi_executor_reap(f->executor))
		;
	ck_assert_int_eq(preempt->state, FIXTURE_RUNNING); /* waits for the piece */
	test_disk_release(&f->disks[1]);
	f->disks[1].hold = false;
	fixture_settle(f);
	fixture_good(fixture_result(preempt));
	fixture_sense(fixture_result(task), 0xa, 0x0d, 0x01);
	ck_assert_uint_lt(f->disks[1].requests, 2);
	ck_assert(lun_is(1, 20 + 2048, 2048, 0));
}
END_TEST

START_TEST(a_preempt_between_two_pieces_stops_the_next)
{
	struct list list;

	f->lun = 1;
	fixture_hold(f, a, 0xa, 5);
	fixture_good(fixture_register(f, b, 0, 0xb));
	f->lun = 0;
	list_simple(&list, 9, HOLD, 4096);
	f->disks[0].hold = true; /* it waits for a read */
	struct fixture_task *task = start(a, &list);
	f->lun = 1;
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT, 5, 0xb, 0xa, 0));
	f->lun = 0;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0xa, 0x0d, 0x01);
	ck_assert_uint_eq(f->disks[1].requests, 0);
}
END_TEST

/* It waits for its source, so the destination has no command of it to be aborted. What was sent
 * before the fence must not land behind it, whatever its nexus is by then. */
START_TEST(who_comes_back_after_preempt_and_abort_does_not_revive_its_copy)
{
	struct list list;

	f->lun = 1;
	fixture_hold(f, a, 0xa, 5);
	fixture_good(fixture_register(f, b, 0, 0xb));
	f->lun = 0;
	list_simple(&list, 9, HOLD, 4);
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, &list);
	f->lun = 1;
	fixture_good(fixture_pr_out(f, b, PR_OUT_PREEMPT_AND_ABORT, 5, 0xb, 0xa, 0));
	fixture_drain_unit_attentions(f, a);
	fixture_good(fixture_register(f, a, 0, 0xa));
	f->lun = 0;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0xa, 0x0d, 0x01);
	ck_assert_uint_eq(f->disks[1].requests, 0);
}
END_TEST

static void note_managed(struct scsi_tmf *tmf)
{
	*(bool *)tmf->owner = true;
}

START_TEST(a_reset_of_the_destination_ends_a_copy_between_two_pieces)
{
	struct list list;
	bool managed = false;
	struct scsi_tmf tmf = {.nexus = b,
			       .function = SCSI_TMF_LOGICAL_UNIT_RESET,
			       .lun_bytes = {0, 1},
			       .owner = &managed,
			       .complete = note_managed};

	list_simple(&list, 9, HOLD, 4);
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, &list);
	target_manage(&tmf);
	ck_assert(managed);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0xa, 0x0d, 0x01);
	ck_assert_uint_eq(f->disks[1].requests, 0);
}
END_TEST

/* The number is the same, and so is the designator; the disk need not be. */
START_TEST(a_lun_that_was_exchanged_meanwhile_is_not_written)
{
	struct list list;
	struct scsi_lun_config config;

	list_simple(&list, 9, HOLD, 4);
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, &list);
	ck_assert_int_eq(scsi_target_remove_lun(f->target, 1, NULL, NULL), 0);
	fixture_settle(f);
	scsi_lun_config_init(&config);
	config.number = 1;
	config.backing = &f->disks[1].backing;
	config.profile = &pr_profile_spc4;
	ck_assert_int_eq(scsi_target_add_lun(f->target, &config, NULL), 0);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0xa, 0x0d, 0x01);
	ck_assert_uint_eq(f->disks[1].requests, 0);
}
END_TEST

/* ---- other obstacles ---- */

/* A piece is whole blocks of either size; without room for one a copy would never end. */
START_TEST(a_lun_that_cannot_move_a_piece_does_not_come)
{
	struct scsi_lun_config config;

	scsi_lun_config_init(&config);
	config.number = 7;
	config.backing = &f->disks[1].backing;
	config.transfer_max = SCSI_TRANSFER_MAX_MIN - 1;
	ck_assert_int_eq(scsi_target_add_lun(f->target, &config, NULL), -EINVAL);
}
END_TEST

START_TEST(what_a_segment_cannot_reach_aborts_the_copy_there)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	list_segment(&list, 0, 0, 2, 0, 1); /* there is no third CSCD */
	fixture_sense(copy(a, &list), 0xa, 0x08, 0x04);
	const struct fixture_result *result = results(a, COPY_STATUS, 1);
	ck_assert_uint_eq(result->data[4], 0x02);
	ck_assert_uint_eq(get_be16(result->data + 5), 1);

	list_begin(&list, 1, HOLD);
	list_cscd(&list, 99);
	list_segment(&list, 0, 0, 0, 8, 1);
	fixture_sense(copy(a, &list), 0xa, 0x08, 0x04);
	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0)[1] = 0x01; /* a tape */
	list_segment(&list, 0, 0, 0, 8, 1);
	fixture_sense(copy(a, &list), 0xa, 0x0d, 0x03);
}
END_TEST

START_TEST(the_sense_data_name_the_segment)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	list_segment(&list, 0, 0, 2, 0, 1);
	struct fixture_task *task = start(a, &list);
	fixture_settle(f);
	fixture_sense(fixture_result(task), 0xa, 0x08, 0x04);
	ck_assert_uint_eq(get_be32(task->task.sense + 8), 1);
}
END_TEST

START_TEST(blocks_that_are_not_there_abort_the_copy)
{
	struct list list;

	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0);
	list_segment(&list, 0, 0, 0, 8192 - 1, 2);
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0);
	list_segment(&list, 0, UINT64_MAX, 0, 0, 2);
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
}
END_TEST

START_TEST(a_disk_error_and_write_protection_abort_the_copy)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	f->disks[0].next_error = -EIO;
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
	f->disks[1].next_error = -EIO;
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
	scsi_target_lun(f->target, 1)->mode.software_write_protect = true;
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
}
END_TEST

START_TEST(blocks_of_other_sizes_must_fit)
{
	struct list list;

	/* LUN 1 is made to have blocks of 4096 bytes. */
	struct scsi_lun *lun = scsi_target_lun(f->target, 1);
	lun->block_size = 4096;
	lun->block_shift = 12;
	lun->blocks /= 8;
	fill_lun(0, 0, 16, 'z');
	list_begin(&list, 0, NO_ID);
	list_cscd(&list, 0);
	put_be24(list_cscd(&list, 1) + 29, 4096);
	list_segment(&list, 0, 0, 1, 1, 16);
	fixture_good(copy(a, &list));
	ck_assert(lun_is(1, 8, 16, 'z'));
	list.bytes[COPY_HEADER_LEN + 2 * COPY_CSCD_LEN + 11] = 15;
	fixture_sense(copy(a, &list), 0xa, 0x26, 0x0a);
	/* DC: counted in blocks of the destination. */
	list.bytes[COPY_HEADER_LEN + 2 * COPY_CSCD_LEN + 1] = 0x02;
	list.bytes[COPY_HEADER_LEN + 2 * COPY_CSCD_LEN + 11] = 2;
	list.bytes[COPY_HEADER_LEN + 2 * COPY_CSCD_LEN + 27] = 4;
	fixture_good(copy(a, &list));
	ck_assert(lun_is(1, 32, 16, 'z'));
}
END_TEST

/* ---- aborts ---- */

START_TEST(an_aborted_copy_stops_after_its_piece)
{
	struct list list;
	struct scsi_drain drain;

	list_simple(&list, 1, HOLD, 4096);
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, &list);
	scsi_drain_begin(&drain, fixture_lun(f), NULL, NULL);
	ck_assert_uint_eq(scsi_task_abort(&task->task, false, &drain), 1);
	scsi_drain_seal(&drain);
	ck_assert_int_eq(task->state, FIXTURE_RUNNING);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert_int_eq(task->state, FIXTURE_ABORTED);
	ck_assert_uint_eq(f->disks[1].requests, 0);
	ck_assert_uint_eq(results(a, COPY_STATUS, 1)->data[4], 0x02);
}
END_TEST

/* Whichever LUN has the copy manager and whichever the piece, and whatever is under way. */
START_TEST(a_nexus_may_go_while_it_copies)
{
	for (unsigned manager = 0; manager < 2; manager++) {
		for (unsigned held = 0; held < 2; held++) {
			struct scsi_nexus *c = fixture_login(f, 'c');
			struct list list;
			bool closed = false;

			list_simple(&list, 1, HOLD, 4096);
			f->lun = (uint16_t)manager;
			f->disks[held].hold = true;
			struct fixture_task *task = start(c, &list);
			fixture_drop(c, &closed);
			ck_assert(!closed);
			f->disks[held].hold = false;
			test_disk_release(&f->disks[held]);
			fixture_settle(f);
			ck_assert_int_eq(task->state, FIXTURE_ABORTED);
			ck_assert(closed);
		}
	}
}
END_TEST

START_TEST(a_nexus_may_go_while_its_copy_waits_for_blocks)
{
	struct scsi_nexus *c = fixture_login(f, 'c');
	uint8_t compare[2 * FIXTURE_BLOCK] = {0};
	struct list list;
	bool closed = false;

	/* COMPARE AND WRITE on LUN 0 holds the range; the copy manager is LUN 1. */
	f->disks[0].hold = true;
	const uint8_t cdb[16] = {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0};
	struct fixture_task *other = fixture_start(
		f, b,
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = 16, .out = compare, .out_len = sizeof(compare)});
	list_simple(&list, 1, HOLD, 1);
	f->lun = 1;
	struct fixture_task *task = start(c, &list);
	fixture_drop(c, &closed);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(other));
	ck_assert_int_eq(task->state, FIXTURE_ABORTED);
	ck_assert(closed);
}
END_TEST

/* ---- parameter lists that are refused ---- */

START_TEST(lengths_that_do_not_fit_are_refused)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	size_t whole = list.len;
	for (list.len = 1; list.len < whole; list.len++)
		fixture_sense(copy(a, &list), 0x5, 0x1a, 0x00);
	list.len = COPY_HEADER_LEN + COPY_DESCRIPTORS_MAX + 1;
	fixture_sense(copy(a, &list), 0x5, 0x1a, 0x00);
	list.len = whole;
	put_be32(list.bytes + 8, UINT32_MAX);
	fixture_sense(copy(a, &list), 0x5, 0x1a, 0x00);
	put_be32(list.bytes + 8, COPY_SEGMENT_LEN - 1);
	disk_invalid_parameter(copy(a, &list), 8, -1);
	put_be32(list.bytes + 8, 3);
	disk_invalid_parameter(copy(a, &list), 8, -1);
	put_be32(list.bytes + 8, COPY_SEGMENT_LEN);
	put_be16(list.bytes + 2, COPY_CSCD_LEN + 1);
	disk_invalid_parameter(copy(a, &list), 2, -1);
	put_be16(list.bytes + 2, UINT16_MAX);
	fixture_sense(copy(a, &list), 0x5, 0x1a, 0x00);
}
END_TEST

START_TEST(too_many_descriptors_are_refused)
{
	struct list list;

	list_begin(&list, 1, HOLD);
	for (unsigned i = 0; i <= COPY_CSCD_MAX; i++)
		list_cscd(&list, 0);
	list_segment(&list, 0, 0, 0, 8, 1);
	fixture_sense(copy(a, &list), 0x5, 0x26, 0x06);
	list_begin(&list, 1, HOLD);
	list_cscd(&list, 0);
	for (unsigned i = 0; i <= COPY_SEGMENTS_MAX; i++)
		list_segment(&list, 0, 0, 0, 8, 1);
	fixture_sense(copy(a, &list), 0x5, 0x26, 0x08);
	list_begin(&list, 1, HOLD);
	for (unsigned i = 0; i < COPY_CSCD_MAX; i++)
		list_cscd(&list, 0);
	for (unsigned i = 0; i < COPY_SEGMENTS_MAX; i++)
		list_segment(&list, 15, 0, 15, 8, 1);
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(fields_that_mean_nothing_here_are_refused)
{
	struct list list;

	list_simple(&list, 1, 1, 1);
	disk_invalid_parameter(copy(a, &list), 1, 4);
	list_simple(&list, 1, NO_ID, 1);
	disk_invalid_parameter(copy(a, &list), 0, -1);
	list_simple(&list, 1, HOLD, 1);
	list.bytes[15] = 1;
	fixture_sense(copy(a, &list), 0x5, 0x26, 0x0b);
	list_simple(&list, 1, HOLD, 1);
	list.bytes[16] = 0xe0;
	fixture_sense(copy(a, &list), 0x5, 0x26, 0x07);
	list_simple(&list, 1, HOLD, 1);
	list.bytes[16 + 30] = 0x10; /* blocks of another size */
	disk_invalid_parameter(copy(a, &list), 16 + 29, -1);
	list_simple(&list, 1, HOLD, 1);
	list.bytes[16 + 64] = 0x03;
	fixture_sense(copy(a, &list), 0x5, 0x26, 0x09);
	list_simple(&list, 1, HOLD, 1);
	list.bytes[16 + 64 + 3] = 23;
	disk_invalid_parameter(copy(a, &list), 16 + 64 + 2, -1);
	ck_assert_uint_eq(f->disks[1].requests, 0);
}
END_TEST

START_TEST(fields_that_spc_4_ignores_are_ignored)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	list.bytes[16 + 1] = 0xe0; /* LU ID TYPE, NUL */
	list.bytes[1] |= 0x27;	   /* STR, PRIORITY */
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(designators_of_other_kinds_are_out_of_reach)
{
	static const struct {
		uint8_t at, value;
	} changes[] = {{4, 0x02}, {5, 0x13}, {5, 0x02}, {7, 7}, {7, 20}, {8, 0x60}};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct list list;

		list_simple(&list, 1, HOLD, 1);
		list.bytes[16 + changes[i].at] = changes[i].value;
		fixture_sense(copy(a, &list), 0xa, 0x08, 0x04);
	}
}
END_TEST

/* ---- RECEIVE COPY RESULTS ---- */

START_TEST(operating_parameters_are_the_limits)
{
	const struct fixture_result *result = results(a, COPY_OPERATING_PARAMETERS, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 46);
	ck_assert_uint_eq(get_be32(result->data), 42);
	ck_assert_uint_eq(get_be16(result->data + 8), COPY_CSCD_MAX);
	ck_assert_uint_eq(get_be16(result->data + 10), COPY_SEGMENTS_MAX);
	ck_assert_uint_eq(get_be32(result->data + 12), COPY_DESCRIPTORS_MAX);
	ck_assert_uint_eq(get_be32(result->data + 20), 0);
	ck_assert_uint_eq(get_be16(result->data + 34), COPY_RUNNING_MAX);
	ck_assert_uint_eq(result->data[36], COPY_LISTS_MAX);
	ck_assert_uint_eq(result->data[43], 2);
	ck_assert_uint_eq(result->data[44], 0x02);
	ck_assert_uint_eq(result->data[45], 0xe4);
}
END_TEST

START_TEST(a_list_id_is_its_nexus_own_and_known_only_when_held)
{
	struct list list;

	disk_invalid_cdb(results(a, COPY_STATUS, 1), 2, -1);
	list_simple(&list, 1, HOLD, 1);
	fixture_good(copy(a, &list));
	fixture_good(results(a, COPY_STATUS, 1));
	disk_invalid_cdb(results(b, COPY_STATUS, 1), 2, -1);
	disk_invalid_cdb(results(a, COPY_STATUS, 2), 2, -1);
	list_simple(&list, 2, DISCARD, 1);
	fixture_good(copy(a, &list));
	disk_invalid_cdb(results(a, COPY_STATUS, 2), 2, -1);
	list_simple(&list, 0, NO_ID, 1);
	fixture_good(copy(a, &list));
	disk_invalid_cdb(results(a, COPY_STATUS, 0), 2, -1);
}
END_TEST

START_TEST(a_list_id_in_use_is_refused_and_its_status_told)
{
	struct list list;

	list_simple(&list, 1, DISCARD, 1);
	f->disks[0].hold = true;
	struct fixture_task *task = start(a, &list);
	ck_assert_uint_eq(results(a, COPY_STATUS, 1)->data[4], 0x00);
	disk_invalid_cdb(results(a, COPY_FAILED_SEGMENT_DETAILS, 1), 2, -1);
	fixture_sense(copy(a, &list), 0x5, 0x00, 0x16);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(the_oldest_result_makes_room_and_copies_in_progress_do_not)
{
	struct list list;

	for (uint8_t id = 0; id <= COPY_LISTS_MAX; id++) {
		list_simple(&list, id, HOLD, 1);
		fixture_good(copy(a, &list));
	}
	disk_invalid_cdb(results(a, COPY_STATUS, 0), 2, -1);
	fixture_good(results(a, COPY_STATUS, 1));
	f->disks[0].hold = true;
	for (uint8_t id = 0; id < COPY_LISTS_MAX; id++) {
		list_simple(&list, id, HOLD, 1);
		start(a, &list);
	}
	list_simple(&list, 200, HOLD, 1);
	fixture_sense(copy(a, &list), 0x5, 0x55, 0x03);
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(copy(a, &list));
}
END_TEST

/* Each holds memory that no transport has counted. */
START_TEST(without_a_list_id_as_many_copies_go_on_at_a_time)
{
	struct list list;

	list_simple(&list, 0, NO_ID, 1);
	f->disks[0].hold = true;
	for (unsigned i = 0; i < COPY_RUNNING_MAX - 1; i++)
		start(a, &list);
	struct fixture_task *last = start(a, &list);
	ck_assert_int_eq(last->state, FIXTURE_RUNNING);
	fixture_sense(copy(a, &list), 0x5, 0x55, 0x03);
	fixture_good(FIXTURE_CDB(f, a, 0, 0, 0, 0, 0, 0, 0));
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(last));
	fixture_good(copy(a, &list));
}
END_TEST

START_TEST(failed_segment_details_hold_the_sense_data)
{
	struct list list;

	list_simple(&list, 1, HOLD, 1);
	fixture_good(copy(a, &list));
	const struct fixture_result *result = results(a, COPY_FAILED_SEGMENT_DETAILS, 1);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_uint_eq(get_be32(result->data), 0);
	f->disks[1].next_error = -EIO;
	fixture_sense(copy(a, &list), 0xa, 0x00, 0x00);
	result = results(a, COPY_FAILED_SEGMENT_DETAILS, 1);
	fixture_good(result);
	ck_assert_uint_eq(get_be32(result->data), result->len - 4);
	ck_assert_uint_eq(result->data[56], SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_eq(get_be16(result->data + 58), 18);
	ck_assert_uint_eq(result->data[60], 0x70);
	ck_assert_uint_eq(result->data[62], 0x0a);
}
END_TEST

START_TEST(inquiry_tells_of_the_copy_manager)
{
	ck_assert_uint_eq(FIXTURE_CDB(f, a, 96, 0x12, 0, 0, 0, 96, 0)->data[5] & 0x08, 0x08);
	const struct fixture_result *result = FIXTURE_CDB(f, a, 255, 0x12, 1, 0x8f, 0, 255, 0);
	size_t at = 4;

	fixture_good(result);
	ck_assert_uint_eq(get_be16(result->data + 2), result->len - 4);
	ck_assert_uint_eq(get_be16(result->data + 4), 0x0001);
	ck_assert_uint_eq(result->data[8], 8);
	while (at + 4 <= result->len) {
		ck_assert_uint_eq(get_be16(result->data + at + 2) % 4, 0);
		at += 4 + (size_t)get_be16(result->data + at + 2);
	}
	ck_assert_uint_eq(at, result->len);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, blocks_go_from_one_lun_to_the_other);
	tcase_add_test(tcase, more_than_a_piece_and_several_segments_arrive_whole);
	tcase_add_test(tcase, a_lun_is_copied_to_itself);
	tcase_add_test(tcase, an_ordered_copy_does_not_wait_for_itself);
	tcase_add_test(tcase, an_empty_list_copies_nothing);
	tcase_add_test(tcase, the_loop_breathes_between_pieces);
	tcase_add_test(tcase, unit_attentions_are_left_for_the_nexus_to_see);
	tcase_add_test(tcase, deferred_errors_are_left_for_the_nexus_to_see);
	tcase_add_test(tcase, the_destinations_reservation_stops_it);
	tcase_add_test(tcase, the_sources_reservation_stops_it);
	tcase_add_test(tcase, the_copy_managers_own_reservation_stops_it);
	tcase_add_test(tcase, after_preempt_and_abort_on_the_destination_no_piece_lands_there);
	tcase_add_test(tcase, a_preempt_between_two_pieces_stops_the_next);
	tcase_add_test(tcase, who_comes_back_after_preempt_and_abort_does_not_revive_its_copy);
	tcase_add_test(tcase, a_reset_of_the_destination_ends_a_copy_between_two_pieces);
	tcase_add_test(tcase, a_lun_that_was_exchanged_meanwhile_is_not_written);
	tcase_add_test(tcase, a_lun_that_cannot_move_a_piece_does_not_come);
	tcase_add_test(tcase, what_a_segment_cannot_reach_aborts_the_copy_there);
	tcase_add_test(tcase, the_sense_data_name_the_segment);
	tcase_add_test(tcase, blocks_that_are_not_there_abort_the_copy);
	tcase_add_test(tcase, a_disk_error_and_write_protection_abort_the_copy);
	tcase_add_test(tcase, blocks_of_other_sizes_must_fit);
	tcase_add_test(tcase, an_aborted_copy_stops_after_its_piece);
	tcase_add_test(tcase, a_nexus_may_go_while_it_copies);
	tcase_add_test(tcase, a_nexus_may_go_while_its_copy_waits_for_blocks);
	tcase_add_test(tcase, lengths_that_do_not_fit_are_refused);
	tcase_add_test(tcase, too_many_descriptors_are_refused);
	tcase_add_test(tcase, fields_that_mean_nothing_here_are_refused);
	tcase_add_test(tcase, fields_that_spc_4_ignores_are_ignored);
	tcase_add_test(tcase, designators_of_other_kinds_are_out_of_reach);
	tcase_add_test(tcase, operating_parameters_are_the_limits);
	tcase_add_test(tcase, a_list_id_is_its_nexus_own_and_known_only_when_held);
	tcase_add_test(tcase, a_list_id_in_use_is_refused_and_its_status_told);
	tcase_add_test(tcase, the_oldest_result_makes_room_and_copies_in_progress_do_not);
	tcase_add_test(tcase, without_a_list_id_as_many_copies_go_on_at_a_time);
	tcase_add_test(tcase, failed_segment_details_hold_the_sense_data);
	tcase_add_test(tcase, inquiry_tells_of_the_copy_manager);
}

int main(void)
{
	return suite_run("target/copy", fill);
}
