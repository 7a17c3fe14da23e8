#include <stdio.h>
#include <string.h>

#include "target/command.h"
#include "tests/support/suite.h"

static void task_init(struct scsi_task *task, struct scsi_lun *lun, bool descriptor_format)
{
	memset(task, 0, sizeof(*task));
	memset(lun, 0, sizeof(*lun));
	lun->mode.descriptor_sense = descriptor_format;
	task->lun = lun;
	task->status = SCSI_STATUS_GOOD;
}

static void expect_sense(const struct scsi_task *task, const uint8_t *bytes, size_t len)
{
	ck_assert_int_eq(task->status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_eq(task->sense_len, len);
	ck_assert_mem_eq(task->sense, bytes, len);
}

START_TEST(fixed_format_is_18_bytes_with_response_code_70h)
{
	static const uint8_t expected[18] = {0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0x00};
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, false);
	scsi_task_check_condition(&task, SCSI_SENSE_INVALID_OPERATION_CODE);
	expect_sense(&task, expected, sizeof(expected));
}
END_TEST

START_TEST(descriptor_format_is_8_bytes_with_response_code_72h)
{
	static const uint8_t expected[8] = {0x72, 0x05, 0x20, 0x00, 0, 0, 0, 0};
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, true);
	scsi_task_check_condition(&task, SCSI_SENSE_INVALID_OPERATION_CODE);
	expect_sense(&task, expected, sizeof(expected));
}
END_TEST

START_TEST(a_task_without_a_lun_gets_fixed_format)
{
	struct scsi_task task = {0};

	scsi_task_check_condition(&task, SCSI_SENSE_LOGICAL_UNIT_NOT_SUPPORTED);
	ck_assert_uint_eq(task.sense_len, 18);
	ck_assert_uint_eq(task.sense[0], 0x70);
	ck_assert_uint_eq(task.sense[12], 0x25);
}
END_TEST

/* The examples of the sheet's 3.12. */
START_TEST(field_pointers_are_the_sheets_bytes)
{
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, false);
	scsi_task_invalid_cdb_field(&task, 1, 4);
	ck_assert_mem_eq(task.sense + 15, "\xcc\x00\x01", 3);
	scsi_task_invalid_cdb_field(&task, 2, 3);
	ck_assert_mem_eq(task.sense + 15, "\xcb\x00\x02", 3);
	scsi_task_invalid_parameter_field(&task, 20, 3);
	ck_assert_mem_eq(task.sense + 15, "\x8b\x00\x14", 3);
	ck_assert_uint_eq(task.sense[12], 0x26);
	scsi_task_invalid_parameter_field(&task, 8, -1);
	ck_assert_mem_eq(task.sense + 15, "\x80\x00\x08", 3);
}
END_TEST

START_TEST(descriptor_format_carries_the_field_pointer_in_a_descriptor)
{
	static const uint8_t expected[16] = {0x72, 0x05, 0x24, 0x00, 0,	   0,	 0,    8,
					     0x02, 0x06, 0,    0,    0xcb, 0x00, 0x02, 0};
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, true);
	scsi_task_invalid_cdb_field(&task, 2, 3);
	expect_sense(&task, expected, sizeof(expected));
}
END_TEST

START_TEST(information_of_four_bytes_is_valid_in_fixed_format)
{
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, false);
	scsi_task_check_condition_info(&task, SCSI_SENSE_MISCOMPARE_DURING_VERIFY, 0xfffffffeu);
	ck_assert_uint_eq(task.sense[0], 0xf0);
	ck_assert_mem_eq(task.sense + 3, "\xff\xff\xff\xfe", 4);
}
END_TEST

START_TEST(information_of_more_than_four_bytes_is_not_valid_in_fixed_format)
{
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, false);
	scsi_task_check_condition_info(&task, SCSI_SENSE_UNRECOVERED_READ_ERROR, 0x100000000u);
	ck_assert_uint_eq(task.sense[0], 0x70);
	ck_assert_mem_eq(task.sense + 3, "\0\0\0\0", 4);
}
END_TEST

START_TEST(information_of_any_width_is_valid_in_descriptor_format)
{
	static const uint8_t expected[20] = {0x72, 0x03, 0x11, 0x00, 0, 0, 0, 12, 0x00, 0x0a,
					     0x80, 0,	 0,    0,    0, 1, 0, 0,  0,	2};
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, true);
	scsi_task_check_condition_info(&task, SCSI_SENSE_UNRECOVERED_READ_ERROR, 0x100000002u);
	expect_sense(&task, expected, sizeof(expected));
}
END_TEST

START_TEST(a_failed_read_returns_no_data_and_moved_none)
{
	uint8_t buffer[4];
	struct scsi_task task;
	struct scsi_lun lun;

	task_init(&task, &lun, false);
	task.data_in = buffer;
	task.data_in_len = sizeof(buffer);
	task.transfer_len = sizeof(buffer);
	scsi_task_check_condition(&task, SCSI_SENSE_UNRECOVERED_READ_ERROR);
	ck_assert_uint_eq(task.data_in_len, 0);
	ck_assert_uint_eq(task.transfer_len, 0);
	ck_assert_ptr_eq(task.data_in, buffer);
}
END_TEST

START_TEST(every_condition_has_a_code_and_its_name_says_it)
{
	for (int i = SCSI_SENSE_NONE + 1; i < SCSI_SENSE_COUNT; i++) {
		struct scsi_task task = {0};
		char code[16];

		scsi_task_check_condition(&task, (enum scsi_sense)i);
		uint8_t key = task.sense[2], asc = task.sense[12], ascq = task.sense[13];
		ck_assert_msg(key != 0, "condition %d has no sense key", i);
		snprintf(code, sizeof(code), "(%X/%02X/%02X)", key, asc, ascq);
		const char *name = scsi_sense_name(key, asc, ascq);
		ck_assert_msg(strstr(name, code) != NULL, "%s does not say %s", name, code);
	}
}
END_TEST

START_TEST(every_unit_attention_has_a_name)
{
	for (int i = 0; i < SCSI_UA_COUNT; i++) {
		uint8_t asc = 0, ascq = 0;
		char code[16];

		scsi_ua_code((enum scsi_unit_attention)i, &asc, &ascq);
		snprintf(code, sizeof(code), "(6/%02X/%02X)", asc, ascq);
		ck_assert_ptr_nonnull(strstr(scsi_sense_name(6, asc, ascq), code));
	}
}
END_TEST

START_TEST(names_of_unknown_codes_are_their_keys)
{
	ck_assert_str_eq(scsi_sense_name(3, 0x99, 0x99), "MEDIUM ERROR");
	for (unsigned key = 0; key < 256; key++)
		ck_assert_ptr_nonnull(scsi_sense_name((uint8_t)key, 0x99, 0x99));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, fixed_format_is_18_bytes_with_response_code_70h);
	tcase_add_test(tcase, descriptor_format_is_8_bytes_with_response_code_72h);
	tcase_add_test(tcase, a_task_without_a_lun_gets_fixed_format);
	tcase_add_test(tcase, field_pointers_are_the_sheets_bytes);
	tcase_add_test(tcase, descriptor_format_carries_the_field_pointer_in_a_descriptor);
	tcase_add_test(tcase, information_of_four_bytes_is_valid_in_fixed_format);
	tcase_add_test(tcase, information_of_more_than_four_bytes_is_not_valid_in_fixed_format);
	tcase_add_test(tcase, information_of_any_width_is_valid_in_descriptor_format);
	tcase_add_test(tcase, a_failed_read_returns_no_data_and_moved_none);
	tcase_add_test(tcase, every_condition_has_a_code_and_its_name_says_it);
	tcase_add_test(tcase, every_unit_attention_has_a_name);
	tcase_add_test(tcase, names_of_unknown_codes_are_their_keys);
}

int main(void)
{
	return suite_run("target/sense", fill);
}
