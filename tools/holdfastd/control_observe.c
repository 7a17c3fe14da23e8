/*
 * `observe-on`, `observe-off`, `observe-show`, `observe-clear`: what the observer judges, and what
 * it has found.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

#include <errno.h>

#include "transport/observer.h"

struct switching {
	uint32_t index;
	bool on;
	int error;
};

static void switch_one(const struct loop_part *part, void *context)
{
	struct switching *switching = context;
	int error = iscsi_node_observe(part->node, part->targets[switching->index], switching->on);

	if (switching->error == 0)
		switching->error = error;
}

static void observe(struct service *service, const json_t *request, struct control_reply *reply,
		    bool on)
{
	uint32_t index = control_find_target(service, request, reply);

	if (index == UINT32_MAX)
		return;
	struct switching switching = {.index = index, .on = on};
	loops_each(service, switch_one, &switching);
	if (switching.error) {
		control_reply_error(reply, "the observer cannot be switched: %s",
				    strerror(-switching.error));
		return;
	}
	control_reply_object(reply, json_pack("{s:b,s:s,s:b}", "ok", 1, "target",
					      service->config->targets[index].name, "on", on));
}

void control_observe_on(struct service *service, const json_t *request, struct control_reply *reply)
{
	observe(service, request, reply, true);
}

void control_observe_off(struct service *service, const json_t *request,
			 struct control_reply *reply)
{
	observe(service, request, reply, false);
}

static void clear_one(const struct loop_part *part, void *context)
{
	struct iscsi_observer *observer = iscsi_node_observer(part->node);
	(void)context;

	if (observer)
		iscsi_observer_clear(observer);
}

void control_observe_clear(struct service *service, const json_t *request,
			   struct control_reply *reply)
{
	(void)request;

	loops_each(service, clear_one, NULL);
	control_reply_object(reply, json_pack("{s:b}", "ok", 1));
}

/* ---- what was found -------------------------------------------------------------------------- */

static json_t *hex_text(const uint8_t *bytes, size_t len)
{
	char text[2 * ISCSI_BHS_LEN + 3] = "0x";

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *finding_object(const struct iscsi_finding *finding)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	json_object_set_new(object, "check", json_string(iscsi_check_row(finding->check)->id));
	json_object_set_new(object, "verdict", json_string(iscsi_verdict_name(finding->verdict)));
	json_object_set_new(object, "ms", json_integer((json_int_t)finding->ms));
	json_object_set_new(object, "initiator", control_text(finding->initiator));
	json_object_set_new(object, "target", control_text(finding->target));
	json_object_set_new(object, "isid", hex_text(finding->isid, sizeof(finding->isid)));
	json_object_set_new(object, "tsih", json_integer(finding->tsih));
	json_object_set_new(object, "cid", json_integer(finding->cid));
	json_object_set_new(object, "pdu", json_integer((json_int_t)finding->pdu));
	json_object_set_new(object, "from_target", json_boolean(finding->from_target));
	json_object_set_new(object, "header", hex_text(finding->bhs, sizeof(finding->bhs)));
	json_object_set_new(object, "expected", control_text(finding->expected));
	json_object_set_new(object, "got", control_text(finding->got));
	return object;
}

/* What the observers of all loops have found, together. */
struct found {
	struct iscsi_tally tallies[ISCSI_CHECK_COUNT];
	json_int_t missed;
	json_t *findings;
};

static void add_tally(struct iscsi_tally *sum, struct iscsi_tally tally)
{
	sum->judged += tally.judged;
	sum->found += tally.found;
	if (tally.verdict > sum->verdict)
		sum->verdict = tally.verdict;
}

static void add_found(const struct loop_part *part, void *context)
{
	const struct iscsi_observer *observer = iscsi_node_observer(part->node);
	const struct iscsi_finding *finding;
	struct found *found = context;

	if (!observer)
		return;
	for (unsigned i = 0; i < ISCSI_CHECK_COUNT; i++)
		add_tally(&found->tallies[i],
			  iscsi_observer_tally(observer, (enum iscsi_passive_check)i));
	found->missed += (json_int_t)iscsi_observer_missed(observer);
	for (size_t i = 0; (finding = iscsi_observer_finding(observer, i)) != NULL; i++)
		json_array_append_new(found->findings, finding_object(finding));
}

static json_t *check_object(const struct iscsi_check *check, const struct found *found)
{
	const struct iscsi_tally *tally = &found->tallies[check->passive];

	return json_pack("{s:s,s:s,s:s,s:I,s:I}", "id", check->id, "severity",
			 iscsi_severity_name(check->severity), "verdict",
			 iscsi_verdict_name(tally->verdict), "judged", (json_int_t)tally->judged,
			 "found", (json_int_t)tally->found);
}

static json_t *all_checks(const struct found *found)
{
	json_t *checks = json_array();

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			if (iscsi_check_groups[g].checks[i].passive != ISCSI_CHECK_NONE)
				json_array_append_new(
					checks,
					check_object(&iscsi_check_groups[g].checks[i], found));
	return checks;
}

static json_t *observed_targets(const struct service *service)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < service->config->target_count; i++)
		if (iscsi_node_observes(service->node, service->targets[i]))
			json_array_append_new(names, json_string(service->config->targets[i].name));
	return names;
}

void control_observe_show(struct service *service, const json_t *request,
			  struct control_reply *reply)
{
	struct found found = {.findings = json_array()};
	(void)request;

	loops_each(service, add_found, &found);
	control_reply_object(reply,
			     json_pack("{s:b,s:o,s:I,s:o,s:o}", "ok", 1, "targets",
				       observed_targets(service), "missed", found.missed, "checks",
				       all_checks(&found), "findings", found.findings));
}
