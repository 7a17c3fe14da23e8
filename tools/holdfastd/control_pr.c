/*
 * `pr`: the reservation state of one LUN.
 *
 * Ten thousand registrations are more than one turn of the loop should write. So they are copied
 * first, which is quick and makes the reply one moment's truth, and written some dozens a piece.
 */
#include "pr_engine/state.h"
#include "tools/holdfastd/control_commands.h"

#define REGISTRATIONS_PER_PIECE 64

struct pr_work {
	struct pr_reservation reservation;
	size_t count, next;
	struct pr_registration registrations[];
};

static bool holds(const struct pr_reservation *reservation, uint64_t id)
{
	if (reservation->type == PR_TYPE_NONE)
		return false;
	return pr_type_is_all_registrants(reservation->type) || reservation->holder_id == id;
}

static void set_since(json_t *object, const struct pr_stamp *since)
{
	json_object_set_new(object, "since_ms", json_integer((json_int_t)since->time_ms));
	json_object_set_new(object, "since_sequence", json_integer((json_int_t)since->sequence));
}

static json_t *registration_object(const struct pr_reservation *reservation,
				   const struct pr_registration *registration)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	json_object_set_new(object, "key", control_key(registration->key));
	control_set_nexus(object, &registration->nexus);
	json_object_set_new(object, "holder", json_boolean(holds(reservation, registration->id)));
	set_since(object, &registration->since);
	return object;
}

static bool pr_more(struct control_reply *reply)
{
	struct pr_work *work = reply->work;

	if (work->next == work->count)
		return false;
	for (int i = 0; i < REGISTRATIONS_PER_PIECE && work->next < work->count; i++) {
		control_reply_element(
			reply, work->next == 0,
			registration_object(&work->reservation, &work->registrations[work->next]));
		work->next++;
	}
	return true;
}

static struct pr_work *copy_registrations(const struct pr_state *state)
{
	size_t count = pr_state_count(state);
	struct pr_work *work = calloc(1, sizeof(*work) + count * sizeof(work->registrations[0]));

	if (!work)
		return NULL;
	work->reservation = pr_state_reservation(state);
	const struct pr_registration *r = pr_state_first(state);
	while (r && work->count < count) {
		work->registrations[work->count++] = *r;
		r = pr_state_next(state, r);
	}
	return work;
}

static json_t *reservation_object(const struct pr_state *state)
{
	struct pr_reservation reservation = pr_state_reservation(state);

	if (reservation.type == PR_TYPE_NONE)
		return json_null();
	json_t *object = json_pack("{s:i,s:s,s:i,s:b}", "type", (int)reservation.type, "type_name",
				   pr_type_name(reservation.type), "scope", (int)reservation.scope,
				   "all_registrants", pr_type_is_all_registrants(reservation.type));
	const struct pr_registration *holder =
		reservation.holder_id != 0 ? pr_state_by_id(state, reservation.holder_id) : NULL;
	if (!object)
		return NULL;
	if (holder) {
		json_object_set_new(object, "key", control_key(holder->key));
		control_set_nexus(object, &holder->nexus);
	}
	set_since(object, &reservation.since);
	return object;
}

static json_t *spc2_object(const struct scsi_lun *lun)
{
	struct pr_nexus_id owner;

	if (!scsi_lun_spc2_owner(lun, &owner))
		return json_null();
	json_t *object = json_object();
	if (object)
		control_set_nexus(object, &owner);
	return object;
}

static void pr_reply(const char *target_name, const struct scsi_lun *lun,
		     struct control_reply *reply)
{
	const struct pr_state *state = scsi_lun_pr_state(lun);
	struct pr_work *work = copy_registrations(state);

	if (!work) {
		control_reply_error(reply, "no memory");
		return;
	}
	reply->work = work;
	reply->work_free = free;
	reply->more = pr_more;
	json_t *head = json_pack(
		"{s:b,s:s,s:i,s:s,s:I,s:b,s:o,s:o,s:I}", "ok", 1, "target", target_name, "lun",
		(int)scsi_lun_number(lun), "profile", scsi_lun_profile(lun)->name, "generation",
		(json_int_t)pr_state_generation(state), "aptpl", pr_state_aptpl(state),
		"reservation", reservation_object(state), "spc2_owner", spc2_object(lun),
		"registration_count", (json_int_t)work->count);
	control_reply_begin_array(reply, head, "registrations");
}

void control_pr(struct service *service, const json_t *request, struct control_reply *reply)
{
	const struct scsi_lun *lun = control_find_lun(service, request, reply);

	if (lun)
		pr_reply(scsi_lun_target_name(lun), lun, reply);
}
