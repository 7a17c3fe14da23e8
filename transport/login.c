/*
 * The target's side of a login (RFC 7143 6.3), one request at a time:
 *
 *   check_header   may this PDU come now: the header that must not change, the stages, the limits
 *   take_text      collects a text that spans PDUs (C bit); a whole one is read, settled, answered
 *   respond        as much of the answer as fits; with the last of it, the stage transition
 *
 * Everything that goes wrong is a login status, sent in a response behind which the connection is
 * closed.
 */
#include "transport/login.h"

#include <stdlib.h>
#include <string.h>

#include "transport/login_internal.h"

/* --- one whole text --------------------------------------------------------------------------- */

static uint16_t read_text(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	struct iscsi_negotiation *negotiation = &state->negotiation;
	bool told_before[ISCSI_KEY_COUNT];

	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++)
		told_before[id] = negotiation->said_at[id] > 0;
	uint16_t status = iscsi_negotiation_read(negotiation, state->stage, state->request.data,
						 state->request.len);
	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	return state->identified ? iscsi_login_check_identity_is_old(login, told_before)
				 : iscsi_login_identify(login);
}

static void take_alias(struct iscsi_login *login)
{
	const char *alias =
		iscsi_negotiation_said(&login->state->negotiation, ISCSI_KEY_INITIATOR_ALIAS);

	/* Its length was checked against its row. */
	if (alias)
		memcpy(login->initiator_alias, alias, strlen(alias) + 1);
}

/*
 * MaxRecvDataSegmentLength is each side's own declaration (RFC 7143 13.12). Said once, in the
 * operational stage; an initiator that skips the stage sends to the default.
 */
static void declare_max_recv(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;

	if (state->declared || state->stage != ISCSI_STAGE_OPERATIONAL)
		return;
	login->params.max_recv_data_segment_len = state->policy->max_recv_data_segment_len;
	iscsi_text_add_number(&state->answer, "MaxRecvDataSegmentLength",
			      login->params.max_recv_data_segment_len);
	state->declared = true;
}

static uint16_t answer_text(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	uint16_t status = iscsi_negotiation_settle(&state->negotiation);

	if (status == ISCSI_LOGIN_SUCCESS && state->stage == ISCSI_STAGE_SECURITY)
		status = iscsi_login_authenticate(login);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = iscsi_negotiation_answer(&state->negotiation, state->request.data,
						  state->request.len, &state->answer);
	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	take_alias(login);
	declare_max_recv(login);
	return state->answer.failed ? ISCSI_LOGIN_OUT_OF_RESOURCES : ISCSI_LOGIN_SUCCESS;
}

static bool answer_is_pending(const struct iscsi_login_state *state)
{
	return state->answered < state->answer.len;
}

static uint16_t take_text(struct iscsi_login *login, const struct iscsi_login_request *request,
			  const uint8_t *data, uint32_t data_len)
{
	struct iscsi_login_state *state = login->state;

	/* While our answer spans PDUs, the initiator sends empty requests (RFC 7143 6.2). */
	if (answer_is_pending(state))
		return data_len > 0 || request->cont ? ISCSI_LOGIN_INITIATOR_ERROR
						     : ISCSI_LOGIN_SUCCESS;
	if (data_len > state->request.max - state->request.len)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	iscsi_text_append(&state->request, data, data_len);
	if (state->request.failed)
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	state->answer.len = 0;
	state->answered = 0;
	state->transit = request->transit;
	if (request->cont)
		return ISCSI_LOGIN_SUCCESS;
	uint16_t status = read_text(login);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = answer_text(login);
	state->request.len = 0;
	return status;
}

/* --- the header ------------------------------------------------------------------------------- */

/* From which stage to which (RFC 7143 6.3). */
static const bool transitions[4][4] = {
	[ISCSI_STAGE_SECURITY] =
		{[ISCSI_STAGE_OPERATIONAL] = true, [ISCSI_STAGE_FULL_FEATURE] = true},
	[ISCSI_STAGE_OPERATIONAL] = {[ISCSI_STAGE_FULL_FEATURE] = true},
};

static uint16_t check_stages(const struct iscsi_login_state *state,
			     const struct iscsi_login_request *request)
{
	if (request->csg != state->stage)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	/* NSG means something with T = 1 alone; a text that goes on cannot end a stage. */
	if (request->transit && (request->cont || !transitions[request->csg][request->nsg]))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t check_first_header(struct iscsi_login *login,
				   const struct iscsi_login_request *request)
{
	struct iscsi_login_state *state = login->state;

	state->phase = ISCSI_LOGIN_PHASE_UNDERWAY;
	state->first = *request;
	memcpy(login->isid, request->isid, sizeof(login->isid));
	login->tsih = request->tsih;
	login->cid = request->cid;
	login->cmd_sn = request->cmd_sn;
	state->negotiation.leading = request->tsih == 0;
	if (request->version_min > 0)
		return ISCSI_LOGIN_UNSUPPORTED_VERSION;
	if (request->itt == ISCSI_NO_TAG)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	if (request->csg != ISCSI_STAGE_SECURITY && request->csg != ISCSI_STAGE_OPERATIONAL)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	state->stage = (enum iscsi_stage)request->csg;
	return ISCSI_LOGIN_SUCCESS;
}

/* What stays the same through a login phase (RFC 7143 11.12). */
static uint16_t check_later_header(const struct iscsi_login_state *state,
				   const struct iscsi_login_request *request)
{
	const struct iscsi_login_request *first = &state->first;
	/* With a session under way, its other connections move its CmdSN on. */
	bool leading = first->tsih == 0;

	if (request->itt != first->itt || request->tsih != first->tsih ||
	    request->cid != first->cid ||
	    memcmp(request->isid, first->isid, sizeof(first->isid)) != 0 ||
	    request->version_max != first->version_max ||
	    request->version_min != first->version_min ||
	    (leading && request->cmd_sn != first->cmd_sn))
		return ISCSI_LOGIN_INITIATOR_ERROR;
	return ISCSI_LOGIN_SUCCESS;
}

static uint16_t check_header(struct iscsi_login *login, const struct iscsi_login_request *request,
			     uint32_t data_len)
{
	struct iscsi_login_state *state = login->state;
	uint16_t status = state->phase == ISCSI_LOGIN_PHASE_START
				  ? check_first_header(login, request)
				  : check_later_header(state, request);

	if (status != ISCSI_LOGIN_SUCCESS)
		return status;
	login->exp_stat_sn = request->exp_stat_sn;
	state->pdus++;
	if (state->pdus > state->limits->login_pdus_max || data_len > ISCSI_LOGIN_DATA_MAX)
		return ISCSI_LOGIN_INITIATOR_ERROR;
	return check_stages(state, request);
}

/* --- the response ----------------------------------------------------------------------------- */

static void encode_response(struct iscsi_login *login, struct iscsi_login_response *response,
			    uint8_t *ret_bhs, uint32_t text_len)
{
	struct iscsi_login_state *state = login->state;

	memcpy(response->isid, state->first.isid, sizeof(response->isid));
	response->itt = state->first.itt;
	response->tsih = login->tsih;
	response->sns.exp_cmd_sn = login->cmd_sn;
	response->sns.max_cmd_sn = login->cmd_sn;
	if (state->admitted)
		state->host->sns(state->host_context, &response->sns);
	response->sns.stat_sn = state->stat_sn++;
	iscsi_login_response_encode(response, ret_bhs);
	iscsi_bhs_set_lengths(ret_bhs, text_len);
}

/* Redirection says where to (RFC 7143 13.8): an address without a portal group tag. */
static uint32_t answer_where_it_moved(struct iscsi_login_state *state)
{
	state->answer.len = 0;
	iscsi_text_add(&state->answer, "TargetAddress", state->rules.moved_to);
	return (uint32_t)state->answer.len;
}

/* What goes out in a response. */
struct reply {
	bool has_response;
	uint8_t *bhs;
	const uint8_t *text;
	uint32_t text_len;
};

static enum iscsi_login_result refuse(struct iscsi_login *login, uint16_t status,
				      struct reply *reply)
{
	struct iscsi_login_state *state = login->state;
	/* T, CSG and NSG mean nothing in a refusal (RFC 7143 11.13.5): they are sent as 0. */
	struct iscsi_login_response response = {.status = status};

	state->phase = ISCSI_LOGIN_PHASE_OVER;
	if (status == ISCSI_LOGIN_MOVED_TEMPORARILY || status == ISCSI_LOGIN_MOVED_PERMANENTLY) {
		reply->text_len = answer_where_it_moved(state);
		if (reply->text_len > 0)
			reply->text = (const uint8_t *)state->answer.data;
	}
	encode_response(login, &response, reply->bhs, reply->text_len);
	reply->has_response = true;
	return ISCSI_LOGIN_CLOSE;
}

/* The last step: everything is negotiated, the house decides. */
static uint16_t enter_full_feature(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;
	uint16_t tsih = login->tsih;
	uint16_t status = iscsi_negotiation_conclude(&state->negotiation);

	if (status == ISCSI_LOGIN_SUCCESS)
		status = state->host->admit(state->host_context, login, &tsih);
	if (status == ISCSI_LOGIN_SUCCESS) {
		login->tsih = tsih;
		state->admitted = true;
	}
	return status;
}

static enum iscsi_login_result respond(struct iscsi_login *login,
				       const struct iscsi_login_request *request,
				       struct reply *reply)
{
	struct iscsi_login_state *state = login->state;
	size_t left = state->answer.len - state->answered;
	size_t piece = left < state->piece_max ? left : state->piece_max;
	struct iscsi_login_response response = {.csg = request->csg, .cont = piece < left};

	if (request->transit && !response.cont && iscsi_login_may_leave_stage(login)) {
		response.transit = true;
		response.nsg = request->nsg;
		uint16_t status = ISCSI_LOGIN_SUCCESS;
		if (request->nsg == ISCSI_STAGE_FULL_FEATURE)
			status = enter_full_feature(login);
		if (status != ISCSI_LOGIN_SUCCESS)
			return refuse(login, status, reply);
		state->stage = (enum iscsi_stage)request->nsg;
	}
	encode_response(login, &response, reply->bhs, (uint32_t)piece);
	reply->has_response = true;
	if (piece > 0)
		reply->text = (const uint8_t *)state->answer.data + state->answered;
	reply->text_len = (uint32_t)piece;
	state->answered += piece;
	if (state->stage != ISCSI_STAGE_FULL_FEATURE)
		return ISCSI_LOGIN_GO_ON;
	state->phase = ISCSI_LOGIN_PHASE_OVER;
	return ISCSI_LOGIN_COMPLETE;
}

static enum iscsi_login_result take_pdu(struct iscsi_login *login, const uint8_t *bhs,
					const uint8_t *data, uint32_t data_len, struct reply *reply)
{
	struct iscsi_login_state *state = login->state;
	struct iscsi_login_request request;
	struct iscsi_bhs header;

	if (state->phase == ISCSI_LOGIN_PHASE_OVER)
		return ISCSI_LOGIN_CLOSE;
	iscsi_bhs_decode(bhs, &header);
	if (header.opcode != ISCSI_LOGIN_REQUEST) {
		if (state->phase != ISCSI_LOGIN_PHASE_START)
			return refuse(login, ISCSI_LOGIN_INVALID_DURING_LOGIN, reply);
		state->phase = ISCSI_LOGIN_PHASE_OVER;
		return ISCSI_LOGIN_CLOSE;
	}
	iscsi_login_request_decode(bhs, &request);
	uint16_t status = check_header(login, &request, data_len);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = take_text(login, &request, data, data_len);
	if (status != ISCSI_LOGIN_SUCCESS)
		return refuse(login, status, reply);
	return respond(login, &request, reply);
}

enum iscsi_login_result iscsi_login_request(struct iscsi_login *login, const uint8_t *bhs,
					    const uint8_t *data, uint32_t data_len,
					    bool *ret_has_response, uint8_t ret_bhs[ISCSI_BHS_LEN],
					    const uint8_t **ret_text, uint32_t *ret_text_len)
{
	static const uint8_t no_text[1];
	struct reply reply = {.bhs = ret_bhs, .text = no_text};

	enum iscsi_login_result result = take_pdu(login, bhs, data, data_len, &reply);
	*ret_has_response = reply.has_response;
	*ret_text = reply.text;
	*ret_text_len = reply.text_len;
	return result;
}

/* --- life ------------------------------------------------------------------------------------- */

bool iscsi_login_init(struct iscsi_login *login, const struct iscsi_policy *policy,
		      const struct iscsi_limits *limits, uint16_t portal_group_tag,
		      const struct iscsi_login_host *host, void *host_context, uint32_t stat_sn)
{
	struct iscsi_login_state *state = calloc(1, sizeof(*state));

	*login = (struct iscsi_login){.state = state};
	if (!state)
		return false;
	state->policy = policy;
	state->limits = limits;
	state->portal_group_tag = portal_group_tag;
	state->host = host;
	state->host_context = host_context;
	state->stat_sn = stat_sn;
	state->piece_max = ISCSI_LOGIN_DATA_MAX;
	iscsi_params_defaults(&login->params);
	iscsi_text_init(&state->request, limits->login_text_max);
	iscsi_text_init(&state->answer, ISCSI_LOGIN_ANSWER_MAX);
	iscsi_negotiation_init(&state->negotiation, policy, &login->params);
	return true;
}

void iscsi_login_finish(struct iscsi_login *login)
{
	struct iscsi_login_state *state = login->state;

	if (!state)
		return;
	iscsi_text_free(&state->request);
	iscsi_text_free(&state->answer);
	iscsi_negotiation_finish(&state->negotiation);
	free(state->chap.adopted);
	explicit_bzero(&state->chap, sizeof(state->chap));
	free(state);
	login->state = NULL;
}

uint32_t iscsi_login_next_stat_sn(const struct iscsi_login *login)
{
	return login->state->stat_sn;
}

void iscsi_login_set_stat_sn(struct iscsi_login *login, uint32_t stat_sn)
{
	login->state->stat_sn = stat_sn;
}

void iscsi_login_set_piece_max(struct iscsi_login *login, uint32_t len)
{
	login->state->piece_max = len < ISCSI_LOGIN_DATA_MAX ? len : ISCSI_LOGIN_DATA_MAX;
}
