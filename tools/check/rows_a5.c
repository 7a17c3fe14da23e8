/*
 * Data-In, status, residuals.
 */
#include "tools/check/rows_internal.h"

#define RUN(check_id, words, what, rule, ...)                                                     \
	{                                                                                         \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_##what, .rules = {rule}, \
		.must = {                                                                         \
			__VA_ARGS__                                                               \
		}                                                                                 \
	}
/* A status for the first read or write, instead of carrying it out. */
#define STATUS(check_id, op, action, ...) \
	RUN(check_id, NULL, WRITE, "on command op=" op " times=1 do " action, __VA_ARGS__)
#define ON_READ	 "on data-in op=read times=1 do "
#define ON_WRITE "on scsi-response op=write times=1 do "
/* In front of the one Data-In of a 4 KiB read: another one, which takes its number. */
#define BEFORE_IT(fields) \
	ON_READ "insert data-in task=yes datasn=0 f=0 s=0 " fields " do set datasn=+1"

static const struct check_run runs[] = {
	{.id = "act.din.status-collapse",
	 .work = CHECK_WORK_WRITE,
	 .flags = CHECK_NO_AFTERMATH,
	 .needs = "least 1 data-in s=1 f=1",
	 .must = {"ok"}},
	RUN("act.din.a-bit", NULL, WRITE, ON_READ "set a=1", "ok", "no relogin",
	    "no anywhere snack-request"),
	RUN("act.din.zero-length", NULL, WRITE, BEFORE_IT("offset=0"), "ok", "no relogin"),
	RUN("act.din.datasn-gap", NULL, BIG, "on data-in op=read datasn=1 s=0 times=1 do drop",
	    "failed | recovers | anywhere snack-request"),
	RUN("act.din.datasn-dup", NULL, BIG, "on data-in op=read datasn=0 f=0 times=1 do duplicate",
	    "ok | recovers"),
	RUN("act.din.datasn-nonzero", NULL, WRITE, ON_READ "set datasn=1",
	    "failed | recovers | anywhere snack-request"),
	RUN("act.din.offset-wrong", NULL, BIG,
	    "on data-in op=read datasn=1 times=1 do set offset=+512", "failed | recovers"),
	RUN("act.din.overrun", NULL, WRITE, BEFORE_IT("offset=4096 len=512 fill=ee"),
	    "failed | recovers"),
	RUN("act.din.offset-huge", NULL, WRITE, BEFORE_IT("offset=0xfffffff0 len=64 fill=ee"),
	    "failed | recovers"),
	RUN("act.din.s-without-f", NULL, WRITE, "on data-in op=read s=1 times=1 do set f=0",
	    "ok | failed | recovers"),
	RUN("act.din.unknown-itt", NULL, WRITE,
	    ON_READ "insert data-in itt=0x7e577e57 datasn=0 offset=0 f=1 s=0 len=512 fill=ee",
	    "ok | recovers"),
	RUN("act.din.dsl-over-mrdsl", NULL, BIG,
	    ON_READ "insert data-in task=yes datasn=0 offset=0 f=0 s=0 len=1000000 fill=ee",
	    "closed | recovers | failed"),
	{.id = "act.din.for-write",
	 .work = CHECK_WORK_BIG,
	 .policy = "initial_r2t = true;",
	 .rules = {"on r2t times=1 do insert data-in task=yes datasn=0 offset=0 f=1 s=0 len=512 "
		   "fill=ee"},
	 .must = {"failed | recovers"}},
	RUN("act.din.after-status", NULL, WRITE,
	    "on data-in op=read s=1 times=1 do insert data-in after=yes task=yes datasn=1 offset=0 "
	    "f=1 s=0 len=512 fill=ee",
	    "ok | recovers"),
	RUN("act.din.missing", NULL, WRITE,
	    "on data-in op=read s=1 times=1 do insert scsi-response task=yes do drop",
	    "failed | recovers | anywhere snack-request"),
	RUN("act.din.bad-residual", "U and O", WRITE,
	    "on data-in op=read s=1 times=1 do set u=1 o=1 residual=512", "failed | recovers"),
	RUN("act.din.bad-residual", "more than there is", WRITE,
	    "on data-in op=read s=1 times=1 do set u=1 residual=0x7fffffff", "failed | recovers"),
	/* Or what is missing is asked for alone. */
	RUN("act.din.underflow", NULL, WRITE, "on result op=read times=1 do short by=512",
	    "failed | again | anywhere scsi-command edtl=512"),
	RUN("act.din.overflow", NULL, WRITE,
	    "on data-in op=read s=1 times=1 do set o=1 residual=4096", "failed | again"),
	{.id = "act.din.interleave",
	 .never = "this target sends the data of one command after that of the other"},
	{.id = "act.din.out-of-order-sequences",
	 .never = "this target sends sequences in order, whatever was negotiated"},

	STATUS("act.rsp.check-nosense", "read", "status check-condition", "failed | again"),
	{.id = "act.rsp.sense-long",
	 .variant = "SenseLength 65535",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on scsi-response op=read status=check-condition times=1 do bytes at=data+0 "
		   "hex=ffff",
		   "on command op=read times=1 do sense 3/11/00"},
	 .must = {"failed | recovers | again"}},
	{.id = "act.rsp.sense-long",
	 .variant = "SenseLength 0",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on scsi-response op=read status=check-condition times=1 do bytes at=data+0 "
		   "hex=0000",
		   "on command op=read times=1 do sense 3/11/00"},
	 .must = {"failed | recovers | again"}},
	STATUS("act.rsp.sense-descriptor", "read",
	       "sense 3/11/00 format=descriptor information=lba", "failed | again"),
	STATUS("act.rsp.sense-deferred", "write", "sense 3/0c/00 deferred=yes", "failed | again"),
	RUN("act.rsp.response-code", "1", WRITE, ON_WRITE "set response=1",
	    "failed | recovers | again"),
	RUN("act.rsp.response-code", "0x80", WRITE, ON_WRITE "set response=0x80",
	    "failed | recovers | again"),
	RUN("act.rsp.response-code", "0x7f", WRITE, ON_WRITE "set response=0x7f",
	    "failed | recovers | again"),
	STATUS("act.rsp.reserved-status", "read", "status 0x11", "failed | again"),
	{.id = "act.rsp.expdatasn",
	 .work = CHECK_WORK_BIG,
	 .policy = "initial_r2t = true;",
	 .rules = {ON_WRITE "set expdatasn=+1"},
	 .must = {"failed | recovers | anywhere snack-request"}},
	RUN("act.rsp.unknown-itt", NULL, WRITE,
	    ON_WRITE "insert scsi-response after=yes itt=0x7e577e57", "ok | recovers"),
	RUN("act.rsp.duplicate", NULL, WRITE, ON_WRITE "insert scsi-response after=yes task=yes",
	    "ok | recovers"),
	RUN("act.rsp.busy", NULL, WRITE, "on command op=read times=3 do status busy", "again",
	    "again-most 100", "ok"),
	RUN("act.rsp.task-set-full", NULL, PARALLEL,
	    "on command op=read,write from=5 times=5 do status task-set-full", "again",
	    "again-most 100", "ok"),
	STATUS("act.rsp.reservation-conflict", "read", "status reservation-conflict", "failed",
	       "no again"),
	STATUS("act.rsp.aca-active", "read", "status aca-active", "failed | again"),
	STATUS("act.rsp.task-aborted", "read", "status task-aborted", "failed | again"),
	RUN("act.rsp.condition-met", NULL, PREFETCH,
	    "on command op=0x34,0x90 times=1 do status condition-met", "ok"),
	STATUS("act.rsp.crc-sense", "write", "sense b/47/05", "failed | again"),
	STATUS("act.rsp.unexpected-unsolicited", "write", "sense b/0c/0c", "failed | again"),
	STATUS("act.rsp.incorrect-amount", "write", "sense b/0c/0d", "failed | again"),
	{.id = "act.rsp.snack-reject-sense",
	 .work = CHECK_WORK_BIG,
	 .policy = "error_recovery_level = 1;",
	 .rules = {"on snack-request times=1 do reject 3",
		   "on data-in op=read datasn=1 s=0 times=1 do drop"},
	 .must = {"failed | again | recovers"}},
	RUN("act.rsp.status-with-data", NULL, WRITE, ON_WRITE "segment len=32 fill=00",
	    "ok | failed | recovers"),
	RUN("act.rsp.bidi-residual", NULL, WRITE, ON_WRITE "set bo=1 bidi-residual=512", "ok"),
};

const struct check_rows check_rows_a5 = ROWS(runs);
