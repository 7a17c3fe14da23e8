/*
 * Login (RFC 7143 6.3, 11.12, 11.13) as a state machine over logical requests, and the negotiation
 * of keys. It knows nothing of connections: one whole Login Request in, one Login Response out.
 */
#ifndef TRANSPORT_LOGIN_H
#define TRANSPORT_LOGIN_H

#include "transport/access.h"
#include "transport/node.h"
#include "transport/params.h"
#include "transport/pdu.h"
#include "transport/text.h"

enum iscsi_session_type {
	ISCSI_SESSION_UNKNOWN = 0,
	ISCSI_SESSION_NORMAL,
	ISCSI_SESSION_DISCOVERY,
};

struct iscsi_login;

/* What holds for one who has said who it is and where it wants to. All borrowed. */
struct iscsi_login_rules {
	const char *target_alias; /* or NULL */
	const char *moved_to;	  /* where the target is now: "192.0.2.1:3260" */
	bool must_authenticate;
	const struct iscsi_chap_account *ours; /* what the target proves itself with, or NULL */
};

/* What the login needs to know of the house; all may be called during iscsi_login_request. */
struct iscsi_login_host {
	/*
	 * Names and session type have been said: may this initiator come, is there such a target
	 * behind this portal? Success with what holds for it, or 0101, 0102 (with moved_to), 0202,
	 * 0203, 0301 ... Called once.
	 */
	uint16_t (*judge)(void *context, const struct iscsi_login *login,
			  struct iscsi_login_rules *ret_rules);
	/* The account behind a CHAP user, when this login may be made as that user; else NULL. */
	const struct iscsi_chap_account *(*account)(void *context, const struct iscsi_login *login,
						    const char *user);
	/* Is it the challenge of another login that is under way? */
	bool (*is_own_challenge)(void *context, const uint8_t *challenge, size_t len);
	/* From a generator that nobody can foresee. Must always fill. */
	void (*random)(void *context, void *ret_bytes, size_t len);
	/*
	 * Last check before full feature phase: resources, session rules (RFC 7143 6.3.1). Success
	 * makes the session (or joins it) and writes its TSIH; else a login status. Called once,
	 * with everything negotiated.
	 */
	uint16_t (*admit)(void *context, const struct iscsi_login *login, uint16_t *ret_tsih);
	/* The session's (ExpCmdSN, MaxCmdSN) to report once admitted; before: ExpCmdSN = CmdSN of
	 * the login. */
	void (*sns)(void *context, struct iscsi_sns *ret_sns);
};

/* Read by the owner once it is complete (and by `admit`). */
struct iscsi_login {
	enum iscsi_session_type type;
	char initiator_name[PR_INITIATOR_NAME_MAX + 1]; /* canonical */
	char initiator_alias[256];
	char target_name[PR_INITIATOR_NAME_MAX + 1]; /* canonical; "" for unnamed discovery */
	char user[ISCSI_CHAP_NAME_MAX + 1];	     /* that it has proven to be; "" without CHAP */
	uint8_t isid[6];
	uint16_t tsih, cid;
	uint32_t cmd_sn;      /* of the login: the session's first ExpCmdSN */
	uint32_t exp_stat_sn; /* of the last request */
	struct iscsi_params params;

	const char *why; /* it was refused, for the log; NULL: the status says it all */

	/* The login's own: see login.c. */
	struct iscsi_login_state *state;
};

/* `stat_sn`: the first StatSN. Borrowed: policy, limits, host. Returns false without memory. */
bool iscsi_login_init(struct iscsi_login *login, const struct iscsi_policy *policy,
		      const struct iscsi_limits *limits, uint16_t portal_group_tag,
		      const struct iscsi_login_host *host, void *host_context, uint32_t stat_sn);
void iscsi_login_finish(struct iscsi_login *login);

enum iscsi_login_result {
	ISCSI_LOGIN_GO_ON = 0, /* send the response, expect the next request */
	ISCSI_LOGIN_COMPLETE,  /* send the response; full feature phase begins behind it */
	ISCSI_LOGIN_CLOSE,     /* send the response (if ret_has_response), then close */
};

/*
 * One PDU that arrived during login: any opcode (anything but a Login Request ends it: at first
 * silently, later with 020b). The response's header is in ret_bhs, its data in *ret_text (borrowed
 * until the next call, at most 8192 bytes).
 */
enum iscsi_login_result iscsi_login_request(struct iscsi_login *login, const uint8_t *bhs,
					    const uint8_t *data, uint32_t data_len,
					    bool *ret_has_response, uint8_t ret_bhs[ISCSI_BHS_LEN],
					    const uint8_t **ret_text, uint32_t *ret_text_len);

/* Is it the CHAP challenge that this login has sent? */
bool iscsi_login_has_challenge(const struct iscsi_login *login, const uint8_t *challenge,
			       size_t len);

/* StatSN for the first PDU behind the login. */
uint32_t iscsi_login_next_stat_sn(const struct iscsi_login *login);
/* For fault rules: the challenge, with its identifier, that was sent instead of ours, and that is
 * to be answered. False: there is none to answer now, or these are no such thing. */
bool iscsi_login_adopt_challenge(struct iscsi_login *login, const char *id, const char *challenge);
/* For fault rules: the StatSN of the next response, and how much text it may have (at most what the
 * initiator takes). */
void iscsi_login_set_stat_sn(struct iscsi_login *login, uint32_t stat_sn);
void iscsi_login_set_piece_max(struct iscsi_login *login, uint32_t len);

/*
 * Negotiation in full feature phase (Text Request, RFC 7143 6.4): only MaxRecvDataSegmentLength,
 * aliases and unknown keys. Appends the answers; false: Reject 0x04, nothing is changed.
 * SendTargets is the caller's.
 */
bool iscsi_negotiate_full_feature(struct iscsi_params *params, const void *text, size_t len,
				  struct iscsi_text *answer);

#endif
