/* Asynchronous messages of every code on demand, through the tool, to a session that looks at the
 * bytes. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#define ASYNC_MESSAGE 0x32

static struct daemon served;
static int fd;
static char tsih[8];
static char output[16384];
static uint8_t data[512];

static int tool(const char *const *words)
{
	const char *argv[16] = {tool_path(), "--control", served.control};

	for (size_t i = 0; words[i]; i++)
		argv[3 + i] = words[i];
	return program_run(argv, output, sizeof(output));
}

#define TOOL(...) tool((const char *const[]){__VA_ARGS__, NULL})

/* The TSIH of the one session there is. */
static void find_tsih(void)
{
	ck_assert_int_eq(TOOL("sessions", "--json"), 0);
	json_t *reply = json_loads(output, 0, NULL);
	const json_t *session = json_array_get(json_object_get(reply, "sessions"), 0);

	ck_assert_uint_eq(json_array_size(json_object_get(reply, "sessions")), 1);
	snprintf(tsih, sizeof(tsih), "%d",
		 (int)json_integer_value(json_object_get(session, "tsih")));
	json_decref(reply);
}

static void setup(void)
{
	daemon_start(&served, "127.0.0.1:0", NULL);
	fd = raw_login(&served, "iqn.2026-11.test:a");
	find_tsih();
}

static void teardown(void)
{
	close(fd);
	daemon_finish(&served);
}

static void expect_message(uint8_t event, uint8_t code, uint16_t one, uint16_t two, uint16_t three)
{
	uint8_t bhs[RAW_BHS];

	ck_assert(raw_read_pdu(fd, bhs, data, sizeof(data)));
	ck_assert_uint_eq(bhs[0] & 0x3f, ASYNC_MESSAGE);
	ck_assert_uint_eq(bhs[36], event);
	ck_assert_uint_eq(bhs[37], code);
	ck_assert_uint_eq(get_be16(bhs + 38), one);
	ck_assert_uint_eq(get_be16(bhs + 40), two);
	ck_assert_uint_eq(get_be16(bhs + 42), three);
}

/* It still answers. */
static void expect_service(void)
{
	uint8_t bhs[RAW_BHS];

	raw_command(bhs, 0x00, 1, 0, 0);
	ck_assert(raw_write(fd, bhs, RAW_BHS));
	ck_assert(raw_read_pdu(fd, bhs, data, sizeof(data)));
	ck_assert_uint_eq(bhs[0] & 0x3f, 0x21);
}

static void expect_end(void)
{
	ck_assert(raw_is_closed_within(fd, 60000));
}

START_TEST(sense_data_comes_with_a_scsi_event)
{
	ck_assert_int_eq(TOOL("async", tsih, "scsi", "lun=3", "sense=6/3f/0e"), 0);
	expect_message(0, 0, 0, 0, 0);
	ck_assert_uint_eq(get_be16(data), 18);
	ck_assert_uint_eq(data[2], 0x70);
	ck_assert_uint_eq(data[4], 0x06);
	ck_assert_uint_eq(data[14], 0x3f);
	ck_assert_uint_eq(data[15], 0x0e);
	expect_service();
}
END_TEST

START_TEST(who_does_not_log_out_in_time_is_dropped)
{
	ck_assert_int_eq(TOOL("async", tsih, "logout", "seconds=1"), 0);
	expect_message(1, 0, 0, 0, 1);
	expect_end();
}
END_TEST

START_TEST(a_connection_is_told_that_it_is_dropped)
{
	ck_assert_int_eq(TOOL("async", tsih, "connection-drop", "cid=0"), 0);
	expect_message(2, 0, 0, 0, 0);
	expect_end();
}
END_TEST

START_TEST(a_session_is_told_that_it_is_dropped)
{
	ck_assert_int_eq(TOOL("async", tsih, "session-drop"), 0);
	expect_message(3, 0, 0, 0, 0);
	expect_end();
	ck_assert_int_eq(TOOL("sessions"), 0);
	ck_assert_ptr_null(strstr(output, "test:a"));
}
END_TEST

START_TEST(who_does_not_negotiate_in_time_is_dropped)
{
	ck_assert_int_eq(TOOL("async", tsih, "negotiation", "seconds=1"), 0);
	expect_message(4, 0, 0, 0, 1);
	expect_end();
}
END_TEST

START_TEST(tasks_can_be_said_to_be_terminated)
{
	ck_assert_int_eq(TOOL("async", tsih, "task-termination", "lun=0"), 0);
	expect_message(5, 0, 0, 0, 0);
	expect_service();
}
END_TEST

START_TEST(vendors_have_codes_and_parameters)
{
	ck_assert_int_eq(TOOL("async", tsih, "248", "code=7", "parameters=1,2,65535"), 0);
	expect_message(248, 7, 1, 2, 65535);
	ck_assert_int_eq(TOOL("async", tsih, "255"), 0);
	expect_message(255, 0, 0, 0, 0);
	expect_service();
}
END_TEST

static const struct {
	const char *words[4];
	int status;
	const char *said;
} refusals[] = {
	{{"async", "0", "logout"}, 4, "there is no session with TSIH 0"},
	{{"async", tsih, "logout", "cid=9"}, 4, "that has such a connection"},
	{{"async", tsih, "6"}, 4, "`event` must be one of"},
	{{"async", tsih, "logot"}, 4, "`event` must be one of"},
	{{"async", tsih, "scsi"}, 4, "`sense` must be"},
	{{"async", tsih, "scsi", "sense=6/3f/0e0"}, 4, "`sense` must be"},
	{{"async", tsih, "logout", "sense=6/3f/0e"}, 4, "goes with event scsi"},
	{{"async", tsih, "scsi", "lun=256"}, 4, "`lun` must be a number, 0 to 255"},
	{{"async", tsih, "248", "parameters=1,2,3,4"}, 4, "`parameters` must be"},
	{{"async", tsih, "248", "parameters=x"}, 2, "parameter"},
	{{"async", tsih, "248", "color=7"}, 2, "unknown name `color`"},
	{{"async", tsih, "248", "color"}, 2, "`color` is no NAME=VALUE"},
	{{"async", "x", "248"}, 2, "TSIH"},
	{{"async", tsih}, 2, "holdfast: async needs TSIH EVENT"},
};

START_TEST(what_makes_no_sense_is_refused)
{
	const char *words[5] = {NULL};

	memcpy(words, refusals[_i].words, sizeof(refusals[_i].words));
	ck_assert_int_eq(tool(words), refusals[_i].status);
	ck_assert_msg(strstr(output, refusals[_i].said) != NULL, "said: %s", output);
	expect_service();
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sense_data_comes_with_a_scsi_event);
	tcase_add_test(tcase, who_does_not_log_out_in_time_is_dropped);
	tcase_add_test(tcase, a_connection_is_told_that_it_is_dropped);
	tcase_add_test(tcase, a_session_is_told_that_it_is_dropped);
	tcase_add_test(tcase, who_does_not_negotiate_in_time_is_dropped);
	tcase_add_test(tcase, tasks_can_be_said_to_be_terminated);
	tcase_add_test(tcase, vendors_have_codes_and_parameters);
	tcase_add_loop_test(tcase, what_makes_no_sense_is_refused, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
}

int main(void)
{
	return suite_run("integration/async", fill);
}
