/*
 * I_T nexuses: a session's life as the device server sees it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/lun.h"
#include "target/remote_internal.h"
#include "target/trace.h"

/* Names come from the wire: seeded, so that nobody can choose names that collide. */
static unsigned nexus_hash(uint64_t seed, const uint8_t *key, size_t len)
{
	uint64_t x = seed ^ len * 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < len; i++) {
		x = (x ^ key[i]) * 0xff51afd7ed558ccdu;
		x ^= x >> 32;
	}
	return (unsigned)x;
}

/* The id without what has no meaning behind its name: name, ISID, port; returns its length. */
static size_t nexus_pack_key(const struct pr_nexus_id *id, uint8_t *ret_key)
{
	size_t len = strnlen(id->initiator_name, PR_INITIATOR_NAME_MAX);

	memcpy(ret_key, id->initiator_name, len);
	memcpy(ret_key + len, id->isid, PR_ISID_LEN);
	put_be16(ret_key + len + PR_ISID_LEN, id->relative_target_port_id);
	return len + PR_ISID_LEN + 2;
}

struct scsi_nexus *scsi_target_find_nexus(const struct scsi_target *target,
					  const struct pr_nexus_id *id)
{
	struct scsi_nexus *nexus = NULL;
	uint8_t key[sizeof(nexus->key)];
	size_t len = nexus_pack_key(id, key);

	HASH_FIND_BYHASHVALUE(hh, target->nexuses, key, len,
			      nexus_hash(target->config.hash_seed, key, len), nexus);
	return nexus;
}

static void nexus_free(struct scsi_nexus *nexus)
{
	trace_who_remove(scsi_nexus_trace(nexus), nexus->who);
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		if (nexus->luns[i])
			scsi_lun_detach(nexus->luns[i]->lun, nexus);
	free(nexus);
}

static bool nexus_attach_luns(struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++) {
		struct scsi_lun *lun = nexus->target->luns[i];

		if (lun && !scsi_lun_attach(lun, nexus))
			return false;
	}
	return true;
}

static bool nexus_enter(struct scsi_nexus *nexus)
{
	struct scsi_target *target = nexus->target;
	size_t len = nexus_pack_key(&nexus->id, nexus->key);
	unsigned hash = nexus_hash(target->config.hash_seed, nexus->key, len);

	HASH_ADD_KEYPTR_BYHASHVALUE(hh, target->nexuses, nexus->key, len, hash, nexus);
	/* uthash leaves `tbl` empty when it had no memory (HASH_NONFATAL_OOM). */
	return nexus->hh.tbl != NULL;
}

void scsi_lun_mask_add(struct scsi_lun_mask *mask, uint16_t number)
{
	if (number <= SCSI_LUN_MAX)
		mask->bits[number / 8] |= (uint8_t)(1u << (number % 8));
}

bool scsi_nexus_may_see(const struct scsi_nexus *nexus, uint16_t number)
{
	return number <= SCSI_LUN_MAX && (nexus->visible.bits[number / 8] >> (number % 8) & 1) != 0;
}

struct scsi_lun *scsi_nexus_lun(const struct scsi_nexus *nexus, uint16_t number)
{
	/* Not from nexus->luns: a LUN that is being removed stands there until it has drained. */
	return scsi_nexus_may_see(nexus, number) ? nexus->target->luns[number] : NULL;
}

static struct scsi_nexus *nexus_create(struct scsi_target *target, const struct pr_nexus_id *id,
				       const struct scsi_lun_mask *visible)
{
	struct scsi_nexus *nexus = calloc(1, sizeof(*nexus));

	if (!nexus)
		return NULL;
	nexus->target = target;
	nexus->id = *id;
	if (visible)
		nexus->visible = *visible;
	else
		memset(&nexus->visible, 0xff, sizeof(nexus->visible));
	if (!nexus_attach_luns(nexus) || !nexus_enter(nexus)) {
		nexus_free(nexus);
		return NULL;
	}
	if (target->home && !remote_nexus_open(nexus)) {
		HASH_DELETE(hh, target->nexuses, nexus);
		nexus_free(nexus);
		return NULL;
	}
	nexus->who = trace_who_add(target->config.trace);
	trace_who_name(target->config.trace, nexus->who, id, target->name);
	return nexus;
}

struct scsi_nexus *scsi_nexus_open(struct scsi_target *target, const struct pr_nexus_id *id)
{
	return scsi_nexus_open_masked(target, id, NULL);
}

struct scsi_nexus *scsi_nexus_open_masked(struct scsi_target *target, const struct pr_nexus_id *id,
					  const struct scsi_lun_mask *visible)
{
	int error = 0;

	if (id->initiator_name[0] == '\0' ||
	    !memchr(id->initiator_name, '\0', sizeof(id->initiator_name)))
		error = EINVAL;
	else if (!scsi_target_has_port(target, id->relative_target_port_id))
		error = ENOENT;
	else if (scsi_target_find_nexus(target, id))
		error = EEXIST;
	struct scsi_nexus *nexus = error == 0 ? nexus_create(target, id, visible) : NULL;
	if (!nexus)
		errno = error != 0 ? error : ENOMEM;
	return nexus;
}

void scsi_nexus_forget_task(struct scsi_nexus *nexus)
{
	assert(nexus->tasks > 0);
	nexus->tasks--;
	nexus->target->tasks--;
	if (nexus->tasks == 0 && nexus->closed)
		scsi_nexus_end(nexus);
}

void scsi_nexus_end(struct scsi_nexus *nexus)
{
	void (*closed)(void *context) = nexus->closed;
	void *context = nexus->closed_context;

	HASH_DELETE(hh, nexus->target->nexuses, nexus);
	nexus_free(nexus);
	closed(context);
}

static void nexus_leave_lun(struct scsi_lun_nexus *lun_nexus)
{
	struct scsi_lun *lun = lun_nexus->lun;

	if (lun->spc2_owner == lun_nexus)
		lun->spc2_owner = NULL;
	lun_nexus->unit_attentions = (struct scsi_ua_queue){0};
	lun_nexus->prevents_removal = false;
	scsi_drain_begin(&lun_nexus->closing, lun, NULL, NULL);
	scsi_task_set_abort(lun_nexus, NULL, false, &lun_nexus->closing);
	scsi_drain_seal(&lun_nexus->closing);
}

void scsi_nexus_close(struct scsi_nexus *nexus, enum scsi_nexus_end why,
		      void (*closed)(void *context), void *context)
{
	assert(closed && !nexus->closed);
	nexus->closed = closed;
	nexus->closed_context = context;
	/* Counts as a task of its own, so that the nexus stays until every LUN was left. */
	nexus->tasks++;
	nexus->target->tasks++;
	for (unsigned i = 0; i <= SCSI_LUN_MAX; i++)
		if (nexus->luns[i])
			nexus_leave_lun(nexus->luns[i]);
	/* The home has the rest of it: then it stays until that is over, too. */
	if (nexus->remote)
		remote_nexus_close(nexus, why);
	else
		scsi_nexus_forget_task(nexus);
}

void scsi_nexus_set_queries(struct scsi_nexus *nexus, bool queries)
{
	nexus->queries = queries;
	if (nexus->remote)
		remote_nexus_note(nexus, REMOTE_NOTE_QUERIES, NULL, queries);
}

void scsi_nexus_note_cleared(struct scsi_nexus *nexus, const uint8_t lun_bytes[8])
{
	uint16_t number;

	if (nexus->remote)
		remote_nexus_note(nexus, REMOTE_NOTE_CLEARED, lun_bytes, false);
	else if (scsi_lun_number_decode(lun_bytes, &number) && nexus->luns[number])
		scsi_lun_nexus_raise(nexus->luns[number], SCSI_UA_TASKS_CLEARED_BY_TRANSPORT);
}

uint32_t scsi_nexus_who(const struct scsi_nexus *nexus)
{
	return nexus->who;
}

const struct pr_nexus_id *scsi_nexus_id(const struct scsi_nexus *nexus)
{
	return &nexus->id;
}
