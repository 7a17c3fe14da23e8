/*
 * Login Requests and what the target makes of them (RFC 7143 6.3, 11.12).
 */
#include <string.h>

#include "transport/observer_internal.h"

#define ISID_TYPE_RESERVED 3

/* --- one request ------------------------------------------------------------------------------ */

static void judge_header(struct iscsi_watch *watch, const struct iscsi_login_request *now,
			 bool immediate)
{
	watch_judge(watch, ISCSI_CHECK_LOGIN_IMMEDIATE_FLAG, immediate, "I set", "I clear");
	watch_judge(watch, ISCSI_CHECK_LOGIN_VERSION_ZERO,
		    now->version_max == 0 && now->version_min == 0, "0x00 and 0x00",
		    "0x%02x and 0x%02x", now->version_max, now->version_min);
	watch_judge(watch, ISCSI_CHECK_LOGIN_ITT_VALID, now->itt != ISCSI_NO_TAG,
		    "another tag than 0xffffffff", "that");
	watch_judge(watch, ISCSI_CHECK_LOGIN_T_IMPLIES_NO_C, !(now->transit && now->cont), "T or C",
		    "both");
}

static void judge_isid(struct iscsi_watch *watch, const uint8_t *isid)
{
	static const uint8_t zeros[6];

	watch_judge(watch, ISCSI_CHECK_LOGIN_ISID_FORMAT, isid[0] >> 6 != ISID_TYPE_RESERVED,
		    "type 00b, 01b or 10b", "11b");
	if (memcmp(isid, zeros, sizeof(zeros)) == 0)
		watch_note(watch, ISCSI_CHECK_LOGIN_ISID_FORMAT, "an ISID of somebody's", "zeros");
}

static const char *changed_field(const struct iscsi_login_request *first,
				 const struct iscsi_login_request *now)
{
	if (memcmp(first->isid, now->isid, sizeof(now->isid)) != 0)
		return "ISID";
	if (first->tsih != now->tsih)
		return "TSIH";
	if (first->cid != now->cid)
		return "CID";
	if (first->itt != now->itt)
		return "task tag";
	if (first->version_max != now->version_max || first->version_min != now->version_min)
		return "version";
	return NULL;
}

static void judge_later(struct iscsi_watch *watch, const struct iscsi_login_request *now)
{
	struct seen_login *login = &watch->login;
	const char *changed = changed_field(&login->first, now);

	watch_judge(watch, ISCSI_CHECK_LOGIN_TUPLE_CONSTANT, !changed, "nothing changes",
		    "another %s", changed ? changed : "");
	if (login->first.tsih == 0)
		watch_judge_equal(watch, ISCSI_CHECK_LOGIN_CMDSN_CONSTANT, "CmdSN",
				  login->first.cmd_sn, now->cmd_sn);
	watch_judge(watch, ISCSI_CHECK_LOGIN_SINGLE_OUTSTANDING, !login->outstanding,
		    "the Login Response is waited for", "another Login Request");
	if (!login->outstanding)
		watch_judge_equal(watch, ISCSI_CHECK_LOGIN_EXPSTATSN_ACK, "ExpStatSN",
				  login->next_stat_sn, now->exp_stat_sn);
}

static void judge_stages(struct iscsi_watch *watch, const struct iscsi_login_request *now)
{
	bool first = watch->login.requests == 1;
	bool csg = now->csg == ISCSI_STAGE_SECURITY || now->csg == ISCSI_STAGE_OPERATIONAL;
	bool nsg = !now->transit ||
		   ((now->nsg == ISCSI_STAGE_OPERATIONAL || now->nsg == ISCSI_STAGE_FULL_FEATURE) &&
		    now->nsg > now->csg);

	if (first && csg)
		watch->login.stage = (enum iscsi_stage)now->csg;
	watch_judge(watch, ISCSI_CHECK_LOGIN_STAGE_CODES,
		    csg && nsg && now->csg == (uint8_t)watch->login.stage,
		    "CSG agreed on, NSG 1 or 3 behind it", "CSG %u, NSG %u, T %u, agreed on %u",
		    now->csg, now->nsg, now->transit, (unsigned)watch->login.stage);
}

/* Everything that was proposed has been answered when a stage is to be left. */
static void judge_proposals(struct iscsi_watch *watch, const struct iscsi_login_request *now)
{
	if (!now->transit)
		return;
	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++) {
		if (!watch->login.proposed[id])
			continue;
		watch_judge(watch, ISCSI_CHECK_LOGIN_REPLY_TO_ANSWER, watch->login.said[id],
			    "an answer to what was proposed", "none to %s",
			    iscsi_key_row((enum iscsi_key_id)id)->name);
		watch->login.proposed[id] = false;
	}
}

/* --- who comes, and who was here -------------------------------------------------------------- */

static bool same_isid(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 6) == 0;
}

static void judge_live_sessions(struct iscsi_watch *watch)
{
	const struct seen_login *login = &watch->login;

	for (const struct seen_session *s = watch->observer->sessions; s; s = s->next) {
		if (s->discovery || strcmp(s->initiator, login->initiator) != 0 ||
		    strcmp(s->target, login->target) != 0)
			continue;
		bool same = same_isid(s->isid, login->first.isid);
		if (s->portal_group == watch->portal_group) {
			bool alive = watch->now_ms - s->heard_ms < ISCSI_OBSERVER_ALIVE_MS;
			watch_judge(watch, ISCSI_CHECK_LOGIN_ISID_RULE, !(same && alive),
				    "an ISID that no live session has",
				    "one that was heard of "
				    "%llu ms ago",
				    (unsigned long long)(watch->now_ms - s->heard_ms));
		} else {
			watch_judge(watch, ISCSI_CHECK_LOGIN_ISID_CONSERVATIVE, same,
				    "the ISID used towards the other portal group", "another one");
		}
	}
}

/* The newest loss of this initiator's session with this target that nobody has come back for. */
static struct past_session *lost_session(struct iscsi_watch *watch)
{
	const struct seen_login *login = &watch->login;
	struct past_session *found = NULL;

	for (unsigned i = 0; i < ISCSI_OBSERVER_PAST_MAX; i++) {
		struct past_session *past = &watch->observer->past[i];
		if (!past->used || !past->lost || past->portal_group != watch->portal_group ||
		    watch->now_ms - past->ended_ms > ISCSI_OBSERVER_RETURN_MS ||
		    strcmp(past->initiator, login->initiator) != 0 ||
		    strcmp(past->target, login->target) != 0)
			continue;
		if (same_isid(past->isid, login->first.isid))
			return past;
		if (!found || past->ended_ms > found->ended_ms)
			found = past;
	}
	return found;
}

static void judge_return(struct iscsi_watch *watch)
{
	struct past_session *past = lost_session(watch);

	if (!past)
		return;
	bool same = same_isid(past->isid, watch->login.first.isid);
	uint64_t away_ms = watch->now_ms - past->ended_ms;
	watch_judge(watch, ISCSI_CHECK_LOGIN_ISID_PERSISTENT, same, "the lost session's ISID",
		    "another one");
	if (same)
		watch_judge(watch, ISCSI_CHECK_TIME_TIME2WAIT,
			    away_ms >= past->time2wait_s * UINT64_C(1000), "after Time2Wait",
			    "after %llu ms of %u s", (unsigned long long)away_ms,
			    past->time2wait_s);
	past->lost = false;
}

/* --- the two directions ----------------------------------------------------------------------- */

static void judge_first_text(struct iscsi_watch *watch)
{
	struct seen_login *login = &watch->login;

	watch_judge(watch, ISCSI_CHECK_LOGIN_INITIATORNAME_FIRST, login->has_initiator,
		    "InitiatorName", "none");
	if (!login->discovery)
		watch_judge(watch, ISCSI_CHECK_LOGIN_TARGETNAME_FIRST, login->has_target,
			    "TargetName", "none");
	if (login->first.tsih == 0 && !login->discovery && login->has_initiator &&
	    login->has_target) {
		judge_live_sessions(watch);
		judge_return(watch);
	}
}

static void take_text(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		      const struct iscsi_login_request *now)
{
	const uint8_t *text;
	uint32_t len;

	if (!watch_gather(watch, pdu, now->cont, &text, &len))
		return;
	watch_text(watch, (enum iscsi_stage)now->csg, text, len);
	if (!watch->login.text_done)
		judge_first_text(watch);
	watch->login.text_done = true;
	judge_proposals(watch, now);
}

void watch_login_request(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct seen_login *login = &watch->login;
	struct iscsi_login_request now;
	struct iscsi_bhs head;

	iscsi_bhs_decode(pdu->bhs, &head);
	iscsi_login_request_decode(pdu->bhs, &now);
	login->requests++;
	judge_header(watch, &now, head.immediate);
	if (login->requests == 1) {
		login->first = now;
		watch->cid = now.cid;
		judge_isid(watch, now.isid);
		if (now.tsih == 0)
			watch_judge(watch, ISCSI_CHECK_LOGIN_TSIH_LEADING_ZERO, true, "0", "0");
	} else {
		judge_later(watch, &now);
	}
	judge_stages(watch, &now);
	login->outstanding = true;
	login->last = now;
	take_text(watch, pdu, &now);
}

/* A TSIH that the target does not know: was a session meant that is there? */
static void judge_refused_tsih(struct iscsi_watch *watch)
{
	const struct seen_login *login = &watch->login;
	bool meant = false;

	for (const struct seen_session *s = watch->observer->sessions; s; s = s->next)
		meant = meant || (strcmp(s->initiator, login->initiator) == 0 &&
				  same_isid(s->isid, login->first.isid));
	if (meant)
		watch_judge(watch, ISCSI_CHECK_LOGIN_TSIH_ADDITIONAL, false,
			    "the TSIH of the session with this ISID", "0x%04x", login->first.tsih);
	else
		watch_judge(watch, ISCSI_CHECK_LOGIN_TSIH_LEADING_ZERO, false,
			    "0 for a new session", "0x%04x", login->first.tsih);
}

static void conclude(struct iscsi_watch *watch, const struct iscsi_login_response *response,
		     const struct iscsi_params *params)
{
	const struct seen_login *login = &watch->login;

	watch->params = *params;
	if (login->first.tsih != 0)
		watch_judge(watch, ISCSI_CHECK_LOGIN_TSIH_ADDITIONAL, true, "a session's", "that");
	if (login->max_burst > 0 && login->first_burst > 0)
		watch_judge(watch, ISCSI_CHECK_LOGIN_FIRSTBURST_LE_MAXBURST,
			    login->first_burst <= login->max_burst,
			    "FirstBurstLength up to MaxBurstLength", "%llu and %llu",
			    (unsigned long long)login->first_burst,
			    (unsigned long long)login->max_burst);
	if (params->error_recovery_level > 0)
		watch_judge(watch, ISCSI_CHECK_LOGIN_ERL_INTEGRITY,
			    !params->data_sequence_in_order || params->max_outstanding_r2t == 1,
			    "MaxOutstandingR2T 1", "%u at level %u", params->max_outstanding_r2t,
			    params->error_recovery_level);
	watch->next_stat_sn = response->sns.stat_sn + 1;
	watch->state = WATCH_FULL;
	seen_session_enter(watch, response);
}

void watch_login_response(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
			  const struct iscsi_params *params)
{
	struct seen_login *login = &watch->login;
	struct iscsi_login_response response;
	struct iscsi_bhs head;

	iscsi_bhs_decode(pdu->bhs, &head);
	if (head.opcode != ISCSI_LOGIN_RESPONSE)
		return;
	iscsi_login_response_decode(pdu->bhs, &response);
	login->outstanding = false;
	login->next_stat_sn = response.sns.stat_sn + 1;
	if (response.status == ISCSI_LOGIN_SESSION_DOES_NOT_EXIST && login->first.tsih != 0)
		judge_refused_tsih(watch);
	if (response.status != ISCSI_LOGIN_SUCCESS)
		return;
	if (pdu->data && !response.cont)
		watch_target_text(watch, pdu->data, pdu->data_len);
	if (!response.transit)
		return;
	if (response.nsg == ISCSI_STAGE_FULL_FEATURE)
		conclude(watch, &response, params);
	else
		login->stage = (enum iscsi_stage)response.nsg;
}
