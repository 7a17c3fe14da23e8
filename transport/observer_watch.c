/*
 * A watch: one connection's PDUs on their way to the checks.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/observer_internal.h"

struct iscsi_watch *iscsi_watch_create(struct iscsi_observer *observer, uint16_t portal_group)
{
	struct iscsi_watch *watch = NULL;

	if (observer->watch_count < ISCSI_OBSERVER_WATCHES_MAX)
		watch = calloc(1, sizeof(*watch));
	if (!watch) {
		observer->missed++;
		return NULL;
	}
	watch->observer = observer;
	watch->portal_group = portal_group;
	for (unsigned i = 0; i < SEEN_PINGS_MAX; i++)
		watch->pings[i] = ISCSI_NO_TAG;
	observer->watch_count++;
	return watch;
}

void iscsi_watch_tell(struct iscsi_watch *watch, iscsi_finding_told told, void *context)
{
	watch->told = told;
	watch->told_context = context;
}

/* --- texts in several PDUs -------------------------------------------------------------------- */

static void text_forget(struct iscsi_watch *watch)
{
	free(watch->text);
	watch->text = NULL;
	watch->text_len = 0;
	watch->text_lost = false;
}

static void text_keep(struct iscsi_watch *watch, const uint8_t *data, uint32_t len)
{
	if (watch->text_lost)
		return;
	if (!watch->text)
		watch->text = malloc(ISCSI_OBSERVER_TEXT_MAX);
	if (!watch->text || len > ISCSI_OBSERVER_TEXT_MAX - watch->text_len) {
		watch->text_lost = true;
		watch->observer->missed++;
		return;
	}
	if (len > 0)
		memcpy(watch->text + watch->text_len, data, len);
	watch->text_len += len;
}

bool watch_gather(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu, bool more,
		  const uint8_t **ret_text, uint32_t *ret_len)
{
	uint32_t len = pdu->data ? pdu->data_len : 0;

	if (!more && !watch->text && !watch->text_lost) {
		*ret_text = pdu->data;
		*ret_len = len;
		return true;
	}
	text_keep(watch, pdu->data, len);
	if (more)
		return false;
	*ret_text = watch->text;
	*ret_len = watch->text_len;
	return !watch->text_lost;
}

static bool is_text(uint8_t opcode)
{
	return opcode == ISCSI_LOGIN_REQUEST || opcode == ISCSI_TEXT_REQUEST;
}

/* --- PDUs ------------------------------------------------------------------------------------- */

static void receive(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	struct iscsi_seen_pdu sound = *pdu;
	struct iscsi_bhs head;

	if (!watch_frame(watch, pdu) || pdu->state == ISCSI_SEEN_TOO_LONG)
		return;
	iscsi_bhs_decode(pdu->bhs, &head);
	/* With a wrong data digest the header still counts. */
	if (pdu->state == ISCSI_SEEN_DATA_DIGEST)
		sound.data = NULL;
	pdu = &sound;
	if (watch->state == WATCH_LOGIN) {
		if (head.opcode == ISCSI_LOGIN_REQUEST)
			watch_login_request(watch, pdu);
	} else if (watch->session) {
		watch->session->heard_ms = watch->now_ms;
		watch_request(watch, pdu, &head);
	}
	if (is_text(head.opcode) && !(head.flags & 0x40))
		text_forget(watch);
}

void iscsi_watch_received(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
			  uint64_t now_ms)
{
	if (watch->state == WATCH_LOST)
		return;
	watch->received++;
	watch->now_ms = now_ms;
	watch->bhs = pdu->bhs;
	watch->from_target = false;
	receive(watch, pdu);
	watch->bhs = NULL;
}

void iscsi_watch_sent(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		      const struct iscsi_params *params, uint64_t now_ms)
{
	if (watch->state == WATCH_LOST)
		return;
	watch->sent++;
	watch->now_ms = now_ms;
	watch->bhs = pdu->bhs;
	watch->from_target = true;
	if (watch->state == WATCH_LOGIN)
		watch_login_response(watch, pdu, params);
	else if (watch->session)
		watch_answer(watch, pdu);
	watch->bhs = NULL;
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool session_is_normal(const struct iscsi_watch *watch)
{
	return watch->session && !watch->session->discovery;
}

static void judge_eof(struct iscsi_watch *watch)
{
	const struct seen_session *session = watch->session;

	if (watch->logout_answered) {
		watch_judge(watch, ISCSI_CHECK_LOGOUT_TCP_CLOSE,
			    watch->now_ms - watch->logout_ms <= ISCSI_OBSERVER_CLOSE_MS,
			    "closed soon after the Logout Response", "after %llu ms",
			    (unsigned long long)(watch->now_ms - watch->logout_ms));
	}
	if (!session || watch->told_to_go)
		return;
	bool logged_out = watch->logout_sent || session->logged_out;
	if (session_is_normal(watch))
		watch_judge(watch, ISCSI_CHECK_CONN_NO_FIN_IN_FFP, logged_out,
			    "Logout before the end", "the connection was closed");
	else {
		watch_judge(watch, ISCSI_CHECK_DISC_SHORT, true, "Logout", "none");
		if (!logged_out)
			watch_note(watch, ISCSI_CHECK_DISC_SHORT, "Logout before the end",
				   "the connection was closed");
	}
}

void iscsi_watch_eof(struct iscsi_watch *watch, uint64_t now_ms)
{
	if (watch->eof)
		return;
	watch->eof = true;
	watch->now_ms = now_ms;
	watch->from_target = false;
	if (watch->state != WATCH_LOST)
		judge_eof(watch);
}

void iscsi_watch_free(struct iscsi_watch **watch, uint64_t now_ms)
{
	struct iscsi_watch *w = *watch;

	if (!w)
		return;
	w->now_ms = now_ms;
	w->bhs = NULL;
	if (w->logout_answered && !w->eof && now_ms - w->logout_ms > ISCSI_OBSERVER_CLOSE_MS)
		watch_judge(w, ISCSI_CHECK_LOGOUT_TCP_CLOSE, false,
			    "closed soon after the Logout Response", "open for %llu ms",
			    (unsigned long long)(now_ms - w->logout_ms));
	seen_session_leave(w);
	text_forget(w);
	w->observer->watch_count--;
	free(w);
	*watch = NULL;
}
