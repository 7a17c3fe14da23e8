/* Faults of SCSI commands: before they begin, and when they have ended. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/sense.h"
#include "tests/unit/transport/fault_case.h"

static struct fault_case c;
static uint8_t data[8 * WIRE_BLOCK];

static void setup(void)
{
	fault_case_setup(&c);
	fault_case_house(&c);
	fault_case_login(&c);
	wire_pattern(data, sizeof(data), 3);
}

static void teardown(void)
{
	fault_case_teardown(&c);
}

static void rule(const char *text)
{
	fault_case_rule(&c, text);
}

static void good(void)
{
	wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_GOOD);
}

static void write_block(uint32_t lba, const uint8_t *block)
{
	uint32_t itt = wire_write(&c.wire, lba, 1, block, WIRE_BLOCK, true);

	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}

/* The block as the initiator gets it. */
static const uint8_t *read_block(uint32_t lba)
{
	wire_read(&c.wire, lba, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(c.wire.pdu.data_len, WIRE_BLOCK);
	return c.wire.pdu.data;
}

START_TEST(a_status_is_given_so_many_times)
{
	rule("on command op=test-unit-ready times=2 do status busy");
	for (int i = 0; i < 2; i++)
		wire_expect_status(&c.wire, wire_test_unit_ready(&c.wire), SCSI_STATUS_BUSY);
	good();
}
END_TEST

START_TEST(a_command_that_gets_a_status_is_not_carried_out)
{
	write_block(5, data);
	rule("on command op=write times=1 do sense 3/0c/0");
	uint32_t itt = wire_write(&c.wire, 5, 1, data + WIRE_BLOCK, WIRE_BLOCK, true);
	wire_expect_sense(&c.wire, itt, 3, 0x0c, 0);
	ck_assert_mem_eq(read_block(5), data, WIRE_BLOCK);
}
END_TEST

START_TEST(a_result_is_changed_after_the_work_was_done)
{
	rule("on result op=write times=1 do status busy");
	uint32_t itt = wire_write(&c.wire, 5, 1, data, WIRE_BLOCK, true);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_BUSY);
	ck_assert_mem_eq(read_block(5), data, WIRE_BLOCK);
}
END_TEST

START_TEST(a_bad_block_is_named_in_the_information_field)
{
	rule("on command op=read lba=100-199 do sense 3/11/0 information=lba");
	uint32_t itt = wire_read(&c.wire, 98, 2);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	itt = wire_read(&c.wire, 98, 3);
	wire_expect_sense(&c.wire, itt, 3, 0x11, 0);
	ck_assert_uint_eq(c.wire.pdu.data[2], 0xf0); /* valid, fixed format */
	ck_assert_uint_eq(get_be32(c.wire.pdu.data + 2 + 3), 100);
	itt = wire_read(&c.wire, 150, 1);
	wire_expect_sense(&c.wire, itt, 3, 0x11, 0);
	ck_assert_uint_eq(get_be32(c.wire.pdu.data + 2 + 3), 150);
	wire_read(&c.wire, 200, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
}
END_TEST

START_TEST(sense_data_is_deferred_and_in_descriptors)
{
	rule("on command op=0x0 times=1 do sense 3/c/2 format=descriptor deferred=yes information=7");
	wire_test_unit_ready(&c.wire);
	wire_expect(&c.wire, ISCSI_SCSI_RESPONSE);
	ck_assert_uint_eq(c.wire.pdu.data[2], 0x73);
	ck_assert_uint_eq(c.wire.pdu.data[3], 3);
	ck_assert_uint_eq(c.wire.pdu.data[4], 0x0c);
	ck_assert_uint_eq(c.wire.pdu.data[5], 2);
	ck_assert_uint_eq(get_be64(c.wire.pdu.data + 2 + 12), 7);
}
END_TEST

START_TEST(a_field_pointer_points_into_the_cdb)
{
	rule("on command op=0x28 do sense 5/24/0 field=2");
	uint32_t itt = wire_read(&c.wire, 0, 1);
	wire_expect_sense(&c.wire, itt, 5, 0x24, 0);
	ck_assert_mem_eq(c.wire.pdu.data + 2 + 15, "\xc0\x00\x02", 3);
}
END_TEST

START_TEST(a_recovered_error_comes_with_its_data)
{
	write_block(7, data);
	rule("on result op=read do sense 1/17/0");
	uint32_t itt = wire_read(&c.wire, 7, 1);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_mem_eq(c.wire.pdu.data, data, WIRE_BLOCK);
	wire_expect_sense(&c.wire, itt, 1, 0x17, 0);
}
END_TEST

START_TEST(a_delayed_command_begins_later)
{
	rule("on command op=test-unit-ready times=1 do delay 2s");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect_nothing(&c.wire);
	read_block(0); /* others go on */
	wire_wait(&c.wire, 1999);
	wire_expect_nothing(&c.wire);
	wire_wait(&c.wire, 1);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(what_follows_a_delay_is_done_when_it_is_over)
{
	rule("on command op=test-unit-ready times=1 do delay 2s do status task-set-full");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_wait(&c.wire, 2000);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_TASK_SET_FULL);
	good();
}
END_TEST

START_TEST(a_held_write_asks_for_its_data_when_it_is_released)
{
	rule("id=w on command op=write do hold");
	uint32_t itt = wire_write(&c.wire, 5, 8, data, 0, true);
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(fault_case_held(&c, "w"), 1);
	ck_assert_uint_eq(iscsi_node_fault_release(c.house.node, "w"), 1);
	wire_wait(&c.wire, 0);
	struct iscsi_r2t r2t = wire_expect_r2t(&c.wire);
	wire_answer_r2t(&c.wire, &r2t, data);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
	ck_assert_mem_eq(read_block(12), data + 7 * WIRE_BLOCK, WIRE_BLOCK);
}
END_TEST

START_TEST(taking_the_rule_away_lets_go_what_it_held)
{
	rule("on command do hold");
	uint32_t itt = wire_test_unit_ready(&c.wire);
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(iscsi_node_fault_clear(c.house.node, NULL), 1);
	wire_wait(&c.wire, 0);
	wire_expect_status(&c.wire, itt, SCSI_STATUS_GOOD);
	good();
}
END_TEST

START_TEST(a_vanished_command_can_be_aborted_and_nothing_else)
{
	rule("on command op=write times=1 do vanish");
	uint32_t itt = wire_write(&c.wire, 5, 1, data, WIRE_BLOCK, true);
	uint32_t cmd_sn = c.wire.cmd_sn - 1;
	iscsi_node_fault_clear(c.house.node, NULL);
	wire_wait(&c.wire, 1000);
	wire_expect_nothing(&c.wire);
	uint32_t manage = wire_manage(&c.wire, 1, itt, cmd_sn);
	ck_assert_uint_eq(wire_expect_managed(&c.wire, manage), 0);
	ck_assert_uint_eq(read_block(5)[0], 0);
}
END_TEST

/* Also one that waits to be asked for its data. */
START_TEST(a_removed_logical_unit_lets_go_of_what_a_rule_holds)
{
	rule("id=h on command op=test-unit-ready do hold");
	rule("id=d on command op=write do delay 2s");
	uint32_t held = wire_test_unit_ready(&c.wire);
	uint32_t late = wire_write(&c.wire, 5, 1, data, WIRE_BLOCK, true);
	ck_assert_uint_eq(fault_case_held(&c, "h"), 1);
	ck_assert_int_eq(scsi_target_remove_lun(c.house.target, 0, NULL, NULL), 0);
	wire_expect_sense(&c.wire, held, 5, 0x25, 0);
	wire_expect_sense(&c.wire, late, 5, 0x25, 0);
	ck_assert_uint_eq(fault_case_held(&c, "h"), 0);
	iscsi_node_fault_release(c.house.node, NULL);
	wire_wait(&c.wire, 3000);
	wire_expect_nothing(&c.wire);
}
END_TEST

START_TEST(a_vanished_command_stays_without_answer_when_its_logical_unit_goes)
{
	rule("id=v on command op=test-unit-ready do vanish");
	wire_test_unit_ready(&c.wire);
	ck_assert_int_eq(scsi_target_remove_lun(c.house.target, 0, NULL, NULL), 0);
	wire_wait(&c.wire, 1000);
	wire_expect_nothing(&c.wire);
	ck_assert_uint_eq(fault_case_held(&c, "v"), 0);
	iscsi_node_fault_clear(c.house.node, NULL);
	wire_expect_sense(&c.wire, wire_test_unit_ready(&c.wire), 5, 0x25, 0);
}
END_TEST

START_TEST(a_connection_that_ends_takes_its_held_commands_along)
{
	rule("on command do hold");
	wire_test_unit_ready(&c.wire);
	wire_close(&c.wire);
	iscsi_node_fault_clear(c.house.node, NULL);
	fault_case_login(&c);
	good();
}
END_TEST

START_TEST(a_short_read_says_so_in_its_residual)
{
	rule("on result op=read do short to=50%");
	wire_read(&c.wire, 0, 2);
	wire_expect(&c.wire, ISCSI_DATA_IN);
	struct iscsi_data_in in;
	iscsi_data_in_decode(c.wire.pdu.bhs, &in);
	ck_assert_uint_eq(c.wire.pdu.data_len, WIRE_BLOCK);
	ck_assert(in.residual.underflow && !in.residual.overflow);
	ck_assert_uint_eq(in.residual.count, WIRE_BLOCK);
}
END_TEST

START_TEST(stuck_bits_are_wrong_in_the_same_place_each_time)
{
	uint8_t first[WIRE_BLOCK], zeros[WIRE_BLOCK] = {0};

	rule("on result op=read seed=9 do corrupt bits=3 stuck=yes");
	memcpy(first, read_block(3), WIRE_BLOCK);
	ck_assert_mem_ne(first, zeros, WIRE_BLOCK);
	ck_assert_mem_eq(read_block(3), first, WIRE_BLOCK);
	ck_assert_mem_ne(read_block(4), first, WIRE_BLOCK);
	iscsi_node_fault_clear(c.house.node, NULL);
	ck_assert_mem_eq(read_block(3), zeros, WIRE_BLOCK); /* the medium is as it was */
}
END_TEST

/* The promise of the reservation, whatever the rules say. */
START_TEST(a_held_command_does_not_begin_before_the_fence)
{
	rule("on command op=write do hold");
	uint32_t itt = wire_write(&c.wire, 5, 1, data, WIRE_BLOCK, true);
	wire_expect_nothing(&c.wire);
	uint32_t manage = wire_manage(&c.wire, 5, ISCSI_NO_TAG, 0); /* LOGICAL UNIT RESET */
	ck_assert_uint_eq(wire_expect_managed(&c.wire, manage), 0);
	iscsi_node_fault_clear(c.house.node, NULL);
	wire_wait(&c.wire, 10);
	(void)itt;
	wire_clear_unit_attentions(&c.wire);
	ck_assert_uint_eq(read_block(5)[0], 0);
}
END_TEST

START_TEST(bytes_of_the_data_are_changed)
{
	rule("on result op=read do data at=4 bytes=deadbeef");
	const uint8_t *got = read_block(0);
	ck_assert_uint_eq(got[3], 0);
	ck_assert_mem_eq(got + 4, "\xde\xad\xbe\xef", 4);
}
END_TEST

START_TEST(an_answer_is_given_without_the_command)
{
	const uint8_t cdb[16] = {0x5e, [8] = 255}; /* READ KEYS */

	rule("on command op=pr-in sa=0 do answer bytes=0000000700000320 size=16");
	wire_command(&c.wire,
		     &(struct wire_command){.cdb = cdb, .read = true, .expected_len = 255});
	wire_expect(&c.wire, ISCSI_DATA_IN);
	ck_assert_uint_eq(c.wire.pdu.data_len, 16);
	ck_assert_mem_eq(c.wire.pdu.data, "\0\0\0\7\0\0\3\x20\0\0", 10);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_status_is_given_so_many_times);
	tcase_add_test(tcase, a_command_that_gets_a_status_is_not_carried_out);
	tcase_add_test(tcase, a_result_is_changed_after_the_work_was_done);
	tcase_add_test(tcase, a_bad_block_is_named_in_the_information_field);
	tcase_add_test(tcase, sense_data_is_deferred_and_in_descriptors);
	tcase_add_test(tcase, a_field_pointer_points_into_the_cdb);
	tcase_add_test(tcase, a_recovered_error_comes_with_its_data);
	tcase_add_test(tcase, a_delayed_command_begins_later);
	tcase_add_test(tcase, what_follows_a_delay_is_done_when_it_is_over);
	tcase_add_test(tcase, a_held_write_asks_for_its_data_when_it_is_released);
	tcase_add_test(tcase, taking_the_rule_away_lets_go_what_it_held);
	tcase_add_test(tcase, a_vanished_command_can_be_aborted_and_nothing_else);
	tcase_add_test(tcase, a_removed_logical_unit_lets_go_of_what_a_rule_holds);
	tcase_add_test(tcase, a_vanished_command_stays_without_answer_when_its_logical_unit_goes);
	tcase_add_test(tcase, a_connection_that_ends_takes_its_held_commands_along);
	tcase_add_test(tcase, a_short_read_says_so_in_its_residual);
	tcase_add_test(tcase, stuck_bits_are_wrong_in_the_same_place_each_time);
	tcase_add_test(tcase, a_held_command_does_not_begin_before_the_fence);
	tcase_add_test(tcase, bytes_of_the_data_are_changed);
	tcase_add_test(tcase, an_answer_is_given_without_the_command);
}

int main(void)
{
	return suite_run("fault_command", fill);
}
