/*
 * Texts: pairs, and what of them the observer keeps (RFC 7143 6.1).
 */
#include <string.h>

#include "transport/observer_internal.h"
#include "transport/text.h"

#define VALUE_MAX 255u /* bytes of a value that no row gives more */

static bool is_key_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(".-+@_#/", c));
}

static uint32_t value_max(const char *key)
{
	enum iscsi_key_id id = iscsi_key_find(key);
	uint32_t max = VALUE_MAX;

	/* Its length is judged by a check of its own. */
	if (id == ISCSI_KEY_NODE_ARCHITECTURE)
		return UINT32_MAX;
	if (id != ISCSI_KEY_UNKNOWN && iscsi_key_row(id)->type != ISCSI_TYPE_NUMBER &&
	    iscsi_key_row(id)->max > max)
		max = iscsi_key_row(id)->max;
	return max;
}

struct pair {
	char key[ISCSI_KEY_MAX + 1];
	const char *value; /* closed by a NUL of the text */
	const char *wrong; /* what is wrong with it; NULL: nothing */
	uint32_t len;	   /* bytes up to the next pair */
};

/* Takes the pair at the start of `text`, which has at least one byte. */
static struct pair pair_at(const char *text, uint32_t len)
{
	struct pair pair = {.value = "", .len = len};
	const char *end = memchr(text, '\0', len);

	if (!end) {
		pair.wrong = "no NUL at the end";
		return pair;
	}
	pair.len = (uint32_t)(end - text) + 1;
	const char *equals = memchr(text, '=', pair.len);
	size_t key_len = equals ? (size_t)(equals - text) : 0;
	if (!equals || key_len == 0 || key_len > ISCSI_KEY_MAX) {
		pair.wrong = !equals ? "no =" : key_len == 0 ? "an empty key" : "a key over 63";
		return pair;
	}
	memcpy(pair.key, text, key_len);
	pair.value = equals + 1;
	for (size_t i = 0; i < key_len; i++)
		if (!is_key_byte(text[i]))
			pair.wrong = "a key with a byte that is not legal";
	if (strlen(pair.value) > value_max(pair.key))
		pair.wrong = "a value that is too long";
	return pair;
}

static void judge_text(struct iscsi_watch *watch, const struct seen_pairs *pairs)
{
	bool discovery = watch->session ? watch->session->discovery : watch->login.discovery;

	if (discovery)
		watch_judge(watch, ISCSI_CHECK_LOGIN_DISCOVERY_NO_PRIVATE, !pairs->is_private,
			    "no key that begins with X-", "one");
	watch_chap_pairs(watch, pairs);
	if (pairs->send_targets)
		watch_judge(watch, ISCSI_CHECK_TEXT_SENDTARGETS_ALONE, pairs->count == 1,
			    "SendTargets alone", "%u keys", pairs->count);
}

void watch_text(struct iscsi_watch *watch, enum iscsi_stage stage, const uint8_t *text,
		uint32_t len)
{
	struct seen_pairs pairs = {.stage = stage};
	const char *at = (const char *)text;
	const char *wrong = NULL;

	if (len == 0)
		return;
	while (len > 0 && !wrong && pairs.count < ISCSI_PAIRS_MAX) {
		struct pair pair = pair_at(at, len);
		wrong = pair.wrong;
		if (!wrong)
			watch_key(watch, &pairs, pair.key, pair.value);
		pairs.count++;
		at += pair.len;
		len -= pair.len;
	}
	watch_judge(watch, ISCSI_CHECK_LOGIN_TEXT_FORM, !wrong, "key=value and NUL", "%s",
		    wrong ? wrong : "");
	judge_text(watch, &pairs);
}

/* --- what the target says --------------------------------------------------------------------- */

/* Is the key's outcome something both sides have a word in? */
static bool is_negotiated(const struct iscsi_key *key)
{
	switch (key->function) {
	case ISCSI_FUNCTION_MIN:
	case ISCSI_FUNCTION_MAX:
	case ISCSI_FUNCTION_AND:
	case ISCSI_FUNCTION_OR:
	case ISCSI_FUNCTION_CHOOSE:
		return true;
	case ISCSI_FUNCTION_INVALID:
	case ISCSI_FUNCTION_DECLARE:
	case ISCSI_FUNCTION_AUTHENTICATE:
	case ISCSI_FUNCTION_SEND_TARGETS:
	case ISCSI_FUNCTION_NO:
	case ISCSI_FUNCTION_REJECT:
	case ISCSI_FUNCTION_NOT_UNDERSTOOD:
		break;
	}
	return false;
}

void watch_target_text(struct iscsi_watch *watch, const uint8_t *text, uint32_t len)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad)) {
		enum iscsi_key_id id = iscsi_key_find(key);
		if (id == ISCSI_KEY_UNKNOWN)
			continue;
		watch_chap_target_key(watch, id, value);
		if (is_negotiated(iscsi_key_row(id)) && !watch->login.said[id])
			watch->login.proposed[id] = true;
	}
}

void watch_announced(struct iscsi_watch *watch, const uint8_t *text, uint32_t len)
{
	struct iscsi_observer *observer = watch->observer;
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad)) {
		if (strcmp(key, "TargetName") != 0 || strlen(value) != ISCSI_OBSERVER_NAME_MAX)
			continue;
		memcpy(observer->long_names[observer->long_name_next].text, value,
		       ISCSI_OBSERVER_NAME_MAX + 1);
		observer->long_name_next =
			(observer->long_name_next + 1) % ISCSI_OBSERVER_LONG_NAMES_MAX;
	}
}
