/*
 * What a negotiation answers: each key of the text once, in the order of the text (RFC 7143 6.2).
 */
#include "transport/login.h"
#include "transport/negotiate.h"

static void answer_value(const struct iscsi_negotiation *negotiation, const struct iscsi_key *key,
			 struct iscsi_text *answer)
{
	uint32_t value = key->ours;

	iscsi_key_get(key, negotiation->params, &value);
	if (key->type == ISCSI_TYPE_NUMBER)
		iscsi_text_add_number(answer, key->name, value);
	else if (key->function == ISCSI_FUNCTION_CHOOSE)
		iscsi_text_add(answer, key->name, key->choices[value]);
	else
		iscsi_text_add(answer, key->name, value ? "Yes" : "No");
}

static void answer_key(const struct iscsi_negotiation *negotiation, const char *name,
		       const struct iscsi_key *key, enum iscsi_answer how,
		       struct iscsi_text *answer)
{
	switch (how) {
	case ISCSI_ANSWER_NOTHING:
		break;
	case ISCSI_ANSWER_VALUE:
		answer_value(negotiation, key, answer);
		break;
	case ISCSI_ANSWER_NO:
		iscsi_text_add(answer, name, "No");
		break;
	case ISCSI_ANSWER_REJECT:
		iscsi_text_add(answer, name, "Reject");
		break;
	case ISCSI_ANSWER_IRRELEVANT:
		iscsi_text_add(answer, name, "Irrelevant");
		break;
	case ISCSI_ANSWER_NOT_UNDERSTOOD:
		iscsi_text_add(answer, name, "NotUnderstood");
		break;
	}
}

uint16_t iscsi_negotiation_answer(const struct iscsi_negotiation *negotiation, const void *text,
				  size_t len, struct iscsi_text *answer)
{
	bool answered[ISCSI_KEY_COUNT] = {false};
	struct iscsi_text_reader reader;
	char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;
	size_t not_understood = 0;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, name, &value, &bad)) {
		enum iscsi_key_id id = iscsi_key_find(name);
		enum iscsi_answer how = id == ISCSI_KEY_UNKNOWN ? ISCSI_ANSWER_NOT_UNDERSTOOD
								: negotiation->answers[id];
		size_t before = answer->len;
		if (answered[id])
			continue;
		answered[id] = id != ISCSI_KEY_UNKNOWN;
		answer_key(negotiation, name, iscsi_key_row(id), how, answer);
		if (how == ISCSI_ANSWER_NOT_UNDERSTOOD)
			not_understood += answer->len - before;
		if (not_understood > ISCSI_NOT_UNDERSTOOD_MAX)
			return ISCSI_LOGIN_INITIATOR_ERROR;
	}
	return answer->failed ? ISCSI_LOGIN_OUT_OF_RESOURCES : ISCSI_LOGIN_SUCCESS;
}
