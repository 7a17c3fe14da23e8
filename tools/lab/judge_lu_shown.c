/*
 * What PERSISTENT RESERVE IN shows, against the model's state.
 */
#include "tools/lab/judge_lu_internal.h"

static bool keys_shown(const struct lu *lu, const struct history_result *r)
{
	uint64_t sum = 0;

	if (r->cut_off)
		return true;
	if (r->key_count != lu->registered)
		return false;
	if (!history_keys_are_all(r))
		return true;
	for (uint32_t i = 0; i < r->key_count; i++)
		sum += lu_key_mix(r->keys[i]);
	if (sum != lu->keys_sum)
		return false;
	for (uint32_t i = 0; r->key_nexuses && i < r->key_count; i++)
		if (r->key_nexuses[i] < lu->nexus_count &&
		    lu->keys[r->key_nexuses[i]] != r->keys[i])
			return false;
	return true;
}

static bool holder_shown(const struct lu *lu, const struct history_result *r)
{
	uint64_t key = 0;

	if (r->holder_type != lu->type)
		return false;
	if (lu->type != 0 && !lu_all_registrants(lu->type))
		key = lu->keys[lu->holder];
	return r->holder_key == key;
}

bool lu_shows(const struct lu *lu, const struct history_command *command,
	      const struct history_result *result, const char **ret_field)
{
	if (command->op == HISTORY_REPORT_CAPABILITIES)
		return true;
	if (result->generation != lu->generation) {
		*ret_field = "generation";
		return false;
	}
	if (command->op == HISTORY_READ_RESERVATION) {
		*ret_field = "holder";
		return holder_shown(lu, result);
	}
	*ret_field = "keys";
	return keys_shown(lu, result);
}

/* Keys that are shown and not registered, and the other way round. */
static void keys_apart(const struct lu *lu, const struct history_result *r, unsigned *ret_missing,
		       unsigned *ret_surplus)
{
	unsigned common = 0;

	for (uint32_t i = 0; i < history_keys_listed(r); i++) {
		unsigned shown_before = 0, there = 0;
		for (uint32_t k = 0; k < i; k++)
			shown_before += r->keys[k] == r->keys[i];
		for (uint32_t n = 0; n < lu->nexus_count; n++)
			there += lu->keys[n] == r->keys[i];
		common += there > shown_before;
	}
	*ret_missing = r->key_count - common;
	*ret_surplus = lu->registered - common;
}

unsigned lu_distance(const struct lu *lu, const struct history_command *command,
		     const struct history_result *result)
{
	unsigned behind = result->generation - lu->generation;
	unsigned missing, surplus;

	if (command->op == HISTORY_REPORT_CAPABILITIES)
		return 0;
	if (result->generation < lu->generation)
		return LU_TOO_FAR;
	if (behind > UINT16_MAX)
		return UINT16_MAX; /* a crash has to come first */
	if (command->op == HISTORY_READ_RESERVATION)
		return behind + !holder_shown(lu, result);
	keys_apart(lu, result, &missing, &surplus);
	/* Every change of keys counts. One may strike many, but adds one at most (ALL_TG_PT apart:
	 * then as many as there are ports). */
	if (behind == 0 && missing + surplus > 0)
		return LU_TOO_FAR;
	if (missing > behind * lu->ports)
		return LU_TOO_FAR;
	return behind + 2 * (missing + surplus);
}
