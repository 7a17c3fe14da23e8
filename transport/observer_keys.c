/*
 * Keys and values that the initiator says (RFC 7143 6.2, 12, 13).
 */
#include <string.h>
#include <strings.h>

#include "transport/negotiate.h"
#include "transport/observer_internal.h"
#include "transport/text.h"

#define PROTOCOL_LEVEL_MIN 1
#define PROTOCOL_LEVEL_MAX 2
#define NODE_ARCH_MAX	   255u

static bool in_list(const char *list, const char *word)
{
	const char *element;
	size_t len;

	while (iscsi_list_next(&list, &element, &len))
		if (iscsi_word_is(element, len, word))
			return true;
	return false;
}

static bool is_answer_word(const char *value)
{
	return strcmp(value, "Reject") == 0 || strcmp(value, "Irrelevant") == 0 ||
	       strcmp(value, "NotUnderstood") == 0;
}

/* --- spelling --------------------------------------------------------------------------------- */

/* The words that a value can consist of. */
static const char *const constants[] = {
	"Yes", "No",	  "None",	   "CRC32C",	"CHAP",	  "KRB5",     "SRP",
	"All", "RFC3720", "ResponseFence", "FastAbort", "Normal", "Discovery"};

/* The constant that the word is but for its case, or NULL. */
static const char *misspelled(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (strlen(constants[i]) == len && strncasecmp(word, constants[i], len) == 0 &&
		    memcmp(word, constants[i], len) != 0)
			return constants[i];
	return NULL;
}

static bool has_constants(const struct iscsi_key *key)
{
	return key->type == ISCSI_TYPE_BOOLEAN || key->type == ISCSI_TYPE_LIST ||
	       strcmp(key->name, "SessionType") == 0;
}

static bool judge_value_case(struct iscsi_watch *watch, const struct iscsi_key *key,
			     const char *value)
{
	const char *list = value, *word, *meant = NULL;
	size_t len;

	if (!has_constants(key))
		return true;
	while (!meant && iscsi_list_next(&list, &word, &len))
		meant = misspelled(word, len);
	watch_judge(watch, ISCSI_CHECK_LOGIN_CASE_EXACT, !meant, "the standard's letter case",
		    "%s=%s", key->name, value);
	return !meant;
}

static void judge_key_case(struct iscsi_watch *watch, const char *name)
{
	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++)
		if (strcasecmp(name, iscsi_key_row((enum iscsi_key_id)id)->name) == 0)
			watch_judge(watch, ISCSI_CHECK_LOGIN_CASE_EXACT, false,
				    iscsi_key_row((enum iscsi_key_id)id)->name, "%s", name);
}

static bool is_number_form(const char *value)
{
	bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
	const char *digits = hex ? value + 2 : value;
	size_t len = strlen(digits);

	if (len == 0 || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != len)
		return false;
	return hex || len == 1 || digits[0] != '0';
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void judge_number(struct iscsi_watch *watch, const struct iscsi_key *key, const char *value,
			 uint64_t *ret_number)
{
	uint64_t number;
	bool form = is_number_form(value);

	watch_judge(watch, ISCSI_CHECK_LOGIN_NUMBER_FORM, form, "a number", "%s=%s", key->name,
		    value);
	if (!form)
		return;
	bool fits = iscsi_text_number(value, &number) && number >= key->min && number <= key->max;
	watch_judge(watch, ISCSI_CHECK_LOGIN_VALUE_RANGE, fits, "a value in range", "%s=%s",
		    key->name, value);
	if (fits)
		*ret_number = number;
}

static void judge_value(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value)
{
	const struct iscsi_key *key = iscsi_key_row(id);
	uint64_t number = 0;

	if (is_answer_word(value) || !judge_value_case(watch, key, value))
		return;
	if (key->type == ISCSI_TYPE_NUMBER)
		judge_number(watch, key, value, &number);
	else if (key->type == ISCSI_TYPE_BOOLEAN)
		watch_judge(watch, ISCSI_CHECK_LOGIN_VALUE_RANGE,
			    strcmp(value, "Yes") == 0 || strcmp(value, "No") == 0, "Yes or No",
			    "%s=%s", key->name, value);
	if (id == ISCSI_KEY_FIRST_BURST_LENGTH)
		watch->login.first_burst = number;
	if (id == ISCSI_KEY_MAX_BURST_LENGTH)
		watch->login.max_burst = number;
	if (id == ISCSI_KEY_PROTOCOL_LEVEL)
		watch_judge(watch, ISCSI_CHECK_LOGIN_PROTOCOL_LEVEL,
			    number >= PROTOCOL_LEVEL_MIN && number <= PROTOCOL_LEVEL_MAX, "1 or 2",
			    "%s", value);
}

/* --- keys with rules of their own ------------------------------------------------------------- */

static void name_copy(char to[ISCSI_OBSERVER_NAME_MAX + 1], const char *value)
{
	size_t len = strnlen(value, ISCSI_OBSERVER_NAME_MAX);

	memcpy(to, value, len);
	to[len] = '\0';
}

static void take_initiator_name(struct iscsi_watch *watch, const char *value)
{
	char canonical[ISCSI_OBSERVER_NAME_MAX + 1];
	bool legal = iscsi_name_canonical(value, canonical) && strcmp(value, canonical) == 0;

	watch_judge(watch, ISCSI_CHECK_LOGIN_NAME_FORM, legal, "a canonical iSCSI name", "%s",
		    value);
	watch->login.has_initiator = true;
	name_copy(watch->login.initiator, value);
}

static void take_target_name(struct iscsi_watch *watch, const char *value)
{
	size_t len = strlen(value);

	watch->login.has_target = true;
	name_copy(watch->login.target, value);
	for (unsigned i = 0; i < ISCSI_OBSERVER_LONG_NAMES_MAX; i++) {
		const char *whole = watch->observer->long_names[i].text;
		if (whole[0] == '\0' || len <= ISCSI_OBSERVER_NAME_MAX / 2 ||
		    strncmp(whole, value, len) != 0)
			continue;
		watch_judge(watch, ISCSI_CHECK_LOGIN_NAME_223, whole[len] == '\0',
			    "the 223 bytes that were announced", "the first %zu of them", len);
	}
}

static void take_session_type(struct iscsi_watch *watch, const char *value)
{
	struct seen_login *login = &watch->login;

	watch_judge(watch, ISCSI_CHECK_LOGIN_SESSIONTYPE_FIRST, !login->text_done,
		    "in the first text", "later");
	login->discovery = login->discovery || strcmp(value, "Discovery") == 0;
}

static void judge_auth_offer(struct iscsi_watch *watch, const char *value)
{
	const char *list = value, *word;
	bool private_method = false;
	size_t len;

	while (iscsi_list_next(&list, &word, &len))
		private_method = private_method || (len > 2 && word[1] == '-');
	if (private_method)
		watch_judge(watch, ISCSI_CHECK_LOGIN_AUTH_DEFAULT_OFFER,
			    in_list(value, "CHAP") && !in_list(value, "None"), "CHAP, and not None",
			    "%s", value);
}

static void judge_digest_offer(struct iscsi_watch *watch, const char *name, const char *value)
{
	bool usual = strcmp(value, "None") == 0 || strcmp(value, "CRC32C,None") == 0;

	watch_judge(watch, ISCSI_CHECK_LOGIN_DIGEST_LIST_ORDER, usual, "None, or CRC32C,None",
		    "%s=%s", name, value);
}

static void judge_node_architecture(struct iscsi_watch *watch, const char *value)
{
	bool again = watch->login.said[ISCSI_KEY_NODE_ARCHITECTURE];

	watch_judge(watch, ISCSI_CHECK_LOGIN_NODEARCH, !again && strlen(value) <= NODE_ARCH_MAX,
		    "at most 255 bytes, once", again ? "again, %zu bytes" : "%zu bytes",
		    strlen(value));
}

static void take_special(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value)
{
	if (id == ISCSI_KEY_INITIATOR_NAME)
		take_initiator_name(watch, value);
	else if (id == ISCSI_KEY_TARGET_NAME)
		take_target_name(watch, value);
	else if (id == ISCSI_KEY_SESSION_TYPE)
		take_session_type(watch, value);
	else if (id == ISCSI_KEY_AUTH_METHOD)
		judge_auth_offer(watch, value);
	else if (id == ISCSI_KEY_HEADER_DIGEST || id == ISCSI_KEY_DATA_DIGEST)
		judge_digest_offer(watch, iscsi_key_row(id)->name, value);
	else if (id == ISCSI_KEY_NODE_ARCHITECTURE)
		judge_node_architecture(watch, value);
	else if (id == ISCSI_KEY_TASK_REPORTING)
		watch_judge(watch, ISCSI_CHECK_LOGIN_TASKREPORTING_OFFER,
			    in_list(value, "RFC3720") && in_list(value, "ResponseFence"),
			    "RFC3720 and ResponseFence", "%s", value);
}

/* --- when a key may be said ------------------------------------------------------------------- */

static void judge_repeat(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value)
{
	struct seen_login *login = &watch->login;
	uint32_t hash = seen_hash(value, strlen(value));
	bool again = login->said[id] && id != ISCSI_KEY_NODE_ARCHITECTURE;

	watch_judge(watch, ISCSI_CHECK_LOGIN_NO_REDECLARE, !again, "each key once",
		    "%s again, with %s value", iscsi_key_row(id)->name,
		    hash == login->said_hash[id] ? "the same" : "another");
	login->said[id] = true;
	login->said_hash[id] = hash;
}

static void judge_private_repeat(struct iscsi_watch *watch, const char *name)
{
	struct seen_login *login = &watch->login;
	uint32_t hash = seen_hash(name, strlen(name));
	bool again = false;

	for (uint32_t i = 0; i < login->private_count; i++)
		again = again || login->private_said[i] == hash;
	watch_judge(watch, ISCSI_CHECK_LOGIN_NO_REDECLARE, !again, "each key once", "%s again",
		    name);
	if (!again && login->private_count < SEEN_PRIVATE_KEYS_MAX)
		login->private_said[login->private_count++] = hash;
}

static void judge_place(struct iscsi_watch *watch, const struct seen_pairs *pairs,
			const struct iscsi_key *key)
{
	bool leading = pairs->stage != ISCSI_STAGE_FULL_FEATURE && watch->login.first.tsih == 0;

	if (pairs->stage != ISCSI_STAGE_FULL_FEATURE)
		watch_judge(watch, ISCSI_CHECK_LOGIN_STAGE_KEYS,
			    iscsi_key_in_stage(key, pairs->stage), "a key of this stage",
			    "%s in stage %u", key->name, (unsigned)pairs->stage);
	if (key->use == ISCSI_USE_LEADING_ONLY || !leading)
		watch_judge(watch, ISCSI_CHECK_LOGIN_KEYS_LEADING_ONLY,
			    leading || key->use != ISCSI_USE_LEADING_ONLY,
			    "no key of the leading login", "%s", key->name);
}

static void judge_answer_word(struct iscsi_watch *watch, enum iscsi_key_id id, const char *name,
			      const char *value)
{
	bool proposed = id != ISCSI_KEY_UNKNOWN && watch->login.proposed[id];

	/* NotUnderstood is what an initiator says to a key that it does not know, and we neither.
	 */
	if (id == ISCSI_KEY_UNKNOWN && strcmp(value, "NotUnderstood") == 0)
		return;
	watch_judge(watch, ISCSI_CHECK_LOGIN_NO_RESERVED_PROPOSAL,
		    proposed || !is_answer_word(value), "a value", "%s=%s", name, value);
}

static void judge_secrecy(struct iscsi_watch *watch, const char *name)
{
	bool secret = strcasestr(name, "passw") != NULL || strcasestr(name, "secret") != NULL;

	watch_judge(watch, ISCSI_CHECK_CHAP_SECRET_NEVER_CLEAR, !secret, "no such key", "%s", name);
}

void watch_key(struct iscsi_watch *watch, struct seen_pairs *pairs, const char *name,
	       const char *value)
{
	enum iscsi_key_id id = iscsi_key_find(name);
	bool login = pairs->stage != ISCSI_STAGE_FULL_FEATURE;

	judge_secrecy(watch, name);
	judge_answer_word(watch, id, name, value);
	pairs->is_private = pairs->is_private || strncmp(name, "X-", 2) == 0;
	if (id == ISCSI_KEY_UNKNOWN) {
		judge_key_case(watch, name);
		if (login)
			judge_private_repeat(watch, name);
		return;
	}
	judge_place(watch, pairs, iscsi_key_row(id));
	judge_value(watch, id, value);
	pairs->send_targets = pairs->send_targets || id == ISCSI_KEY_SEND_TARGETS;
	pairs->chap_a = pairs->chap_a || id == ISCSI_KEY_CHAP_A;
	pairs->chap_i = pairs->chap_i || id == ISCSI_KEY_CHAP_I;
	pairs->chap_c = pairs->chap_c || id == ISCSI_KEY_CHAP_C;
	pairs->chap_n = pairs->chap_n || id == ISCSI_KEY_CHAP_N;
	pairs->chap_r = pairs->chap_r || id == ISCSI_KEY_CHAP_R;
	if (login) {
		take_special(watch, id, value);
		watch_chap_key(watch, id, value);
		judge_repeat(watch, id, value);
	}
}
