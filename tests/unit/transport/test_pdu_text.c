#include "transport/pdu_text.h"

#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"

struct described {
	char text[4096];
	size_t len;
	unsigned fields;
};

static void note(void *context, const char *field, const char *value)
{
	struct described *described = context;

	ck_assert_uint_gt(strlen(field), 0);
	ck_assert_uint_gt(strlen(value), 0);
	described->len +=
		(size_t)snprintf(described->text + described->len,
				 sizeof(described->text) - described->len, "%s=%s;", field, value);
	described->fields++;
}

static struct described describe(const uint8_t bhs[ISCSI_BHS_LEN])
{
	struct described described = {.len = 0};

	iscsi_pdu_describe(bhs, note, &described);
	return described;
}

START_TEST(a_scsi_command_is_told_field_by_field)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x01, 0xc1, [16] = 0, 0, 0, 0x12};

	put_be32(bhs + 20, 4096);
	put_be32(bhs + 24, 77);
	bhs[32] = 0x28;
	bhs[40] = 8;
	struct described described = describe(bhs);
	ck_assert_ptr_nonnull(strstr(described.text, "opcode=0x01 SCSI Command;flags=F R;ATTR=1;"));
	ck_assert_ptr_nonnull(strstr(described.text, "LUN=0;ITT=0x00000012;"));
	ck_assert_ptr_nonnull(strstr(described.text, "ExpectedDataTransferLength=4096;CmdSN=77;"));
	ck_assert_ptr_nonnull(strstr(described.text, "CDB=READ(10) lba 0 blocks 8;"));
	char line[ISCSI_PDU_TEXT_MAX];
	iscsi_pdu_summary(bhs, line);
	ck_assert_str_eq(line, "SCSI Command, flags F R, LUN 0, ITT 0x00000012, CmdSN 77, CDB "
			       "READ(10) lba 0 blocks 8");
}
END_TEST

START_TEST(a_login_response_tells_stages_and_status)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {0x23, 0x87, [36] = 0x02, 0x01};

	struct described described = describe(bhs);
	ck_assert_ptr_nonnull(strstr(described.text, "stages=operational to full feature;"));
	ck_assert_ptr_nonnull(strstr(described.text, "status=0x0201;"));
}
END_TEST

/* Every opcode there could be, with all bits clear and all set. */
START_TEST(any_48_bytes_can_be_told)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	char line[ISCSI_PDU_TEXT_MAX];

	for (unsigned opcode = 0; opcode < 256; opcode++) {
		for (unsigned fill = 0; fill < 2; fill++) {
			memset(bhs, fill ? 0xff : 0, sizeof(bhs));
			bhs[0] = (uint8_t)opcode;
			ck_assert_uint_ge(describe(bhs).fields, 1);
			iscsi_pdu_summary(bhs, line);
			ck_assert_uint_lt(strlen(line), sizeof(line));
			ck_assert_ptr_nonnull(iscsi_pdu_name(bhs));
		}
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_scsi_command_is_told_field_by_field);
	tcase_add_test(tcase, a_login_response_tells_stages_and_status);
	tcase_add_test(tcase, any_48_bytes_can_be_told);
}

int main(void)
{
	return suite_run("pdu_text", fill);
}
