/*
 * The requests that the control socket understands.
 */
#ifndef TOOLS_HOLDFASTD_CONTROL_COMMANDS_H
#define TOOLS_HOLDFASTD_CONTROL_COMMANDS_H

#include "tools/holdfastd/control_reply.h"
#include "tools/holdfastd/service.h"

/* Answers one request line (without its newline): `reply` is active afterwards. */
void control_command_run(struct service *service, const char *line, size_t len,
			 struct control_reply *reply);

/* The handlers, one file each. */
void control_status(struct service *service, const json_t *request, struct control_reply *reply);
void control_sessions(struct service *service, const json_t *request, struct control_reply *reply);
void control_pr(struct service *service, const json_t *request, struct control_reply *reply);

void control_fault_add(struct service *service, const json_t *request, struct control_reply *reply);
void control_fault_list(struct service *service, const json_t *request,
			struct control_reply *reply);
void control_fault_clear(struct service *service, const json_t *request,
			 struct control_reply *reply);
void control_fault_release(struct service *service, const json_t *request,
			   struct control_reply *reply);
void control_clock(struct service *service, const json_t *request, struct control_reply *reply);
void control_clock_freeze(struct service *service, const json_t *request,
			  struct control_reply *reply);
void control_clock_step(struct service *service, const json_t *request,
			struct control_reply *reply);
void control_clock_resume(struct service *service, const json_t *request,
			  struct control_reply *reply);
void control_async(struct service *service, const json_t *request, struct control_reply *reply);
void control_lun_add(struct service *service, const json_t *request, struct control_reply *reply);
void control_lun_remove(struct service *service, const json_t *request,
			struct control_reply *reply);
void control_lun_resize(struct service *service, const json_t *request,
			struct control_reply *reply);
void control_alua(struct service *service, const json_t *request, struct control_reply *reply);
void control_alua_set(struct service *service, const json_t *request, struct control_reply *reply);

void control_observe_on(struct service *service, const json_t *request,
			struct control_reply *reply);
void control_observe_off(struct service *service, const json_t *request,
			 struct control_reply *reply);
void control_observe_show(struct service *service, const json_t *request,
			  struct control_reply *reply);
void control_observe_clear(struct service *service, const json_t *request,
			   struct control_reply *reply);

void control_capture(struct service *service, const json_t *request, struct control_reply *reply);
void control_explain(struct service *service, const json_t *request, struct control_reply *reply);
void control_trace(struct service *service, const json_t *request, struct control_reply *reply);

/* ---- what several of them need --------------------------------------------------------------- */

/* 64-bit keys do not fit into JSON's numbers: "0x00000000abcd1234". */
json_t *control_key(uint64_t key);
/* The members of a request that say which events are wanted. False after an error reply. */
struct trace_filter;
bool control_read_trace_filter(const json_t *request, struct control_reply *reply,
			       struct trace_filter *ret_filter);
/* Text from a peer, escaped. */
json_t *control_text(const char *text);
/* Adds `initiator`, `isid` and `port` to an object. */
void control_set_nexus(json_t *object, const struct pr_nexus_id *nexus);

/*
 * The target that the request names by `target`, or the only one there is. UINT32_MAX after an
 * error reply.
 */
uint32_t control_find_target(const struct service *service, const json_t *request,
			     struct control_reply *reply);
/* The LUN that the request names by `lun`, of that target. NULL after an error reply. */
struct scsi_lun *control_find_lun(const struct service *service, const json_t *request,
				  struct control_reply *reply);

#endif
