/*
 * One fault rule: text to plain struct, and whether it fires. Pure: what happens is handed in as a
 * moment. For transport/ only.
 */
#ifndef TRANSPORT_FAULT_RULE_H
#define TRANSPORT_FAULT_RULE_H

#include "transport/fault.h"
#include "transport/pdu_fields.h"

#define FAULT_CONDITIONS_MAX 16
#define FAULT_ACTIONS_MAX    8
#define FAULT_SETTINGS_MAX   16		 /* FIELD=VALUE of one action */
#define FAULT_INSERT_MAX     (16u << 20) /* limit: bytes of data of one `insert`, all copies */

/* --- moments ---------------------------------------------------------------------------------- */

/* Kinds of moments; a set of them is an `unsigned`. */
enum fault_kind {
	FAULT_COMMAND = 1 << 0,
	FAULT_RESULT = 1 << 1,
	FAULT_ACCEPT = 1 << 2,
	FAULT_RECEIVED = 1 << 3,
	FAULT_SENT = 1 << 4,
};
#define FAULT_PDUS (FAULT_RECEIVED | FAULT_SENT)
#define FAULT_ALL  (FAULT_COMMAND | FAULT_RESULT | FAULT_ACCEPT | FAULT_PDUS)

/* What is there to match. What is not known is NULL, or its `has_` false. */
struct fault_moment {
	enum fault_kind kind;
	uint8_t opcode;	    /* PDUs */
	const uint8_t *bhs; /* PDUs */
	const char *text;   /* of login and text PDUs */
	uint32_t text_len;  /* bytes */
	uint64_t index;	    /* PDUs: the n-th of its direction, from 1 */
	enum iscsi_stage stage;
	const char *initiator, *target; /* NULL: has none yet */
	const uint8_t *isid;		/* six bytes */
	bool discovery;
	uint16_t tsih, cid, portal;
	bool has_lun;
	uint16_t lun;
	const uint8_t *cdb; /* of the command, or of the command that the PDU belongs to */
	bool has_status;
	uint8_t status;
	uint64_t now_ms;
	uint8_t function; /* of task management, with its request and response */
};

/* --- values ----------------------------------------------------------------------------------- */

enum fault_change { /* of a header field */
	FAULT_CHANGE_TO = 0,
	FAULT_CHANGE_PLUS,
	FAULT_CHANGE_MINUS,
	FAULT_CHANGE_XOR,
	FAULT_CHANGE_RANDOM,
};

struct fault_setting {
	const char *field;
	enum fault_change change;
	const char *base; /* PLUS, MINUS: the field that it starts from; NULL: itself */
	uint64_t value;
};

/* Parameters of actions. Each has its number in fault_action; some have text or bytes instead. */
enum fault_param {
	FAULT_P_STATUS = 0,
	FAULT_P_SENSE, /* key << 16 | ASC << 8 | ASCQ */
	FAULT_P_FORMAT,
	FAULT_P_DEFERRED,
	FAULT_P_INFORMATION, /* or FAULT_INFORMATION_LBA */
	FAULT_P_FIELD,
	FAULT_P_MS,
	FAULT_P_JITTER,
	FAULT_P_TO, /* or with FAULT_PERCENT */
	FAULT_P_BY,
	FAULT_P_AT, /* or with FAULT_IN_DATA */
	FAULT_P_XOR,
	FAULT_P_BITS,
	FAULT_P_STUCK,
	FAULT_P_BYTES, /* fault_action.bytes */
	FAULT_P_SIZE,
	FAULT_P_COUNT,
	FAULT_P_THEN,
	FAULT_P_PAUSE,
	FAULT_P_LEN,
	FAULT_P_FILL,
	FAULT_P_PDU, /* an opcode */
	FAULT_P_IN,
	FAULT_P_AFTER,
	FAULT_P_SN,
	FAULT_P_TASK,
	FAULT_P_REASON,
	FAULT_P_GO_ON,
	FAULT_P_LOGIN_STATUS,
	FAULT_P_OPEN,
	FAULT_P_ADDRESS, /* fault_action.text */
	FAULT_P_PERMANENT,
	FAULT_P_DISCARD,
	FAULT_P_FOR,
	FAULT_P_RATE,
	FAULT_P_KEY,	    /* fault_action.text */
	FAULT_P_KEY_VALUE,  /* fault_action.text and .value */
	FAULT_P_KEY_CHANGE, /* .text, its number, and the sign in front of it: .value[0] */
	FAULT_P_KEY_LEN,    /* .text, and its number */
	FAULT_P_TEXT,	    /* fault_action.bytes */
	FAULT_P_UNLESS,
	FAULT_P_STAT_SN, /* or with FAULT_RELATIVE */
	FAULT_P_RECORDS,
	FAULT_P_COUNT_OF,
};
#define FAULT_P_BIT(param)    (UINT64_C(1) << (param))
#define FAULT_INFORMATION_LBA UINT64_MAX
#define FAULT_PERCENT	      (UINT64_C(1) << 40)
#define FAULT_IN_DATA	      (UINT64_C(1) << 40)
#define FAULT_RELATIVE	      (UINT64_C(1) << 40)

enum fault_then {
	FAULT_THEN_NOTHING = 0,
	FAULT_THEN_FIN,
	FAULT_THEN_RST,
};

enum fault_action_id {
	FAULT_DO_INVALID = 0,
	/* A command, or its result. */
	FAULT_DO_STATUS,
	FAULT_DO_SENSE,
	FAULT_DO_DELAY, /* PDUs too */
	FAULT_DO_HOLD,	/* PDUs too */
	FAULT_DO_VANISH,
	FAULT_DO_ANSWER,
	FAULT_DO_SHORT,
	FAULT_DO_CORRUPT,
	FAULT_DO_DATA,
	/* A PDU. */
	FAULT_DO_DROP,
	FAULT_DO_DUPLICATE,
	FAULT_DO_REORDER,
	FAULT_DO_TRUNCATE,
	FAULT_DO_SPLIT,
	FAULT_DO_SET,
	FAULT_DO_BYTES,
	FAULT_DO_FLIP,
	FAULT_DO_RESERVED,
	FAULT_DO_HEADER_DIGEST,
	FAULT_DO_DATA_DIGEST,
	FAULT_DO_SEGMENT,
	FAULT_DO_INSERT,
	FAULT_DO_REJECT,
	/* A login, and texts. */
	FAULT_DO_REFUSE,
	FAULT_DO_REDIRECT,
	FAULT_DO_KEY_SET,
	FAULT_DO_KEY_ADD,
	FAULT_DO_KEY_FIRST,
	FAULT_DO_KEY_DROP,
	FAULT_DO_KEY_CHANGE,
	FAULT_DO_KEY_FLIP,
	FAULT_DO_KEY_LEN,
	FAULT_DO_KEY_ECHO,
	FAULT_DO_KEY_REVERSE,
	FAULT_DO_TEXT_PAD,
	FAULT_DO_TEXT,
	FAULT_DO_CHAP_ADOPT,
	FAULT_DO_PIECES,
	FAULT_DO_RECORDS,
	/* A connection. */
	FAULT_DO_STAT_SN,
	FAULT_DO_LIMIT,
	FAULT_DO_LINGER,
	FAULT_DO_FIN,
	FAULT_DO_RST,
	FAULT_DO_DEAF,
	FAULT_DO_MUTE,
	FAULT_DO_DEAD,
	FAULT_DO_BANDWIDTH,
	FAULT_DO_COUNT,
};

/* What an action may be given, and where. */
struct fault_action_row {
	enum fault_action_id id;
	const char *name;
	unsigned kinds;	  /* enum fault_kind */
	uint64_t opcodes; /* of PDUs; 0: any */
	int positional;	  /* enum fault_param of the word behind the name, or -1 */
	bool needs_it;	  /* that one */
	uint64_t params;  /* FAULT_P_BIT of those given by name */
	bool fields;	  /* FIELD=VALUE */
	const char *doc;
};
extern const struct fault_action_row fault_actions[];
extern const size_t fault_action_count;

struct fault_action {
	const struct fault_action_row *row;
	uint64_t given; /* FAULT_P_BIT */
	uint64_t number[FAULT_P_COUNT_OF];
	const char *text, *value;
	char *echo; /* owned: of KEY_ECHO, what was said last */
	const uint8_t *bytes;
	uint32_t bytes_len;
	struct fault_setting settings[FAULT_SETTINGS_MAX];
	unsigned setting_count;
};

static inline bool fault_given(const struct fault_action *action, enum fault_param param)
{
	return (action->given & FAULT_P_BIT(param)) != 0;
}

/* --- conditions ------------------------------------------------------------------------------- */

struct fault_condition;

/* How a value is written. */
enum fault_value {
	FAULT_V_INVALID = 0,
	FAULT_V_NUMBER,	 /* a; min..max of the row */
	FAULT_V_RANGE,	 /* A or A-B: a, b */
	FAULT_V_GLOB,	 /* text */
	FAULT_V_ISID,	 /* a: 48 bits */
	FAULT_V_OPCODES, /* ops */
	FAULT_V_STAGE,
	FAULT_V_SESSION, /* a: 1 for discovery */
	FAULT_V_STATUS,
	FAULT_V_KEY, /* text */
};

struct fault_condition_row {
	const char *name;
	unsigned kinds; /* of moments that can have it */
	enum fault_value value;
	uint64_t max;
	bool (*test)(const struct fault_condition *condition, const struct fault_moment *moment);
};
extern const struct fault_condition_row fault_conditions[];
extern const size_t fault_condition_count;

struct fault_condition {
	const struct fault_condition_row *row; /* NULL: a field of the header */
	uint64_t a, b;
	const char *text;
	uint64_t ops[4]; /* a bit for each opcode of a CDB */
};
bool fault_condition_test(const struct fault_condition *condition,
			  const struct fault_moment *moment);

/* What a rule has seen. */
struct fault_count {
	uint64_t matches, firings;
};

/* What the rules of several nodes have seen that are one rule (fault_tally.c). */
struct fault_tally;

struct fault_tally *fault_tally_create(void);
struct fault_tally *fault_tally_share(struct fault_tally *tally);
void fault_tally_leave(struct fault_tally **tally);
struct fault_rule;
/* The first one brings what it has counted. */
void fault_tally_enter(struct fault_tally *tally, struct fault_rule *rule);

/* --- the rule --------------------------------------------------------------------------------- */

struct fault_rule {
	char id[ISCSI_FAULT_ID_MAX];
	char *text;    /* as it was given */
	char *what;    /* the part behind the first `do` */
	char *storage; /* what the values point into */

	unsigned kinds;
	uint64_t opcodes; /* of PDU moments */
	struct fault_condition conditions[FAULT_CONDITIONS_MAX];
	unsigned condition_count;

	uint64_t nth, from, every, times; /* 0: not given */
	bool per_connection;		  /* these count anew on each */
	bool has_for;
	uint64_t for_ms; /* since the first firing */
	uint64_t chance; /* in 2^32nds; 2^32: always */
	bool has_seed;
	uint64_t seed;

	struct fault_action *actions;
	unsigned action_count;

	struct fault_count total;
	uint64_t first_ms; /* of the first firing */
	struct iscsi_fault_place first, last;
	/* NULL: the four above are its own. Else they are what they were when it fired last. */
	struct fault_tally *tally;
	struct fault_rule *prev, *next;
};

/* NULL with the error in words. */
struct fault_rule *fault_rule_parse(const char *text, iscsi_fault_consider consider,
				    char ret_error[ISCSI_FAULT_ERROR_MAX]);
void fault_rule_free(struct fault_rule **rule);

/* Counts the match, if it is one; true: the actions are to be carried out. `own`: the count of the
 * connection, for a rule that counts by connection; or NULL. */
bool fault_rule_fires(struct fault_rule *rule, const struct fault_moment *moment,
		      struct fault_count *own);
/* Notes where it has just fired. */
void fault_rule_note(struct fault_rule *rule, const struct iscsi_fault_place *place);
/* What is counted together, as it is now. */
void fault_rule_refresh(struct fault_rule *rule);
/* fault_tally.c: the rule's counters are everybody's between the two. */
void fault_tally_open(struct fault_rule *rule);
void fault_tally_close(const struct fault_rule *rule);
/* The n-th random number of the rule: the same for the same seed. */
uint64_t fault_random(uint64_t seed, uint64_t n);

/* A CDB's first block in the `lba=` range of the rule, or its first block; false: it has none. */
bool fault_rule_block(const struct fault_rule *rule, const uint8_t *cdb, uint64_t *ret_lba);

/* --- reading (fault_read.c) ------------------------------------------------------------------- */

/* Words of a rule, and the first thing that is wrong. */
struct fault_reader {
	const char *at;
	char *storage; /* where the next word goes: never longer than what is left of the text */
	char *word;    /* the word at hand, without quotes; NULL at the end */
	size_t word_len;
	iscsi_fault_consider consider;
	bool considered;  /* the word at hand is one of several that there are */
	const char *best; /* of them, the nearest */
	size_t best_cost;
	char *error; /* ISCSI_FAULT_ERROR_MAX */
	bool failed;
};
void fault_reader_init(struct fault_reader *reader, const char *text, char *storage,
		       iscsi_fault_consider consider, char *error);
/* False at the end, or when it failed. */
bool fault_reader_next(struct fault_reader *reader);
/* The first one counts. Adds the best of what was considered. False. */
bool fault_reader_fail(struct fault_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void fault_reader_consider(struct fault_reader *reader, const char *word, const char *candidate);

/* Each reads one value; false: `reader` has the error, which names `name`. */
bool fault_read_number(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t max, uint64_t *ret);
bool fault_read_hex(struct fault_reader *reader, const char *name, const char *value, uint64_t max,
		    uint64_t *ret);
bool fault_read_duration(struct fault_reader *reader, const char *name, const char *value,
			 uint64_t *ret_ms);
bool fault_read_yes_no(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret);
/* In hexadecimal; decoded in place. */
bool fault_read_bytes(struct fault_reader *reader, const char *name, char *value,
		      uint32_t *ret_len);
bool fault_read_status(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret);
/* FIELD=VALUE of a header with one of these opcodes. */
bool fault_read_setting(struct fault_reader *reader, uint64_t opcodes, const char *field,
			const char *value, struct fault_setting *ret);
/* Is there a header with one of these opcodes that has the field? */
bool fault_field_exists(uint64_t opcodes, const char *field);
/* fault_opcodes.c: a list; adds a bit for each. */
bool fault_read_opcodes(struct fault_reader *reader, char *list, uint64_t ret_ops[4]);
bool fault_read_condition(struct fault_reader *reader, const struct fault_rule *rule,
			  const char *name, char *value, struct fault_condition *ret);
/* fault_param.c */
const char *fault_param_name(enum fault_param param);
bool fault_read_param(struct fault_reader *reader, enum fault_param param, char *value,
		      struct fault_action *action);
/* False: the action has none of that name. True: the reader may have failed. */
bool fault_read_named_param(struct fault_reader *reader, const char *name, char *value,
			    struct fault_action *action);
void fault_consider_params(struct fault_reader *reader, const struct fault_action_row *row,
			   const char *name);
bool fault_read_action(struct fault_reader *reader, const struct fault_rule *rule,
		       struct fault_action *ret);

#endif
