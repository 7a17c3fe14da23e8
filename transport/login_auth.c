/*
 * The security stage: which method authenticates the initiator (RFC 7143 12.1). A further method is
 * a further row.
 */
#include "transport/login_internal.h"

static const struct iscsi_auth_method auth_methods[] = {
	{.name = "None"},
};

static const struct iscsi_auth_method *find_auth_method(const char *list)
{
	const char *word;
	size_t len;

	while (iscsi_list_next(&list, &word, &len))
		for (size_t i = 0; i < sizeof(auth_methods) / sizeof(auth_methods[0]); i++)
			if (iscsi_word_is(word, len, auth_methods[i].name))
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

uint16_t iscsi_login_authenticate(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;

	if (state->negotiation.fresh[ISCSI_KEY_AUTH_METHOD]) {
		state->auth = find_auth_method(
			iscsi_negotiation_said(&state->negotiation, ISCSI_KEY_AUTH_METHOD));
		if (!state->auth)
			return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
		iscsi_text_add(&state->answer, "AuthMethod", state->auth->name);
	}
	if (state->auth && state->auth->take)
		return state->auth->take(login);
	return speaks_method_keys(&state->negotiation) ? ISCSI_LOGIN_INITIATOR_ERROR
						       : ISCSI_LOGIN_SUCCESS;
}

bool iscsi_login_may_leave_stage(const struct iscsi_login *login)
{
	const struct iscsi_login_state *state = login->state;

	if (state->stage == ISCSI_STAGE_SECURITY && state->auth && state->auth->is_done)
		return state->auth->is_done(login);
	return true;
}
