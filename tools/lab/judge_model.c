/*
 * State, its log and its sums. The commands are in judge_model_out.c.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_model_internal.h"

struct model_undo {
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

uint64_t model_key_mix(uint64_t key)
{
	return mix(key + 0x9e3779b97f4a7c15);
}

/* What a field's value adds to the hash; `slot` tells fields apart. */
static uint64_t part(uint64_t slot, uint64_t value)
{
	return value == 0 ? 0 : mix(mix(slot + 1) ^ value);
}

static bool log_change(struct model *model, struct model_undo undo)
{
	if (model->log_len == model->log_capacity) {
		size_t capacity = model->log_capacity == 0 ? 256 : 2 * model->log_capacity;
		struct model_undo *log = realloc(model->log, capacity * sizeof(*log));
		if (!log) {
			model->no_memory = true;
			return false;
		}
		model->log = log;
		model->log_capacity = capacity;
	}
	model->log[model->log_len++] = undo;
	return true;
}

/* Where a 32-bit field lies among all that are hashed. */
static uint64_t slot_of(const struct model *model, const uint32_t *field)
{
	uint64_t count = model->nexus_count;

	if (field >= model->pending && field < model->pending + count)
		return 16 + count + (uint64_t)(field - model->pending);
	if (field >= model->maybe && field < model->maybe + count)
		return 16 + 2 * count + (uint64_t)(field - model->maybe);
	if (field >= model->up && field < model->up + count)
		return 16 + 3 * count + (uint64_t)(field - model->up);
	return (uint64_t)((const char *)field - (const char *)&model->generation) / sizeof(*field);
}

void model_set(struct model *model, uint32_t *field, uint32_t value)
{
	uint64_t slot = slot_of(model, field);

	if (*field == value)
		return;
	if (!log_change(model, (struct model_undo){
				       .at.at32 = field, .old = *field, .old_hash = model->hash}))
		return;
	model->hash ^= part(slot, *field) ^ part(slot, value);
	*field = value;
}

void model_set_key(struct model *model, uint32_t nexus, uint64_t key)
{
	uint64_t old = model->keys[nexus];
	uint64_t sum = model->keys_sum;

	if (old == key)
		return;
	sum -= old == 0 ? 0 : model_key_mix(old);
	sum += key == 0 ? 0 : model_key_mix(key);
	if (!log_change(model, (struct model_undo){.at.at64 = &model->keys_sum,
						   .old = model->keys_sum,
						   .old_hash = model->hash,
						   .is_64 = true}))
		return;
	model->keys_sum = sum;
	if (!log_change(model, (struct model_undo){.at.at64 = &model->keys[nexus],
						   .old = old,
						   .old_hash = model->hash,
						   .is_64 = true}))
		return;
	model->hash ^= part(16 + nexus, old) ^ part(16 + nexus, key);
	model->keys[nexus] = key;
	if ((old == 0) != (key == 0))
		model_set(model, &model->registered,
			  key == 0 ? model->registered - 1 : model->registered + 1);
}

size_t model_mark(const struct model *model)
{
	return model->log_len;
}

void model_undo_to(struct model *model, size_t mark)
{
	assert(mark <= model->log_len);
	while (model->log_len > mark) {
		const struct model_undo *undo = &model->log[--model->log_len];
		if (undo->is_64)
			*undo->at.at64 = undo->old;
		else
			*undo->at.at32 = (uint32_t)undo->old;
		model->hash = undo->old_hash;
	}
}

int model_init(struct model *model, const struct model_rules *rules,
	       const struct history_nexus *nexuses, uint32_t nexus_count)
{
	size_t count = nexus_count == 0 ? 1 : nexus_count;

	memset(model, 0, sizeof(*model));
	model->rules = rules;
	model->nexuses = nexuses;
	model->nexus_count = nexus_count;
	model->holder = model->spc2_owner = (uint32_t)MODEL_NOBODY;
	model->keys = calloc(count, sizeof(*model->keys));
	model->pending = calloc(count, sizeof(*model->pending));
	model->maybe = calloc(count, sizeof(*model->maybe));
	model->up = calloc(count, sizeof(*model->up));
	if (model->keys && model->pending && model->maybe && model->up)
		return 0;
	model_finish(model);
	return -ENOMEM;
}

void model_finish(struct model *model)
{
	free(model->keys);
	free(model->pending);
	free(model->maybe);
	free(model->up);
	free(model->log);
	memset(model, 0, sizeof(*model));
}

/* ---- unit attentions ---- */

void model_establish(struct model *model, uint32_t nexus, uint32_t ua)
{
	/* It belongs to the I_T nexus; without one there is nobody to tell (the new session starts
	 * with its own). */
	if (model->rules->unit_attentions && model->up[nexus])
		model_set(model, &model->pending[nexus], model->pending[nexus] | ua);
}

bool model_attention_pending(const struct model *model, uint32_t nexus)
{
	return model->pending[nexus] != 0;
}

/* Takes the first of `wanted` that is there. */
static bool take(struct model *model, uint32_t *field, uint32_t wanted)
{
	uint32_t there = *field & wanted;

	if (there == 0)
		return false;
	model_set(model, field, *field & ~(there & -there));
	return true;
}

bool model_attention_take(struct model *model, uint32_t nexus, uint8_t asc, uint8_t ascq)
{
	uint32_t *pending = &model->pending[nexus], *maybe = &model->maybe[nexus];

	if (!model->rules->unit_attentions)
		return true;
	if (asc == 0x29)
		return take(model, pending, MODEL_UA_RESET) ||
		       take(model, maybe, MODEL_MAYBE_RESET);
	if (asc == 0x2f)
		return take(model, maybe, MODEL_MAYBE_CLEARED);
	if (asc != 0x2a)
		return true; /* mode parameters, capacity and their like are not of reservations */
	switch (ascq) {
	case 0x03:
		return take(model, pending, MODEL_UA_PREEMPTED) ||
		       take(model, pending, MODEL_UA_LOST_EITHER);
	case 0x04:
		return take(model, pending, MODEL_UA_RELEASED);
	case 0x05:
		return take(model, pending, MODEL_UA_REGISTRATION_LOST) ||
		       take(model, pending, MODEL_UA_LOST_EITHER);
	default:
		return true;
	}
}

bool model_reports_attention(const struct history_command *command)
{
	uint8_t opcode = command->cdb_len > 0 ? command->cdb[0] : 0;

	if (command->op == HISTORY_LUN_RESET || command->op == HISTORY_TARGET_RESET)
		return false;
	/* INQUIRY, REPORT LUNS, REQUEST SENSE (SPC-4 and SAM-5 5.14.7). */
	return command->op != HISTORY_CDB || (opcode != 0x12 && opcode != 0xa0 && opcode != 0x03);
}

/* ---- events ---- */

void model_session_begins(struct model *model, uint32_t nexus)
{
	model_set(model, &model->up[nexus], 1);
	model_set(model, &model->pending[nexus], 0);
	model_set(model, &model->maybe[nexus], MODEL_MAYBE_RESET);
}

void model_session_ends(struct model *model, uint32_t nexus)
{
	model_set(model, &model->up[nexus], 0);
	model_set(model, &model->pending[nexus], 0);
	model_set(model, &model->maybe[nexus], 0);
	if (model->spc2_owner == nexus)
		model_set(model, &model->spc2_owner, (uint32_t)MODEL_NOBODY);
}

void model_crash(struct model *model)
{
	bool kept = model->aptpl && model->rules->aptpl;

	for (uint32_t i = 0; i < model->nexus_count; i++) {
		model_session_ends(model, i);
		if (!kept)
			model_set_key(model, i, 0);
	}
	if (!kept) {
		model_set(model, &model->type, 0);
		model_set(model, &model->holder, (uint32_t)MODEL_NOBODY);
		model_set(model, &model->aptpl, 0);
	}
	model_set(model, &model->spc2_owner, (uint32_t)MODEL_NOBODY);
	model_set(model, &model->generation, 0);
}

void model_reset(struct model *model, uint32_t by_nexus)
{
	model_set(model, &model->spc2_owner, (uint32_t)MODEL_NOBODY);
	for (uint32_t i = 0; i < model->nexus_count; i++) {
		uint32_t *maybe = &model->maybe[i];
		if (!model->up[i])
			continue;
		if (i == by_nexus)
			model_set(model, maybe, *maybe | MODEL_MAYBE_RESET | MODEL_MAYBE_CLEARED);
		else
			model_set(model, maybe, *maybe | MODEL_MAYBE_CLEARED);
		if (i != by_nexus)
			model_establish(model, i, MODEL_UA_RESET);
	}
}

const char *model_text(const struct model *model, char *buffer, size_t len)
{
	static const char *const types[] = {"",	     "WE",    "type 2", "EA",	"type 4",
					    "WE-RO", "EA-RO", "WE-AR",	"EA-AR"};
	int used = snprintf(buffer, len, "generation %" PRIu32 ", %" PRIu32 " registered",
			    model->generation, model->registered);
	unsigned shown = 0;

	for (uint32_t i = 0; i < model->nexus_count && shown < 8; i++) {
		if (model->keys[i] == 0 || used < 0 || (size_t)used >= len)
			continue;
		used += snprintf(buffer + used, len - (size_t)used, "%s%" PRIu32 ": 0x%" PRIx64,
				 shown == 0 ? " (" : ", ", i, model->keys[i]);
		shown++;
	}
	if (used > 0 && (size_t)used < len && shown > 0)
		used += snprintf(buffer + used, len - (size_t)used, "%s)",
				 model->registered > shown ? ", ..." : "");
	if (used > 0 && (size_t)used < len && model->type == 0)
		snprintf(buffer + used, len - (size_t)used, ", nothing reserved");
	else if (used > 0 && (size_t)used < len && model->holder == (uint32_t)MODEL_NOBODY)
		snprintf(buffer + used, len - (size_t)used, ", %s held by all registrants",
			 types[model->type]);
	else if (used > 0 && (size_t)used < len)
		snprintf(buffer + used, len - (size_t)used, ", %s held by nexus %" PRIu32,
			 types[model->type], model->holder);
	return buffer;
}
