/*
 * Keys of logins and texts.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/fault_internal.h"

bool fault_edits_text(enum fault_action_id id)
{
	return id >= FAULT_DO_KEY_SET && id <= FAULT_DO_TEXT;
}

static void add_pair(struct fault_bytes *text, const struct fault_action *action)
{
	fault_bytes_add(text, action->text, strlen(action->text));
	fault_bytes_add(text, "=", 1);
	fault_bytes_add(text, action->value, strlen(action->value) + 1);
}

static bool is_key(const char *pair, size_t len, const char *key)
{
	size_t key_len = strlen(key);

	return len > key_len && pair[key_len] == '=' && memcmp(pair, key, key_len) == 0;
}

/* Each pair of the text, as it is, but for what the action does to its key. A text can be in the
 * middle of a pair at both ends (C bit). */
static bool edit_pairs(const struct fault_action *action, const char *text, uint32_t len,
		       struct fault_bytes *ret)
{
	const char *end = text + len;
	bool found = false;

	for (const char *at = text; at < end;) {
		size_t pair = strnlen(at, (size_t)(end - at));
		size_t whole = pair + (at + pair < end);
		bool is_it = is_key(at, pair, action->text);

		if (is_it && action->row->id == FAULT_DO_KEY_SET)
			add_pair(ret, action);
		else if (!is_it || action->row->id != FAULT_DO_KEY_DROP)
			fault_bytes_add(ret, at, whole);
		found |= is_it;
		at += whole;
	}
	return found;
}

bool fault_text_edit(const struct fault_action *action, const char *text, uint32_t len,
		     struct fault_bytes *ret)
{
	struct fault_bytes edited = {0};

	if (action->row->id == FAULT_DO_KEY_FIRST)
		add_pair(&edited, action);
	bool found = edit_pairs(action, text, len, &edited);
	if (action->row->id == FAULT_DO_KEY_ADD || (action->row->id == FAULT_DO_KEY_SET && !found))
		add_pair(&edited, action);
	if (edited.failed) {
		free(edited.p);
		return false;
	}
	*ret = edited;
	return true;
}
