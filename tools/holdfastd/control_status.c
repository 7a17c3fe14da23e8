/*
 * `status`: what is served, and how it fares. One target a piece.
 */
#include "pr_engine/state.h"
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

struct status_work {
	const struct service *service;
	uint32_t next; /* target */
};

static json_t *journal_object(const struct scsi_lun *lun)
{
	struct pr_journal_counters counters = scsi_lun_journal_counters(lun);

	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "records", (json_int_t)counters.records, "syncs",
			 (json_int_t)counters.syncs, "rewrites", (json_int_t)counters.rewrites,
			 "errors", (json_int_t)counters.errors, "size", (json_int_t)counters.size);
}

static json_t *lun_object(const struct service *service, const struct config_target *target,
			  const struct config_lun *configured, const struct scsi_lun *lun)
{
	const struct pr_state *state = scsi_lun_pr_state(lun);
	struct pr_reservation reservation = pr_state_reservation(state);
	struct pr_nexus_id owner;
	char path[STATE_FILE_MAX];
	json_t *object =
		json_pack("{s:i,s:b,s:s,s:s,s:I,s:i,s:s,s:b}", "number", configured->number,
			  "online", 1, "profile", scsi_lun_profile(lun)->name, "backing",
			  scsi_lun_backing_name(lun), "blocks", (json_int_t)scsi_lun_blocks(lun),
			  "block_size", (int)scsi_lun_block_size(lun), "serial",
			  scsi_lun_serial(lun), "read_only", configured->read_only);

	if (!object)
		return NULL;
	json_object_set_new(object, "registrations", json_integer(pr_state_count(state)));
	json_object_set_new(object, "reservation",
			    reservation.type == PR_TYPE_NONE
				    ? json_null()
				    : json_string(pr_type_name(reservation.type)));
	json_object_set_new(object, "spc2_reserved",
			    json_boolean(scsi_lun_spc2_owner(lun, &owner)));
	json_object_set_new(object, "aptpl", json_boolean(pr_state_aptpl(state)));
	json_object_set_new(object, "generation", json_integer(pr_state_generation(state)));
	if (state_dir_lun_file(&service->state, "reservations", target->name, configured->number,
			       "journal", path))
		json_object_set_new(object, "journal_file", control_text(path));
	json_object_set_new(object, "journal", journal_object(lun));
	return object;
}

static json_t *target_object(const struct service *service, uint32_t index)
{
	const struct config_target *target = &service->config->targets[index];
	json_t *luns = json_array(), *ports = json_array();

	for (uint32_t i = 0; i < service->config->portal_count; i++) {
		const struct service_portal *portal = &service->portals[i];
		if (scsi_target_has_port(service->targets[index], portal->group))
			json_array_append_new(ports, json_string(portal->address));
	}
	for (uint32_t i = 0; i < target->lun_count; i++) {
		const struct config_lun *configured = &target->luns[i];
		const struct scsi_lun *lun =
			scsi_target_lun(service->targets[index], configured->number);
		json_array_append_new(luns, lun ? lun_object(service, target, configured, lun)
						: json_pack("{s:i,s:b}", "number",
							    configured->number, "online", 0));
	}
	return json_pack("{s:s,s:o,s:o,s:o}", "name", target->name, "alias",
			 control_text(target->alias), "portals", ports, "luns", luns);
}

static bool status_more(struct control_reply *reply)
{
	struct status_work *work = reply->work;

	if (work->next == work->service->config->target_count)
		return false;
	control_reply_element(reply, work->next == 0, target_object(work->service, work->next));
	work->next++;
	return true;
}

static json_t *portals_array(const struct service *service)
{
	json_t *portals = json_array();

	for (uint32_t i = 0; i < service->config->portal_count; i++)
		json_array_append_new(portals,
				      json_pack("{s:s,s:i}", "address", service->portals[i].address,
						"group", service->portals[i].group));
	return portals;
}

/* Of all loops together. */
struct totals {
	json_int_t sessions, connections;
	struct iscsi_node_counters counters;
};

static void count_session(void *context, const struct iscsi_session_info *info)
{
	json_int_t *count = context;
	(void)info;
	(*count)++;
}

static void add_totals(const struct loop_part *part, void *context)
{
	struct totals *totals = context;
	struct iscsi_node_counters *sum = &totals->counters;
	struct iscsi_node_counters c = iscsi_node_counters(part->node);

	iscsi_node_each_session(part->node, count_session, &totals->sessions);
	totals->connections += iscsi_server_connections(part->server);
	sum->logins += c.logins;
	sum->login_failures += c.login_failures;
	sum->logouts += c.logouts;
	sum->sessions_lost += c.sessions_lost;
	sum->reinstatements += c.reinstatements;
	sum->rejects += c.rejects;
	sum->digest_errors += c.digest_errors;
	sum->format_errors += c.format_errors;
}

static json_t *counters_object(const struct iscsi_node_counters *c)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "logins", (json_int_t)c->logins,
			 "login_failures", (json_int_t)c->login_failures, "logouts",
			 (json_int_t)c->logouts, "sessions_lost", (json_int_t)c->sessions_lost,
			 "reinstatements", (json_int_t)c->reinstatements, "rejects",
			 (json_int_t)c->rejects, "digest_errors", (json_int_t)c->digest_errors,
			 "format_errors", (json_int_t)c->format_errors);
}

void control_status(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct totals totals = {0};
	struct status_work *work = calloc(1, sizeof(*work));
	(void)request;

	if (!work) {
		control_reply_error(reply, "no memory");
		return;
	}
	work->service = service;
	reply->work = work;
	reply->work_free = free;
	reply->more = status_more;
	loops_each(service, add_totals, &totals);
	uint64_t now_ms = service_clock_ms(NULL);
	uint64_t uptime_ms = now_ms > service->started_ms ? now_ms - service->started_ms : 0;
	json_t *head = json_pack("{s:b,s:s,s:i,s:I,s:o,s:o,s:I,s:I,s:o}", "ok", 1, "version",
				 HOLDFAST_VERSION, "pid", (int)getpid(), "uptime_ms",
				 (json_int_t)uptime_ms, "state_dir",
				 control_text(service->state.path), "portals",
				 portals_array(service), "sessions", totals.sessions, "connections",
				 totals.connections, "counters", counters_object(&totals.counters));
	control_reply_begin_array(reply, head, "targets");
}
