#include "transport/negotiate.h"

#include <string.h>

#include "transport/login.h"

/* Limit: bytes that all keys and values of one login phase are kept in. */
#define SAID_MAX (64u * 1024)

void iscsi_negotiation_init(struct iscsi_negotiation *negotiation,
			    const struct iscsi_policy *policy, struct iscsi_params *params)
{
	*negotiation = (struct iscsi_negotiation){
		.policy = policy,
		.params = params,
		.leading = true,
	};
	iscsi_text_init(&negotiation->said, SAID_MAX);
}

void iscsi_negotiation_finish(struct iscsi_negotiation *negotiation)
{
	iscsi_text_free(&negotiation->said);
}

const char *iscsi_negotiation_said(const struct iscsi_negotiation *negotiation,
				   enum iscsi_key_id id)
{
	uint32_t at = negotiation->said_at[id];

	return at > 0 ? negotiation->said.data + at - 1 : NULL;
}

bool iscsi_list_next(const char **list, const char **ret_element, size_t *ret_len)
{
	if (!*list)
		return false;
	const char *comma = strchr(*list, ',');
	*ret_element = *list;
	*ret_len = comma ? (size_t)(comma - *list) : strlen(*list);
	*list = comma ? comma + 1 : NULL;
	return true;
}

bool iscsi_word_is(const char *word, size_t len, const char *constant)
{
	return strlen(constant) == len && memcmp(word, constant, len) == 0;
}

/* --- read ------------------------------------------------------------------------------------- */

/* Reserved answers must not be proposed (RFC 7143 6.2). A name, an alias, a user is no proposal,
 * and AuthMethod can be the answer to ours. */
static bool is_reserved_proposal(const struct iscsi_key *key, const char *value)
{
	if (key->function == ISCSI_FUNCTION_DECLARE || key->function == ISCSI_FUNCTION_AUTHENTICATE)
		return false;
	return strcmp(value, "Reject") == 0 || strcmp(value, "Irrelevant") == 0 ||
	       strcmp(value, "NotUnderstood") == 0;
}

/* Does the value have the form that the key asks for? The range of a number is judged later. */
static bool is_formed(const struct iscsi_key *key, const char *value)
{
	uint64_t number;

	switch (key->type) {
	case ISCSI_TYPE_NUMBER:
		return iscsi_text_number(value, &number);
	case ISCSI_TYPE_BOOLEAN:
		return strcmp(value, "Yes") == 0 || strcmp(value, "No") == 0;
	case ISCSI_TYPE_NAME:
		return true; /* what a bad name leads to depends on whose it is */
	case ISCSI_TYPE_TEXT:
	case ISCSI_TYPE_LIST:
		return strlen(value) <= key->max;
	case ISCSI_TYPE_INVALID:
		break;
	}
	return false;
}

/*
 * A key is said once in a login phase (RFC 7143 6.3). Initiators that say the very same again are
 * common enough to be let pass, unless the policy is strict.
 */
static bool may_repeat(const struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
		       const char *value)
{
	const char *before = iscsi_negotiation_said(negotiation, id);

	return !before || (!negotiation->policy->strict && strcmp(before, value) == 0);
}

static uint16_t remember(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
			 const char *value)
{
	negotiation->fresh[id] = true;
	if (negotiation->said_at[id] > 0)
		return ISCSI_LOGIN_SUCCESS;
	size_t at = negotiation->said.len;
	iscsi_text_append(&negotiation->said, value, strlen(value) + 1);
	if (negotiation->said.failed)
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	negotiation->said_at[id] = (uint32_t)at + 1;
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t read_pair(struct iscsi_negotiation *negotiation, enum iscsi_stage stage,
			  const char *name, const char *value)
{
	enum iscsi_key_id id = iscsi_key_find(name);
	const struct iscsi_key *key = iscsi_key_row(id);

	if (is_reserved_proposal(key, value))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	if (id == ISCSI_KEY_UNKNOWN)
		return ISCSI_LOGIN_SUCCESS;
	if (!(key->sender & ISCSI_FROM_INITIATOR) || !iscsi_key_in_stage(key, stage))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	if (!is_formed(key, value) || !may_repeat(negotiation, id, value))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	return remember(negotiation, id, value);
}

uint16_t iscsi_negotiation_read(struct iscsi_negotiation *negotiation, enum iscsi_stage stage,
				const void *text, size_t len)
{
	struct iscsi_text_reader reader;
	char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	memset(negotiation->fresh, 0, sizeof(negotiation->fresh));
	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, name, &value, &bad)) {
		uint16_t status = read_pair(negotiation, stage, name, value);
		if (status != ISCSI_LOGIN_SUCCESS)
			return status;
	}
	return bad ? ISCSI_LOGIN_INITIATOR_ERROR : ISCSI_LOGIN_SUCCESS;
}

/* --- settle ----------------------------------------------------------------------------------- */

/* ErrorRecoveryLevel > 0 with sequences in order allows one R2T alone (RFC 7143 13.20). */
static bool one_r2t_alone(const struct iscsi_params *params)
{
	return params->error_recovery_level > 0 && params->data_sequence_in_order;
}

/* Our wish, as far as what is settled already leaves it open. */
static uint32_t ours_now(const struct iscsi_negotiation *negotiation, enum iscsi_key_id id)
{
	const struct iscsi_params *params = negotiation->params;
	uint32_t ours = iscsi_key_ours(iscsi_key_row(id), negotiation->policy);

	if (id == ISCSI_KEY_FIRST_BURST_LENGTH && ours > params->max_burst_len)
		return params->max_burst_len;
	if (id == ISCSI_KEY_MAX_OUTSTANDING_R2T && one_r2t_alone(params))
		return 1;
	if (id == ISCSI_KEY_ERROR_RECOVERY_LEVEL && params->max_outstanding_r2t > 1 &&
	    params->data_sequence_in_order)
		return 0;
	return ours;
}

static bool is_irrelevant(const struct iscsi_negotiation *negotiation, enum iscsi_key_id id)
{
	const struct iscsi_params *params = negotiation->params;

	if (negotiation->discovery && iscsi_key_row(id)->discovery == ISCSI_DISCOVERY_IRRELEVANT)
		return true;
	/* Without unsolicited data there is no first burst (RFC 7143 13.14). */
	return id == ISCSI_KEY_FIRST_BURST_LENGTH && params->initial_r2t && !params->immediate_data;
}

static uint32_t combine(enum iscsi_key_function function, uint32_t offer, uint32_t ours)
{
	uint32_t low = offer < ours ? offer : ours;
	uint32_t high = offer < ours ? ours : offer;

	/* No is 0 and Yes is 1: AND is the lower and OR the higher of two booleans. */
	if (function == ISCSI_FUNCTION_MIN || function == ISCSI_FUNCTION_AND)
		return low;
	return high;
}

static enum iscsi_answer settle_value(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
				      const char *value)
{
	const struct iscsi_key *key = iscsi_key_row(id);
	uint64_t offer = strcmp(value, "Yes") == 0;

	if (key->type == ISCSI_TYPE_NUMBER && !iscsi_text_number(value, &offer))
		return ISCSI_ANSWER_REJECT;
	if (offer < key->min || offer > key->max)
		return ISCSI_ANSWER_REJECT;
	uint32_t result = combine(key->function, (uint32_t)offer, ours_now(negotiation, id));
	if (negotiation->discovery && key->discovery == ISCSI_DISCOVERY_DEFAULT)
		result = key->default_value;
	iscsi_key_set(key, negotiation->params, result);
	return ISCSI_ANSWER_VALUE;
}

/* The index of the first element of the offer that we support; -1: none of it. */
static int choose(const struct iscsi_key *key, uint32_t ours, const char *list)
{
	const char *element;
	size_t len;

	while (iscsi_list_next(&list, &element, &len))
		for (uint32_t i = 0; i <= ours && i < ISCSI_KEY_CHOICES_MAX; i++)
			if (key->choices[i] && iscsi_word_is(element, len, key->choices[i]))
				return (int)i;
	return -1;
}

static enum iscsi_answer settle_choice(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
				       const char *value)
{
	const struct iscsi_key *key = iscsi_key_row(id);
	int choice = choose(key, iscsi_key_ours(key, negotiation->policy), value);

	if (choice < 0)
		return ISCSI_ANSWER_REJECT;
	iscsi_key_set(key, negotiation->params, (uint32_t)choice);
	return ISCSI_ANSWER_VALUE;
}

/* A declaration cannot be rejected: one out of range is an error. */
static uint16_t settle_declaration(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
				   const char *value)
{
	const struct iscsi_key *key = iscsi_key_row(id);
	uint64_t number = 0;

	if (key->type != ISCSI_TYPE_NUMBER)
		return ISCSI_LOGIN_SUCCESS;
	if (!iscsi_text_number(value, &number) || number < key->min || number > key->max)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	iscsi_key_set(key, negotiation->params, (uint32_t)number);
	return ISCSI_LOGIN_SUCCESS;
}

static enum iscsi_answer settle_offer(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
				      const char *value)
{
	const struct iscsi_key *key = iscsi_key_row(id);

	/* A further connection cannot change what its session has agreed on. */
	if (key->use == ISCSI_USE_LEADING_ONLY && !negotiation->leading)
		return ISCSI_ANSWER_REJECT;
	if (is_irrelevant(negotiation, id))
		return ISCSI_ANSWER_IRRELEVANT;
	if (key->function == ISCSI_FUNCTION_CHOOSE)
		return settle_choice(negotiation, id, value);
	return settle_value(negotiation, id, value);
}

static uint16_t settle_key(struct iscsi_negotiation *negotiation, enum iscsi_key_id id,
			   const char *value)
{
	enum iscsi_answer *answer = &negotiation->answers[id];

	switch (iscsi_key_row(id)->function) {
	case ISCSI_FUNCTION_DECLARE:
		return settle_declaration(negotiation, id, value);
	case ISCSI_FUNCTION_MIN:
	case ISCSI_FUNCTION_MAX:
	case ISCSI_FUNCTION_AND:
	case ISCSI_FUNCTION_OR:
	case ISCSI_FUNCTION_CHOOSE:
		*answer = settle_offer(negotiation, id, value);
		return ISCSI_LOGIN_SUCCESS;
	case ISCSI_FUNCTION_NO:
		*answer = ISCSI_ANSWER_NO;
		return ISCSI_LOGIN_SUCCESS;
	case ISCSI_FUNCTION_REJECT:
		*answer = ISCSI_ANSWER_REJECT;
		return ISCSI_LOGIN_SUCCESS;
	case ISCSI_FUNCTION_NOT_UNDERSTOOD:
		*answer = ISCSI_ANSWER_NOT_UNDERSTOOD;
		return ISCSI_LOGIN_SUCCESS;
	case ISCSI_FUNCTION_AUTHENTICATE:
		return ISCSI_LOGIN_SUCCESS; /* login's */
	case ISCSI_FUNCTION_SEND_TARGETS:   /* never among other keys */
	case ISCSI_FUNCTION_INVALID:
		break;
	}
	return ISCSI_LOGIN_INITIATOR_ERROR;
}

uint16_t iscsi_negotiation_settle(struct iscsi_negotiation *negotiation)
{
	memset(negotiation->answers, 0, sizeof(negotiation->answers));
	for (unsigned i = ISCSI_KEY_UNKNOWN + 1; i < ISCSI_KEY_COUNT; i++) {
		enum iscsi_key_id id = (enum iscsi_key_id)i;
		if (!negotiation->fresh[id])
			continue;
		uint16_t status =
			settle_key(negotiation, id, iscsi_negotiation_said(negotiation, id));
		if (status != ISCSI_LOGIN_SUCCESS)
			return status;
	}
	return ISCSI_LOGIN_SUCCESS;
}

/* --- conclude --------------------------------------------------------------------------------- */

uint16_t iscsi_negotiation_conclude(struct iscsi_negotiation *negotiation)
{
	struct iscsi_params *params = negotiation->params;

	if (negotiation->discovery) {
		params->max_connections = 1;
		params->error_recovery_level = 0;
	}
	if (params->first_burst_len <= params->max_burst_len)
		return ISCSI_LOGIN_SUCCESS;
	/*
	 * A first burst that was agreed on and is longer than the burst agreed on later is an
	 * error. One that nobody spoke of is no longer than the burst; and where there is none, its
	 * length does not matter.
	 */
	if (negotiation->said_at[ISCSI_KEY_FIRST_BURST_LENGTH] > 0 &&
	    !is_irrelevant(negotiation, ISCSI_KEY_FIRST_BURST_LENGTH))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	params->first_burst_len = params->max_burst_len;
	return ISCSI_LOGIN_SUCCESS;
}

/* --- full feature phase ----------------------------------------------------------------------- */

bool iscsi_negotiate_full_feature(struct iscsi_params *params, const void *text, size_t len,
				  struct iscsi_text *answer)
{
	static const struct iscsi_policy strict = {.strict = true};
	struct iscsi_params next = *params;
	struct iscsi_negotiation negotiation;
	size_t answer_len = answer->len;
	bool failed = answer->failed;

	iscsi_negotiation_init(&negotiation, &strict, &next);
	uint16_t status = iscsi_negotiation_read(&negotiation, ISCSI_STAGE_FULL_FEATURE, text, len);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = iscsi_negotiation_settle(&negotiation);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = iscsi_negotiation_answer(&negotiation, text, len, answer);
	iscsi_negotiation_finish(&negotiation);
	if (status != ISCSI_LOGIN_SUCCESS) {
		answer->len = answer_len;
		answer->failed = failed;
		return false;
	}
	*params = next;
	return true;
}
