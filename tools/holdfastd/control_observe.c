/*
 * `observe-on`, `observe-off`, `observe-show`, `observe-clear`: what the observer judges, and what
 * it has found.
 */
#include "tools/holdfastd/control_commands.h"

#include <errno.h>

#include "transport/observer.h"

static void observe(struct service *service, const json_t *request, struct control_reply *reply,
		    bool on)
{
	uint32_t index = control_find_target(service, request, reply);

	if (index == UINT32_MAX)
		return;
	int error = iscsi_node_observe(service->node, service->targets[index], on);
	if (error) {
		control_reply_error(reply, "the observer cannot be switched: %s", strerror(-error));
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

void control_observe_clear(struct service *service, const json_t *request,
			   struct control_reply *reply)
{
	struct iscsi_observer *observer = iscsi_node_observer(service->node);
	(void)request;

	if (observer)
		iscsi_observer_clear(observer);
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

static json_t *check_object(const struct iscsi_check *check, const struct iscsi_observer *observer)
{
	struct iscsi_tally tally = {0};

	if (observer)
		tally = iscsi_observer_tally(observer, check->passive);
	return json_pack("{s:s,s:s,s:s,s:I,s:I}", "id", check->id, "severity",
			 iscsi_severity_name(check->severity), "verdict",
			 iscsi_verdict_name(tally.verdict), "judged", (json_int_t)tally.judged,
			 "found", (json_int_t)tally.found);
}

static json_t *all_checks(const struct iscsi_observer *observer)
{
	json_t *checks = json_array();

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			if (iscsi_check_groups[g].checks[i].passive != ISCSI_CHECK_NONE)
				json_array_append_new(
					checks,
					check_object(&iscsi_check_groups[g].checks[i], observer));
	return checks;
}

static json_t *all_findings(const struct iscsi_observer *observer)
{
	json_t *findings = json_array();
	const struct iscsi_finding *finding;

	for (size_t i = 0; observer && (finding = iscsi_observer_finding(observer, i)) != NULL; i++)
		json_array_append_new(findings, finding_object(finding));
	return findings;
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
	const struct iscsi_observer *observer = iscsi_node_observer(service->node);
	json_int_t missed = observer ? (json_int_t)iscsi_observer_missed(observer) : 0;
	(void)request;

	control_reply_object(reply,
			     json_pack("{s:b,s:o,s:I,s:o,s:o}", "ok", 1, "targets",
				       observed_targets(service), "missed", missed, "checks",
				       all_checks(observer), "findings", all_findings(observer)));
}
