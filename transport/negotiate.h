/*
 * Negotiation (RFC 7143 6.2): one engine over the key table. For transport/ only.
 *
 * A text is taken in three steps, so that what a key means never depends on where it stands in it:
 * read (is it well-formed, may these keys be said here), settle (the outcome of each), answer.
 */
#ifndef TRANSPORT_NEGOTIATE_H
#define TRANSPORT_NEGOTIATE_H

#include "transport/keys.h"
#include "transport/params.h"
#include "transport/pdu.h"
#include "transport/text.h"

/* Limit: bytes of NotUnderstood answers to one text. */
#define ISCSI_NOT_UNDERSTOOD_MAX 8192u

/* What is answered to a key of the text at hand. */
enum iscsi_answer {
	ISCSI_ANSWER_NOTHING = 0,
	ISCSI_ANSWER_VALUE, /* the outcome, from the parameters */
	ISCSI_ANSWER_NO,
	ISCSI_ANSWER_REJECT,
	ISCSI_ANSWER_IRRELEVANT,
	ISCSI_ANSWER_NOT_UNDERSTOOD,
};

struct iscsi_negotiation {
	const struct iscsi_policy *policy; /* borrowed, like params */
	struct iscsi_params *params;
	bool discovery;
	bool leading; /* of the first connection: may say LO keys */

	/* The values of all that was said so far, in any text of this phase. */
	struct iscsi_text said;
	uint32_t said_at[ISCSI_KEY_COUNT]; /* of the value in `said`, plus one; 0: not said */

	/* Of the text at hand. */
	bool fresh[ISCSI_KEY_COUNT];
	enum iscsi_answer answers[ISCSI_KEY_COUNT];
};

void iscsi_negotiation_init(struct iscsi_negotiation *negotiation,
			    const struct iscsi_policy *policy, struct iscsi_params *params);
void iscsi_negotiation_finish(struct iscsi_negotiation *negotiation);

/* Each returns a login status; any but success ends the negotiation. */
uint16_t iscsi_negotiation_read(struct iscsi_negotiation *negotiation, enum iscsi_stage stage,
				const void *text, size_t len);
uint16_t iscsi_negotiation_settle(struct iscsi_negotiation *negotiation);
uint16_t iscsi_negotiation_answer(const struct iscsi_negotiation *negotiation, const void *text,
				  size_t len, struct iscsi_text *answer);

/* At the end of the last stage: what belongs together fits together (RFC 7143 13.14, 13.20). */
uint16_t iscsi_negotiation_conclude(struct iscsi_negotiation *negotiation);

/* The value that was said, or NULL. */
const char *iscsi_negotiation_said(const struct iscsi_negotiation *negotiation,
				   enum iscsi_key_id id);

/* The next element of a comma-separated list, which is moved on (NULL: behind the last). */
bool iscsi_list_next(const char **list, const char **ret_element, size_t *ret_len);
/* Is the word of `len` bytes this constant? */
bool iscsi_word_is(const char *word, size_t len, const char *constant);

#endif
