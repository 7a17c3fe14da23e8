/*
 * Texts of logins and text exchanges: their keys, and what a rule makes of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"
#include "transport/text.h"

#define PAD_VALUE_MAX 200 /* bytes of each value that pads a text */

bool fault_edits_text(enum fault_action_id id)
{
	return id >= FAULT_DO_KEY_SET && id <= FAULT_DO_TEXT;
}

static void add_pair(struct fault_bytes *text, const char *key, const char *value)
{
	fault_bytes_add(text, key, strlen(key));
	fault_bytes_add(text, "=", 1);
	fault_bytes_add(text, value, strlen(value) + 1);
}

static bool is_key(const char *pair, size_t len, const char *key)
{
	size_t key_len = strlen(key);

	return len > key_len && pair[key_len] == '=' && memcmp(pair, key, key_len) == 0;
}

const char *fault_text_value(const char *text, size_t len, const char *key)
{
	if (len == 0)
		return NULL; /* there may be no text */
	const char *end = text + len;

	for (const char *at = text; at < end;) {
		size_t pair = strnlen(at, (size_t)(end - at));

		if (at + pair == end)
			return NULL;
		if (is_key(at, pair, key))
			return at + strlen(key) + 1;
		at += pair + 1;
	}
	return NULL;
}

/* --- new values ------------------------------------------------------------------------------- */

/* "+1", "-1", "*2" of a number; of what is none, itself. */
static void add_changed(struct fault_bytes *text, const struct fault_action *action,
			const char *value)
{
	char changed[24];
	uint64_t number, by = action->number[FAULT_P_KEY_CHANGE];

	if (!iscsi_text_number(value, &number)) {
		add_pair(text, action->text, value);
		return;
	}
	if (action->value[0] == '+')
		number += by;
	else if (action->value[0] == '-')
		number -= by;
	else
		number *= by;
	snprintf(changed, sizeof(changed), "%llu", (unsigned long long)number);
	add_pair(text, action->text, changed);
}

/* The last character becomes its neighbour: 0 and 1, 2 and 3, ... a and b; A and B. */
static void add_flipped(struct fault_bytes *text, const char *key, const char *value)
{
	size_t last = strlen(value);

	add_pair(text, key, value);
	if (text->failed || last == 0)
		return;
	uint8_t *c = &text->p[text->len - 2];
	*c = (uint8_t)(*c >= '0' && *c <= '9' ? *c ^ 1 : ((*c - 'A') ^ 1) + 'A');
}

/* Two digits to each byte; what is missing is 5a. */
static void add_of_length(struct fault_bytes *text, const char *key, const char *value, uint64_t n)
{
	size_t has = strlen(value) > 2 ? (strlen(value) - 2) / 2 : 0;

	fault_bytes_add(text, key, strlen(key));
	fault_bytes_add(text, "=0x", 3);
	for (uint64_t i = 0; i < n; i++)
		fault_bytes_add(text, i < has ? value + 2 + 2 * i : "5a", 2);
	fault_bytes_add(text, "", 1);
}

static void add_new_value(struct fault_bytes *text, const struct fault_action *action,
			  const char *value)
{
	switch ((int)action->row->id) {
	case FAULT_DO_KEY_SET:
		add_pair(text, action->text, action->value);
		break;
	case FAULT_DO_KEY_CHANGE:
		add_changed(text, action, value);
		break;
	case FAULT_DO_KEY_FLIP:
		add_flipped(text, action->text, value);
		break;
	case FAULT_DO_KEY_LEN:
		add_of_length(text, action->text, value, action->number[FAULT_P_KEY_LEN]);
		break;
	case FAULT_DO_KEY_ECHO:
		add_pair(text, action->text, action->echo ? action->echo : value);
		break;
	case FAULT_DO_KEY_DROP:
		break;
	default:
		add_pair(text, action->text, value);
		break;
	}
}

/* --- whole texts ------------------------------------------------------------------------------ */

/* Each pair of the text as it is, but those with the action's key. A text can begin and end in the
 * middle of a pair (C bit); such a piece stays. */
static bool edit_pairs(const struct fault_action *action, const char *text, uint32_t len,
		       struct fault_bytes *ret)
{
	const char *end = text + len;
	bool found = false;

	for (const char *at = text; at < end;) {
		size_t pair = strnlen(at, (size_t)(end - at));
		bool is_whole = at + pair < end;

		if (is_whole && is_key(at, pair, action->text)) {
			add_new_value(ret, action, at + strlen(action->text) + 1);
			found = true;
		} else {
			fault_bytes_add(ret, at, pair + is_whole);
		}
		at += pair + is_whole;
	}
	return found;
}

static void reverse_pairs(const char *text, uint32_t len, struct fault_bytes *ret)
{
	size_t end = len > 0 && text[len - 1] == '\0' ? len - 1 : len;

	while (end > 0) {
		size_t from = end;

		while (from > 0 && text[from - 1] != '\0')
			from--;
		fault_bytes_add(ret, text + from, end - from);
		fault_bytes_add(ret, "", 1);
		end = from > 0 ? from - 1 : 0;
	}
}

static void pad(struct fault_bytes *text, size_t len)
{
	char key[32];

	for (unsigned i = 0; !text->failed && text->len < len; i++) {
		snprintf(key, sizeof(key), "X-org.example.pad%u=", i);
		size_t left = len - text->len, key_len = strlen(key);
		size_t value = left > key_len + 1 ? left - key_len - 1 : 1;

		if (value > PAD_VALUE_MAX)
			value = PAD_VALUE_MAX;
		fault_bytes_add(text, key, key_len);
		fault_bytes_fill(text, 'x', value);
		fault_bytes_add(text, "", 1);
	}
}

/* Did the initiator name the key in this login? */
static bool is_offered(const struct iscsi_conn *conn, const char *key)
{
	const struct fault_bytes *said = &conn->fault->said;

	return said->len > 0 && fault_text_value((const char *)said->p, said->len, key) != NULL;
}

static void edit_keys(const struct iscsi_conn *conn, const struct fault_action *action,
		      const char *text, uint32_t len, struct fault_bytes *ret)
{
	enum fault_action_id id = action->row->id;

	if (id == FAULT_DO_KEY_FIRST)
		add_pair(ret, action->text, action->value);
	bool found = edit_pairs(action, text, len, ret);
	if (id == FAULT_DO_KEY_SET && !found)
		add_pair(ret, action->text, action->value);
	if (id == FAULT_DO_KEY_ADD &&
	    !(fault_given(action, FAULT_P_UNLESS) && is_offered(conn, action->text)))
		add_pair(ret, action->text, action->value);
}

bool fault_text_edit(const struct iscsi_conn *conn, const struct fault_action *action,
		     const char *text, uint32_t len, struct fault_bytes *ret)
{
	struct fault_bytes edited = {0};

	text = text ? text : ""; /* of a PDU without data */
	switch ((int)action->row->id) {
	case FAULT_DO_KEY_REVERSE:
		reverse_pairs(text, len, &edited);
		break;
	case FAULT_DO_TEXT:
		fault_bytes_add(&edited, action->bytes, action->bytes_len);
		break;
	case FAULT_DO_TEXT_PAD:
		fault_bytes_add(&edited, text, len);
		pad(&edited, action->number[FAULT_P_SIZE]);
		break;
	default:
		edit_keys(conn, action, text, len, &edited);
		break;
	}
	if (edited.failed) {
		free(edited.p);
		return false;
	}
	*ret = edited;
	return true;
}

/* --- what initiators say ---------------------------------------------------------------------- */

static void keep_echo(struct fault_action *action, const char *text, uint32_t len)
{
	const char *value = action->row->id == FAULT_DO_KEY_ECHO
				    ? fault_text_value(text, len, action->text)
				    : NULL;

	if (!value)
		return;
	free(action->echo);
	action->echo = strdup(value); /* without memory there is nothing to echo */
}

void fault_text_note(struct iscsi_conn *conn, const char *text, uint32_t len)
{
	struct fault_bytes *said = &conn->fault->said;
	struct fault_rule *rule;

	if (conn->login && said->len + len <= FAULT_SAID_MAX)
		fault_bytes_add(said, text, len);
	DL_FOREACH(conn->node->faults->rules, rule)
	{
		for (unsigned i = 0; i < rule->action_count; i++)
			keep_echo(&rule->actions[i], text, len);
	}
}

/* --- the answer to a text --------------------------------------------------------------------- */

uint32_t iscsi_fault_text_piece(struct iscsi_conn *conn, uint32_t piece_max)
{
	uint32_t wanted = conn->fault->piece_max;

	conn->fault->piece_max = 0;
	return wanted > 0 && wanted < piece_max ? wanted : piece_max;
}

void iscsi_fault_text_answer(struct iscsi_conn *conn, struct iscsi_text *answer)
{
	char name[64], address[ISCSI_ADDRESS_MAX + 8];

	snprintf(address, sizeof(address), "%s,%u", conn->local_address,
		 (unsigned)conn->portal->portal_group_tag);
	for (uint32_t i = 0; i < conn->fault->records; i++) {
		snprintf(name, sizeof(name), "iqn.2026-11.io.holdfast.fault:made-up.%u", i);
		iscsi_text_add(answer, "TargetName", name);
		iscsi_text_add(answer, "TargetAddress", address);
	}
	conn->fault->records = 0;
}
