/*
 * `clock`, `clock-freeze`, `clock-step`, `clock-resume`: the time of the daemon's timers.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

#define STEP_MAX_MS (INT64_C(1000) * 86400 * 365)

void control_clock(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct iscsi_server_clock clock = iscsi_server_clock(service->server);
	(void)request;

	control_reply_object(reply, json_pack("{s:b,s:b,s:I,s:I}", "ok", 1, "frozen", clock.frozen,
					      "ms", (json_int_t)clock.now_ms, "ahead_ms",
					      (json_int_t)clock.ahead_ms));
}

static void freeze(const struct loop_part *part, void *context)
{
	(void)context;
	iscsi_server_clock_freeze(part->server);
}

void control_clock_freeze(struct service *service, const json_t *request,
			  struct control_reply *reply)
{
	loops_each(service, freeze, NULL);
	control_clock(service, request, reply);
}

static void step(const struct loop_part *part, void *context)
{
	const uint64_t *ms = context;

	iscsi_server_clock_step(part->server, *ms);
}

void control_clock_step(struct service *service, const json_t *request, struct control_reply *reply)
{
	const json_t *ms = json_object_get(request, "ms");

	if (!json_is_integer(ms) || json_integer_value(ms) < 0 ||
	    json_integer_value(ms) > STEP_MAX_MS) {
		control_reply_error(reply, "`ms` must be a number of milliseconds, a year at most");
		return;
	}
	uint64_t by_ms = (uint64_t)json_integer_value(ms);
	loops_each(service, step, &by_ms);
	control_clock(service, request, reply);
}

static void resume(const struct loop_part *part, void *context)
{
	(void)context;
	iscsi_server_clock_resume(part->server);
}

void control_clock_resume(struct service *service, const json_t *request,
			  struct control_reply *reply)
{
	loops_each(service, resume, NULL);
	control_clock(service, request, reply);
}
