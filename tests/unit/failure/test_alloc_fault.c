/*
 * No memory while fault rules are added, or at work: the rule is refused, or the connection is
 * lost. When the rules are taken away, nothing of them is left.
 */
#include "tests/unit/failure/inject.h"
#include "tests/unit/failure/talk.h"
#include "transport/fault.h"

static void take(struct wire *wire)
{
	struct iovec iov[16];

	for (;;) {
		int count = iscsi_conn_output(wire->conn, iov, 16);
		size_t len = 0;

		for (int i = 0; i < count; i++)
			len += iov[i].iov_len;
		if (len == 0)
			return;
		iscsi_conn_sent(wire->conn, len, wire->house->now_ms);
	}
}

static void try_rule(const char *rule)
{
	char id[ISCSI_FAULT_ID_MAX], error[ISCSI_FAULT_ERROR_MAX] = "";
	struct talk talk;

	talk_begin(&talk);
	inject_on();
	int result = iscsi_node_fault_add(talk.house.node, rule, NULL, id, error);
	ck_assert_msg(result == 0 || error[0] != '\0', "%s", rule);
	wire_test_unit_ready(&talk.wire);
	take(&talk.wire);
	wire_wait(&talk.wire, 1000);
	take(&talk.wire);
	bool failed = inject_off();
	ck_assert_msg(failed || result == 0, "%s: %s", rule, error);
	iscsi_node_fault_clear(talk.house.node, NULL);
	wire_wait(&talk.wire, 1000);
	take(&talk.wire);
	wire_close(&talk.wire);
	wire_open(&talk.house, &talk.wire);
	ck_assert_uint_eq(talk_log_in(&talk), ISCSI_LOGIN_SUCCESS);
	ck_assert_int_eq(talk_write_and_read(&talk.wire), ENDED_GOOD);
	talk_end(&talk);
}

static void try_hold(void)
{
	try_rule("on command per=connection nth=1 do hold");
}

static void try_late(void)
{
	try_rule("on scsi-response do delay 100");
}

static void try_insert(void)
{
	try_rule("on scsi-response do insert nop-in len=100 do insert async event=1 in=100");
}

static void try_insert_at_once(void)
{
	try_rule("on scsi-command do insert reject reason=5");
}

static void try_segment(void)
{
	try_rule("on scsi-response do segment len=100 do duplicate do flip at=data+3");
}

static void try_stop(void)
{
	try_rule("on scsi-command do delay 100");
}

START_TEST(memory_runs_out_under_rules)
{
	inject_each("hold", try_hold);
	inject_each("late", try_late);
	inject_each("insert", try_insert);
	inject_each("insert at once", try_insert_at_once);
	inject_each("segment", try_segment);
	inject_each("stop", try_stop);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, memory_runs_out_under_rules);
}

int main(void)
{
	return suite_run("alloc_fault", fill);
}
