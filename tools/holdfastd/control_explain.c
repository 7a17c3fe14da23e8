/*
 * `explain`: may who read and write what, why or why not, and what would change that.
 */
#include "target/explain.h"

#include <inttypes.h>
#include <stdarg.h>

#include "target/sense.h"
#include "tools/common/escape.h"
#include "tools/holdfastd/control_commands.h"
#include "transport/text.h"

#define NEXUSES_PER_PIECE 32
#define NEXUSES_MAX	  1000000 /* of all LUNs, in one reply */
#define ADVICE_MAX	  512

struct explained {
	uint32_t target;
	uint16_t lun;
	struct pr_nexus_id id;
};

struct explain_work {
	struct service *service;
	struct explained *list;
	size_t count, cap, next;
	bool failed;
	/* What is wanted. */
	bool has_isid, found;
	uint32_t target;
	uint16_t lun;
	char initiator[PR_INITIATOR_NAME_MAX + 1]; /* "": every one */
	uint8_t isid[PR_ISID_LEN];
};

/* ---- what would change it -------------------------------------------------------------------- */

struct advice {
	json_t *lines;
	const struct scsi_explanation *explanation;
};

__attribute__((format(printf, 2, 3))) static void advise(struct advice *advice, const char *format,
							 ...)
{
	char line[ADVICE_MAX], escaped[ADVICE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	escape_text(line, escaped, sizeof(escaped));
	json_array_append_new(advice->lines, json_string(escaped));
}

/* Who is not registered picks a key. */
static const char *own_key(const struct scsi_explanation *explanation, char ret_text[24])
{
	if (explanation->registered)
		snprintf(ret_text, 24, "0x%" PRIx64, explanation->key);
	else
		snprintf(ret_text, 24, "KEY");
	return ret_text;
}

static void advise_registering(struct advice *advice)
{
	advise(advice, "sg_persist --out --register-ignore --param-sark=KEY /dev/sdX   "
		       "(any KEY but 0)");
}

static void advise_on_reservation(struct advice *advice)
{
	const struct scsi_explanation *e = advice->explanation;
	unsigned type = e->reservation.type;
	char key[24];

	if (!e->registered)
		advise_registering(advice);
	if (pr_type_is_registrants_only(e->reservation.type) || !e->has_holder)
		return;
	advise(advice,
	       "sg_persist --out --preempt-abort --param-rk=%s --param-sark=0x%" PRIx64
	       " --prout-type=%u /dev/sdX   (takes the reservation from %s)",
	       own_key(e, key), e->holder_key, type, e->holder.initiator_name);
	advise(advice,
	       "or, on %s: sg_persist --out --release --param-rk=0x%" PRIx64
	       " --prout-type=%u /dev/sdX",
	       e->holder.initiator_name, e->holder_key, type);
}

static void advise_on(struct advice *advice, const struct scsi_verdict *verdict)
{
	const struct scsi_explanation *e = advice->explanation;

	switch (verdict->obstacle) {
	case SCSI_OBSTACLE_NONE:
		break;
	case SCSI_OBSTACLE_MASKED:
		advise(advice, "the LUN in the list `luns` of this initiator in the configuration");
		break;
	case SCSI_OBSTACLE_ACCESS_STATE:
		advise(advice, "holdfast alua set LUN GROUP active/optimized");
		break;
	case SCSI_OBSTACLE_RESERVATION:
		if (verdict->conflict != PR_CONFLICT_SPC2_OWNER) {
			advise_on_reservation(advice);
			break;
		}
		advise(advice, "RELEASE(6) by %s, or a reset: sg_reset --device /dev/sdX",
		       e->spc2_owner.initiator_name);
		break;
	case SCSI_OBSTACLE_WRITE_PROTECTED:
		advise(advice, "`read_only` or `software write protect` (SWP) off");
		break;
	case SCSI_OBSTACLE_NOT_READY:
		advise(advice, "sg_start --start /dev/sdX");
		break;
	}
}

/* ---- one nexus ------------------------------------------------------------------------------- */

static json_t *verdict_object(const struct scsi_verdict *verdict,
			      const struct scsi_explanation *explanation)
{
	struct advice advice = {.lines = json_array(), .explanation = explanation};

	advise_on(&advice, verdict);
	return json_pack("{s:b,s:s,s:s,s:o}", "may", verdict->obstacle == SCSI_OBSTACLE_NONE,
			 "rule", verdict->rule, "clause", verdict->clause, "needs", advice.lines);
}

static json_t *nexus_object(const struct pr_nexus_id *id, uint64_t key)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	control_set_nexus(object, id);
	if (key != 0)
		json_object_set_new(object, "key", control_key(key));
	return object;
}

static json_t *reservation_object(const struct scsi_explanation *e)
{
	const struct pr_reservation *reservation = &e->reservation;

	if (reservation->type == PR_TYPE_NONE)
		return json_null();
	return json_pack("{s:i,s:s,s:b,s:o,s:I,s:I}", "type", (int)reservation->type, "type_name",
			 pr_type_name(reservation->type), "all_registrants",
			 pr_type_is_all_registrants(reservation->type), "holder",
			 e->has_holder ? nexus_object(&e->holder, e->holder_key) : json_null(),
			 "since_ms", (json_int_t)reservation->since.time_ms, "since_sequence",
			 (json_int_t)reservation->since.sequence);
}

static void set_registration(json_t *object, const struct scsi_explanation *e)
{
	json_object_set_new(object, "logged_in", json_boolean(e->logged_in));
	json_object_set_new(object, "registered", json_boolean(e->registered));
	json_object_set_new(object, "holds", json_boolean(e->standing == PR_STANDING_HOLDER));
	if (!e->registered)
		return;
	json_object_set_new(object, "key", control_key(e->key));
	json_object_set_new(object, "registered_ms",
			    json_integer((json_int_t)e->registered_since.time_ms));
	json_object_set_new(object, "registered_sequence",
			    json_integer((json_int_t)e->registered_since.sequence));
}

static json_t *explained_object(const struct scsi_lun *lun, const struct pr_nexus_id *id)
{
	struct scsi_explanation e;
	json_t *object = json_object();

	if (!object)
		return NULL;
	scsi_lun_explain(lun, id, &e);
	json_object_set_new(object, "target", control_text(scsi_lun_target_name(lun)));
	json_object_set_new(object, "lun", json_integer(scsi_lun_number(lun)));
	control_set_nexus(object, id);
	set_registration(object, &e);
	json_object_set_new(object, "read", verdict_object(&e.read, &e));
	json_object_set_new(object, "write", verdict_object(&e.write, &e));
	json_object_set_new(object, "reservation", reservation_object(&e));
	json_object_set_new(object, "spc2_owner",
			    e.has_spc2_owner ? nexus_object(&e.spc2_owner, 0) : json_null());
	json_object_set_new(object, "unit_attentions", json_integer(e.attentions));
	if (e.attentions > 0)
		json_object_set_new(object, "unit_attention",
				    json_string(scsi_sense_name(SCSI_KEY_UNIT_ATTENTION,
								e.attention[0], e.attention[1])));
	return object;
}

static bool explain_more(struct control_reply *reply)
{
	struct explain_work *work = reply->work;

	for (int i = 0; i < NEXUSES_PER_PIECE && work->next < work->count; i++) {
		const struct explained *one = &work->list[work->next];
		const struct scsi_lun *lun =
			scsi_target_lun(work->service->targets[one->target], one->lun);
		/* It may have been removed since the list was made. */
		control_reply_element(reply, work->next == 0,
				      lun ? explained_object(lun, &one->id) : json_object());
		work->next++;
	}
	return work->next < work->count;
}

/* ---- which nexuses -----------------------------------------------------------------------------
 */

static void add(struct explain_work *work, const struct pr_nexus_id *id)
{
	if (work->count == work->cap) {
		size_t cap = work->cap > 0 ? work->cap * 2 : 64;
		struct explained *list =
			cap <= NEXUSES_MAX ? realloc(work->list, cap * sizeof(*list)) : NULL;
		if (!list) {
			work->failed = true;
			return;
		}
		work->list = list;
		work->cap = cap;
	}
	work->list[work->count++] = (struct explained){work->target, work->lun, *id};
}

static void consider(void *context, const struct pr_nexus_id *id)
{
	struct explain_work *work = context;

	if (work->initiator[0] != '\0' && strcmp(work->initiator, id->initiator_name) != 0)
		return;
	if (work->has_isid && memcmp(work->isid, id->isid, sizeof(work->isid)) != 0)
		return;
	work->found = true;
	add(work, id);
}

/* Who is asked for and is neither logged in nor registered: a stranger, with any ISID. */
static void add_stranger(struct explain_work *work, const struct scsi_lun *lun)
{
	struct pr_nexus_id id = {.relative_target_port_id = scsi_lun_port_group(lun, 0)};

	memcpy(id.initiator_name, work->initiator, sizeof(id.initiator_name));
	memcpy(id.isid, work->isid, sizeof(id.isid));
	add(work, &id);
}

static void list_lun(struct explain_work *work, const struct scsi_lun *lun)
{
	work->lun = scsi_lun_number(lun);
	work->found = false;
	scsi_lun_each_nexus(lun, consider, work);
	if (!work->found && work->initiator[0] != '\0')
		add_stranger(work, lun);
}

static bool read_initiator(const json_t *request, struct control_reply *reply,
			   struct explain_work *work)
{
	const json_t *initiator = json_object_get(request, "initiator");
	const json_t *isid = json_object_get(request, "isid");
	const char *text = json_string_value(isid);

	if (initiator && (!json_is_string(initiator) ||
			  !iscsi_name_canonical(json_string_value(initiator), work->initiator))) {
		control_reply_error(reply, "`initiator` must be an iSCSI name");
		return false;
	}
	if (!isid)
		return true;
	work->has_isid = true;
	int end = -1;
	if (!initiator || !text || strlen(text) != 2 + 2 * PR_ISID_LEN ||
	    sscanf(text, "0x%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx%n", &work->isid[0], &work->isid[1],
		   &work->isid[2], &work->isid[3], &work->isid[4], &work->isid[5],
		   &end) != PR_ISID_LEN ||
	    text[end] != '\0') {
		control_reply_error(reply, "`isid` must be 0x and 12 hex digits, and goes with "
					   "`initiator`");
		return false;
	}
	return true;
}

static bool list_luns(struct service *service, const json_t *request, struct control_reply *reply,
		      struct explain_work *work)
{
	uint32_t index = UINT32_MAX;
	const struct scsi_lun *only = NULL;

	if (json_object_get(request, "lun")) {
		only = control_find_lun(service, request, reply);
		if (!only)
			return false;
	}
	if (only || json_object_get(request, "target")) {
		index = control_find_target(service, request, reply);
		if (index == UINT32_MAX)
			return false;
	}
	for (uint32_t t = 0; t < service->config->target_count; t++) {
		work->target = t;
		for (uint16_t n = 0; n <= SCSI_LUN_MAX && (index == UINT32_MAX || index == t);
		     n++) {
			const struct scsi_lun *lun = scsi_target_lun(service->targets[t], n);
			if (lun && (!only || lun == only))
				list_lun(work, lun);
		}
	}
	return true;
}

static void explain_free(void *pointer)
{
	struct explain_work *work = pointer;

	free(work->list);
	free(work);
}

void control_explain(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct explain_work *work = calloc(1, sizeof(*work));

	if (!work) {
		control_reply_error(reply, "no memory");
		return;
	}
	work->service = service;
	bool sound =
		read_initiator(request, reply, work) && list_luns(service, request, reply, work);
	if (sound && work->failed) {
		control_reply_error(reply, "too many nexuses: name a `lun`");
		sound = false;
	}
	if (!sound) {
		explain_free(work);
		return;
	}
	reply->work = work;
	reply->work_free = explain_free;
	reply->more = explain_more;
	control_reply_begin_array(reply, json_pack("{s:b}", "ok", 1), "nexuses");
}
