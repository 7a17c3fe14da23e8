/*
 * CHAP (RFC 1994, RFC 7143 12.1.3): the initiator proves that it knows the secret of the user it
 * says it is, and may ask the target to do the like.
 *
 *   I: CHAP_A=<list>                          T: CHAP_A=<one> CHAP_I=<id> CHAP_C=<challenge>
 *   I: CHAP_N=<user> CHAP_R=<response>        T: (nothing, or:)
 *      [CHAP_I=<id> CHAP_C=<challenge>]       T: CHAP_N=<name> CHAP_R=<response>
 *
 * A challenge is random, serves one login, and one answer to it is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/login_internal.h"

#define CHALLENGE_MAX	 1024 /* bytes of an initiator's challenge (RFC 7143 12.1.4) */
#define DUMMY_SECRET_LEN 16   /* bytes */

static uint16_t refuse(struct iscsi_login *login, uint16_t status, const char *why)
{
	login->why = why;
	return status;
}

static const char *said(const struct iscsi_login *login, enum iscsi_key_id id)
{
	return iscsi_negotiation_said(&login->state->negotiation, id);
}

/* Is any of the keys from `first` to `last` in the text at hand? */
static bool speaks(const struct iscsi_login *login, enum iscsi_key_id first, enum iscsi_key_id last)
{
	for (unsigned id = first; id <= last; id++)
		if (login->state->negotiation.fresh[id])
			return true;
	return false;
}

/* --- the algorithm, and our challenge --------------------------------------------------------- */

static bool is_allowed(const struct iscsi_policy *policy, uint64_t number)
{
	return (number != 5 || policy->chap_md5) && (number != 6 || policy->chap_sha1);
}

/* The first of the initiator's list that we take. */
static const struct iscsi_chap_algorithm *choose_algorithm(const struct iscsi_login *login,
							   const char *list)
{
	const char *element;
	size_t len;

	while (iscsi_list_next(&list, &element, &len)) {
		char word[24];
		uint64_t number;
		if (len >= sizeof(word))
			continue;
		memcpy(word, element, len);
		word[len] = '\0';
		if (!iscsi_text_number(word, &number) || !is_allowed(login->state->policy, number))
			continue;
		const struct iscsi_chap_algorithm *found = iscsi_chap_algorithm_find(number);
		if (found)
			return found;
	}
	return NULL;
}

static uint16_t take_algorithms(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	struct iscsi_chap *chap = &state->chap;

	if (speaks(login, ISCSI_KEY_CHAP_I, ISCSI_KEY_CHAP_R))
		return refuse(login, ISCSI_LOGIN_INITIATOR_ERROR, "CHAP out of order");
	if (!state->negotiation.fresh[ISCSI_KEY_CHAP_A]) {
		/* The list of algorithms may come behind our answer to AuthMethod. */
		if (state->negotiation.fresh[ISCSI_KEY_AUTH_METHOD])
			return ISCSI_LOGIN_SUCCESS;
		return refuse(login, ISCSI_LOGIN_MISSING_PARAMETER, "no CHAP_A");
	}
	chap->algorithm = choose_algorithm(login, said(login, ISCSI_KEY_CHAP_A));
	if (!chap->algorithm)
		return refuse(login, ISCSI_LOGIN_AUTHENTICATION_FAILURE,
			      "no CHAP algorithm in common");
	state->host->random(state->host_context, &chap->id, sizeof(chap->id));
	state->host->random(state->host_context, chap->challenge, sizeof(chap->challenge));
	iscsi_text_add_number(&state->answer, "CHAP_A", chap->algorithm->number);
	iscsi_text_add_number(&state->answer, "CHAP_I", chap->id);
	iscsi_text_add_binary(&state->answer, "CHAP_C", chap->challenge, sizeof(chap->challenge));
	chap->phase = ISCSI_CHAP_CHALLENGED;
	return ISCSI_LOGIN_SUCCESS;
}

/* --- the initiator's answer ------------------------------------------------------------------- */

/*
 * Whoever is no user that may log in here goes the same way, with a secret that nobody knows: by
 * time and by status it looks like one whose secret was wrong.
 */
static uint16_t check_response(struct iscsi_login *login, const struct iscsi_chap_account *account)
{
	struct iscsi_login_state *state = login->state;
	const struct iscsi_chap *chap = &state->chap;
	uint8_t dummy[DUMMY_SECRET_LEN], given[CHALLENGE_MAX], want[ISCSI_CHAP_DIGEST_MAX];
	size_t given_len = 0;

	state->host->random(state->host_context, dummy, sizeof(dummy));
	bool formed = iscsi_text_binary(said(login, ISCSI_KEY_CHAP_R), given, sizeof(given),
					&given_len) &&
		      given_len == chap->algorithm->len;
	if (!iscsi_chap_response(chap->algorithm, chap->id, account ? account->secret : dummy,
				 account ? account->secret_len : sizeof(dummy),
				 chap->adopted ? chap->adopted : chap->challenge,
				 chap->adopted ? chap->adopted_len : sizeof(chap->challenge), want))
		return refuse(login, ISCSI_LOGIN_OUT_OF_RESOURCES, "no memory for a digest");
	bool right = formed && iscsi_chap_equal(given, want, chap->algorithm->len) && account;
	explicit_bzero(want, sizeof(want));
	explicit_bzero(dummy, sizeof(dummy));
	return right ? ISCSI_LOGIN_SUCCESS
		     : refuse(login, ISCSI_LOGIN_AUTHENTICATION_FAILURE,
			      "CHAP: unknown user or wrong secret");
}

static bool is_own_challenge(const struct iscsi_login *login, const uint8_t *challenge, size_t len)
{
	const struct iscsi_login_state *state = login->state;

	return iscsi_login_has_challenge(login, challenge, len) ||
	       state->host->is_own_challenge(state->host_context, challenge, len);
}

/* Equal secrets both ways would let an initiator have its own challenge answered by us. */
static bool is_same_secret(const struct iscsi_chap_account *a, const struct iscsi_chap_account *b)
{
	return a->secret_len == b->secret_len &&
	       iscsi_chap_equal(a->secret, b->secret, a->secret_len);
}

static uint16_t prove_target(struct iscsi_login *login, const struct iscsi_chap_account *theirs)
{
	struct iscsi_login_state *state = login->state;
	const struct iscsi_chap_account *ours = state->rules.ours;
	uint8_t challenge[CHALLENGE_MAX], response[ISCSI_CHAP_DIGEST_MAX];
	size_t challenge_len;
	uint64_t id;

	if (!iscsi_text_number(said(login, ISCSI_KEY_CHAP_I), &id) || id > UINT8_MAX ||
	    !iscsi_text_binary(said(login, ISCSI_KEY_CHAP_C), challenge, sizeof(challenge),
			       &challenge_len))
		return refuse(login, ISCSI_LOGIN_INITIATOR_ERROR, "bad CHAP_I or CHAP_C");
	if (is_own_challenge(login, challenge, challenge_len))
		return refuse(login, ISCSI_LOGIN_AUTHENTICATION_FAILURE,
			      "CHAP: our own challenge was sent back");
	if (!ours)
		return refuse(login, ISCSI_LOGIN_AUTHENTICATION_FAILURE,
			      "CHAP: the target has no secret to prove itself with");
	if (is_same_secret(ours, theirs))
		return refuse(login, ISCSI_LOGIN_AUTHENTICATION_FAILURE,
			      "CHAP: the same secret both ways");
	if (!iscsi_chap_response(state->chap.algorithm, (uint8_t)id, ours->secret, ours->secret_len,
				 challenge, challenge_len, response))
		return refuse(login, ISCSI_LOGIN_OUT_OF_RESOURCES, "no memory for a digest");
	iscsi_text_add(&state->answer, "CHAP_N", ours->name);
	iscsi_text_add_binary(&state->answer, "CHAP_R", response, state->chap.algorithm->len);
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t take_response(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	const bool *fresh = state->negotiation.fresh;

	/* Whatever comes of it: this challenge has had its answer. */
	state->chap.phase = ISCSI_CHAP_OVER;
	if (fresh[ISCSI_KEY_CHAP_A])
		return refuse(login, ISCSI_LOGIN_INITIATOR_ERROR, "CHAP out of order");
	/* Nothing of the target's is answered before all of the initiator's is there. */
	if (!fresh[ISCSI_KEY_CHAP_N] || !fresh[ISCSI_KEY_CHAP_R])
		return refuse(login, ISCSI_LOGIN_MISSING_PARAMETER, "no CHAP_N or CHAP_R");
	if (fresh[ISCSI_KEY_CHAP_I] != fresh[ISCSI_KEY_CHAP_C])
		return refuse(login, ISCSI_LOGIN_MISSING_PARAMETER,
			      "CHAP_I and CHAP_C only together");
	const char *user = said(login, ISCSI_KEY_CHAP_N);
	const struct iscsi_chap_account *account =
		state->host->account(state->host_context, login, user);
	uint16_t status = check_response(login, account);
	if (status == ISCSI_LOGIN_SUCCESS && fresh[ISCSI_KEY_CHAP_C])
		status = prove_target(login, account);
	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	/* Its length was checked against its row. */
	memcpy(login->user, user, strlen(user) + 1);
	state->chap.proven = true;
	return ISCSI_LOGIN_SUCCESS;
}

uint16_t iscsi_login_chap_take(struct iscsi_login *login)
{
	switch (login->state->chap.phase) {
	case ISCSI_CHAP_NOT_BEGUN:
		return take_algorithms(login);
	case ISCSI_CHAP_CHALLENGED:
		return take_response(login);
	case ISCSI_CHAP_OVER:
		break;
	}
	return speaks(login, ISCSI_KEY_CHAP_A, ISCSI_KEY_CHAP_R)
		       ? refuse(login, ISCSI_LOGIN_INITIATOR_ERROR, "CHAP once more")
		       : ISCSI_LOGIN_SUCCESS;
}

bool iscsi_login_chap_is_done(const struct iscsi_login *login)
{
	return login->state->chap.proven;
}

bool iscsi_login_has_challenge(const struct iscsi_login *login, const uint8_t *challenge,
			       size_t len)
{
	const struct iscsi_chap *chap = &login->state->chap;

	return chap->phase != ISCSI_CHAP_NOT_BEGUN && len == sizeof(chap->challenge) &&
	       memcmp(challenge, chap->challenge, len) == 0;
}

bool iscsi_login_adopt_challenge(struct iscsi_login *login, const char *id, const char *challenge)
{
	struct iscsi_chap *chap = &login->state->chap;
	uint8_t bytes[CHALLENGE_MAX];
	uint64_t number;
	size_t len;

	if (chap->phase != ISCSI_CHAP_CHALLENGED || !iscsi_text_number(id, &number) ||
	    number > UINT8_MAX || !iscsi_text_binary(challenge, bytes, sizeof(bytes), &len))
		return false;
	uint8_t *adopted = malloc(len);
	if (!adopted)
		return false;
	memcpy(adopted, bytes, len);
	free(chap->adopted);
	chap->adopted = adopted;
	chap->adopted_len = len;
	chap->id = (uint8_t)number;
	return true;
}
