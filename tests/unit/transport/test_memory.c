/* limits.data_max: what all sessions together may hold. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/session.h"

#define BLOCKS	 16 /* of one command: 8192 bytes */
#define LEN	 (BLOCKS * WIRE_BLOCK)
#define ROOM	 20000 /* for two of them */
#define SESSIONS 4

static struct wire_house house;
static struct wire wires[SESSIONS];
static uint8_t data[LEN];

/* Another initiator each. */
static uint16_t start(struct wire *wire, uint8_t number)
{
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, number},
				   .keys = {"ImmediateData=Yes", "InitialR2T=Yes",
					    "MaxRecvDataSegmentLength=65536",
					    "MaxBurstLength=65536", NULL}};

	wire_open(&house, wire);
	return wire_login_with(wire, &login);
}

static void setup(void)
{
	wire_house_init(&house);
	house.config.limits.data_max = ROOM;
	wire_house_start(&house);
	for (uint8_t i = 0; i < SESSIONS; i++) {
		ck_assert_uint_eq(start(&wires[i], i), ISCSI_LOGIN_SUCCESS);
		wire_clear_unit_attentions(&wires[i]);
	}
	wire_pattern(data, sizeof(data), 3);
}

static void teardown(void)
{
	for (int i = 0; i < SESSIONS; i++)
		if (wires[i].conn)
			wire_close(&wires[i]);
	ck_assert_uint_eq(house.node->data_used, 0);
	ck_assert_uint_eq(house.node->early_used, 0);
	ck_assert_ptr_null(house.node->in_line);
	wire_house_stop(&house);
}

/* As the loop does it: everybody who is due has a turn. */
static void turn(void)
{
	for (int i = 0; i < SESSIONS; i++)
		if (wires[i].conn)
			wire_wait(&wires[i], 0);
}

static uint32_t ask_to_write(struct wire *wire)
{
	return wire_write(wire, 0, BLOCKS, NULL, 0, true);
}

START_TEST(writes_of_all_sessions_together_wait_for_their_r2t)
{
	uint32_t itts[SESSIONS];
	struct iscsi_r2t r2ts[SESSIONS];

	for (int i = 0; i < SESSIONS; i++)
		itts[i] = ask_to_write(&wires[i]);
	r2ts[0] = wire_expect_r2t(&wires[0]);
	r2ts[1] = wire_expect_r2t(&wires[1]);
	wire_expect_nothing(&wires[2]);
	wire_expect_nothing(&wires[3]);
	for (int i = 0; i < SESSIONS; i++) {
		wire_answer_r2t(&wires[i], &r2ts[i], data);
		wire_expect_status(&wires[i], itts[i], SCSI_STATUS_GOOD);
		turn();
		if (i + 2 < SESSIONS)
			r2ts[i + 2] = wire_expect_r2t(&wires[i + 2]);
	}
}
END_TEST

START_TEST(nobody_overtakes_who_stands_in_line)
{
	uint32_t first = ask_to_write(&wires[0]);
	struct iscsi_r2t r2t = wire_expect_r2t(&wires[0]);

	wire_write(&wires[1], 0, 2 * BLOCKS, NULL, 0, true); /* too much */
	ask_to_write(&wires[2]);			     /* would fit */
	wire_expect_nothing(&wires[1]);
	wire_expect_nothing(&wires[2]);
	wire_answer_r2t(&wires[0], &r2t, data);
	wire_expect_status(&wires[0], first, SCSI_STATUS_GOOD);
	turn();
	wire_expect_r2t(&wires[1]);
	wire_expect_nothing(&wires[2]);
}
END_TEST

START_TEST(what_was_read_counts_until_it_is_taken)
{
	uint32_t reads[3];

	for (int i = 0; i < 3; i++)
		reads[i] = wire_read(&wires[i], 0, BLOCKS);
	/* Two are answered, and nobody has taken the answers. */
	ck_assert_uint_ge(house.node->data_used, 2 * LEN);
	ck_assert_uint_le(house.node->data_used, ROOM);
	wire_expect_nothing(&wires[2]);
	ck_assert_uint_eq(wire_expect(&wires[0], ISCSI_DATA_IN)->data_len, LEN);
	turn();
	ck_assert_uint_eq(wire_expect(&wires[2], ISCSI_DATA_IN)->data_len, LEN);
	ck_assert_uint_eq(wire_expect(&wires[1], ISCSI_DATA_IN)->data_len, LEN);
	(void)reads;
}
END_TEST

START_TEST(unasked_data_of_all_may_take_half)
{
	/* Out of order, so that it is kept: 8000 and 3000 are more than half. */
	wires[0].cmd_sn++;
	wire_write(&wires[0], 0, BLOCKS, data, 8000, true);
	ck_assert_uint_eq(house.node->early_used, 8000);
	wires[1].cmd_sn++;
	wire_write(&wires[1], 0, BLOCKS, data, 3000, true);
	ck_assert_uint_eq(house.node->early_used, 8000);
}
END_TEST

START_TEST(as_long_as_memory_is_short_nobody_new_comes_in)
{
	struct wire other;

	ask_to_write(&wires[0]);
	ask_to_write(&wires[1]);
	ask_to_write(&wires[2]);
	ck_assert_uint_eq(start(&other, 9), ISCSI_LOGIN_OUT_OF_RESOURCES);
	ck_assert_ptr_nonnull(strstr(house.log, "limits.data_max"));
	wire_close(&other);
	/* Who is in already may log in anew, and gives back what it held. */
	struct wire again;
	ck_assert_uint_eq(start(&again, 0), ISCSI_LOGIN_SUCCESS);
	turn();
	wire_expect_r2t(&wires[2]);
	wire_close(&again);
}
END_TEST

START_TEST(a_session_that_ends_leaves_the_line_and_gives_back)
{
	ask_to_write(&wires[0]);
	ask_to_write(&wires[1]);
	ask_to_write(&wires[2]);
	ask_to_write(&wires[3]);
	wire_close(&wires[2]); /* the first in line */
	turn();
	wire_expect_r2t(&wires[0]);
	wire_expect_r2t(&wires[1]);
	wire_expect_nothing(&wires[3]);
	wire_close(&wires[0]);
	turn();
	wire_expect_r2t(&wires[3]);
}
END_TEST

START_TEST(an_aborted_command_leaves_the_line_to_the_next)
{
	uint32_t itt;

	ask_to_write(&wires[0]);
	ask_to_write(&wires[1]);
	itt = wire_write(&wires[2], 0, 2 * BLOCKS, NULL, 0, true);
	ask_to_write(&wires[3]);
	uint32_t tmf = wire_manage(&wires[2], SCSI_TMF_ABORT_TASK, itt, wires[2].cmd_sn - 1);
	ck_assert_uint_eq(wire_expect_managed(&wires[2], tmf), SCSI_TMF_COMPLETE);
	wire_close(&wires[0]);
	turn();
	turn();
	wire_expect_r2t(&wires[3]);
}
END_TEST

START_TEST(with_nothing_in_memory_one_command_always_fits)
{
	uint32_t itt = wire_read(&wires[0], 0, 6 * BLOCKS);

	ck_assert_uint_eq(wire_expect(&wires[0], ISCSI_DATA_IN)->data_len, 6 * LEN);
	(void)itt;
}
END_TEST

/* Hostile ones ask to write and send nothing: by their timers the memory comes back. */
START_TEST(who_pins_memory_loses_it_in_time)
{
	for (int i = 0; i < 3; i++) {
		ask_to_write(&wires[i]);
		ask_to_write(&wires[i]);
	}
	ask_to_write(&wires[3]);
	wire_expect_nothing(&wires[3]);
	for (int i = 0; i < 3; i++) {
		wire_wait(&wires[i], house.config.limits.data_out_timeout_ms + 1000);
		wire_close(&wires[i]);
	}
	turn();
	wire_expect_r2t(&wires[3]);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, writes_of_all_sessions_together_wait_for_their_r2t);
	tcase_add_test(tcase, nobody_overtakes_who_stands_in_line);
	tcase_add_test(tcase, what_was_read_counts_until_it_is_taken);
	tcase_add_test(tcase, unasked_data_of_all_may_take_half);
	tcase_add_test(tcase, as_long_as_memory_is_short_nobody_new_comes_in);
	tcase_add_test(tcase, a_session_that_ends_leaves_the_line_and_gives_back);
	tcase_add_test(tcase, an_aborted_command_leaves_the_line_to_the_next);
	tcase_add_test(tcase, with_nothing_in_memory_one_command_always_fits);
	tcase_add_test(tcase, who_pins_memory_loses_it_in_time);
}

int main(void)
{
	return suite_run("transport/memory", fill);
}
