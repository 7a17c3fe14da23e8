/*
 * The observer: judges what an initiator sends against the passive checks of the catalogue
 * (checks.h), as a function of the PDUs in both directions, what was negotiated, and time.
 *
 * An observer keeps the ledger: for each check how often it came up and what was found. A watch
 * follows one connection. Nothing here touches a connection: whatever a watch is told, and when
 * memory is short, the worst is that something is not judged.
 *
 * Memory is bounded: the limits below, times what connections and sessions there are.
 */
#ifndef TRANSPORT_OBSERVER_H
#define TRANSPORT_OBSERVER_H

#include "transport/checks.h"
#include "transport/params.h"
#include "transport/pdu.h"

#define ISCSI_OBSERVER_FINDINGS_MAX   256   /* kept, over all checks */
#define ISCSI_OBSERVER_FINDINGS_EACH  8	    /* kept of one check; the first ones */
#define ISCSI_OBSERVER_WATCHES_MAX    1024  /* connections followed at a time */
#define ISCSI_OBSERVER_TASKS_MAX      256   /* tasks followed in a session */
#define ISCSI_OBSERVER_R2TS_MAX	      256   /* R2Ts followed in a session */
#define ISCSI_OBSERVER_TEXT_MAX	      16384 /* bytes of a text in several PDUs */
#define ISCSI_OBSERVER_PAST_MAX	      64    /* ended sessions that are remembered */
#define ISCSI_OBSERVER_CHALLENGES_MAX 1024  /* CHAP challenges remembered, of each side */
#define ISCSI_OBSERVER_LONG_NAMES_MAX 4	    /* announced target names remembered */
#define ISCSI_OBSERVER_WORDS_MAX      80    /* bytes of what was expected, and of what came */
#define ISCSI_OBSERVER_NAME_MAX	      223   /* bytes of an iSCSI name */

#define ISCSI_OBSERVER_ALIVE_MS	 2000  /* a session heard of so recently has not failed */
#define ISCSI_OBSERVER_RETURN_MS 60000 /* who comes back after a loss comes within this time */
#define ISCSI_OBSERVER_CLOSE_MS	 5000  /* from the Logout Response to the initiator's FIN */
#define ISCSI_OBSERVER_ACK_MS	 5000  /* from a status to its acknowledgement, while it talks */
#define ISCSI_OBSERVER_PING_MS	 100   /* between pings; less is noted */
#define ISCSI_OBSERVER_NAGLE_MS	 40    /* from a command or R2T to its data; more is noted */

enum iscsi_verdict {
	ISCSI_VERDICT_NOT_SEEN = 0, /* it never came up */
	ISCSI_VERDICT_PASS,
	ISCSI_VERDICT_INFO,
	ISCSI_VERDICT_WARN,
	ISCSI_VERDICT_FAIL,
};
/* "NOT-SEEN", "PASS", ... */
const char *iscsi_verdict_name(enum iscsi_verdict verdict);

/* One violation, or one thing worth noting. Text from the wire is escaped where it is shown. */
struct iscsi_finding {
	enum iscsi_passive_check check;
	enum iscsi_verdict verdict; /* INFO, WARN or FAIL */
	uint64_t ms;		    /* in the clock of now_ms */
	char initiator[ISCSI_OBSERVER_NAME_MAX + 1], target[ISCSI_OBSERVER_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t tsih, cid;
	uint64_t pdu; /* number of the PDU among those of its direction on the connection, from 1 */
	bool from_target; /* it came to light with a PDU of ours */
	uint8_t bhs[ISCSI_BHS_LEN];
	char expected[ISCSI_OBSERVER_WORDS_MAX], got[ISCSI_OBSERVER_WORDS_MAX];
};

struct iscsi_tally {
	uint64_t judged; /* how often it came up */
	uint64_t found;	 /* findings, also those that are not kept */
	enum iscsi_verdict verdict;
};

struct iscsi_observer;

struct iscsi_observer *iscsi_observer_create(void); /* NULL: no memory */
/* Its watches must be gone. */
void iscsi_observer_free(struct iscsi_observer **observer);
/* Forgets what was found. */
void iscsi_observer_clear(struct iscsi_observer *observer);

struct iscsi_tally iscsi_observer_tally(const struct iscsi_observer *observer,
					enum iscsi_passive_check check);
/* In the order they were found; NULL behind the last. */
const struct iscsi_finding *iscsi_observer_finding(const struct iscsi_observer *observer,
						   size_t index);
/* Connections that were not followed, and tasks and texts, because a limit was reached. */
uint64_t iscsi_observer_missed(const struct iscsi_observer *observer);

/* --- one connection --------------------------------------------------------------------------- */

struct iscsi_watch;

enum iscsi_seen_state {
	ISCSI_SEEN_WHOLE = 0,
	ISCSI_SEEN_HEADER_DIGEST, /* wrong; there is no data */
	ISCSI_SEEN_DATA_DIGEST,	  /* wrong */
	ISCSI_SEEN_TOO_LONG,	  /* the data segment was not taken */
};

struct iscsi_seen_pdu {
	enum iscsi_seen_state state;
	const uint8_t *bhs, *ahs, *data, *padding;
	uint32_t ahs_len, data_len; /* bytes that are there */
};

/* Who wants to hear of each finding as it is made, also of those that are not kept. */
typedef void (*iscsi_finding_told)(void *context, const struct iscsi_finding *finding);

/* NULL: no memory, or ISCSI_OBSERVER_WATCHES_MAX reached. */
struct iscsi_watch *iscsi_watch_create(struct iscsi_observer *observer, uint16_t portal_group);
void iscsi_watch_tell(struct iscsi_watch *watch, iscsi_finding_told told, void *context);
void iscsi_watch_received(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
			  uint64_t now_ms);
/* `params`: as they stand; those at the final Login Response are the connection's. */
void iscsi_watch_sent(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		      const struct iscsi_params *params, uint64_t now_ms);
/* The initiator has closed its side. */
void iscsi_watch_eof(struct iscsi_watch *watch, uint64_t now_ms);
/* The connection is over. */
void iscsi_watch_free(struct iscsi_watch **watch, uint64_t now_ms);

#endif
