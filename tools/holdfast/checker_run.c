/*
 * One run: the target with its stimulus, the command, what came of it, and the same command once
 * more without the stimulus.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "tools/holdfast/checker.h"
#include "tools/holdfast/text.h"

#define POLL_MS	  20
#define SETTLE_MS 300 /* for connections to be closed once the command has ended */
#define CLOCK_LAG_MS \
	400 /* for the initiator to err, between a stimulus and what the clock brings */
/* Who opens so many connections, or sends so many Text Requests, goes round in a loop. */
#define LOOP_MIN     1000
#define CRASH_STATUS 128 /* shells and sanitizers add the signal to it */
#define CRASH_LAST   (CRASH_STATUS + 64)

struct runner {
	const struct checker_options *options;
	struct checker_target target;
	struct checker_tap *tap;
	struct check_run_result *result;
	uint32_t steps_from_ms; /* 0: full feature phase has not begun */
	unsigned steps_done;
	uint32_t clock_look_ms; /* when the clock is next thought of */
	bool clock_is_due, clock_done;
	json_t *fired; /* the rules, before they were cleared; NULL: they are still there */
};

/* ---- steps ----------------------------------------------------------------------------------- */

/* When did the first request of full feature phase come? 0: it has not. */
static uint32_t full_feature_ms(const struct check_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct check_event *event = &record->events[i];
		if (event->kind == CHECK_PDU && !event->from_target &&
		    (event->bhs[0] & 0x3f) != ISCSI_LOGIN_REQUEST)
			return event->ms + 1;
	}
	return 0;
}

static void take_step(struct runner *runner, enum check_step_kind kind)
{
	struct check_record *record = &runner->result->record;
	uint32_t ms = checker_tap_ms(runner->tap);

	switch (kind) {
	case CHECK_STEP_KILL:
		check_record_note(record, ms, "the target is killed");
		checker_target_kill(&runner->target);
		break;
	case CHECK_STEP_START:
		check_record_note(record, ms, "the target is started again");
		if (checker_target_restart(&runner->target, runner->options->holdfastd))
			for (unsigned i = 0; i < runner->target.portals; i++)
				checker_tap_lead(runner->tap, i, runner->target.ports[i]);
		break;
	case CHECK_STEP_RELEASE:
		check_record_note(record, ms, "what was held is released");
		json_decref(checker_target_ask(&runner->target, "fault-release"));
		break;
	case CHECK_STEP_CLEAR:
		json_decref(runner->fired);
		runner->fired = checker_target_ask(&runner->target, "fault-list");
		check_record_note(record, ms, "the faults are cleared");
		json_decref(checker_target_ask(&runner->target, "fault-clear"));
		break;
	case CHECK_STEP_NONE:
		break;
	}
}

static void take_steps(struct runner *runner)
{
	const struct check_step *steps = runner->result->run->steps;

	if (steps[0].kind == CHECK_STEP_NONE)
		return;
	if (runner->steps_from_ms == 0)
		runner->steps_from_ms = full_feature_ms(&runner->result->record);
	while (runner->steps_from_ms > 0 && runner->steps_done < CHECK_STEPS_MAX &&
	       steps[runner->steps_done].kind != CHECK_STEP_NONE &&
	       checker_tap_ms(runner->tap) >=
		       runner->steps_from_ms + steps[runner->steps_done].ms) {
		take_step(runner, steps[runner->steps_done].kind);
		runner->steps_done++;
	}
}

static bool has_fired(const json_t *fault_list)
{
	const json_t *first = json_array_get(json_object_get(fault_list, "rules"), 0);

	return first && member_number(first, "firings") > 0;
}

/* A timer of the target need not be waited for. */
static void take_clock(struct runner *runner)
{
	unsigned by_ms = runner->result->run->clock_ms;
	uint32_t ms = checker_tap_ms(runner->tap);

	if (by_ms == 0 || runner->clock_done || ms < runner->clock_look_ms)
		return;
	if (runner->clock_is_due) {
		check_record_note(&runner->result->record, ms, "the target's clock is set forward");
		checker_target_step(&runner->target, by_ms);
		json_decref(checker_target_ask(&runner->target, "clock-resume"));
		runner->clock_done = true;
		return;
	}
	json_t *reply = checker_target_ask(&runner->target, "fault-list");
	runner->clock_is_due = has_fired(reply);
	runner->clock_look_ms = ms + (runner->clock_is_due ? CLOCK_LAG_MS : POLL_MS);
	json_decref(reply);
}

/* ---- the command ----------------------------------------------------------------------------- */

static enum check_ended ending_of(const struct checker_options *options, int status)
{
	if (WIFSIGNALED(status))
		return CHECK_ENDED_CRASHED;
	int code = WEXITSTATUS(status);
	if (code > CRASH_STATUS && code < CRASH_LAST)
		return CHECK_ENDED_CRASHED;
	if (code == options->wrong_data_status)
		return CHECK_ENDED_WRONG_DATA;
	return code == 0 ? CHECK_ENDED_OK : CHECK_ENDED_FAILED;
}

static bool goes_round(const struct check_record *record)
{
	size_t texts = 0;

	for (size_t i = 0; i < record->count; i++) {
		const struct check_event *event = &record->events[i];
		texts += event->kind == CHECK_PDU && !event->from_target &&
			 (event->bhs[0] & 0x3f) == ISCSI_TEXT_REQUEST;
	}
	return record->connection_count >= LOOP_MIN || texts >= LOOP_MIN;
}

/* Runs it to its end or the time limit. */
static enum check_ended run_command(struct runner *runner, struct checker_child *child)
{
	uint64_t deadline = checker_now_ms() + runner->options->time_limit_s * UINT64_C(1000);
	bool ended = false;

	if (!checker_child_start(child, runner->options, &runner->target))
		return CHECK_ENDED_FAILED;
	while (!(ended = checker_child_poll(child)) && checker_now_ms() < deadline &&
	       !goes_round(&runner->result->record)) {
		checker_tap_poll(runner->tap, child->out, POLL_MS);
		take_steps(runner);
		take_clock(runner);
	}
	if (!ended)
		return CHECK_ENDED_NOT;
	uint64_t settle = checker_now_ms() + SETTLE_MS;
	do
		checker_tap_poll(runner->tap, -1, POLL_MS);
	while (checker_tap_connections(runner->tap) > 0 && checker_now_ms() < settle);
	return ending_of(runner->options, child->status);
}

static void run_stimulus(struct runner *runner)
{
	struct check_run_result *result = runner->result;
	struct checker_child child;
	unsigned times = result->run->flags & CHECK_TWICE ? 2 : 1;

	if (result->run->clock_ms > 0)
		json_decref(checker_target_ask(&runner->target, "clock-freeze"));
	checker_tap_begin(runner->tap);
	for (unsigned i = 0; i < times; i++) {
		if (i > 0)
			free(result->output);
		result->evidence.ended = run_command(runner, &child);
		result->output = child.output;
		result->evidence.output = child.output;
		result->evidence.end = result->record.count;
		if (result->evidence.ended == CHECK_ENDED_NOT)
			checker_child_kill(&child);
		result->status = child.status;
		if (result->evidence.ended != CHECK_ENDED_OK)
			break;
	}
	result->ms = checker_tap_ms(runner->tap);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static uint16_t port_at_end(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

/* Has the first rule fired, and where? */
static void take_firings(struct runner *runner)
{
	struct check_evidence *evidence = &runner->result->evidence;
	const char *rule = runner->result->run->rules[0];
	struct check_firing firing = {.peer_port = 0};

	evidence->fired = rule == NULL;
	if (rule) {
		json_t *reply = runner->fired ? json_incref(runner->fired)
					      : checker_target_ask(&runner->target, "fault-list");
		const json_t *its = json_array_get(json_object_get(reply, "rules"), 0);
		const json_t *first = json_object_get(its, "first");
		evidence->fired = member_number(its, "firings") > 0;
		firing.peer_port = port_at_end(member_text(first, "peer"));
		firing.is_pdu = member_is_true(first, "is_pdu") != 0;
		firing.is_sent = member_is_true(first, "is_sent") != 0;
		firing.pdu = (uint64_t)member_number(first, "pdu");
		firing.itt = (uint32_t)member_number(first, "itt");
		json_decref(reply);
	}
	check_evidence_locate(evidence, rule ? rule : "", &firing);
}

static enum iscsi_verdict verdict_named(const char *name)
{
	for (int v = ISCSI_VERDICT_NOT_SEEN; v <= ISCSI_VERDICT_FAIL; v++)
		if (strcmp(iscsi_verdict_name((enum iscsi_verdict)v), name) == 0)
			return (enum iscsi_verdict)v;
	return ISCSI_VERDICT_NOT_SEEN;
}

static void take_findings(struct runner *runner)
{
	json_t *reply = checker_target_ask(&runner->target, "observe-show");
	const json_t *check;
	size_t i;

	json_array_foreach(json_object_get(reply, "checks"), i, check)
	{
		const struct iscsi_check *row = iscsi_check_find(member_text(check, "id"), NULL);
		if (row)
			runner->result->evidence.passive[row->passive] =
				verdict_named(member_text(check, "verdict"));
	}
	json_decref(reply);
}

/* To go on takes no long work. */
static enum check_work work_afterwards(enum check_work work)
{
	return work == CHECK_WORK_LOOP || work == CHECK_WORK_IDLE ? CHECK_WORK_WRITE : work;
}

/* Once more, with a target that behaves. */
static void run_aftermath(struct runner *runner)
{
	struct check_run_result *result = runner->result;
	struct checker_child child;

	checker_tap_cut(runner->tap);
	if (runner->target.pid <= 0 &&
	    checker_target_restart(&runner->target, runner->options->holdfastd))
		for (unsigned i = 0; i < runner->target.portals; i++)
			checker_tap_lead(runner->tap, i, runner->target.ports[i]);
	check_record_note(&result->record, checker_tap_ms(runner->tap),
			  "once more, without the stimulus");
	runner->target.work = work_afterwards(result->run->work);
	if (result->run->rules[0])
		json_decref(checker_target_ask(&runner->target, "fault-clear"));
	if (result->run->clock_ms > 0)
		json_decref(checker_target_ask(&runner->target, "clock-resume"));
	runner->steps_done = CHECK_STEPS_MAX;
	runner->clock_done = true;
	result->aftermath = run_command(runner, &child);
	checker_child_kill(&child);
	free(child.output);
	result->aftermath_ran = true;
}

static bool prepare(struct runner *runner)
{
	const struct check_run *run = runner->result->run;

	runner->target.run = run;
	runner->target.work = run->work;
	runner->target.first_lba = runner->options->first_lba;
	runner->target.portals = run->flags & CHECK_TWO_PORTALS ? 2 : 1;
	runner->tap = checker_tap_create(&runner->result->record);
	if (!runner->tap)
		return false;
	for (unsigned i = 0; i < runner->target.portals; i++) {
		runner->target.tap_ports[i] = checker_tap_listen(runner->tap);
		if (runner->target.tap_ports[i] == 0)
			return false;
	}
	if (!checker_target_start(&runner->target, runner->options->holdfastd))
		return false;
	for (unsigned i = 0; i < runner->target.portals; i++)
		checker_tap_lead(runner->tap, i, runner->target.ports[i]);
	return true;
}

void checker_run(const struct check_run *run, const struct checker_options *options,
		 struct check_run_result *ret)
{
	struct runner runner = {.options = options, .result = ret};

	ret->run = run;
	check_record_init(&ret->record);
	ret->evidence.record = &ret->record;
	ret->evidence.secret = CHECKER_SECRET;
	if (run->never) {
		check_run_judge(ret);
		return;
	}
	if (!prepare(&runner)) {
		ret->verdict = CHECK_INCONCLUSIVE;
		snprintf(ret->why, sizeof(ret->why), "the target could not be set up");
	} else if (!checker_target_misbehave(&runner.target, ret->why, sizeof(ret->why))) {
		ret->verdict = CHECK_NOT_TESTABLE;
	} else {
		run_stimulus(&runner);
		take_firings(&runner);
		take_findings(&runner);
		/* Who has failed, or was not tried, need not show that he can go on. */
		if (check_run_judge(ret) && !(run->flags & CHECK_NO_AFTERMATH)) {
			run_aftermath(&runner);
			check_run_judge(ret);
		}
	}
	json_decref(runner.fired);
	checker_tap_free(&runner.tap);
	checker_target_finish(&runner.target);
}
