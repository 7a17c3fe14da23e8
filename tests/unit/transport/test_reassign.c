/* ErrorRecoveryLevel 2: tasks outlive their connection, and go on on another one. */
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/conn_internal.h"

#define TASK_REASSIGN 8
#define ISID                        \
	{                           \
		0x80, 0, 0, 0, 0, 1 \
	}

static struct wire_house house;
static struct wire a, b;
static uint8_t data[16 * WIRE_BLOCK];

static uint16_t join(struct wire *wire, uint16_t tsih, uint16_t cid, uint32_t cmd_sn)
{
	struct wire_login login = {.isid = ISID,
				   .tsih = tsih,
				   .cid = cid,
				   .cmd_sn = cmd_sn,
				   .keys = {"MaxRecvDataSegmentLength=512"}};

	wire_open(&house, wire);
	uint16_t status = wire_login_with(wire, &login);
	wire->itt = 5000u + cid;
	return status;
}

static void setup(void)
{
	struct wire_login login = {.isid = ISID,
				   .cid = 1,
				   .keys = {"ErrorRecoveryLevel=2", "MaxOutstandingR2T=1",
					    "DefaultTime2Retain=20", "MaxBurstLength=2048",
					    "MaxRecvDataSegmentLength=512", "InitialR2T=Yes"}};

	memset(&b, 0, sizeof(b));
	wire_house_init(&house);
	house.config.policy.error_recovery_level = 2;
	house.config.policy.default_time2retain = 20;
	house.config.limits.nop_interval_ms = 0;
	wire_pattern(data, sizeof(data), 9);
	wire_house_start(&house);
	wire_open(&house, &a);
	ck_assert_uint_eq(wire_login_with(&a, &login), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(house.node->sessions->params.error_recovery_level, 2);
	wire_clear_unit_attentions(&a);
}

static void teardown(void)
{
	if (a.conn)
		wire_close(&a);
	if (b.conn)
		wire_close(&b);
	iscsi_node_shutdown(house.node);
	wire_house_stop(&house);
}

static uint8_t reassign(struct wire *wire, uint32_t itt, uint32_t exp_data_sn)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_task_management_request request = {
		.immediate = true,
		.function = TASK_REASSIGN,
		.itt = ++wire->itt,
		.referenced_tag = itt,
		.cmd_sn = wire->cmd_sn,
		.exp_stat_sn = wire->exp_stat_sn,
		.exp_data_sn = exp_data_sn,
	};

	iscsi_task_management_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
	return wire_expect_managed(wire, wire->itt);
}

/* The connection breaks, and the initiator comes back with the same CID. */
static void reconnect(void)
{
	uint16_t tsih = a.tsih;
	uint32_t cmd_sn = a.cmd_sn;

	wire_close(&a);
	ck_assert_ptr_nonnull(house.node->sessions);
	ck_assert_uint_eq(join(&b, tsih, 1, cmd_sn), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(b.tsih, tsih);
}

static void expect_data(struct wire *wire, uint32_t data_sn, uint32_t offset, uint32_t len)
{
	struct iscsi_data_in in;

	iscsi_data_in_decode(wire_expect(wire, ISCSI_DATA_IN)->bhs, &in);
	ck_assert_uint_eq(in.data_sn, data_sn);
	ck_assert_uint_eq(in.offset, offset);
	ck_assert_uint_eq(wire->pdu.data_len, len);
	ck_assert_mem_eq(wire->pdu.data, data + offset, len);
}

static void put_on_disk(void)
{
	uint32_t itt = wire_write(&a, 0, 4, data, 2048, true);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}

START_TEST(a_command_under_way_goes_on_elsewhere)
{
	put_on_disk();
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 2);
	reconnect();
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	wire_expect_nothing(&b);
	wire_house_release(&house);
	expect_data(&b, 0, 0, 512);
	expect_data(&b, 1, 512, 512);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	/* No unit attention: nothing was cleared. */
	uint32_t check = wire_test_unit_ready(&b);
	wire_expect_status(&b, check, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(an_answer_between_connections_is_kept)
{
	put_on_disk();
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	reconnect();
	wire_house_release(&house);
	wire_expect_nothing(&b);
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	expect_data(&b, 0, 0, 512);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1); /* it is no more */
}
END_TEST

START_TEST(a_write_goes_on_where_it_was)
{
	uint32_t itt = wire_write(&a, 0, 8, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	wire_answer_r2t(&a, &r2t, data);
	r2t = wire_expect_r2t(&a);
	wire_data_out(&a, itt, r2t.ttt, 0, 2048, data + 2048, 512, false);
	reconnect();
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	r2t = wire_expect_r2t(&b);
	ck_assert_uint_eq(r2t.offset, 2560);
	ck_assert_uint_eq(r2t.desired_len, 1536);
	wire_answer_r2t(&b, &r2t, data);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	itt = wire_read(&b, 0, 8);
	for (uint32_t i = 0; i < 8; i++)
		expect_data(&b, i, 512 * i, 512);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_status_that_was_not_acknowledged_comes_again)
{
	put_on_disk();
	uint32_t itt = wire_read(&a, 0, 4);
	for (uint32_t i = 0; i < 4; i++)
		expect_data(&a, i, 512 * i, 512);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
	uint32_t write = wire_write(&a, WIRE_BLOCKS, 1, NULL, 0, true);
	reconnect(); /* the write acknowledged the read's status */
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
	ck_assert_uint_eq(reassign(&b, write, 0), 0);
	wire_expect_sense(&b, write, 0x05, 0x21, 0x00);
}
END_TEST

START_TEST(data_goes_on_from_exp_data_sn)
{
	put_on_disk();
	uint32_t itt = wire_read(&a, 0, 4);
	expect_data(&a, 0, 0, 512);
	expect_data(&a, 1, 512, 512);
	reconnect();
	ck_assert_uint_eq(reassign(&b, itt, 2), 0);
	expect_data(&b, 2, 1024, 512);
	expect_data(&b, 3, 1536, 512);
	struct iscsi_scsi_response response = wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(response.exp_data_sn, 4);
}
END_TEST

static uint8_t log_out(struct wire *wire, uint8_t reason, uint16_t cid)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {.immediate = true,
					       .reason = reason,
					       .itt = ++wire->itt,
					       .cid = cid,
					       .cmd_sn = wire->cmd_sn};
	struct iscsi_logout_response response;

	iscsi_logout_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
	iscsi_logout_response_decode(wire_expect(wire, ISCSI_LOGOUT_RESPONSE)->bhs, &response);
	ck_assert_uint_eq(response.time2wait, 2);
	ck_assert_uint_eq(response.time2retain, 20);
	return response.response;
}

/* MaxConnections is 1: one more may come, to recover with. */
START_TEST(a_task_is_allegiant_until_its_connection_is_logged_out)
{
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	ck_assert_uint_eq(join(&b, a.tsih, 2, a.cmd_sn), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(reassign(&b, itt, 0), 3);
	ck_assert_uint_eq(log_out(&b, 2, 1), 0);
	wire_expect_finished(&a);
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	wire_house_release(&house);
	wire_expect(&b, ISCSI_DATA_IN);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_lost_connection_must_be_logged_out_too)
{
	struct iscsi_async_message message;

	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	ck_assert_uint_eq(join(&b, a.tsih, 2, a.cmd_sn), ISCSI_LOGIN_SUCCESS);
	wire_close(&a);
	iscsi_async_message_decode(wire_expect(&b, ISCSI_ASYNC_MESSAGE)->bhs, &message);
	ck_assert_uint_eq(message.event, ISCSI_ASYNC_CONNECTION_DROP);
	ck_assert_uint_eq(message.parameter1, 1);
	ck_assert_uint_eq(message.parameter2, 2);
	ck_assert_uint_eq(message.parameter3, 20);
	ck_assert_uint_eq(reassign(&b, itt, 0), 3);
	ck_assert_uint_eq(log_out(&b, 2, 1), 0);
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	wire_house_release(&house);
	wire_expect(&b, ISCSI_DATA_IN);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(log_out(&b, 2, 77), 1);
}
END_TEST

START_TEST(a_connection_can_log_itself_out_for_recovery)
{
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	ck_assert_uint_eq(log_out(&a, 2, 1), 0);
	wire_expect_finished(&a);
	ck_assert_uint_eq(join(&b, a.tsih, 2, a.cmd_sn), ISCSI_LOGIN_SUCCESS);
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	wire_house_release(&house);
	wire_expect(&b, ISCSI_DATA_IN);
	wire_expect_status(&b, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(a_plain_logout_of_a_lost_connection_ends_its_tasks)
{
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	ck_assert_uint_eq(join(&b, a.tsih, 2, a.cmd_sn), ISCSI_LOGIN_SUCCESS);
	wire_close(&a);
	wire_expect(&b, ISCSI_ASYNC_MESSAGE);
	ck_assert_uint_eq(log_out(&b, 1, 1), 0);
	wire_house_release(&house);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
	uint32_t check = wire_test_unit_ready(&b);
	wire_expect_sense(&b, check, 0x06, 0x47, 0x7f);
}
END_TEST

static void let_pass(uint64_t ms)
{
	house.now_ms += ms;
	if (iscsi_node_deadline(house.node) <= house.now_ms)
		iscsi_node_tick(house.node, house.now_ms);
}

START_TEST(what_nobody_reassigns_is_aborted_in_time)
{
	uint32_t itt = wire_write(&a, 0, 4, NULL, 0, true);
	wire_expect_r2t(&a);
	ck_assert_uint_eq(join(&b, a.tsih, 2, a.cmd_sn), ISCSI_LOGIN_SUCCESS);
	wire_close(&a);
	wire_expect(&b, ISCSI_ASYNC_MESSAGE);
	let_pass(21900);
	ck_assert_uint_eq(house.node->sessions->task_count, 1);
	let_pass(200);
	ck_assert_uint_eq(house.node->sessions->task_count, 0);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
	uint32_t check = wire_test_unit_ready(&b);
	wire_expect_sense(&b, check, 0x06, 0x47, 0x7f);
}
END_TEST

START_TEST(a_session_without_connections_ends_in_time)
{
	house.hold = true;
	wire_read(&a, 0, 1);
	wire_close(&a);
	let_pass(21900);
	ck_assert_ptr_nonnull(house.node->sessions);
	let_pass(200);
	wire_house_release(&house);
	ck_assert_ptr_null(house.node->sessions);
	ck_assert_uint_eq(iscsi_node_deadline(house.node), UINT64_MAX);
	ck_assert_uint_eq(iscsi_node_counters(house.node).sessions_lost, 1);
}
END_TEST

/* Lost once more, it may be recovered for as long once more. */
START_TEST(a_deadline_moves_on_with_each_loss)
{
	uint64_t lost_at = house.now_ms;

	reconnect();
	house.now_ms += 10000;
	iscsi_conn_eof(b.conn, house.now_ms);
	wire_close(&b);
	ck_assert_uint_le(iscsi_node_deadline(house.node), lost_at + 22000);
	house.now_ms = lost_at + 22000;
	iscsi_node_tick(house.node, house.now_ms);
	ck_assert_ptr_nonnull(house.node->sessions);
	ck_assert_uint_eq(iscsi_node_deadline(house.node), lost_at + 32000);
	house.now_ms = lost_at + 32000;
	iscsi_node_tick(house.node, house.now_ms);
	ck_assert_ptr_null(house.node->sessions);
	ck_assert_uint_eq(iscsi_node_deadline(house.node), UINT64_MAX);
}
END_TEST

START_TEST(a_session_that_waits_can_be_reinstated)
{
	house.hold = true;
	wire_read(&a, 0, 1);
	wire_close(&a);
	ck_assert_uint_eq(join(&b, 0, 1, 1), 0xffff); /* until the read has drained */
	wire_house_release(&house);
	wire_wait(&b, 0);
	wire_expect(&b, ISCSI_LOGIN_RESPONSE);
	ck_assert_uint_eq(iscsi_node_counters(house.node).reinstatements, 1);
}
END_TEST

START_TEST(an_unknown_task_does_not_exist)
{
	ck_assert_uint_eq(reassign(&a, 4711, 0), 1);
}
END_TEST

START_TEST(immediate_commands_go_with_their_connection)
{
	uint8_t cdb[16];

	house.hold = true;
	wire_cdb_10(cdb, 0x28, 0, 1);
	uint32_t itt = wire_command(
		&a, &(struct wire_command){
			    .cdb = cdb, .read = true, .expected_len = 512, .immediate = true});
	reconnect();
	wire_house_release(&house);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
}
END_TEST

START_TEST(a_lost_task_can_be_aborted)
{
	house.hold = true;
	uint32_t itt = wire_read(&a, 0, 1);
	reconnect();
	uint32_t tmf = wire_manage(&b, SCSI_TMF_ABORT_TASK, itt, b.cmd_sn - 1);
	wire_house_release(&house);
	ck_assert_uint_eq(wire_expect_managed(&b, tmf), SCSI_TMF_COMPLETE);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
}
END_TEST

/* --- limits ----------------------------------------------------------------------------------- */

/* Drops the connection, and comes back with another CID. */
static void move_to(uint16_t cid)
{
	uint16_t tsih = a.tsih;
	uint32_t cmd_sn = a.cmd_sn;

	wire_close(&a);
	ck_assert_uint_eq(join(&a, tsih, cid, cmd_sn), ISCSI_LOGIN_SUCCESS);
}

/* RFC 7143 7.1.4.3 needs one more connection than there may be: that many can be lost. */
START_TEST(only_so_many_lost_connections_are_kept)
{
	for (uint16_t cid = 2; cid < 20; cid++) {
		move_to(cid);
		ck_assert_uint_le(house.node->lost_count, 2);
	}
	uint32_t itt = wire_test_unit_ready(&a);
	wire_expect_status(&a, itt, SCSI_STATUS_GOOD);
}
END_TEST

START_TEST(the_tasks_of_a_lost_connection_too_many_are_aborted)
{
	uint32_t itt = wire_write(&a, 0, 4, NULL, 0, true);
	wire_expect_r2t(&a);
	move_to(2);
	move_to(3);
	ck_assert_uint_eq(house.node->sessions->task_count, 1);
	move_to(4);
	ck_assert_uint_eq(house.node->sessions->task_count, 0);
	ck_assert_uint_eq(reassign(&a, itt, 0), 1);
}
END_TEST

/* Time and again under the same CID, with answers that nobody acknowledges. */
START_TEST(what_lost_connections_leave_behind_has_a_limit)
{
	uint32_t first = 0, last = 0;

	put_on_disk();
	house.node->config.limits.unacked_max = 8192;
	for (unsigned i = 0; i < 8; i++) {
		last = wire_read(&a, 0, 4);
		for (uint32_t n = 0; n < 4; n++)
			expect_data(&a, n, 512 * n, 512);
		wire_expect_status(&a, last, SCSI_STATUS_GOOD);
		if (i == 0)
			first = last;
		move_to(1);
		a.itt = last + 100;
	}
	ck_assert_uint_eq(reassign(&a, first, 0), 1);
	ck_assert_uint_eq(reassign(&a, last, 0), 0);
}
END_TEST

/* --- fences ----------------------------------------------------------------------------------- */

#define KEY_VICTIM	     1
#define KEY_VICTOR	     2
#define PR_REGISTER	     0
#define PR_RESERVE	     1
#define PR_PREEMPT_AND_ABORT 5

static uint32_t pr_out(struct wire *wire, uint8_t action, uint8_t key, uint8_t action_key)
{
	uint8_t cdb[16] = {0x5f, action, action == PR_REGISTER ? 0 : 0x01};
	uint8_t list[24] = {0};

	cdb[8] = sizeof(list);
	list[7] = key;
	list[15] = action_key;
	uint32_t itt = wire_command(wire, &(struct wire_command){.cdb = cdb,
								 .write = true,
								 .expected_len = sizeof(list),
								 .data = list,
								 .data_len = sizeof(list)});
	wire_house_run(&house);
	return itt;
}

static void pr_done(struct wire *wire, uint8_t action, uint8_t key, uint8_t action_key)
{
	uint32_t itt = pr_out(wire, action, key, action_key);

	wire_expect_status(wire, itt, SCSI_STATUS_GOOD);
}

/* `a` holds a reservation; `c`, of another initiator port, may take it away. */
static void face(struct wire *c)
{
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, 2}};

	pr_done(&a, PR_REGISTER, 0, KEY_VICTIM);
	pr_done(&a, PR_RESERVE, KEY_VICTIM, 0);
	wire_open(&house, c);
	ck_assert_uint_eq(wire_login_with(c, &login), ISCSI_LOGIN_SUCCESS);
	wire_clear_unit_attentions(c);
	pr_done(c, PR_REGISTER, 0, KEY_VICTOR);
}

static void expect_nothing_on_disk(struct wire *c)
{
	static const uint8_t zeros[2048];

	wire_read(c, 0, 4);
	struct wire_pdu *pdu = wire_expect(c, ISCSI_DATA_IN);

	ck_assert_uint_eq(pdu->data_len, sizeof(zeros));
	ck_assert_mem_eq(pdu->data, zeros, sizeof(zeros));
}

START_TEST(a_write_that_waits_to_be_reassigned_is_behind_the_fence)
{
	struct wire c;

	face(&c);
	uint32_t itt = wire_write(&a, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	wire_data_out(&a, itt, r2t.ttt, 0, 0, data, 512, false);
	reconnect();
	pr_done(&c, PR_PREEMPT_AND_ABORT, KEY_VICTOR, KEY_VICTIM);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
	wire_expect_nothing(&b);
	expect_nothing_on_disk(&c);
	wire_close(&c);
}
END_TEST

START_TEST(a_reassigned_write_is_behind_the_fence)
{
	struct wire c;

	face(&c);
	uint32_t itt = wire_write(&a, 0, 4, NULL, 0, true);
	wire_expect_r2t(&a);
	reconnect();
	ck_assert_uint_eq(reassign(&b, itt, 0), 0);
	struct iscsi_r2t r2t = wire_expect_r2t(&b);
	wire_data_out(&b, itt, r2t.ttt, 0, 0, data, 512, false);
	pr_done(&c, PR_PREEMPT_AND_ABORT, KEY_VICTOR, KEY_VICTIM);
	wire_data_out(&b, itt, r2t.ttt, 1, 512, data + 512, 1536, true);
	wire_expect_nothing(&b);
	ck_assert_uint_eq(reassign(&b, itt, 0), 1);
	expect_nothing_on_disk(&c);
	wire_close(&c);
}
END_TEST

/* What has reached the medium's queue is waited for, on whichever connection its answer would be.
 */
START_TEST(a_fence_waits_for_a_write_without_a_connection)
{
	struct wire c;

	face(&c);
	uint32_t write = wire_write(&a, 0, 4, NULL, 0, true);
	struct iscsi_r2t r2t = wire_expect_r2t(&a);
	house.hold = true;
	wire_answer_r2t(&a, &r2t, data);
	ck_assert_uint_eq(house.held_count, 1);
	reconnect();
	uint32_t itt = pr_out(&c, PR_PREEMPT_AND_ABORT, KEY_VICTOR, KEY_VICTIM);
	wire_expect_nothing(&c);
	wire_house_release(&house);
	wire_expect_status(&c, itt, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(reassign(&b, write, 0), 1);
	ck_assert_uint_eq(house.node->sessions->task_count, 0);
	wire_clear_unit_attentions(&b);
	itt = wire_write(&b, 0, 1, NULL, 0, true);
	wire_expect_status(&b, itt, SCSI_STATUS_RESERVATION_CONFLICT);
	wire_close(&c);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_command_under_way_goes_on_elsewhere);
	tcase_add_test(tcase, an_answer_between_connections_is_kept);
	tcase_add_test(tcase, a_write_goes_on_where_it_was);
	tcase_add_test(tcase, a_status_that_was_not_acknowledged_comes_again);
	tcase_add_test(tcase, data_goes_on_from_exp_data_sn);
	tcase_add_test(tcase, a_task_is_allegiant_until_its_connection_is_logged_out);
	tcase_add_test(tcase, a_lost_connection_must_be_logged_out_too);
	tcase_add_test(tcase, a_connection_can_log_itself_out_for_recovery);
	tcase_add_test(tcase, a_plain_logout_of_a_lost_connection_ends_its_tasks);
	tcase_add_test(tcase, what_nobody_reassigns_is_aborted_in_time);
	tcase_add_test(tcase, a_session_without_connections_ends_in_time);
	tcase_add_test(tcase, a_deadline_moves_on_with_each_loss);
	tcase_add_test(tcase, a_session_that_waits_can_be_reinstated);
	tcase_add_test(tcase, an_unknown_task_does_not_exist);
	tcase_add_test(tcase, immediate_commands_go_with_their_connection);
	tcase_add_test(tcase, a_lost_task_can_be_aborted);
	tcase_add_test(tcase, only_so_many_lost_connections_are_kept);
	tcase_add_test(tcase, the_tasks_of_a_lost_connection_too_many_are_aborted);
	tcase_add_test(tcase, what_lost_connections_leave_behind_has_a_limit);
	tcase_add_test(tcase, a_write_that_waits_to_be_reassigned_is_behind_the_fence);
	tcase_add_test(tcase, a_reassigned_write_is_behind_the_fence);
	tcase_add_test(tcase, a_fence_waits_for_a_write_without_a_connection);
}

int main(void)
{
	return suite_run("reassign", fill);
}
