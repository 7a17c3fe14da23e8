/*
 * The inside of the observer: what a watch remembers of its connection and session, and how the
 * checks speak. For transport/observer*.c only.
 *
 *   observer.c          the ledger                  observer_watch.c    PDUs to checks
 *   observer_session.c  sessions, tasks
 *   observer_frame.c    framing, headers            observer_login.c    Login Requests
 *   observer_text.c     pairs of a text             observer_keys.c     what keys and values say
 *   observer_chap.c     CHAP                        observer_numbers.c  CmdSN, StatSN, tags
 *   observer_command.c  SCSI Command                observer_data.c     Data-Out
 *   observer_request.c  the requests that move no data
 *   observer_answer.c   what the target sends, and how connections end
 */
#ifndef TRANSPORT_OBSERVER_INTERNAL_H
#define TRANSPORT_OBSERVER_INTERNAL_H

#include "transport/keys.h"
#include "transport/observer.h"

#define SEEN_TASK_PROBES      8 /* places a tag can be in */
#define SEEN_PINGS_MAX	      8
#define SEEN_HOLES_MAX	      8
#define SEEN_LUNS_MAX	      256
#define SEEN_PRIVATE_KEYS_MAX 16
#define SEEN_CHALLENGE_MAX    1024 /* bytes (RFC 7143 12.1.4) */

struct seen_name {
	char text[ISCSI_OBSERVER_NAME_MAX + 1];
};

/* A request that awaits its answer. */
struct seen_task {
	bool used;
	uint8_t opcode;
	uint32_t itt, cmd_sn;
	struct iscsi_watch *watch; /* whose connection it came by; NULL: that is gone */
	uint8_t bhs[ISCSI_BHS_LEN];
	uint64_t since_ms; /* of the command, or of the R2T last sent */
	/* Writes. */
	uint32_t edtl;
	bool burst_open, burst_was;
	uint32_t burst_next, burst_sn; /* buffer offset; DataSN */
	uint64_t burst_order;	       /* among those of the connection */
	uint32_t r2ts_sent, r2ts_begun;
	bool data_began;
};

struct seen_r2t {
	bool used, done, early; /* early: F came too soon */
	uint32_t itt, ttt, offset, len, got, data_sn, order;
	uint64_t since_ms;
};

/* A CmdSN that was passed over. */
struct seen_hole {
	bool used;
	uint32_t cmd_sn;
	struct iscsi_watch *watch; /* that passed it; compared only */
};

struct seen_session {
	struct seen_session *prev, *next; /* observer->sessions */
	char initiator[ISCSI_OBSERVER_NAME_MAX + 1], target[ISCSI_OBSERVER_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t tsih, portal_group;
	uint32_t conns;
	bool many_conns; /* it has, or had, more than one */
	bool discovery, logged_out;
	uint64_t heard_ms;
	struct iscsi_params params;

	uint32_t first_cmd_sn, next_cmd_sn, max_cmd_sn;
	bool numbered;		/* a numbered request has come */
	bool immediate_between; /* an immediate one behind the last numbered one */
	struct seen_hole holes[SEEN_HOLES_MAX];
	bool has_retry;
	uint32_t retry_cmd_sn, fence_itt;

	struct seen_task tasks[ISCSI_OBSERVER_TASKS_MAX];
	struct seen_r2t r2ts[ISCSI_OBSERVER_R2TS_MAX];

	uint8_t lun_method[SEEN_LUNS_MAX]; /* of single-level LUNs below; 0: not seen */
	bool sense_told;		   /* a CHECK CONDITION has brought sense data */
	uint8_t sense_lun[8];
	uint32_t sense_asked; /* in a row */
};

struct past_session {
	bool used, lost;
	char initiator[ISCSI_OBSERVER_NAME_MAX + 1], target[ISCSI_OBSERVER_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t portal_group;
	uint64_t ended_ms;
	uint32_t time2wait_s;
};

struct challenge_set {
	uint64_t hashes[ISCSI_OBSERVER_CHALLENGES_MAX];
	uint32_t count, next;
};

struct iscsi_observer {
	struct {
		uint64_t judged, found;
		enum iscsi_verdict worst;
	} ledger[ISCSI_CHECK_COUNT];
	enum iscsi_severity severity[ISCSI_CHECK_COUNT]; /* from the rows */
	struct iscsi_finding findings[ISCSI_OBSERVER_FINDINGS_MAX];
	size_t finding_count;
	uint64_t missed;
	uint32_t watch_count;
	struct seen_session *sessions;
	struct past_session past[ISCSI_OBSERVER_PAST_MAX];
	uint32_t past_next;
	struct challenge_set theirs, ours;
	struct seen_name long_names[ISCSI_OBSERVER_LONG_NAMES_MAX];
	uint32_t long_name_next;
};

/* A login under way. */
struct seen_login {
	uint32_t requests;
	bool outstanding;
	bool text_done; /* a whole text has been seen */
	struct iscsi_login_request first, last;
	enum iscsi_stage stage; /* agreed on so far */
	uint32_t next_stat_sn;	/* of the last response, plus one */
	char initiator[ISCSI_OBSERVER_NAME_MAX + 1], target[ISCSI_OBSERVER_NAME_MAX + 1];
	bool has_initiator, has_target, has_type, discovery, chap_begun;
	bool said[ISCSI_KEY_COUNT], proposed[ISCSI_KEY_COUNT];
	uint32_t said_hash[ISCSI_KEY_COUNT];
	uint32_t private_said[SEEN_PRIVATE_KEYS_MAX];
	uint32_t private_count;
	uint64_t first_burst, max_burst; /* offered; 0: not */
	uint32_t chap_algorithm;
};

enum watch_state {
	WATCH_LOGIN = 0,
	WATCH_FULL,
	WATCH_LOST, /* the stream makes no sense any more */
};

struct iscsi_watch {
	struct iscsi_observer *observer;
	struct seen_session *session; /* in full feature phase */
	uint64_t received, sent;      /* PDUs */
	uint64_t now_ms;
	const uint8_t *bhs;	 /* of the PDU at hand */
	iscsi_finding_told told; /* NULL: nobody wants to hear */
	void *told_context;
	struct seen_login login;
	struct iscsi_params params;
	enum watch_state state;
	uint16_t portal_group, cid;
	bool from_target; /* the PDU at hand is ours */

	/* A text in several PDUs. */
	bool text_lost;
	uint32_t text_len;
	uint8_t *text;

	/* Framing. */
	bool has_last_crc;
	uint32_t last_crc; /* of a header without data, as it would look on the wire */

	/* Numbers. */
	uint64_t unacked_ms;
	uint32_t unacked_sn; /* the oldest status it has not acknowledged */
	bool has_unacked;
	bool acked;	       /* a request of full feature phase has come */
	uint32_t exp_stat_sn;  /* what it said last */
	uint32_t next_stat_sn; /* what an initiator that has everything would say */

	/* Data-Out. */
	uint64_t bursts_begun;
	uint32_t bursts_open;

	/* Text, pings, logout. */
	uint32_t text_itt, text_ttt;
	uint32_t ping_next;
	uint32_t pings[SEEN_PINGS_MAX];
	uint64_t pinged_ms, logout_ms;
	bool text_open, text_immediate;
	bool has_pinged;
	bool logout_sent, logout_answered, eof, told_to_go;
};

/* --- speaking --------------------------------------------------------------------------------- */

/* It came up; unless `ok`, that is a finding. */
__attribute__((format(printf, 5, 6))) void watch_judge(struct iscsi_watch *watch,
						       enum iscsi_passive_check check, bool ok,
						       const char *expected, const char *got, ...);
/* The same where one number is due. True: it is that. */
bool watch_judge_equal(struct iscsi_watch *watch, enum iscsi_passive_check check, const char *what,
		       uint32_t expected, uint32_t got);
/* Worth noting, whatever the check's severity. */
__attribute__((format(printf, 4, 5))) void watch_note(struct iscsi_watch *watch,
						      enum iscsi_passive_check check,
						      const char *expected, const char *got, ...);

/* --- parts of one PDU's way ------------------------------------------------------------------- */

/* False: there is no sense in judging more of it. */
bool watch_frame(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu);
void watch_login_request(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu);
void watch_login_response(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
			  const struct iscsi_params *params);

/* A whole text of the initiator; `stage` FULL_FEATURE: a Text Request. */
void watch_text(struct iscsi_watch *watch, enum iscsi_stage stage, const uint8_t *text,
		uint32_t len);
/* Collects; true when the text is whole, and then it is in ret_text. */
bool watch_gather(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu, bool more,
		  const uint8_t **ret_text, uint32_t *ret_len);
/* What the target says in login: proposals, and its side of CHAP. */
void watch_target_text(struct iscsi_watch *watch, const uint8_t *text, uint32_t len);
/* Long target names that SendTargets has announced. */
void watch_announced(struct iscsi_watch *watch, const uint8_t *text, uint32_t len);

/* One text of the initiator while it is walked over. */
struct seen_pairs {
	enum iscsi_stage stage;
	bool is_private; /* it has a key of somebody's own */
	bool chap_a, chap_i, chap_c, chap_n, chap_r, send_targets;
	uint32_t count;
};
void watch_key(struct iscsi_watch *watch, struct seen_pairs *pairs, const char *key,
	       const char *value);
void watch_chap_key(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value);
void watch_chap_pairs(struct iscsi_watch *watch, const struct seen_pairs *pairs);
void watch_chap_target_key(struct iscsi_watch *watch, enum iscsi_key_id id, const char *value);

/* CmdSN, tags and ExpStatSN of a request. True: it is a retry, which is judged already. */
bool watch_numbers(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   const struct iscsi_bhs *head);
/* ExpStatSN, which every PDU of an initiator has. */
void watch_acknowledge(struct iscsi_watch *watch, enum iscsi_passive_check check,
		       uint32_t exp_stat_sn);
void watch_status_sent(struct iscsi_watch *watch, uint32_t stat_sn);
void watch_holes_end(struct iscsi_watch *watch);

void watch_command(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   struct seen_task *task);
void watch_data_out(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu);
void watch_r2t(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu);
/* `task` ends: what it still owed. */
void watch_data_end(struct iscsi_watch *watch, struct seen_task *task);

void watch_request(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   const struct iscsi_bhs *head);
void watch_answer(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu);

/* --- tasks and sessions ----------------------------------------------------------------------- */

struct seen_task *seen_task_find(struct seen_session *session, uint32_t itt);
/* NULL: it cannot be followed. */
struct seen_task *seen_task_add(struct iscsi_watch *watch, uint8_t opcode, uint32_t itt,
				const uint8_t *bhs);
void seen_task_end(struct iscsi_watch *watch, struct seen_task *task);

/* Joins the session of the TSIH, or makes one. */
void seen_session_enter(struct iscsi_watch *watch, const struct iscsi_login_response *response);
void seen_session_leave(struct iscsi_watch *watch);
struct seen_session *seen_session_find(const struct iscsi_observer *observer, uint16_t tsih);

uint32_t seen_hash(const void *bytes, size_t len);

#endif
