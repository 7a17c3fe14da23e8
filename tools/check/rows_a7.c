/*
 * Reject, NOP-In, Async Message, Logout Response.
 */
#include "tools/check/rows_internal.h"

#define RUN(check_id, words, what, rule, ...)                                                     \
	{                                                                                         \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_##what, .rules = {rule}, \
		.must = {                                                                         \
			__VA_ARGS__                                                               \
		}                                                                                 \
	}
#define REJECTED(check_id, reason)                                                        \
	RUN(check_id, reason, WRITE, "on scsi-command op=read times=1 do reject " reason, \
	    "recovers | failed | again")
/* While the session rests. */
#define IDLE(check_id, words, insert, ...) \
	RUN(check_id, words, IDLE,         \
	    "on scsi-response times=1 do insert " insert " after=yes task=no", __VA_ARGS__)
#define IN_THE_LOOP "on scsi-command op=write nth=5 do insert async "
#define SENSE_18    "0012700006000000000a000000003f0e00000000"

static const struct check_run runs[] = {
	REJECTED("act.rej.reasons", "2"),
	REJECTED("act.rej.reasons", "3"),
	REJECTED("act.rej.reasons", "4"),
	REJECTED("act.rej.reasons", "5"),
	REJECTED("act.rej.reasons", "6"),
	REJECTED("act.rej.reasons", "7"),
	REJECTED("act.rej.reasons", "8"),
	REJECTED("act.rej.reasons", "9"),
	REJECTED("act.rej.reasons", "a"),
	REJECTED("act.rej.reasons", "c"),
	RUN("act.rej.malformed", "47 bytes", WRITE,
	    "on scsi-command op=read times=1 do insert reject reason=4 len=47 fill=00 do drop",
	    "recovers | failed | again"),
	RUN("act.rej.malformed", "other bytes", WRITE,
	    "on scsi-command op=read times=1 do insert reject reason=4 len=48 fill=a5 do drop",
	    "recovers | failed | again"),
	REJECTED("act.rej.unknown", "1"),
	REJECTED("act.rej.unknown", "b"),
	REJECTED("act.rej.unknown", "ff"),
	{.id = "act.rej.waiting-logout",
	 .work = CHECK_WORK_LOOP,
	 .rules = {IN_THE_LOOP "event=1 parameter3=2 task=no",
		   "on scsi-command op=write from=6 times=3 do reject c"},
	 .must = {"logout-within 2000"}},
	RUN("act.rej.gap-plug", NULL, WRITE, "on scsi-command op=read times=1 do reject 5",
	    "sent scsi-command cmdsn=stimulus | sent nop-out cmdsn=stimulus | sent tmf-request "
	    "refcmdsn=stimulus.cmdsn | recovers"),
	IDLE("act.nop.target-ping", NULL, "nop-in ttt=0x5151",
	     "sent nop-out ttt=0x5151 itt=none immediate=1 dsl=0", "clean nop.ping-fields",
	     "clean seq.immediate-cmdsn", "ok"),
	IDLE("act.nop.ping-flood", NULL, "nop-in ttt=0x5151 count=100",
	     "least 1 nop-out ttt=0x5151", "ok"),
	IDLE("act.nop.carrier", NULL, "nop-in", "no sent nop-out itt=none", "ok"),
	IDLE("act.nop.both-tags", NULL, "nop-in itt=0x7e577e57 ttt=0x5151",
	     "no sent nop-out ttt=0x5151"),
	IDLE("act.nop.with-data", NULL, "nop-in ttt=0x5151 len=64 fill=5a",
	     "sent nop-out ttt=0x5151 | recovers", "ok"),
	RUN("act.nop.no-reply", NULL, PING, "on nop-out times=1 do drop", "ended",
	    "recovers | failed | least 2 nop-out"),
	RUN("act.nop.corrupt-echo", NULL, PING, "on nop-in dsl=64 times=1 do flip at=data+0",
	    "ended"),
	IDLE("act.nop.unknown-itt", NULL, "nop-in itt=0x7e577e57", "ok | recovers"),
	{.id = "act.nop.bad-statsn",
	 .work = CHECK_WORK_IDLE,
	 .limits = "nop_interval_ms = 300;",
	 .rules = {"on nop-in times=1 do set statsn=+1"},
	 .must = {"ok", "no sent nop-out expstatsn>stimulus.statsn"}},
	RUN("act.async.logout", "5 s", LOOP, IN_THE_LOOP "event=1 parameter3=5 task=no",
	    "logout-within 2000"),
	RUN("act.async.logout", "1 s", LOOP, IN_THE_LOOP "event=1 parameter3=1 task=no",
	    "logout-within 1000"),
	{.id = "act.async.logout-mcs",
	 .work = CHECK_WORK_TWO,
	 .policy = "max_connections = 2;",
	 .rules = {"on scsi-command cid=1 times=1 do insert async event=1 parameter3=5 task=no"},
	 .must = {"logout-within 3000 | anywhere logout-request reason=1 cid=1", "ok"}},
	{.id = "act.async.logout-ignored-window",
	 .work = CHECK_WORK_LOOP,
	 .limits = "command_window = 1;",
	 .rules = {"on scsi-command op=write nth=3 do insert async event=1 parameter3=5 task=no",
		   "on command op=write nth=3 do vanish"},
	 .must = {"logout-within 2000"}},
	RUN("act.async.drop-connection", NULL, LOOP,
	    IN_THE_LOOP "event=2 parameter1=0 parameter2=0 parameter3=1 task=no do fin",
	    "relogin | failed"),
	/* Twice, at different times: who counts whole seconds comes too early in one of them. */
	RUN("act.async.drop-session", "1 s", LOOP,
	    IN_THE_LOOP "event=3 parameter2=1 parameter3=2 task=no do fin",
	    "relogin-after 990 | failed"),
	RUN("act.async.drop-session", "2 s, later", LOOP,
	    "on scsi-command op=write nth=30 do insert async event=3 parameter2=2 parameter3=4 "
	    "task=no do fin",
	    "relogin-after 1990 | failed"),
	RUN("act.async.time2retain-zero", NULL, LOOP,
	    IN_THE_LOOP "event=3 parameter2=0 parameter3=0 task=no do fin", "relogin | failed"),
	IDLE("act.async.negotiate", NULL, "async event=4 parameter3=3",
	     "sent text-request | logout-within 1000"),
	IDLE("act.async.scsi", NULL, "async event=0 bytes=" SENSE_18, "ok"),
	RUN("act.async.unnegotiated", NULL, PARALLEL,
	    "on scsi-command op=read nth=8 do insert async event=5 task=no", "ok | recovers"),
	{.id = "act.async.fastabort",
	 .work = CHECK_WORK_PARALLEL,
	 .rules = {"on scsi-command nth=8 do insert async event=5 task=no",
		   "on login-response has=TaskReporting do key-set TaskReporting=FastAbort"},
	 .needs = "offered TaskReporting=FastAbort | offered "
		  "TaskReporting=RFC3720,ResponseFence,FastAbort",
	 .must = {"sent nop-out itt=none immediate=1 lun=stimulus"}},
	IDLE("act.async.unknown", "250, a vendor's", "async event=250", "ok"),
	IDLE("act.async.unknown", "77, reserved", "async event=77", "ok | recovers"),
	IDLE("act.async.sense-garbage", NULL, "async event=0 bytes=ffff7000060000",
	     "ok | recovers"),
	RUN("act.async.bad-itt", NULL, WRITE,
	    "on scsi-command op=read times=1 do insert async event=0 task=yes bytes=" SENSE_18,
	    "ok | recovers"),
	RUN("act.logout.code-1", NULL, LOGIN, "on logout-response times=1 do set response=1",
	    "ended", "most 3 logout-request"),
	RUN("act.logout.code-2", NULL, LOGIN, "on logout-response times=1 do set response=2",
	    "ended", "most 3 logout-request"),
	RUN("act.logout.code-3", NULL, LOGIN, "on logout-response times=1 do set response=3",
	    "ended", "most 3 logout-request"),
	RUN("act.logout.none", NULL, LOGIN, "on logout-request times=1 do drop", "ended", "closed"),
	RUN("act.logout.fin-first", NULL, LOGIN, "on logout-request do drop do fin discard=yes",
	    "ended", "most 5 logout-request"),
	{.id = "act.logout.time-values",
	 .work = CHECK_WORK_LOOP,
	 .rules = {"on logout-response times=1 do set time2wait=3",
		   IN_THE_LOOP "event=1 parameter3=5 task=no"},
	 .must = {"relogin-after 2900 | no relogin"}},
	{.id = "act.logout.data-after",
	 .never = "no work asks an initiator to log out with commands under way"},
};

const struct check_rows check_rows_a7 = ROWS(runs);
