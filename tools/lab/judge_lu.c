/*
 * State, its log and its sums. The commands are in judge_lu_commands.c.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_lu_internal.h"

/* A key, and what is due, what may be, and whether there is a session. */
#define BYTES_PER_NEXUS (sizeof(uint64_t) + 3 * sizeof(uint32_t))

struct lu_undo {
	union {
		uint32_t *at32;
		uint64_t *at64;
	} at;
	uint64_t old, old_hash;
	bool is_64;
};

/* A bijection that spreads well (the finaliser of the 64-bit Murmur hash). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccd;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53;
	x ^= x >> 33;
	return x;
}

uint64_t lu_key_mix(uint64_t key)
{
	return mix(key + 0x9e3779b97f4a7c15);
}

/* What a field's value adds to the hash; `slot` tells fields apart. */
static uint64_t part(uint64_t slot, uint64_t value)
{
	return value == 0 ? 0 : mix(mix(slot + 1) ^ value);
}

static bool log_change(struct lu *lu, struct lu_undo undo)
{
	if (lu->log_len == lu->log_capacity) {
		size_t capacity = lu->log_capacity == 0 ? 256 : 2 * lu->log_capacity;
		struct lu_undo *log = realloc(lu->log, capacity * sizeof(*log));
		if (!log) {
			lu->no_memory = true;
			return false;
		}
		lu->log = log;
		lu->log_capacity = capacity;
	}
	lu->log[lu->log_len++] = undo;
	return true;
}

/* Where a 32-bit field lies among all that are hashed. */
static uint64_t slot_of(const struct lu *lu, const uint32_t *field)
{
	uint64_t count = lu->nexus_count;

	if (field >= lu->pending && field < lu->pending + count)
		return 16 + count + (uint64_t)(field - lu->pending);
	if (field >= lu->maybe && field < lu->maybe + count)
		return 16 + 2 * count + (uint64_t)(field - lu->maybe);
	if (field >= lu->up && field < lu->up + count)
		return 16 + 3 * count + (uint64_t)(field - lu->up);
	return (uint64_t)((const char *)field - (const char *)&lu->generation) / sizeof(*field);
}

void lu_set(struct lu *lu, uint32_t *field, uint32_t value)
{
	uint64_t slot = slot_of(lu, field);

	if (*field == value)
		return;
	if (!log_change(lu,
			(struct lu_undo){.at.at32 = field, .old = *field, .old_hash = lu->hash}))
		return;
	lu->hash ^= part(slot, *field) ^ part(slot, value);
	*field = value;
}

void lu_set_key(struct lu *lu, uint32_t nexus, uint64_t key)
{
	uint64_t old = lu->keys[nexus];
	uint64_t sum = lu->keys_sum;

	if (old == key)
		return;
	sum -= old == 0 ? 0 : lu_key_mix(old);
	sum += key == 0 ? 0 : lu_key_mix(key);
	if (!log_change(lu, (struct lu_undo){.at.at64 = &lu->keys_sum,
					     .old = lu->keys_sum,
					     .old_hash = lu->hash,
					     .is_64 = true}))
		return;
	lu->keys_sum = sum;
	if (!log_change(lu, (struct lu_undo){.at.at64 = &lu->keys[nexus],
					     .old = old,
					     .old_hash = lu->hash,
					     .is_64 = true}))
		return;
	lu->hash ^= part(16 + nexus, old) ^ part(16 + nexus, key);
	lu->keys[nexus] = key;
	if ((old == 0) != (key == 0))
		lu_set(lu, &lu->registered, key == 0 ? lu->registered - 1 : lu->registered + 1);
}

uint64_t lu_hash(const struct lu *lu, bool with_aptpl)
{
	return with_aptpl ? lu->hash : lu->hash ^ part(slot_of(lu, &lu->aptpl), lu->aptpl);
}

size_t lu_mark(const struct lu *lu)
{
	return lu->log_len;
}

void lu_forget(struct lu *lu)
{
	lu->log_len = 0;
}

void lu_undo_to(struct lu *lu, size_t mark)
{
	assert(mark <= lu->log_len);
	while (lu->log_len > mark) {
		const struct lu_undo *undo = &lu->log[--lu->log_len];
		if (undo->is_64)
			*undo->at.at64 = undo->old;
		else
			*undo->at.at32 = (uint32_t)undo->old;
		lu->hash = undo->old_hash;
	}
}

bool lu_only_counted(const struct lu *lu, size_t mark)
{
	return lu->log_len == mark + 1 && !lu->log[mark].is_64 &&
	       lu->log[mark].at.at32 == &lu->generation;
}

/* The most nexuses that one initiator port has. */
static uint32_t count_ports(const struct history_nexus *nexuses, uint32_t count)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t same = 0;
		for (uint32_t k = 0; k < count; k++)
			same += lu_same_initiator_port(&nexuses[i], &nexuses[k]);
		most = same > most ? same : most;
	}
	return most;
}

int lu_init(struct lu *lu, const struct lu_rules *rules, const struct history_nexus *nexuses,
	    uint32_t nexus_count)
{
	size_t count = nexus_count == 0 ? 1 : nexus_count;

	memset(lu, 0, sizeof(*lu));
	lu->rules = rules;
	lu->nexuses = nexuses;
	lu->nexus_count = nexus_count;
	lu->ports = count_ports(nexuses, nexus_count);
	lu->holder = lu->spc2_owner = (uint32_t)LU_NOBODY;
	lu->keys = calloc(count, BYTES_PER_NEXUS);
	lu->merged = calloc(count, sizeof(*lu->merged));
	if (!lu->keys || !lu->merged) {
		lu_finish(lu);
		return -ENOMEM;
	}
	lu->pending = (uint32_t *)(lu->keys + count);
	lu->maybe = lu->pending + count;
	lu->up = lu->maybe + count;
	return 0;
}

void lu_finish(struct lu *lu)
{
	free(lu->keys);
	free(lu->merged);
	free(lu->log);
	memset(lu, 0, sizeof(*lu));
}

/* ---- images: the fields from generation to hash, and the arrays ---- */

#define FIELDS_LEN (offsetof(struct lu, keys) - offsetof(struct lu, generation))

size_t lu_image_len(const struct lu *lu)
{
	return FIELDS_LEN + lu->nexus_count * BYTES_PER_NEXUS;
}

void lu_save(const struct lu *lu, void *image)
{
	memcpy(image, (const char *)lu + offsetof(struct lu, generation), FIELDS_LEN);
	memcpy((char *)image + FIELDS_LEN, lu->keys, lu->nexus_count * BYTES_PER_NEXUS);
}

void lu_load(struct lu *lu, const void *image)
{
	memcpy((char *)lu + offsetof(struct lu, generation), image, FIELDS_LEN);
	memcpy(lu->keys, (const char *)image + FIELDS_LEN, lu->nexus_count * BYTES_PER_NEXUS);
	lu->log_len = 0;
}

/* ---- unit attentions ---- */

void lu_establish(struct lu *lu, uint32_t nexus, uint32_t ua)
{
	/* A unit attention belongs to the I_T nexus. While there is none (or while one begins,
	 * which nobody outside sees exactly) a target may keep it for the next or not. */
	uint32_t *where = lu->up[nexus] ? &lu->pending[nexus] : &lu->maybe[nexus];

	if (!lu->rules->unit_attentions)
		return;
	if (lu->notes_merged && (*where & ua) != 0) {
		lu->merged[nexus] |= *where & ua;
		lu->has_merged = true;
	}
	lu_set(lu, where, *where | ua);
}

void lu_note_merged(struct lu *lu, bool notes)
{
	if (notes && lu->has_merged) {
		memset(lu->merged, 0, lu->nexus_count * sizeof(*lu->merged));
		lu->has_merged = false;
	}
	lu->notes_merged = notes;
}

void lu_establish_maybe(struct lu *lu, uint32_t nexus, uint32_t ua)
{
	lu_set(lu, &lu->maybe[nexus], lu->maybe[nexus] | ua);
}

bool lu_attention_pending(const struct lu *lu, uint32_t nexus)
{
	return lu->pending[nexus] != 0;
}

/* The one that is due rather than the one that may be. */
static bool take(struct lu *lu, uint32_t nexus, uint32_t ua)
{
	uint32_t *where = (lu->pending[nexus] & ua) != 0 ? &lu->pending[nexus] : &lu->maybe[nexus];

	if ((*where & ua) == 0)
		return false;
	lu_set(lu, where, *where & ~ua);
	return true;
}

uint32_t lu_attention_kinds(uint8_t asc, uint8_t ascq)
{
	if (asc == 0x29)
		return LU_UA_RESET;
	if (asc == 0x2f)
		return LU_UA_CLEARED;
	if (asc != 0x2a)
		return 0;
	switch (ascq) {
	case 0x03:
		return LU_UA_PREEMPTED | LU_UA_LOST_EITHER;
	case 0x04:
		return LU_UA_RELEASED;
	case 0x05:
		return LU_UA_REGISTRATION_LOST | LU_UA_LOST_EITHER;
	default:
		return 0;
	}
}

bool lu_attention_take(struct lu *lu, uint32_t nexus, uint8_t asc, uint8_t ascq)
{
	uint32_t kinds = lu_attention_kinds(asc, ascq);

	/* Mode parameters, capacity and their like are not of reservations. */
	if (!lu->rules->unit_attentions || kinds == 0)
		return true;
	return take(lu, nexus, kinds & ~(uint32_t)LU_UA_LOST_EITHER) ||
	       ((kinds & LU_UA_LOST_EITHER) != 0 && take(lu, nexus, LU_UA_LOST_EITHER));
}

void lu_attention_unheard(struct lu *lu, uint32_t nexus)
{
	lu_establish_maybe(lu, nexus, lu->pending[nexus]);
	lu_set(lu, &lu->pending[nexus], 0);
}

bool lu_reports_attention(const struct history_command *command)
{
	uint8_t opcode = command->cdb_len > 0 ? command->cdb[0] : 0;

	if (history_op_is_reset(command->op))
		return false;
	/* INQUIRY, REPORT LUNS, REQUEST SENSE (SPC-4 and SAM-5 5.14.7). */
	return command->op != HISTORY_CDB || (opcode != 0x12 && opcode != 0xa0 && opcode != 0x03);
}

/* ---- events ---- */

void lu_session_begins(struct lu *lu, uint32_t nexus)
{
	lu_set(lu, &lu->up[nexus], 1);
	lu_set(lu, &lu->pending[nexus], 0);
	if (lu->rules->login_attention)
		lu_establish_maybe(lu, nexus, LU_UA_RESET);
}

void lu_session_ends(struct lu *lu, uint32_t nexus)
{
	lu_set(lu, &lu->up[nexus], 0);
	lu_establish_maybe(lu, nexus, lu->pending[nexus]);
	lu_set(lu, &lu->pending[nexus], 0);
	if (lu->spc2_owner == nexus)
		lu_set(lu, &lu->spc2_owner, (uint32_t)LU_NOBODY);
}

void lu_crash(struct lu *lu)
{
	bool kept = lu->aptpl && lu->rules->aptpl;

	for (uint32_t i = 0; i < lu->nexus_count; i++) {
		lu_session_ends(lu, i);
		lu_set(lu, &lu->maybe[i], LU_UA_RESET); /* power on: it may say so */
		if (!kept)
			lu_set_key(lu, i, 0);
	}
	if (!kept) {
		lu_set(lu, &lu->type, 0);
		lu_set(lu, &lu->holder, (uint32_t)LU_NOBODY);
		lu_set(lu, &lu->aptpl, 0);
	}
	lu_set(lu, &lu->spc2_owner, (uint32_t)LU_NOBODY);
	lu_set(lu, &lu->generation, 0);
}

void lu_reset(struct lu *lu, uint32_t by_nexus)
{
	lu_set(lu, &lu->spc2_owner, (uint32_t)LU_NOBODY);
	for (uint32_t i = 0; i < lu->nexus_count; i++) {
		lu_establish_maybe(lu, i, LU_UA_CLEARED);
		if (i == by_nexus)
			lu_establish_maybe(lu, i, LU_UA_RESET);
		else
			lu_establish(lu, i, LU_UA_RESET);
	}
}

const char *lu_text(const struct lu *lu, char *buffer, size_t len)
{
	static const char *const types[] = {"",	     "WE",    "type 2", "EA",	"type 4",
					    "WE-RO", "EA-RO", "WE-AR",	"EA-AR"};
	int used = snprintf(buffer, len, "generation %" PRIu32 ", %" PRIu32 " registered",
			    lu->generation, lu->registered);
	unsigned shown = 0;

	for (uint32_t i = 0; i < lu->nexus_count && shown < 8; i++) {
		if (lu->keys[i] == 0 || used < 0 || (size_t)used >= len)
			continue;
		used += snprintf(buffer + used, len - (size_t)used, "%s%" PRIu32 ": 0x%" PRIx64,
				 shown == 0 ? " (" : ", ", i, lu->keys[i]);
		shown++;
	}
	if (used > 0 && (size_t)used < len && shown > 0)
		used += snprintf(buffer + used, len - (size_t)used, "%s)",
				 lu->registered > shown ? ", ..." : "");
	if (used > 0 && (size_t)used < len && lu->type == 0)
		snprintf(buffer + used, len - (size_t)used, ", nothing reserved");
	else if (used > 0 && (size_t)used < len && lu->holder == (uint32_t)LU_NOBODY)
		snprintf(buffer + used, len - (size_t)used, ", %s held by all registrants",
			 types[lu->type]);
	else if (used > 0 && (size_t)used < len)
		snprintf(buffer + used, len - (size_t)used, ", %s held by nexus %" PRIu32,
			 types[lu->type], lu->holder);
	return buffer;
}
