/*
 * The security stage: which method authenticates the initiator (RFC 7143 12.1). A further method is
 * a further row.
 */
#include <string.h>

#include "transport/login_internal.h"

static const struct iscsi_auth_method auth_methods[] = {
	{.name = "None"},
	{.name = "CHAP",
	 .proves = true,
	 .take = iscsi_login_chap_take,
	 .is_done = iscsi_login_chap_is_done},
};

/* Nobody is asked for a proof that nothing could be held against, or let in without one. */
static const struct iscsi_auth_method *find_auth_method(const char *list, bool must_prove)
{
	const char *word;
	size_t len;

	while (iscsi_list_next(&list, &word, &len))
		for (size_t i = 0; i < sizeof(auth_methods) / sizeof(auth_methods[0]); i++)
			if (auth_methods[i].proves == must_prove &&
			    iscsi_word_is(word, len, auth_methods[i].name))
				return &auth_methods[i];
	return NULL;
}

/* Does the text at hand speak the keys of a method? */
static bool speaks_method_keys(const struct iscsi_negotiation *negotiation)
{
	for (unsigned id = ISCSI_KEY_CHAP_A; id <= ISCSI_KEY_CHAP_R; id++)
		if (negotiation->fresh[id])
			return true;
	return false;
}

static uint16_t choose_method(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	const char *list = iscsi_negotiation_said(&state->negotiation, ISCSI_KEY_AUTH_METHOD);

	state->auth = find_auth_method(list, state->rules.must_authenticate);
	if (!state->auth) {
		login->why = "no AuthMethod in common";
		return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
	}
	/* To our own proposal the one word is the answer, and not a question. */
	if (!state->proposed || !iscsi_word_is(list, strlen(list), state->auth->name))
		iscsi_text_add(&state->answer, "AuthMethod", state->auth->name);
	return ISCSI_LOGIN_SUCCESS;
}

/* An initiator that offers no method and wants to go on hears which one there is (RFC 7143 6.3). */
static uint16_t propose_method(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;

	if (!state->rules.must_authenticate || !state->transit)
		return ISCSI_LOGIN_SUCCESS;
	if (state->proposed) {
		login->why = "it does not authenticate itself";
		return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
	}
	iscsi_text_add(&state->answer, "AuthMethod", "CHAP");
	state->proposed = true;
	return ISCSI_LOGIN_SUCCESS;
}

uint16_t iscsi_login_authenticate(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;

	if (state->negotiation.fresh[ISCSI_KEY_AUTH_METHOD]) {
		uint16_t status = choose_method(login);
		if (status != ISCSI_LOGIN_SUCCESS)
			return status;
	}
	if (state->auth && state->auth->take)
		return state->auth->take(login);
	if (speaks_method_keys(&state->negotiation))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	return state->auth ? ISCSI_LOGIN_SUCCESS : propose_method(login);
}

bool iscsi_login_may_leave_stage(const struct iscsi_login *login)
{
	const struct iscsi_login_state *state = login->state;

	if (!state->rules.must_authenticate)
		return true;
	return state->auth && state->auth->is_done && state->auth->is_done(login);
}
