/*
 * The active checks: for each, one or more runs with what the target does, what the initiator is
 * asked to do, and what must hold then. What a check is about stands in the catalogue
 * (transport/checks.h); here is how it is tried.
 */
#ifndef TOOLS_CHECK_ROW_H
#define TOOLS_CHECK_ROW_H

#include "transport/checks.h"

#define CHECK_RULES_MAX 6
#define CHECK_MUST_MAX	6
#define CHECK_STEPS_MAX 6

/* What the initiator is asked to do: the words that {work} stands for. */
enum check_work {
	CHECK_WORK_INVALID = 0,
	CHECK_WORK_LOGIN,    /* log in, INQUIRY, log out */
	CHECK_WORK_READ,     /* write 256 KiB, read them in pieces of 64 KiB, compare */
	CHECK_WORK_WRITE,    /* write 4 KiB twice, read them, compare */
	CHECK_WORK_BIG,	     /* write 1 MiB, read it, compare */
	CHECK_WORK_PARALLEL, /* 32 commands at a time, writes and reads, compare */
	CHECK_WORK_LOOP,     /* small reads and writes for 3 s, over lost connections */
	CHECK_WORK_DISCOVER, /* SendTargets, in a discovery session */
	CHECK_WORK_IDLE,     /* stay logged in for 2 s and answer what comes, then read */
	CHECK_WORK_PING,     /* NOP-Out with data, waiting for the echo */
	CHECK_WORK_ABORT,    /* a write, and ABORT TASK for it while it is under way */
	CHECK_WORK_RESET,    /* reads, and LOGICAL UNIT RESET while they are under way */
	CHECK_WORK_RESERVE,  /* register, reserve, read keys (twice) and reservation, release */
	CHECK_WORK_PREFETCH, /* PRE-FETCH */
	CHECK_WORK_UNMAP,    /* UNMAP, WRITE SAME */
	CHECK_WORK_FLUSH,    /* write, SYNCHRONIZE CACHE */
	CHECK_WORK_EXTENTS,  /* GET LBA STATUS, then read */
	CHECK_WORK_TWO,	     /* two connections in one session, commands on both */
	CHECK_WORK_TEXT,     /* SendTargets in a normal session */
	CHECK_WORK_COUNT,
};
const char *check_work_name(enum check_work work);
const char *check_work_words(enum check_work work);

enum {
	CHECK_CHAP = 1 << 0,	     /* the target has a user */
	CHECK_MUTUAL = 1 << 1,	     /* and proves itself */
	CHECK_TWO_PORTALS = 1 << 2,  /* {portal2} is there, group 2 */
	CHECK_ONE_GROUP = 1 << 3,    /* and both are in one portal group */
	CHECK_NO_AFTERMATH = 1 << 4, /* its configuration is the stimulus */
	CHECK_MAY_LAST = 1 << 5,     /* the command may run into the time limit */
	CHECK_TWICE = 1 << 6,	     /* the command is run twice, one after the other */
	CHECK_NOT_FIRED = 1 << 7, /* the rule need not fire: it prepares, or the check is passive */
	CHECK_SHORT_SECRET = 1 << 8, /* a CHAP secret below 96 bits */
	CHECK_SAME_SECRET = 1 << 9,  /* the initiator is told the same for both directions */
	CHECK_DIGESTS = 1 << 10,     /* the initiator is asked for CRC32C digests */
	CHECK_SPC4 = 1 << 11,	     /* the LUN has every reservation type */
	CHECK_CORRUPTS = 1 << 12,    /* data is made wrong: to notice that is right */
};

/* What the runner does itself while the command runs. */
enum check_step_kind {
	CHECK_STEP_NONE = 0,
	CHECK_STEP_KILL,    /* the target, by SIGKILL */
	CHECK_STEP_START,   /* again */
	CHECK_STEP_RELEASE, /* what rules hold */
	CHECK_STEP_CLEAR,   /* every rule */
};

struct check_step {
	enum check_step_kind kind;
	unsigned ms; /* behind the first PDU of full feature phase */
};

struct check_run {
	const char *id;	     /* in the catalogue */
	const char *variant; /* NULL: the check has one run */
	enum check_work work;
	unsigned flags;
	const char *policy, *limits, *target, *lun; /* settings of holdfast.conf(5); NULL: none */
	const char *rules[CHECK_RULES_MAX];	    /* the first is the stimulus */
	struct check_step steps[CHECK_STEPS_MAX];
	/* Not 0: the target's clock stands still until the stimulus has come, and is then set
	 * forward. */
	unsigned clock_ms;
	const char *needs; /* what must hold for the run to say anything; NULL: nothing more */
	const char *must[CHECK_MUST_MAX]; /* all of them */
	const char *never;		  /* NOT-TESTABLE, and this is why */
};

struct check_rows {
	const struct check_run *runs;
	size_t count;
};

enum {
	CHECK_ROW_GROUPS = 12
}; /* A1 to A12 */
extern const struct check_rows *const check_rows[CHECK_ROW_GROUPS];

/* The runs of a check are neighbours: the first, and how many. NULL: it has none. */
const struct check_run *check_runs_find(const char *id, size_t *ret_count);

#endif
