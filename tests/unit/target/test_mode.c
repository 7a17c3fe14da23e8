/* MODE SENSE and MODE SELECT (6), (10). */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define DBD   0x08
#define LLBAA 0x10
#define PF    0x10
#define SP    0x01

#define CHANGEABLE 0x40
#define DEFAULT	   0x80
#define SAVED	   0xc0

static const uint8_t caching[20] = {0x08, 0x12, 0x04};
static const uint8_t control[12] = {0x0a, 0x0a, 0x02, 0x10, 0, 0, 0, 0, 0xff, 0xff};

static struct fixture *f;
static struct scsi_nexus *a, *b;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *sense_6(uint8_t flags, uint8_t page, uint8_t subpage)
{
	return FIXTURE_CDB(f, a, 255, 0x1a, flags, page, subpage, 255, 0);
}

static const struct fixture_result *sense_10(uint8_t flags, uint8_t page, uint8_t subpage)
{
	return FIXTURE_CDB(f, a, 255, 0x5a, flags, page, subpage, 0, 0, 0, 0, 255, 0);
}

/* One page of MODE SENSE(6) without block descriptor. */
static const uint8_t *page_of(uint8_t page_control_and_code)
{
	const struct fixture_result *result = sense_6(DBD, page_control_and_code, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->data[0], result->len - 1);
	ck_assert_uint_eq(result->len, 4 + 2 + (size_t)result->data[5]);
	return result->data + 4;
}

/* ---- MODE SENSE ---- */

START_TEST(the_header_of_six_bytes_commands)
{
	static const uint8_t head[12] = {23, 0, 0x10, 8, 0, 0, 1, 0, 0, 0, 2, 0};
	const struct fixture_result *result = sense_6(0, 0x0a, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 24);
	ck_assert_mem_eq(result->data, head, 12);
	ck_assert_mem_eq(result->data + 12, control, 12);
}
END_TEST

START_TEST(the_header_of_ten_bytes_commands)
{
	static const uint8_t head[16] = {0, 26, 0, 0x10, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 2, 0};
	static const uint8_t long_head[24] = {0, 34, 0, 0x10, 1, 0, 0, 16, 0, 0, 0, 0,
					      0, 0,  1, 0,    0, 0, 0, 0,  0, 0, 2, 0};
	const struct fixture_result *result = sense_10(0, 0x0a, 0);

	fixture_good(result);
	ck_assert_mem_eq(result->data, head, 16);
	result = sense_10(LLBAA, 0x0a, 0);
	fixture_good(result);
	ck_assert_mem_eq(result->data, long_head, 24);
	result = sense_10(LLBAA | DBD, 0x0a, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->data[4], 0);
	ck_assert_mem_eq(result->data + 8, control, 12);
}
END_TEST

START_TEST(more_blocks_than_fit_are_all_ones_in_the_short_descriptor)
{
	fixture_lun(f)->blocks = UINT64_C(1) << 33;
	ck_assert_uint_eq(get_be32(sense_10(0, 0x0a, 0)->data + 8), UINT32_MAX);
	ck_assert_uint_eq(get_be64(sense_10(LLBAA, 0x0a, 0)->data + 8), UINT64_C(1) << 33);
	fixture_lun(f)->blocks = 256;
}
END_TEST

/* Codes and subpages of MODE SENSE(6)'s answer, which must be whole. */
static size_t pages_of(uint8_t code, uint8_t subpage, uint8_t ret_codes[16][2])
{
	const struct fixture_result *result = sense_6(DBD, code, subpage);
	size_t at = 4, count = 0;

	fixture_good(result);
	while (at < result->len) {
		const uint8_t *page = result->data + at;
		bool has_subpage = (page[0] & 0x40) != 0;

		ret_codes[count][0] = page[0] & 0x3f;
		ret_codes[count++][1] = has_subpage ? page[1] : 0;
		at += has_subpage ? 4 + (size_t)get_be16(page + 2) : 2 + (size_t)page[1];
	}
	ck_assert_uint_eq(at, result->len);
	return count;
}

START_TEST(all_pages_come_in_order_with_subpages_or_without)
{
	static const uint8_t pages[][2] = {{0x01, 0}, {0x07, 0}, {0x08, 0}, {0x0a, 0},
					   {0x0a, 1}, {0x1a, 0}, {0x1c, 0}};
	static const uint8_t control_pages[][2] = {{0x0a, 0}, {0x0a, 1}};
	uint8_t codes[16][2];

	ck_assert_uint_eq(pages_of(0x3f, 0xff, codes), 7);
	ck_assert_mem_eq(codes, pages, sizeof(pages));
	ck_assert_uint_eq(pages_of(0x3f, 0x00, codes), 6);
	ck_assert_mem_eq(codes[3], pages[3], 2);
	ck_assert_mem_eq(codes[4], pages[5], 2);
	ck_assert_uint_eq(pages_of(0x0a, 0xff, codes), 2);
	ck_assert_mem_eq(codes, control_pages, sizeof(control_pages));
	ck_assert_uint_eq(pages_of(0x0a, 0x01, codes), 1);
	ck_assert_mem_eq(codes, control_pages[1], 2);
	ck_assert_uint_eq(pages_of(0x08, 0xff, codes), 1);
}
END_TEST

START_TEST(the_control_extension_page_says_that_alua_may_be_implicit)
{
	const uint8_t *page = sense_6(DBD, 0x0a, 0x01)->data + 4;

	ck_assert_uint_eq(page[0], 0x4a);
	ck_assert_uint_eq(page[1], 0x01);
	ck_assert_uint_eq(get_be16(page + 2), 28);
	ck_assert_uint_eq(page[4], 0x01);
}
END_TEST

START_TEST(write_protection_shows_in_the_header)
{
	fixture_lun(f)->mode.software_write_protect = true;
	ck_assert_uint_eq(sense_6(0, 0x0a, 0)->data[2], 0x90);
	fixture_lun(f)->mode.software_write_protect = false;
	fixture_lun(f)->config.read_only = true;
	ck_assert_uint_eq(sense_10(0, 0x0a, 0)->data[3], 0x90);
}
END_TEST

START_TEST(changeable_bits_are_those_that_change_something)
{
	static const uint8_t caching_bits[20] = {0x08, 0x12, 0x05};
	static const uint8_t control_bits[12] = {0x0a, 0x0a, 0x04, 0, 0x38, 0x40};
	static const uint8_t no_bits[12] = {0x01, 0x0a};

	ck_assert_mem_eq(page_of(CHANGEABLE | 0x08), caching_bits, 20);
	ck_assert_mem_eq(page_of(CHANGEABLE | 0x0a), control_bits, 12);
	ck_assert_mem_eq(page_of(CHANGEABLE | 0x01), no_bits, 12);
	fixture_lun(f)->config.profile = &pr_profile_dlt_s4;
	ck_assert_uint_eq(page_of(CHANGEABLE | 0x0a)[5], 0x00);
}
END_TEST

START_TEST(defaults_are_those_of_the_configuration)
{
	fixture_lun(f)->mode.write_cache = false;
	fixture_lun(f)->config.tas = true;
	ck_assert_uint_eq(page_of(0x08)[2], 0x00);
	ck_assert_uint_eq(page_of(DEFAULT | 0x08)[2], 0x04);
	ck_assert_uint_eq(page_of(DEFAULT | 0x0a)[5], 0x40);
	ck_assert_uint_eq(page_of(0x0a)[5], 0x00);
	scsi_mode_reset(fixture_lun(f));
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
}
END_TEST

START_TEST(what_cannot_be_sensed_is_refused)
{
	fixture_sense(sense_6(0, SAVED | 0x08, 0), 0x5, 0x39, 0x00);
	disk_invalid_cdb(sense_6(0, 0x02, 0), 2, 5);
	disk_invalid_cdb(sense_6(0, 0x00, 0), 2, 5);
	disk_invalid_cdb(sense_6(0, 0x00, 0xff), 2, 5);
	disk_invalid_cdb(sense_10(0, 0x0a, 0x02), 3, -1);
	disk_invalid_cdb(sense_10(0, 0x08, 0x01), 3, -1);
	disk_invalid_cdb(sense_10(0, 0x3f, 0x01), 3, -1);
}
END_TEST

START_TEST(a_short_allocation_gets_the_whole_length_told)
{
	const struct fixture_result *result = FIXTURE_CDB(f, a, 255, 0x1a, 0, 0x3f, 0, 4, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_uint_eq(result->transfer_len, 4);
	ck_assert_uint_eq(result->data[0], 4 + 8 + 12 + 12 + 20 + 12 + 40 + 12 - 1);
}
END_TEST

/* ---- MODE SELECT ---- */

static const struct fixture_result *select_6(uint8_t flags, const uint8_t *list, size_t len)
{
	return DISK_OUT(f, a, list, len, 0x15, flags, 0, 0, (uint8_t)len, 0);
}

static const struct fixture_result *select_10(const uint8_t *list, size_t len)
{
	return DISK_OUT(f, a, list, len, 0x55, PF, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len,
			0);
}

/* A list with one page behind a header of four bytes, changed in one byte of the page. */
static const struct fixture_result *select_page(const uint8_t *page, size_t page_len, size_t byte,
						uint8_t value)
{
	uint8_t list[64] = {0};

	memcpy(list + 4, page, page_len);
	list[4 + byte] = value;
	return select_6(PF, list, 4 + page_len);
}

START_TEST(what_is_selected_is_sensed)
{
	fixture_good(select_page(caching, 20, 2, 0x05));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	fixture_good(select_page(control, 12, 5, 0x40));
	ck_assert_uint_eq(page_of(0x0a)[5], 0x40);
	ck_assert(fixture_lun(f)->mode.tas);
}
END_TEST

START_TEST(descriptor_sense_is_what_it_says)
{
	fixture_good(select_page(control, 12, 2, 0x06));
	disk_invalid_cdb(sense_6(0, 0x02, 0), 2, 5);
	ck_assert_uint_eq(f->last->task.sense[0], 0x72);
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x01);
	ck_assert_uint_eq(f->last->task.sense[0], 0x72);
	/* A command that the transport gives up before it got anywhere, too. */
	target_task_fail(&f->last->task, SCSI_KEY_ABORTED_COMMAND, 0x47, 0x05);
	ck_assert_uint_eq(f->last->task.sense[0], 0x72);
}
END_TEST

/* Has REQUEST SENSE this to tell? It takes what it tells. */
static void expect_sense_of(struct scsi_nexus *nexus, uint8_t key, uint8_t asc, uint8_t ascq)
{
	const struct fixture_result *result = FIXTURE_CDB(f, nexus, 18, 0x03, 0, 0, 0, 18, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->data[2] & 0xf, key);
	ck_assert_uint_eq(result->data[12], asc);
	ck_assert_uint_eq(result->data[13], ascq);
}

START_TEST(with_the_interlock_only_request_sense_takes_a_unit_attention)
{
	fixture_good(select_page(control, 12, 4, 0x20));
	ck_assert_uint_eq(page_of(0x0a)[4], 0x20);
	scsi_lun_raise(fixture_lun(f), SCSI_UA_CAPACITY_CHANGED, NULL);
	for (unsigned i = 0; i < 3; i++)
		fixture_sense(fixture_test_unit_ready(f, a), 0x6, 0x2a, 0x09);
	expect_sense_of(a, 0x6, 0x2a, 0x09);
	fixture_good(fixture_test_unit_ready(f, a));
}
END_TEST

START_TEST(the_full_interlock_tells_of_conflicts_too)
{
	fixture_good(select_page(control, 12, 4, 0x30));
	expect_sense_of(b, 0x6, 0x2a, 0x01);
	fixture_hold(f, b, 0xb, 3);
	for (unsigned i = 0; i < 2; i++) {
		fixture_conflict(fixture_write(f, a, 0, 1, 'x'));
		fixture_sense(fixture_write(f, a, 0, 1, 'x'), 0x6, 0x2c, 0x09);
		expect_sense_of(a, 0x6, 0x2c, 0x09);
		expect_sense_of(a, 0, 0, 0); /* only once */
	}
	fixture_good(fixture_test_unit_ready(f, a));
	target_task_full(&f->last->task); /* that one */
	ck_assert_uint_eq(f->last->task.status, SCSI_STATUS_TASK_SET_FULL);
	fixture_sense(fixture_write(f, a, 0, 1, 'x'), 0x6, 0x2c, 0x08);
	expect_sense_of(a, 0x6, 0x2c, 0x08);
}
END_TEST

START_TEST(without_the_interlock_a_conflict_leaves_nothing)
{
	fixture_hold(f, b, 0xb, 3);
	fixture_conflict(fixture_write(f, a, 0, 1, 'x'));
	expect_sense_of(a, 0, 0, 0);
}
END_TEST

START_TEST(the_reserved_interlock_is_refused)
{
	disk_invalid_parameter(select_page(control, 12, 4, 0x10), 4 + 4, 5);
	ck_assert_uint_eq(page_of(0x0a)[4], 0);
}
END_TEST

START_TEST(software_write_protection_can_be_set_and_cleared)
{
	fixture_good(select_page(control, 12, 4, 0x08));
	fixture_sense(fixture_write(f, a, 0, 1, 'x'), 0x7, 0x27, 0x00);
	fixture_good(select_page(control, 12, 4, 0x00));
	fixture_good(fixture_write(f, a, 0, 1, 'x'));
}
END_TEST

START_TEST(the_others_hear_of_a_change_and_only_of_a_change)
{
	fixture_good(select_page(caching, 20, 2, 0x04));
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_good(select_page(caching, 20, 2, 0x05));
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x01);
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(switching_the_write_cache_off_flushes_it)
{
	unsigned before = f->disks[0].requests;

	fixture_good(select_page(caching, 20, 2, 0x00));
	ck_assert_uint_eq(f->disks[0].requests, before + 1);
	ck_assert(!fixture_lun(f)->mode.write_cache);
	/* Off it stays off. */
	fixture_good(select_page(caching, 20, 2, 0x01));
	ck_assert_uint_eq(f->disks[0].requests, before + 1);
}
END_TEST

START_TEST(several_pages_are_taken_together_or_not_at_all)
{
	uint8_t list[4 + 20 + 12] = {0};

	memcpy(list + 4, caching, 20);
	memcpy(list + 24, control, 12);
	list[4 + 2] = 0x05;
	list[24 + 4] = 0x01; /* not changeable */
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 24 + 4, 0);
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
	list[24 + 4] = 0x08;
	fixture_good(select_6(PF, list, sizeof(list)));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	ck_assert_uint_eq(page_of(0x0a)[4], 0x08);
}
END_TEST

START_TEST(bits_that_cannot_change_are_pointed_at)
{
	disk_invalid_parameter(select_page(caching, 20, 2, 0x84), 4 + 2, 7);
	disk_invalid_parameter(select_page(caching, 20, 12, 0x20), 4 + 12, 5);
	disk_invalid_parameter(select_page(control, 12, 3, 0x00), 4 + 3, 4);
	fixture_lun(f)->config.profile = &pr_profile_dlt_s4;
	disk_invalid_parameter(select_page(control, 12, 5, 0x40), 4 + 5, 6);
}
END_TEST

START_TEST(ps_is_ignored_and_pages_must_be_whole_and_known)
{
	fixture_good(select_page(caching, 20, 0, 0x88));
	disk_invalid_parameter(select_page(caching, 20, 0, 0x48), 4, 6);
	disk_invalid_parameter(select_page(caching, 20, 0, 0x02), 4, 5);
	disk_invalid_parameter(select_page(caching, 20, 1, 0x0a), 5, -1);
	fixture_sense(select_page(caching, 19, 2, 0x05), 0x5, 0x1a, 0x00);
	fixture_sense(select_page(caching, 1, 0, 0x08), 0x5, 0x1a, 0x00);
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
}
END_TEST

START_TEST(a_page_with_a_subpage_is_taken_by_its_own_header)
{
	uint8_t list[4 + 32] = {0, 0, 0, 0, 0x4a, 0x01, 0, 28, 0x01};

	fixture_good(select_6(PF, list, sizeof(list)));
	list[8] = 0x03;
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 8, 1);
	list[8] = 0x01;
	list[7] = 27;
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 6, -1);
	list[7] = 28;
	list[5] = 0x02;
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 4, 6);
	list[5] = 0x00; /* the page_0 format has no SPF */
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 4, 6);
	list[5] = 0x01;
	for (size_t len = 5; len < sizeof(list); len++)
		fixture_sense(select_6(PF, list, len), 0x5, 0x1a, 0x00);
}
END_TEST

START_TEST(a_block_descriptor_may_say_what_is_so)
{
	uint8_t list[4 + 8] = {0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 2, 0};

	fixture_good(select_6(PF, list, sizeof(list)));
	put_be32(list + 4, 0);
	fixture_good(select_6(PF, list, sizeof(list)));
	put_be32(list + 4, UINT32_MAX);
	fixture_good(select_6(PF, list, sizeof(list)));
	list[8] = 0xff; /* reserved */
	fixture_good(select_6(PF, list, sizeof(list)));
	put_be32(list + 4, 255);
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 4, -1);
	put_be32(list + 4, 256);
	put_be32(list + 8, 4096);
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 9, -1);
	list[3] = 7;
	disk_invalid_parameter(select_6(PF, list, sizeof(list)), 3, -1);
	list[3] = 8;
	fixture_sense(select_6(PF, list, sizeof(list) - 1), 0x5, 0x1a, 0x00);
}
END_TEST

START_TEST(the_ten_bytes_command_knows_the_long_descriptor)
{
	uint8_t list[8 + 16 + 20] = {0, 0, 0, 0, 1, 0, 0, 16};

	put_be64(list + 8, 256);
	put_be32(list + 20, 512);
	memcpy(list + 24, caching, 20);
	list[24 + 2] = 0x05;
	fixture_good(select_10(list, sizeof(list)));
	ck_assert_uint_eq(page_of(0x08)[2], 0x05);
	list[7] = 8;
	disk_invalid_parameter(select_10(list, sizeof(list)), 6, -1);
	list[7] = 16;
	put_be64(list + 8, UINT32_MAX);
	disk_invalid_parameter(select_10(list, sizeof(list)), 8, -1);
	put_be64(list + 8, 256);
	put_be32(list + 20, 520);
	disk_invalid_parameter(select_10(list, sizeof(list)), 20, -1);
}
END_TEST

START_TEST(a_medium_type_is_refused)
{
	const uint8_t six[4] = {0, 1}, ten[8] = {0, 0, 1};

	disk_invalid_parameter(select_6(PF, six, 4), 1, -1);
	disk_invalid_parameter(select_10(ten, 8), 2, -1);
}
END_TEST

START_TEST(page_format_is_required_and_without_a_store_nothing_is_saved)
{
	const uint8_t list[4] = {0};

	disk_invalid_cdb(select_6(0, list, 4), 1, 4);
	disk_invalid_cdb(select_6(PF | SP, list, 4), 1, 0);
}
END_TEST

START_TEST(lists_of_no_length_and_of_a_wrong_one)
{
	const uint8_t list[8] = {0};

	fixture_good(select_6(PF, NULL, 0));
	fixture_good(select_6(PF, list, 4));
	fixture_sense(select_6(PF, list, 3), 0x5, 0x1a, 0x00);
	fixture_sense(select_10(list, 7), 0x5, 0x1a, 0x00);
}
END_TEST

START_TEST(a_list_of_which_only_a_part_arrives_changes_nothing)
{
	uint8_t list[4 + 20] = {0};

	memcpy(list + 4, caching, 20);
	list[4 + 2] = 0x05;
	fixture_sense(DISK_OUT(f, a, list, 4, 0x15, PF, 0, 0, 24, 0), 0x5, 0x1a, 0x00);
	fixture_sense(DISK_OUT(f, a, NULL, 0, 0x15, PF, 0, 0, 24, 0), 0x5, 0x1a, 0x00);
	ck_assert_uint_eq(page_of(0x08)[2], 0x04);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_header_of_six_bytes_commands);
	tcase_add_test(tcase, the_header_of_ten_bytes_commands);
	tcase_add_test(tcase, more_blocks_than_fit_are_all_ones_in_the_short_descriptor);
	tcase_add_test(tcase, all_pages_come_in_order_with_subpages_or_without);
	tcase_add_test(tcase, the_control_extension_page_says_that_alua_may_be_implicit);
	tcase_add_test(tcase, write_protection_shows_in_the_header);
	tcase_add_test(tcase, changeable_bits_are_those_that_change_something);
	tcase_add_test(tcase, defaults_are_those_of_the_configuration);
	tcase_add_test(tcase, what_cannot_be_sensed_is_refused);
	tcase_add_test(tcase, a_short_allocation_gets_the_whole_length_told);
	tcase_add_test(tcase, what_is_selected_is_sensed);
	tcase_add_test(tcase, descriptor_sense_is_what_it_says);
	tcase_add_test(tcase, with_the_interlock_only_request_sense_takes_a_unit_attention);
	tcase_add_test(tcase, the_full_interlock_tells_of_conflicts_too);
	tcase_add_test(tcase, without_the_interlock_a_conflict_leaves_nothing);
	tcase_add_test(tcase, the_reserved_interlock_is_refused);
	tcase_add_test(tcase, software_write_protection_can_be_set_and_cleared);
	tcase_add_test(tcase, the_others_hear_of_a_change_and_only_of_a_change);
	tcase_add_test(tcase, switching_the_write_cache_off_flushes_it);
	tcase_add_test(tcase, several_pages_are_taken_together_or_not_at_all);
	tcase_add_test(tcase, bits_that_cannot_change_are_pointed_at);
	tcase_add_test(tcase, ps_is_ignored_and_pages_must_be_whole_and_known);
	tcase_add_test(tcase, a_page_with_a_subpage_is_taken_by_its_own_header);
	tcase_add_test(tcase, a_block_descriptor_may_say_what_is_so);
	tcase_add_test(tcase, the_ten_bytes_command_knows_the_long_descriptor);
	tcase_add_test(tcase, a_medium_type_is_refused);
	tcase_add_test(tcase, page_format_is_required_and_without_a_store_nothing_is_saved);
	tcase_add_test(tcase, lists_of_no_length_and_of_a_wrong_one);
	tcase_add_test(tcase, a_list_of_which_only_a_part_arrives_changes_nothing);
}

int main(void)
{
	return suite_run("target/mode", fill);
}
