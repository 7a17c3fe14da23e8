/* REPORT SUPPORTED OPERATION CODES and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define RCTD 0x80

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *report(uint8_t options, uint8_t opcode, uint8_t service_action,
					   uint16_t allocation_length)
{
	return FIXTURE_CDB(f, a, 8192, 0xa3, 0x0c, options, opcode, 0, service_action, 0, 0,
			   (uint8_t)(allocation_length >> 8), (uint8_t)allocation_length, 0, 0);
}

START_TEST(all_rows_of_the_table_are_reported)
{
	const struct fixture_result *result = report(0, 0, 0, 8192);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 8 * scsi_command_count);
	ck_assert_uint_eq(get_be32(result->data), result->len - 4);
	for (size_t i = 0; i < scsi_command_count; i++) {
		const struct scsi_command *row = &scsi_commands[i];
		const uint8_t *descriptor = result->data + 4 + 8 * i;
		bool servactv = row->service_action != SCSI_NO_SERVICE_ACTION;

		ck_assert_uint_eq(descriptor[0], row->opcode);
		ck_assert_uint_eq(get_be16(descriptor + 2),
				  servactv ? (uint16_t)row->service_action : 0);
		ck_assert_uint_eq(descriptor[5], servactv ? 1 : 0);
		ck_assert_uint_eq(get_be16(descriptor + 6), row->cdb_len);
	}
}
END_TEST

START_TEST(timeouts_come_when_asked_for)
{
	const struct fixture_result *result = report(RCTD, 0, 0, 8192);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 20 * scsi_command_count);
	ck_assert_uint_eq(result->data[4 + 5] & 0x02, 0x02);
	ck_assert_uint_eq(get_be16(result->data + 4 + 8), 10);
	result = report(RCTD | 1, 0x00, 0, 8192);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 6 + 12);
	ck_assert_uint_eq(result->data[1], 0x83);
	ck_assert_uint_eq(get_be16(result->data + 4 + 6), 10);
}
END_TEST

START_TEST(one_command_has_its_usage_map)
{
	static const uint8_t expected[] = {0x00, 0x03, 0x00, 0x0a, 0x28, 0x18, 0xff,
					   0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0x04};
	const struct fixture_result *result = report(1, 0x28, 0, 8192);

	fixture_good(result);
	ck_assert_uint_eq(result->len, sizeof(expected));
	ck_assert_mem_eq(result->data, expected, sizeof(expected));
}
END_TEST

START_TEST(the_usage_map_of_a_service_action_names_it)
{
	const struct fixture_result *result = report(2, 0x9e, 0x10, 8192);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4 + 16);
	ck_assert_uint_eq(result->data[1], 0x03);
	ck_assert_uint_eq(result->data[4], 0x9e);
	ck_assert_uint_eq(result->data[5], 0x10);
	/* REPORT TARGET PORT GROUPS has a field of its own next to it. */
	ck_assert_uint_eq(report(2, 0xa3, 0x0a, 8192)->data[5], 0xea);
}
END_TEST

START_TEST(the_option_must_fit_the_opcode)
{
	disk_invalid_cdb(report(1, 0x9e, 0, 8192), 2, 2);
	disk_invalid_cdb(report(2, 0x28, 0, 8192), 2, 2);
	fixture_good(report(3, 0x9e, 0x10, 8192));
	fixture_good(report(3, 0x28, 0, 8192));
	disk_invalid_cdb(report(4, 0x28, 0, 8192), 2, 2);
}
END_TEST

START_TEST(what_is_not_there_is_not_supported)
{
	static const uint8_t no[] = {0x00, 0x01, 0x00, 0x00};
	const uint8_t cases[][3] = {{1, 0xff, 0},    {2, 0xff, 0},    {3, 0xff, 0},
				    {2, 0x9e, 0x1f}, {3, 0x9e, 0x1f}, {3, 0x28, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fixture_result *result =
			report(cases[i][0], cases[i][1], cases[i][2], 8192);
		fixture_good(result);
		ck_assert_uint_eq(result->len, 4);
		ck_assert_mem_eq(result->data, no, 4);
	}
}
END_TEST

START_TEST(a_service_action_number_has_16_bits)
{
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 255, 0xa3, 0x0c, 2, 0x9e, 0x01, 0x10, 0, 0, 0, 255, 0, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->data[1], 0x01);
}
END_TEST

START_TEST(the_profile_decides_on_reservation_commands)
{
	ck_assert_uint_eq(report(2, 0x5e, 0x03, 255)->data[1], 0x03);
	fixture_lun(f)->config.profile = &pr_profile_dlt_s4;
	ck_assert_uint_eq(report(2, 0x5e, 0x03, 255)->data[1], 0x01);
	ck_assert_uint_eq(report(2, 0x5e, 0x02, 255)->data[1], 0x03);
	ck_assert_uint_eq(report(0, 0, 0, 8192)->len, 4 + 8 * (scsi_command_count - 1));
}
END_TEST

START_TEST(a_fully_provisioned_lun_does_not_report_unmap)
{
	ck_assert_uint_eq(report(1, 0x42, 0, 255)->data[1], 0x03);
	fixture_lun(f)->config.thin = false;
	ck_assert_uint_eq(report(1, 0x42, 0, 255)->data[1], 0x01);
}
END_TEST

START_TEST(a_cut_list_tells_the_whole_length)
{
	const struct fixture_result *result = report(0, 0, 0, 10);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 10);
	ck_assert_uint_eq(get_be32(result->data), 8 * scsi_command_count);
}
END_TEST

static const struct fixture_result *report_functions(uint8_t options, uint8_t allocation_length)
{
	return FIXTURE_CDB(f, a, 255, 0xa3, 0x0d, options, 0, 0, 0, 0, 0, 0, allocation_length, 0,
			   0);
}

START_TEST(task_management_functions_are_those_that_work)
{
	static const uint8_t expected[] = {0xd8, 0x00, 0x00, 0x00};
	const struct fixture_result *result = report_functions(0, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 4);
	ck_assert_mem_eq(result->data, expected, 4);
	result = report_functions(0x80, 255);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 16);
	ck_assert_uint_eq(result->data[3], 12);
	disk_invalid_cdb(report_functions(0, 3), 6, -1);
}
END_TEST

START_TEST(queries_are_reported_where_the_transport_has_them)
{
	static const uint8_t expected[] = {0xdc, 0x07, 0x00, 0x00};

	scsi_nexus_set_queries(a, true);
	ck_assert_mem_eq(report_functions(0, 255)->data, expected, 4);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_rows_of_the_table_are_reported);
	tcase_add_test(tcase, timeouts_come_when_asked_for);
	tcase_add_test(tcase, one_command_has_its_usage_map);
	tcase_add_test(tcase, the_usage_map_of_a_service_action_names_it);
	tcase_add_test(tcase, the_option_must_fit_the_opcode);
	tcase_add_test(tcase, what_is_not_there_is_not_supported);
	tcase_add_test(tcase, a_service_action_number_has_16_bits);
	tcase_add_test(tcase, the_profile_decides_on_reservation_commands);
	tcase_add_test(tcase, a_fully_provisioned_lun_does_not_report_unmap);
	tcase_add_test(tcase, a_cut_list_tells_the_whole_length);
	tcase_add_test(tcase, task_management_functions_are_those_that_work);
	tcase_add_test(tcase, queries_are_reported_where_the_transport_has_them);
}

int main(void)
{
	return suite_run("target/opcodes", fill);
}
