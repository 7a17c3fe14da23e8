/*
 * R2T.
 */
#include "tools/check/rows_internal.h"

/* Every write waits for R2Ts, from its first byte on. */
#define R2T_ONLY "initial_r2t = true; immediate_data = false;"
#define R2T_64K                                                      \
	R2T_ONLY " max_burst_len = 65536; first_burst_len = 65536; " \
		 "max_recv_data_segment_len = 8192;"

#define RUN(check_id, what, settings, rule, ...)                                   \
	{                                                                          \
		.id = (check_id), .work = CHECK_WORK_##what, .policy = (settings), \
		.rules = {rule}, .must = {                                         \
			__VA_ARGS__                                                \
		}                                                                  \
	}

static const struct check_run runs[] = {
	{.id = "act.r2t.normal-multi",
	 .work = CHECK_WORK_BIG,
	 .flags = CHECK_NO_AFTERMATH,
	 .policy = R2T_ONLY " max_burst_len = 2048; first_burst_len = 2048;",
	 .needs = "least 2 r2t",
	 .must = {"ok", "clean dout.datasn", "clean dout.ttt-echo", "clean dout.r2t-complete"}},
	{.id = "act.r2t.out-of-order",
	 .work = CHECK_WORK_BIG,
	 .policy = R2T_64K " data_sequence_in_order = false; max_outstanding_r2t = 2;",
	 /* The second comes first, and their numbers go up all the same. */
	 .rules = {"on r2t r2tsn=0 times=1 do set r2tsn=1 do reorder by=1",
		   "on r2t r2tsn=1 times=1 do set r2tsn=0"},
	 .needs = "offered DataSequenceInOrder=No",
	 .must = {"ok", "in-turn", "clean dout.offset"}},
	RUN("act.r2t.parallel", PARALLEL, R2T_ONLY, "on r2t times=1 do reorder by=1", "ok",
	    "clean dout.r2t-complete"),
	RUN("act.r2t.beyond-edtl", WRITE, R2T_ONLY, "on r2t times=1 do set length=+4096",
	    "recovers | failed", "no anywhere data-out offset>4095"),
	RUN("act.r2t.offset-wrap", WRITE, R2T_ONLY,
	    "on r2t times=1 do set offset=0xffffff00 length=0x200", "recovers | failed",
	    "no anywhere data-out offset>4095"),
	RUN("act.r2t.zero", WRITE, R2T_ONLY, "on r2t times=1 do set length=0", "recovers | failed"),
	RUN("act.r2t.over-maxburst", BIG, R2T_64K, "on r2t times=1 do set length=+512",
	    "no sent data-out ttt=stimulus offset>65535"),
	RUN("act.r2t.ttt-reserved", WRITE, R2T_ONLY, "on r2t times=1 do set ttt=none",
	    "recovers | failed", "no anywhere data-out ttt=none"),
	RUN("act.r2t.for-read", WRITE, NULL,
	    "on data-in op=read times=1 do insert r2t task=yes ttt=5 r2tsn=0 offset=0 length=512",
	    "recovers | failed", "no sent data-out ttt=5"),
	RUN("act.r2t.unknown-itt", WRITE, R2T_ONLY,
	    "on r2t times=1 do insert r2t itt=0x7e577e57 ttt=6 r2tsn=0 offset=0 length=512",
	    "ok | recovers", "no sent data-out ttt=6"),
	RUN("act.r2t.lun-mismatch", WRITE, R2T_ONLY, "on r2t times=1 do set lun=none",
	    "no anywhere data-out lun>0"),
	RUN("act.r2t.excess", BIG, R2T_64K " max_outstanding_r2t = 1;",
	    "on r2t r2tsn=0 times=1 do insert r2t after=yes task=yes ttt=77 r2tsn=1 offset=65536 "
	    "length=512 do insert r2t after=yes task=yes ttt=78 r2tsn=2 offset=66048 length=512",
	    "recovers | failed | sent data-out ttt=78"),
	RUN("act.r2t.after-status", WRITE, NULL,
	    "on scsi-response op=write times=1 do insert r2t after=yes task=yes ttt=9 r2tsn=0 "
	    "offset=0 length=512",
	    "ok | recovers", "no sent data-out ttt=9"),
	RUN("act.r2t.dup-r2tsn", BIG, R2T_64K, "on r2t r2tsn=0 times=1 do duplicate",
	    "most 1 data-out f=1 ttt=stimulus"),
	RUN("act.r2t.gap-r2tsn", BIG, R2T_64K " max_outstanding_r2t = 1;",
	    "on r2t r2tsn=1 times=1 do set r2tsn=2", "recovers | failed | anywhere snack-request"),
	/* A target that waits longer than the initiator. */
	{.id = "act.r2t.never",
	 .work = CHECK_WORK_BIG,
	 .policy = R2T_ONLY,
	 .limits = "data_out_timeout_ms = 3600000;",
	 .rules = {"on r2t times=1 do drop"},
	 .must = {"ended", "anywhere tmf-request | recovers | failed"}},
	RUN("act.r2t.overlap", BIG, R2T_64K " max_outstanding_r2t = 1;",
	    "on r2t r2tsn=1 times=1 do set offset=0", "recovers | failed"),
	RUN("act.r2t.with-unsolicited", BIG,
	    "initial_r2t = false; immediate_data = false; max_recv_data_segment_len = 4096; "
	    "max_outstanding_r2t = 8;",
	    "on scsi-command op=write f=0 times=1 do insert r2t task=yes ttt=11 r2tsn=0 "
	    "offset=524288 length=4096",
	    "recovers | failed | sent data-out ttt=11", "clean dout.final-unsolicited"),
};

const struct check_rows check_rows_a6 = ROWS(runs);
