/*
 * SNACK, digests, several connections, TCP.
 */
#include "tools/check/rows_internal.h"

#define RUN(check_id, words, what, rule, ...)                                                     \
	{                                                                                         \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_##what, .rules = {rule}, \
		.must = {                                                                         \
			__VA_ARGS__                                                               \
		}                                                                                 \
	}
#define RECOVERING(check_id, what, first, second, ...)                                            \
	{                                                                                         \
		.id = (check_id), .work = CHECK_WORK_##what,                                      \
		.policy = "error_recovery_level = 1; max_burst_len = 65536; "                     \
			  "first_burst_len = 65536; initial_r2t = true; "                         \
			  "immediate_data = false;",                                              \
		.rules = {first, second},                                                         \
		.needs = "offered ErrorRecoveryLevel=1 | offered ErrorRecoveryLevel=2", .must = { \
			__VA_ARGS__                                                               \
		}                                                                                 \
	}
#define HAS_HEADER_DIGEST                                                           \
	"offered HeaderDigest=CRC32C | offered HeaderDigest=CRC32C,None | offered " \
	"HeaderDigest=None,CRC32C"
#define HAS_DATA_DIGEST                                                         \
	"offered DataDigest=CRC32C | offered DataDigest=CRC32C,None | offered " \
	"DataDigest=None,CRC32C"
#define DIGEST(check_id, words, what, wanted, first, second, ...)                                  \
	{                                                                                          \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_##what,                   \
		.flags = CHECK_DIGESTS, .policy = "initial_r2t = true;", .rules = {first, second}, \
		.needs = (wanted), .must = {                                                       \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define DIGEST_AT_1(check_id, first, second, ...)                                                  \
	{                                                                                          \
		.id = (check_id), .variant = "ErrorRecoveryLevel 1", .work = CHECK_WORK_WRITE,     \
		.flags = CHECK_DIGESTS, .policy = "error_recovery_level = 1; initial_r2t = true;", \
		.rules = {first, second},                                                          \
		.needs = "offered ErrorRecoveryLevel=1 | offered ErrorRecoveryLevel=2", .must = {  \
			__VA_ARGS__,                                                               \
			"ok | failed"                                                              \
		}                                                                                  \
	}
#define TWO(check_id, rule, ...)                                                            \
	{                                                                                   \
		.id = (check_id), .work = CHECK_WORK_TWO, .policy = "max_connections = 2;", \
		.rules = {rule}, .needs = "least 1 login-request tsih>0", .must = {         \
			__VA_ARGS__                                                         \
		}                                                                           \
	}

static const struct check_run runs[] = {
	RECOVERING("act.snack.data", BIG, "on data-in op=read datasn=1 s=0 times=1 do drop", NULL,
		   "sent snack-request type=0 ttt=none begrun=1", "ok"),
	RECOVERING("act.snack.dataack", BIG, "on data-in op=read datasn=1 s=0 times=1 do set a=1",
		   NULL, "sent snack-request type=2 itt=none runlength=0", "ok"),
	RECOVERING("act.snack.dataack-holes", BIG,
		   "on data-in op=read datasn=2 s=0 times=1 do set a=1",
		   "on data-in op=read datasn=1 s=0 times=1 do drop",
		   "first snack-request type=0 begrun=1", "sent snack-request type=2 itt=none",
		   "ok"),
	RECOVERING("act.snack.no-acked", BIG, "on data-in op=read datasn=2 s=0 times=1 do set a=1",
		   NULL, "no sent snack-request type=0 begrun<3", "ok"),
	{.id = "act.snack.rdata",
	 .never = "takes an initiator that changes MaxRecvDataSegmentLength in full feature phase "
		  "with reads under way"},
	RECOVERING("act.snack.status", WRITE, "on scsi-response op=write times=1 do drop",
		   "on scsi-response op=write times=1 do insert nop-in after=yes in=200ms task=no",
		   "sent snack-request type=1 itt=none", "ok"),
	RECOVERING("act.snack.r2t", BIG, "on r2t r2tsn=1 times=1 do drop", NULL,
		   "sent snack-request type=0 begrun=1 | sent snack-request type=0 begrun=0", "ok"),
	DIGEST("act.digest.header-bad", "SCSI Response", WRITE, HAS_HEADER_DIGEST,
	       "on scsi-response op=write times=1 do header-digest", NULL, "recovers"),
	DIGEST("act.digest.header-bad", "Data-In", WRITE, HAS_HEADER_DIGEST,
	       "on data-in op=read times=1 do header-digest", NULL, "recovers"),
	DIGEST("act.digest.header-bad", "R2T", BIG, HAS_HEADER_DIGEST,
	       "on r2t times=1 do header-digest", NULL, "recovers"),
	{.id = "act.digest.header-bad",
	 .variant = "NOP-In",
	 .work = CHECK_WORK_IDLE,
	 .flags = CHECK_DIGESTS,
	 .limits = "nop_interval_ms = 300;",
	 .rules = {"on nop-in times=1 do header-digest"},
	 .needs = HAS_HEADER_DIGEST,
	 .must = {"recovers"}},
	DIGEST("act.digest.data-bad-datain", NULL, WRITE, HAS_DATA_DIGEST,
	       "on data-in op=read times=1 do data-digest", NULL,
	       "recovers | failed | sent snack-request"),
	DIGEST_AT_1("act.digest.data-bad-datain", "on data-in op=read times=1 do data-digest", NULL,
		    "sent snack-request type=0 begrun=stimulus.datasn | recovers | failed"),
	DIGEST_AT_1("act.digest.data-bad-sense",
		    "on scsi-response op=read status=check-condition times=1 do data-digest",
		    "on command op=read times=1 do sense b/00/00",
		    "sent snack-request type=1 begrun=stimulus.statsn | recovers"),
	DIGEST("act.digest.data-bad-sense", NULL, WRITE, HAS_DATA_DIGEST,
	       "on scsi-response op=read status=check-condition times=1 do data-digest",
	       "on command op=read times=1 do sense b/00/00",
	       "recovers | sent snack-request type=1"),
	DIGEST("act.digest.data-bad-unsol", "Reject", WRITE, HAS_DATA_DIGEST,
	       "on reject times=1 do data-digest", "on scsi-command op=read times=1 do reject 9",
	       "recovers | sent snack-request"),
	DIGEST("act.digest.target-rejects", NULL, BIG, HAS_DATA_DIGEST,
	       "on data-out times=1 do reject 2", NULL, "recovers | failed | again"),
	TWO("act.mcs.refused", "on login-request cid=1 do refuse 0206", "ok"),
	{.id = "act.mcs.new-statsn",
	 .work = CHECK_WORK_TWO,
	 .policy = "max_connections = 2;",
	 .rules = {"on accept nth=2 do statsn 0x1000", "on accept nth=1 do statsn 0x2000"},
	 .needs = "least 1 login-request tsih>0",
	 .must = {"ok", "clean seq.expstatsn-valid"}},
	TWO("act.mcs.cmdsn-shared", NULL, "ok", "clean seq.cmdsn-increment"),
	TWO("act.mcs.conn-loss", "on scsi-command cid=1 times=1 do rst",
	    "relogin | failed | anywhere tmf-request function=8 | anywhere logout-request reason=2"),
	{.id = "act.tcp.byte-drip",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response do split 1 pause=1", "on data-in do split 1 pause=1",
		   "on scsi-response do split 1 pause=1"},
	 .must = {"ok"}},
	RUN("act.tcp.split-headers", "1", WRITE, "on sent do split 1", "ok"),
	RUN("act.tcp.split-headers", "7", WRITE, "on sent do split 7 pause=1", "ok"),
	RUN("act.tcp.split-headers", "47", WRITE, "on sent do split 47 pause=1", "ok"),
	RUN("act.tcp.split-headers", "50", WRITE, "on sent do split 50 pause=1", "ok"),
	RUN("act.tcp.coalesced", NULL, IDLE,
	    "on scsi-response times=1 do insert nop-in count=50 task=no", "ok", "no relogin"),
	RUN("act.tcp.rst-mid-pdu", NULL, WRITE,
	    "on data-in op=read times=1 do truncate 1000 then=rst", "relogin | failed"),
	RUN("act.tcp.fin-mid-data", NULL, WRITE,
	    "on data-in op=read times=1 do truncate 1000 then=fin", "relogin | failed"),
	RUN("act.tcp.half-open", NULL, BIG, "on scsi-command op=write times=1 do deaf", "ended",
	    "relogin | failed"),
	RUN("act.tcp.black-hole", NULL, LOOP, "on scsi-command op=write nth=5 do dead",
	    "relogin | failed"),
	{.id = "act.tcp.refused",
	 .work = CHECK_WORK_LOOP,
	 .steps = {{CHECK_STEP_KILL, 300}, {CHECK_STEP_START, 2300}},
	 .must = {"paced 10", "ended"}},
	{.id = "act.tcp.target-restart",
	 .work = CHECK_WORK_LOOP,
	 .steps = {{CHECK_STEP_KILL, 300}, {CHECK_STEP_START, 600}},
	 .must = {"ok"}},
	RUN("act.tcp.slow-close", NULL, LOGIN,
	    "on logout-request times=1 do insert logout-response task=yes do drop", "closed", "ok"),
};

const struct check_rows check_rows_a10 = ROWS(runs);
