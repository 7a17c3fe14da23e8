/*
 * The text keys of RFC 7143 13, of CHAP (12.1), and those of its predecessor and of iSER, as data:
 * one row a key. Negotiation is one engine over this table.
 */
#ifndef TRANSPORT_KEYS_H
#define TRANSPORT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/params.h"
#include "transport/pdu.h"

/*
 * The order is the order in which the keys of one text are settled: a key stands behind those whose
 * outcome its own depends on.
 */
enum iscsi_key_id {
	ISCSI_KEY_UNKNOWN = 0,
	ISCSI_KEY_SESSION_TYPE,
	ISCSI_KEY_INITIATOR_NAME,
	ISCSI_KEY_INITIATOR_ALIAS,
	ISCSI_KEY_TARGET_NAME,
	ISCSI_KEY_TARGET_ALIAS,
	ISCSI_KEY_TARGET_ADDRESS,
	ISCSI_KEY_TARGET_PORTAL_GROUP_TAG,
	ISCSI_KEY_AUTH_METHOD,
	ISCSI_KEY_CHAP_A,
	ISCSI_KEY_CHAP_I,
	ISCSI_KEY_CHAP_C,
	ISCSI_KEY_CHAP_N,
	ISCSI_KEY_CHAP_R,
	ISCSI_KEY_HEADER_DIGEST,
	ISCSI_KEY_DATA_DIGEST,
	ISCSI_KEY_MAX_CONNECTIONS,
	ISCSI_KEY_SEND_TARGETS,
	ISCSI_KEY_INITIAL_R2T,
	ISCSI_KEY_IMMEDIATE_DATA,
	ISCSI_KEY_MAX_RECV_DATA_SEGMENT_LENGTH,
	ISCSI_KEY_MAX_BURST_LENGTH,
	ISCSI_KEY_FIRST_BURST_LENGTH, /* behind the burst, InitialR2T and ImmediateData */
	ISCSI_KEY_DEFAULT_TIME2WAIT,
	ISCSI_KEY_DEFAULT_TIME2RETAIN,
	ISCSI_KEY_DATA_PDU_IN_ORDER,
	ISCSI_KEY_DATA_SEQUENCE_IN_ORDER,
	ISCSI_KEY_ERROR_RECOVERY_LEVEL,
	ISCSI_KEY_MAX_OUTSTANDING_R2T, /* behind the recovery level and the order */
	ISCSI_KEY_TASK_REPORTING,
	ISCSI_KEY_PROTOCOL_LEVEL,
	ISCSI_KEY_NODE_ARCHITECTURE,
	ISCSI_KEY_IF_MARKER,
	ISCSI_KEY_OF_MARKER,
	ISCSI_KEY_IF_MARK_INT,
	ISCSI_KEY_OF_MARK_INT,
	ISCSI_KEY_RDMA_EXTENSIONS,
	ISCSI_KEY_INITIATOR_RECV_DATA_SEGMENT_LENGTH,
	ISCSI_KEY_TARGET_RECV_DATA_SEGMENT_LENGTH,
	ISCSI_KEY_MAX_OUTSTANDING_UNEXPECTED_PDUS,
	ISCSI_KEY_MAX_AHS_LENGTH,
	ISCSI_KEY_TAGGED_BUFFER_FOR_SOLICITED_DATA_ONLY,
	ISCSI_KEY_ISER_HELLO_REQUIRED,
	ISCSI_KEY_COUNT,
};

/* When a key may be used at all (RFC 7143 13). */
enum iscsi_key_use {
	ISCSI_USE_INVALID = 0,
	ISCSI_USE_LEADING_ONLY,	       /* LO: login of a session's first connection */
	ISCSI_USE_INITIALIZATION_ONLY, /* IO: login */
	ISCSI_USE_ALL,		       /* login and full feature phase */
	ISCSI_USE_FULL_FEATURE_ONLY,   /* FFPO */
};

/* In which stage of a login. */
enum iscsi_key_stage {
	ISCSI_KEY_STAGE_NONE = 0,
	ISCSI_KEY_STAGE_SECURITY,
	ISCSI_KEY_STAGE_OPERATIONAL,
	ISCSI_KEY_STAGE_ANY,
};

/* Who may send it (a mask). */
enum iscsi_key_sender {
	ISCSI_FROM_NOBODY = 0,
	ISCSI_FROM_INITIATOR = 1,
	ISCSI_FROM_TARGET = 2,
	ISCSI_FROM_BOTH = 3,
};

enum iscsi_key_type {
	ISCSI_TYPE_INVALID = 0,
	ISCSI_TYPE_NAME,    /* iSCSI name; max is in bytes */
	ISCSI_TYPE_TEXT,    /* any UTF-8; max is in bytes */
	ISCSI_TYPE_NUMBER,  /* min to max */
	ISCSI_TYPE_BOOLEAN, /* Yes or No */
	ISCSI_TYPE_LIST,    /* comma-separated; max is in bytes */
};

/* How the outcome comes about. */
enum iscsi_key_function {
	ISCSI_FUNCTION_INVALID = 0,
	ISCSI_FUNCTION_DECLARE, /* no answer */
	ISCSI_FUNCTION_MIN,
	ISCSI_FUNCTION_MAX,
	ISCSI_FUNCTION_AND,
	ISCSI_FUNCTION_OR,
	ISCSI_FUNCTION_CHOOSE,	       /* the first of the offered list that we support */
	ISCSI_FUNCTION_AUTHENTICATE,   /* belongs to an authentication method */
	ISCSI_FUNCTION_SEND_TARGETS,   /* a command rather than a negotiation */
	ISCSI_FUNCTION_NO,	       /* obsolete marker: the answer is No */
	ISCSI_FUNCTION_REJECT,	       /* obsolete marker interval: the answer is Reject */
	ISCSI_FUNCTION_NOT_UNDERSTOOD, /* not of iSCSI over TCP */
};

enum iscsi_key_scope {
	ISCSI_SCOPE_INVALID = 0,
	ISCSI_SCOPE_SESSION,
	ISCSI_SCOPE_CONNECTION,
};

/* What a discovery session makes of it. */
enum iscsi_key_discovery {
	ISCSI_DISCOVERY_INVALID = 0,
	ISCSI_DISCOVERY_SAME,	    /* as in a normal session */
	ISCSI_DISCOVERY_IRRELEVANT, /* the answer is Irrelevant */
	ISCSI_DISCOVERY_DEFAULT,    /* the answer is the default */
};

#define ISCSI_KEY_CHOICES_MAX 2

struct iscsi_key {
	const char *name;
	enum iscsi_key_use use;
	enum iscsi_key_sender sender;
	enum iscsi_key_stage stage;
	enum iscsi_key_type type;
	enum iscsi_key_function function;
	enum iscsi_key_scope scope;
	enum iscsi_key_discovery discovery;
	uint32_t min, max;
	uint32_t default_value; /* a boolean's or a choice's too */
	/* What can be chosen; the value of a choice is its index. */
	const char *choices[ISCSI_KEY_CHOICES_MAX];
	/* Where the outcome goes, and our own wish comes from: offsets plus one, 0: nowhere. */
	size_t param_place, policy_place;
	uint32_t ours; /* our own wish when no policy says it */
};

/* The row of an id, and of a name (exact, case matters; NULL: none). */
const struct iscsi_key *iscsi_key_row(enum iscsi_key_id id);
enum iscsi_key_id iscsi_key_find(const char *name);

/* May it be said in this stage (also: full feature phase)? */
bool iscsi_key_in_stage(const struct iscsi_key *key, enum iscsi_stage stage);

/* The value of the key in the parameters; false: it has none there. */
bool iscsi_key_get(const struct iscsi_key *key, const struct iscsi_params *params,
		   uint32_t *ret_value);
void iscsi_key_set(const struct iscsi_key *key, struct iscsi_params *params, uint32_t value);

/* What we wish ourselves: the bound of a number, a boolean, or the highest choice. */
uint32_t iscsi_key_ours(const struct iscsi_key *key, const struct iscsi_policy *policy);

#endif
