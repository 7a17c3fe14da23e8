/*
 * CHAP (RFC 7143 12.1.3, 9.2.1), as far as it shows without the secret.
 */
#include <string.h>

#include "transport/negotiate.h"
#include "transport/observer_internal.h"
#include "transport/text.h"

#define CHALLENGE_MIN  8u  /* bytes; shorter ones can be gone through */
#define CHALLENGE_GOOD 16u /* bytes; shorter ones are noted */

static const struct {
	uint32_t algorithm, digest_len;
} algorithms[] = {{5, 16}, {6, 20}, {7, 32}, {8, 32}};

static uint32_t digest_len(uint32_t algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].algorithm == algorithm)
			return algorithms[i].digest_len;
	return 0;
}

/* --- challenges that were seen ---------------------------------------------------------------- */

static uint64_t challenge_hash(const uint8_t *bytes, size_t len)
{
	size_t half = len / 2;

	return (uint64_t)seen_hash(bytes, half) << 32 | seen_hash(bytes + half, len - half);
}

static bool challenge_is_in(const struct challenge_set *set, uint64_t hash)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->hashes[i] == hash)
			return true;
	return false;
}

static void challenge_add(struct challenge_set *set, uint64_t hash)
{
	set->hashes[set->next] = hash;
	set->next = (set->next + 1) % ISCSI_OBSERVER_CHALLENGES_MAX;
	if (set->count < ISCSI_OBSERVER_CHALLENGES_MAX)
		set->count++;
}

static void judge_challenge(struct iscsi_watch *watch, const char *value)
{
	struct iscsi_observer *observer = watch->observer;
	uint8_t bytes[SEEN_CHALLENGE_MAX];
	size_t len;

	if (!iscsi_text_binary(value, bytes, sizeof(bytes), &len))
		return;
	uint64_t hash = challenge_hash(bytes, len);
	const char *wrong = NULL;
	if (challenge_is_in(&observer->ours, hash))
		wrong = "one of the target's";
	else if (challenge_is_in(&observer->theirs, hash))
		wrong = "one that was there before";
	else if (len < CHALLENGE_MIN)
		wrong = "one of less than 8 bytes";
	watch_judge(watch, ISCSI_CHECK_CHAP_OWN_CHALLENGE, !wrong, "a challenge of its own, fresh",
		    "%s", wrong ? wrong : "");
	if (!wrong && len < CHALLENGE_GOOD)
		watch_note(watch, ISCSI_CHECK_CHAP_OWN_CHALLENGE, "16 bytes and more", "%zu bytes",
			   len);
	challenge_add(&observer->theirs, hash);
}

/* --- responses -------------------------------------------------------------------------------- */

static void judge_response(struct iscsi_watch *watch, const char *value)
{
	uint32_t wanted = digest_len(watch->login.chap_algorithm);
	uint8_t bytes[SEEN_CHALLENGE_MAX];
	size_t len = 0;

	if (wanted == 0)
		return;
	bool formed = iscsi_text_binary(value, bytes, sizeof(bytes), &len);
	bool hex = formed && (value[1] == 'x' || value[1] == 'X');
	bool even = !hex || strlen(value) % 2 == 0;
	watch_judge(watch, ISCSI_CHECK_CHAP_R_FORMAT, formed && even && len == wanted,
		    "a whole digest after 0x or 0b", "%s%zu bytes of %u",
		    formed && even ? "" : "malformed, ", len, wanted);
}

static void judge_algorithms(struct iscsi_watch *watch, const char *list)
{
	const char *all = list, *word;
	bool has_md5 = false;
	size_t len;

	while (iscsi_list_next(&list, &word, &len))
		has_md5 = has_md5 || iscsi_word_is(word, len, "5");
	watch_judge(watch, ISCSI_CHECK_LOGIN_CHAP_A_HAS_5, has_md5, "5 in the list", "%s", all);
}

void watch_chap_key(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value)
{
	if (id == ISCSI_KEY_CHAP_A)
		judge_algorithms(watch, value);
	else if (id == ISCSI_KEY_CHAP_C)
		judge_challenge(watch, value);
	else if (id == ISCSI_KEY_CHAP_R)
		judge_response(watch, value);
}

void watch_chap_pairs(struct iscsi_watch *watch, const struct seen_pairs *pairs)
{
	if (pairs->stage == ISCSI_STAGE_FULL_FEATURE)
		return;
	if (pairs->chap_n || pairs->chap_r || pairs->chap_i || pairs->chap_c)
		watch_judge(watch, ISCSI_CHECK_CHAP_N_PRESENT,
			    pairs->chap_n == pairs->chap_r && pairs->chap_i == pairs->chap_c,
			    "CHAP_N with CHAP_R, CHAP_I with CHAP_C", "N %d R %d I %d C %d",
			    pairs->chap_n, pairs->chap_r, pairs->chap_i, pairs->chap_c);
	if (pairs->chap_a || pairs->chap_r)
		watch_judge(watch, ISCSI_CHECK_CHAP_T_WITH_R,
			    !pairs->chap_a || !watch->login.last.transit, "T with CHAP_R or later",
			    "T with CHAP_A");
}

void watch_chap_target_key(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value)
{
	uint8_t bytes[SEEN_CHALLENGE_MAX];
	uint64_t number;
	size_t len;

	if (id == ISCSI_KEY_CHAP_A && iscsi_text_number(value, &number) && number <= UINT32_MAX)
		watch->login.chap_algorithm = (uint32_t)number;
	else if (id == ISCSI_KEY_CHAP_C && iscsi_text_binary(value, bytes, sizeof(bytes), &len))
		challenge_add(&watch->observer->ours, challenge_hash(bytes, len));
}
