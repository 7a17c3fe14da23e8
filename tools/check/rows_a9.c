/*
 * Task management.
 */
#include "tools/check/rows_internal.h"

#define VANISH "on command op=read times=1 do vanish"

#define RUN(check_id, words, what, rule, prepare, ...)                           \
	{                                                                        \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_##what, \
		.rules = {rule, prepare}, .must = {                              \
			__VA_ARGS__                                              \
		}                                                                \
	}
#define REFUSED(code)                                                                              \
	RUN("act.tmf.each-response", code, ABORT, "on tmf-response times=1 do set response=" code, \
	    VANISH, "failed | recovers | least 2 tmf-request")

static const struct check_run runs[] = {
	RUN("act.tmf.no-response", NULL, ABORT, "on tmf-request do drop", VANISH, "ended",
	    "least 2 tmf-request | recovers | failed"),
	RUN("act.tmf.each-response", "0", ABORT, "on tmf-response times=1 do set response=0",
	    VANISH, "ok"),
	RUN("act.tmf.each-response", "1", ABORT, "on tmf-response times=1 do set response=1",
	    VANISH, "ok | recovers | failed"),
	REFUSED("2"),
	REFUSED("3"),
	REFUSED("4"),
	REFUSED("5"),
	REFUSED("6"),
	REFUSED("255"),
	REFUSED("77"),
	{.id = "act.tmf.late-response",
	 .work = CHECK_WORK_ABORT,
	 .rules = {"on tmf-request times=1 do insert tmf-response response=0 do drop",
		   "on command op=read times=1 do delay 500",
		   "on command op=write times=1 do delay 600"},
	 .must = {"ok | recovers"}},
	RUN("act.tmf.status-first", NULL, ABORT, "on tmf-request times=1 do delay 900",
	    "on command op=read times=1 do delay 700", "ok"),
	RUN("act.tmf.nop-during", NULL, RESET,
	    "on tmf-request times=1 do insert nop-in ttt=0x5151 task=no do delay 300", VANISH,
	    "sent nop-out ttt=0x5151", "ok"),
	{.id = "act.tmf.data-during",
	 .work = CHECK_WORK_RESET,
	 .policy = "error_recovery_level = 1;",
	 .rules =
		 {"on tmf-request times=1 do insert nop-in ttt=0x5151 task=no do delay 300", VANISH,
		  "on scsi-command op=read times=1 do insert data-in task=yes datasn=0 offset=0 f=0 "
		  "s=0 a=1 ttt=0x77 len=512 in=450ms"},
	 .needs = "offered ErrorRecoveryLevel=1 | offered ErrorRecoveryLevel=2",
	 .must = {"sent nop-out ttt=0x5151", "anywhere snack-request type=2 ttt=0x77", "ok"}},
	RUN("act.tmf.response-then-tmf", NULL, RESET, "on tmf-request times=1 do delay 900",
	    "on command op=read times=1 do delay 700", "ok", "no relogin"),
	{.id = "act.tmf.r2t-during",
	 .never = "no work asks an initiator to abort a write that waits for R2Ts"},
	RUN("act.tmf.immediate-cmdsn", NULL, ABORT, VANISH, NULL, "sent tmf-request immediate=1",
	    "clean seq.immediate-cmdsn", "clean seq.cmdsn-increment", "ok"),
	{.id = "act.tmf.reassign",
	 .work = CHECK_WORK_LOOP,
	 .policy = "error_recovery_level = 2; default_time2retain = 20;",
	 .rules = {"on scsi-command op=write nth=3 do rst"},
	 .needs = "offered ErrorRecoveryLevel=2",
	 .must = {"anywhere tmf-request function=8 immediate=1", "ok"}},
	{.id = "act.tmf.reassign-refused",
	 .work = CHECK_WORK_LOOP,
	 .policy = "error_recovery_level = 2; default_time2retain = 20;",
	 .rules = {"on tmf-response function=8 do set response=4",
		   "on scsi-command op=write nth=3 do rst"},
	 .must = {"recovers | relogin", "most 20 tmf-request"}},
	{.id = "act.tmf.target-reset-drop",
	 .variant = "warm",
	 .work = CHECK_WORK_RESET,
	 .rules = {"on tmf-response function=6 times=1 do fin",
		   "on tmf-response function=5 do set response=255", VANISH},
	 .must = {"relogin", "ok"}},
	{.id = "act.tmf.target-reset-drop",
	 .variant = "cold",
	 .work = CHECK_WORK_RESET,
	 .rules = {"on tmf-response function=7 times=1 do fin",
		   "on tmf-response function=5 do set response=255", VANISH},
	 .must = {"relogin", "ok"}},
};

const struct check_rows check_rows_a9 = ROWS(runs);
