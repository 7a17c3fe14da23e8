/*
 * Who logs in to what (RFC 7143 6.3.1, 13.4, 13.5, 13.21), and whether the house lets it.
 */
#include <string.h>

#include "transport/login_internal.h"

static uint16_t identify_session_type(struct iscsi_login *login, const char *value)
{
	if (!value || strcmp(value, "Normal") == 0)
		login->type = ISCSI_SESSION_NORMAL;
	else if (strcmp(value, "Discovery") == 0)
		login->type = ISCSI_SESSION_DISCOVERY;
	else
		return ISCSI_LOGIN_SESSION_TYPE_NOT_SUPPORTED;
	login->state->negotiation.discovery = login->type == ISCSI_SESSION_DISCOVERY;
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t identify_target(struct iscsi_login *login, const char *name)
{
	if (!name)
		return login->type == ISCSI_SESSION_DISCOVERY ? ISCSI_LOGIN_SUCCESS
							      : ISCSI_LOGIN_MISSING_PARAMETER;
	return iscsi_name_canonical(name, login->target_name) ? ISCSI_LOGIN_SUCCESS
							      : ISCSI_LOGIN_NOT_FOUND;
}

/* May it come, on what conditions, and what it hears about the target (RFC 7143 13.6, 13.9). */
static uint16_t judge(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	uint16_t status = state->host->judge(state->host_context, login, &state->rules);

	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	if (state->rules.must_authenticate && state->stage != ISCSI_STAGE_SECURITY) {
		login->why = "it does not authenticate itself";
		return ISCSI_LOGIN_AUTHENTICATION_FAILURE;
	}
	if (login->target_name[0] == '\0')
		return ISCSI_LOGIN_SUCCESS;
	if (state->rules.target_alias && login->type == ISCSI_SESSION_NORMAL)
		iscsi_text_add(&state->answer, "TargetAlias", state->rules.target_alias);
	iscsi_text_add_number(&state->answer, "TargetPortalGroupTag", state->portal_group_tag);
	return ISCSI_LOGIN_SUCCESS;
}

uint16_t iscsi_login_identify(struct iscsi_login *login)
{
	const struct iscsi_negotiation *said = &login->state->negotiation;
	const char *initiator = iscsi_negotiation_said(said, ISCSI_KEY_INITIATOR_NAME);

	if (!initiator)
		return ISCSI_LOGIN_MISSING_PARAMETER;
	if (!iscsi_name_canonical(initiator, login->initiator_name))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	uint16_t status =
		identify_session_type(login, iscsi_negotiation_said(said, ISCSI_KEY_SESSION_TYPE));
	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	login->state->identified = true;
	status = identify_target(login, iscsi_negotiation_said(said, ISCSI_KEY_TARGET_NAME));
	return status == ISCSI_LOGIN_SUCCESS ? judge(login) : status;
}

uint16_t iscsi_login_check_identity_is_old(const struct iscsi_login *login,
					   const bool told_before[ISCSI_KEY_COUNT])
{
	static const enum iscsi_key_id identity[] = {
		ISCSI_KEY_SESSION_TYPE,
		ISCSI_KEY_TARGET_NAME,
	};

	for (size_t i = 0; i < sizeof(identity) / sizeof(identity[0]); i++)
		if (login->state->negotiation.fresh[identity[i]] && !told_before[identity[i]])
			return ISCSI_LOGIN_INITIATOR_ERROR;
	return ISCSI_LOGIN_SUCCESS;
}
