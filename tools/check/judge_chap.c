/*
 * Did the initiator answer the challenge that the stimulus gave it, as the secret has it?
 */
#include <string.h>

#include "tools/check/judge_internal.h"
#include "transport/chap_digest.h"
#include "transport/text.h"

#define CHALLENGE_MAX 1024

/* The value of a key in the text of this PDU; NULL: it is not there. */
static const char *value_in(const struct check_event *event, const char *wanted)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	if (event->data_len == 0)
		return NULL;
	iscsi_text_reader_init(&reader, event->data, event->data_len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (strcmp(key, wanted) == 0)
			return value;
	return NULL;
}

/* What the initiator said next on this connection. */
static const char *said_after(const struct check_evidence *evidence, const char *key)
{
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		const char *value = event->kind == CHECK_PDU && !event->from_target &&
						    event->connection == evidence->connection
					    ? value_in(event, key)
					    : NULL;
		if (value)
			return value;
	}
	return NULL;
}

bool check_chap_proves(const struct clause *clause, const struct check_evidence *evidence)
{
	uint8_t challenge[CHALLENGE_MAX], got[ISCSI_CHAP_DIGEST_MAX], want[ISCSI_CHAP_DIGEST_MAX];
	const struct check_event *stimulus;
	const struct iscsi_chap_algorithm *algorithm;
	uint64_t number, id;
	size_t challenge_len, got_len;
	const char *a, *i, *c, *r;
	(void)clause;

	if (evidence->stimulus == SIZE_MAX || !evidence->secret)
		return false;
	stimulus = &evidence->record->events[evidence->stimulus];
	a = value_in(stimulus, "CHAP_A");
	i = value_in(stimulus, "CHAP_I");
	c = value_in(stimulus, "CHAP_C");
	r = said_after(evidence, "CHAP_R");
	if (!a || !i || !c || !r || !iscsi_text_number(a, &number) || !iscsi_text_number(i, &id) ||
	    id > UINT8_MAX || !iscsi_text_binary(c, challenge, sizeof(challenge), &challenge_len) ||
	    !iscsi_text_binary(r, got, sizeof(got), &got_len))
		return false;
	algorithm = iscsi_chap_algorithm_find(number);
	return algorithm && got_len == algorithm->len &&
	       iscsi_chap_response(algorithm, (uint8_t)id, (const uint8_t *)evidence->secret,
				   strlen(evidence->secret), challenge, challenge_len, want) &&
	       memcmp(got, want, got_len) == 0;
}
