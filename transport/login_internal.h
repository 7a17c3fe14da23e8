/*
 * The inside of a login, shared by login.c and the authentication methods. For transport/ only.
 */
#ifndef TRANSPORT_LOGIN_INTERNAL_H
#define TRANSPORT_LOGIN_INTERNAL_H

#include "transport/chap_digest.h"
#include "transport/login.h"
#include "transport/negotiate.h"

#define ISCSI_LOGIN_ANSWER_MAX (64u * 1024) /* limit: bytes of our own answers to one text */

enum iscsi_login_phase {
	ISCSI_LOGIN_PHASE_START = 0, /* no request has come */
	ISCSI_LOGIN_PHASE_UNDERWAY,
	ISCSI_LOGIN_PHASE_OVER, /* refused or complete: nothing more is answered */
};

#define ISCSI_CHAP_CHALLENGE_LEN 32 /* bytes of our challenges */

enum iscsi_chap_phase {
	ISCSI_CHAP_NOT_BEGUN = 0,
	ISCSI_CHAP_CHALLENGED, /* the initiator's response is next */
	ISCSI_CHAP_OVER,
};

struct iscsi_chap {
	enum iscsi_chap_phase phase;
	bool proven; /* the initiator knows the secret of its user */
	const struct iscsi_chap_algorithm *algorithm;
	uint8_t id;
	uint8_t challenge[ISCSI_CHAP_CHALLENGE_LEN];
	uint8_t *adopted; /* owned: what a fault rule has sent instead; NULL: nothing */
	size_t adopted_len;
};

struct iscsi_login_state {
	const struct iscsi_policy *policy;
	const struct iscsi_limits *limits;
	const struct iscsi_login_host *host;
	void *host_context;
	uint16_t portal_group_tag;

	enum iscsi_login_phase phase;
	enum iscsi_stage stage;
	uint32_t stat_sn;   /* of the next response */
	uint32_t piece_max; /* bytes of text in one response */
	uint32_t pdus;
	bool admitted;
	bool identified; /* the first whole text was taken */
	bool declared;	 /* our MaxRecvDataSegmentLength was said */

	struct iscsi_login_request first; /* later requests must repeat its header */
	struct iscsi_text request;	  /* the logical text that is being collected */
	struct iscsi_text answer;
	size_t answered; /* bytes of it that were sent */
	struct iscsi_negotiation negotiation;
	struct iscsi_login_rules rules;
	const struct iscsi_auth_method *auth; /* NULL: none was chosen */
	bool transit;			      /* the request at hand wants to leave the stage */
	bool proposed;			      /* we asked for AuthMethod=CHAP ourselves */
	struct iscsi_chap chap;
};

/*
 * A method of the security stage (RFC 7143 12.1). `take` sees each whole text of the stage, from
 * the one that offers AuthMethod on, and adds the method's keys to the answer: a login status.
 * `is_done` says whether the initiator may leave the stage. NULL: nothing to do, and done at once.
 */
struct iscsi_auth_method {
	const char *name;
	bool proves; /* who the initiator is */
	uint16_t (*take)(struct iscsi_login *login);
	bool (*is_done)(const struct iscsi_login *login);
};

/* From the first whole text, which must have it all: names, session type, the house's judgement. */
uint16_t iscsi_login_identify(struct iscsi_login *login);
/* A text behind the first may repeat who it is, but not begin to tell. */
uint16_t iscsi_login_check_identity_is_old(const struct iscsi_login *login,
					   const bool told_before[ISCSI_KEY_COUNT]);

/* The part of a text of the security stage that is the method's. A login status. */
uint16_t iscsi_login_authenticate(struct iscsi_login *login);

/* login_chap.c */
uint16_t iscsi_login_chap_take(struct iscsi_login *login);
bool iscsi_login_chap_is_done(const struct iscsi_login *login);

bool iscsi_login_may_leave_stage(const struct iscsi_login *login);

#endif
