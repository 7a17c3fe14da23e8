/* `holdfast explain` with a real daemon: what it says, and that its advice helps. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#define OUTPUT_MAX (1024 * 1024)
#define NAME_A	   "iqn.2026-11.test:a"
#define NAME_B	   "iqn.2026-11.test:b"
#define KEY_A	   0xa11ce
#define KEY_B	   0xb0b

static char output[OUTPUT_MAX];

/* `holdfast WORDS...` for this daemon; its exit status, and what it printed in `output`. */
__attribute__((sentinel)) static int tool(const struct daemon *daemon, ...)
{
	const char *argv[24] = {tool_path(), "--control", daemon->control};
	int n = 3;
	va_list words;

	va_start(words, daemon);
	while ((argv[n] = va_arg(words, const char *)) != NULL)
		n++;
	va_end(words);
	return program_run(argv, output, sizeof(output));
}

/* Two initiators; the first one holds Exclusive Access. */
struct pair {
	struct daemon daemon;
	struct iscsi_context *a, *b;
};

static struct pair pair_begin(void)
{
	/* Sessions of several event loops. */
	static const char *const args[] = {"--threads", "3", NULL};
	struct pair pair;

	daemon_start(&pair.daemon, "127.0.0.1:0", args);
	pair.a = initiator_login(&pair.daemon, NAME_A, 1);
	pair.b = initiator_login(&pair.daemon, NAME_B, 2);
	initiator_drain(pair.a, 0);
	initiator_drain(pair.b, 0);
	ck_assert_int_eq(initiator_pr_out(pair.a, 0, 0x06, 0, 0, KEY_A, true).status, 0);
	ck_assert_int_eq(initiator_pr_out(pair.a, 0, 0x01, 3, KEY_A, 0, false).status, 0);
	return pair;
}

static void pair_end(struct pair *pair)
{
	initiator_logout(&pair->a);
	initiator_logout(&pair->b);
	ck_assert_int_eq(daemon_stop(&pair->daemon), 0);
	daemon_finish(&pair->daemon);
}

START_TEST(who_is_refused_is_told_why_since_when_by_whom_and_what_to_send)
{
	struct pair pair = pair_begin();

	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", NAME_B, NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "registered    no"));
	ck_assert_ptr_nonnull(strstr(output, "reserved      Exclusive Access (type 3h)"));
	ck_assert_ptr_nonnull(strstr(output, "held by       " NAME_A));
	ck_assert_ptr_nonnull(strstr(output, "key 0x00000000000a11ce"));
	ck_assert_ptr_nonnull(strstr(output, "journal record "));
	ck_assert_ptr_nonnull(strstr(output, ", by RESERVE of " NAME_A));
	ck_assert_ptr_nonnull(strstr(output, "may read      NO: Exclusive Access: only the holder "
					     "reads or writes (SPC-4 5.13.3, tables 65 and 66)"));
	ck_assert_ptr_nonnull(
		strstr(output, "sg_persist --out --register-ignore --param-sark=KEY"));
	ck_assert_ptr_nonnull(strstr(output, "sg_persist --out --preempt-abort --param-rk=KEY "
					     "--param-sark=0xa11ce --prout-type=3"));
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", NAME_A, NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "held by       this nexus"));
	ck_assert_ptr_nonnull(strstr(output, "may write     yes"));
	pair_end(&pair);
}
END_TEST

/* Registers and preempts with the keys that explain names. */
START_TEST(the_commands_that_it_names_help)
{
	struct pair pair = pair_begin();
	uint8_t block[512] = {0};

	ck_assert_int_eq(initiator_write(pair.b, 0, 0, block, 1).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
	ck_assert_int_eq(initiator_pr_out(pair.b, 0, 0x06, 0, 0, KEY_B, false).status, 0);
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", NAME_B, NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "--preempt-abort --param-rk=0xb0b "
					     "--param-sark=0xa11ce --prout-type=3"));
	ck_assert_int_eq(initiator_pr_out(pair.b, 0, 0x05, 3, KEY_B, KEY_A, false).status, 0);
	ck_assert_int_eq(initiator_write(pair.b, 0, 0, block, 1).status, 0);
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", NAME_B, NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "may write     yes"));
	ck_assert_ptr_nonnull(strstr(output, ", by PREEMPT AND ABORT of " NAME_B));
	pair_end(&pair);
}
END_TEST

static const json_t *nexus_of(const json_t *array, const char *initiator)
{
	const json_t *nexus;
	size_t i;

	json_array_foreach(array, i, nexus)
	{
		if (strcmp(json_string_value(json_object_get(nexus, "initiator")), initiator) == 0)
			return nexus;
	}
	return NULL;
}

START_TEST(who_has_left_and_is_registered_is_among_all_nexuses)
{
	struct pair pair = pair_begin();

	initiator_logout(&pair.a);
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--json", NULL), 0);
	json_t *array = json_loads(output, 0, NULL);
	const json_t *a = nexus_of(array, NAME_A), *b = nexus_of(array, NAME_B);
	ck_assert(a && b);
	ck_assert(json_is_false(json_object_get(a, "logged_in")));
	ck_assert(json_is_true(json_object_get(a, "holds")));
	ck_assert(json_is_false(json_object_get(json_object_get(b, "read"), "may")));
	json_decref(array);
	ck_assert_int_eq(tool(&pair.daemon, "explain", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, NAME_A));
	ck_assert_ptr_nonnull(strstr(output, "Exclusive Access: only the holder reads or writes"));
	pair.a = initiator_login(&pair.daemon, NAME_A, 1);
	pair_end(&pair);
}
END_TEST

START_TEST(a_name_that_nobody_knows_is_a_stranger)
{
	struct pair pair = pair_begin();

	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", "iqn.2026-11.test:nobody",
			      "--lun", "0", NULL),
			 0);
	ck_assert_ptr_nonnull(strstr(output, "logged in     no"));
	ck_assert_ptr_nonnull(strstr(output, "may read      NO"));
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--initiator", NAME_B ",0xnonsense", NULL),
			 4);
	ck_assert_int_eq(tool(&pair.daemon, "explain", "--lun", "77", NULL), 4);
	pair_end(&pair);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, who_is_refused_is_told_why_since_when_by_whom_and_what_to_send);
	tcase_add_test(tcase, the_commands_that_it_names_help);
	tcase_add_test(tcase, who_has_left_and_is_registered_is_among_all_nexuses);
	tcase_add_test(tcase, a_name_that_nobody_knows_is_a_stranger);
}

int main(void)
{
	return suite_run("explain", fill);
}
