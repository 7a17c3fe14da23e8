/* Personalities over the wire: who a LUN says it is, and what it does differently. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct daemon daemon_;
static struct iscsi_context *a, *b;

static void teardown(void)
{
	initiator_logout(&a);
	initiator_logout(&b);
	daemon_finish(&daemon_);
}

static void given(const char *config)
{
	daemon_start_configured(&daemon_, "127.0.0.1:0", config);
	a = initiator_login(&daemon_, "iqn.2026-11.test:a", 1);
	b = initiator_login(&daemon_, "iqn.2026-11.test:b", 2);
	for (int lun = 0; lun < 4; lun++) {
		initiator_drain(a, lun);
		initiator_drain(b, lun);
	}
}

static void assert_says_it_is(int lun, const char *identity)
{
	static const uint8_t cdb[] = {0x12, 0, 0, 0, 96, 0};
	struct answer answer = initiator_command(a, lun, cdb, sizeof(cdb), NULL, 0, 96);

	ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
	ck_assert_mem_eq(answer.data + 8, identity, 28);
}

static void assert_capabilities(int lun, const char *bytes)
{
	struct answer answer = initiator_pr_in(a, lun, 2);

	ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(answer.data_len, 8);
	ck_assert_mem_eq(answer.data, bytes, 8);
}

#define assert_good(answer_) ck_assert_int_eq((answer_).status, SCSI_STATUS_GOOD)

static void assert_illegal(struct answer answer, uint8_t asc)
{
	ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_eq(answer.key, 5);
	ck_assert_uint_eq(answer.asc, asc);
}

START_TEST(built_in_ones_say_who_they_are_and_what_they_can)
{
	given("targets = ({ luns = ({ profile = \"lio\"; size = \"1M\"; }, { profile = \"ctl\"; size "
	      "= \"1M\"; }, { profile = \"tgt\"; size = \"1M\"; }, { profile = \"3par\"; product = "
	      "\"MINE\"; size = \"1M\"; }); });");
	assert_says_it_is(0, "LIO-ORG disk            4.0 ");
	assert_says_it_is(1, "FREEBSD CTLDISK         0001");
	assert_says_it_is(2, "IET     VIRTUAL-DISK    0001");
	assert_says_it_is(3, "3PARdataMINE            3310");
	assert_capabilities(0, "\x00\x08\x1d\x90\xea\x01\x00\x00");
	assert_capabilities(1, "\x00\x08\x10\xd0\xea\x01\x00\x00");
	assert_capabilities(2, "\x00\x08\x00\x80\xea\x01\x00\x00");
}
END_TEST

START_TEST(they_do_what_they_are_known_for)
{
	given("targets = ({ luns = ({ profile = \"lio\"; size = \"1M\"; }, { profile = \"ctl\"; size "
	      "= \"1M\"; }, { profile = \"tgt\"; size = \"1M\"; }, { profile = \"3par\"; size = "
	      "\"1M\"; }); });");
	/* A fence of type 0, and one that names the own key. */
	for (int lun = 0; lun < 4; lun++) {
		assert_good(initiator_pr_out(a, lun, 0, 0, 0, 0xa, false));
		assert_good(initiator_pr_out(b, lun, 0, 0, 0, 0xb, false));
	}
	assert_illegal(initiator_pr_out(a, 0, 4, 0, 0xa, 0xb, false), 0x24);
	assert_good(initiator_pr_out(a, 3, 4, 0, 0xa, 0xb, false));
	assert_good(initiator_pr_out(a, 3, 4, 5, 0xa, 0xa, false));
	uint64_t keys[4];
	ck_assert_int_eq(initiator_read_keys(a, 3, keys, 4), 1);
	assert_good(initiator_pr_out(a, 0, 4, 5, 0xa, 0xa, false));
	ck_assert_int_eq(initiator_read_keys(a, 0, keys, 4), 1);
	ck_assert_uint_eq(keys[0], 0xb);
	/* What is not there. */
	assert_illegal(initiator_pr_out(a, 2, 5, 5, 0xa, 0xb, false), 0x24);
	assert_illegal(initiator_pr_out(a, 1, 6, 0, 0, 0xa, true), 0x26);
	/* CLEAR. */
	assert_good(initiator_pr_out(a, 1, 3, 0, 0xa, 0, false));
	struct answer told = initiator_test_unit_ready(b, 1);
	ck_assert_uint_eq(told.asc, 0x2a);
	ck_assert_uint_eq(told.ascq, 0x05);
}
END_TEST

START_TEST(a_user_describes_one)
{
	static const uint8_t caching[] = {0x1a, 0x08, 0x08, 0, 255, 0};

	given("personalities = ({ name = \"array\"; vendor = \"ACME\"; product = \"BIG ARRAY\"; "
	      "types = [\"exclusive-access-registrants-only\"]; bytes = ({ page = \"mode:08\"; "
	      "offset = 2; value = \"14\"; }, { page = \"inquiry\"; offset = 32; value = "
	      "\"39 39 39 39\"; }); });"
	      "targets = ({ luns = ({ profile = \"array\"; size = \"1M\"; }); });");
	assert_says_it_is(0, "ACME    BIG ARRAY       9999");
	assert_good(initiator_pr_out(a, 0, 0, 0, 0, 0xa, true));
	assert_illegal(initiator_pr_out(a, 0, 1, 5, 0xa, 0, true), 0x24);
	assert_good(initiator_pr_out(a, 0, 1, 6, 0xa, 0, true));
	struct answer mode = initiator_command(a, 0, caching, sizeof(caching), NULL, 0, 255);
	assert_good(mode);
	ck_assert_uint_eq(mode.data[4 + 2], 0x14);
}
END_TEST

START_TEST(what_no_page_has_is_told_at_the_start)
{
	char output[2048], path[] = "/tmp/holdfast-conf-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] =
		"personalities = ({ name = \"x\"; bytes = ({ page = \"mode:3e\"; "
		"offset = 2; value = \"14\"; }); });\n";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (int)sizeof(text) - 1);
	close(fd);
	const char *argv[] = {daemon_path(), "--check", "-c", path, NULL};
	ck_assert_int_ne(program_run(argv, output, sizeof(output)), 0);
	unlink(path);
	ck_assert_msg(strstr(output,
			     "personality `x`, line 1: page `mode:3e`: there is no such mode "
			     "page") != NULL,
		      "%s", output);
}
END_TEST

START_TEST(an_option_that_names_none_is_told)
{
	char output[2048];
	const char *argv[] = {daemon_path(), "--check", "--profile", "spc5", NULL};

	ck_assert_int_ne(program_run(argv, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, "there is no personality `spc5`") != NULL, "%s", output);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, built_in_ones_say_who_they_are_and_what_they_can);
	tcase_add_test(tcase, they_do_what_they_are_known_for);
	tcase_add_test(tcase, a_user_describes_one);
	tcase_add_test(tcase, what_no_page_has_is_told_at_the_start);
	tcase_add_test(tcase, an_option_that_names_none_is_told);
}

int main(void)
{
	return suite_run("integration/personality", fill);
}
