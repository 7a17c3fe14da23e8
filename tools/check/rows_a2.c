/*
 * Login: what a bad target answers.
 */
#include "tools/check/rows_internal.h"

/* An answer to `key` that no initiator may take. */
#define ANSWERED(check_id, key, value)                                                        \
	{                                                                                     \
		.id = (check_id), .variant = key "=" value, .work = CHECK_WORK_LOGIN,         \
		.rules = {"on login-response has=" key " times=1 do key-set " key "=" value}, \
		.needs = "offered " key, .must = {                                            \
			"closed"                                                              \
		}                                                                             \
	}
/* The same where the value is wrong only if it was not what the initiator said itself. */
#define ANSWERED_OTHER(check_id, key, value)                                                  \
	{                                                                                     \
		.id = (check_id), .variant = key "=" value, .work = CHECK_WORK_LOGIN,         \
		.rules = {"on login-response has=" key " times=1 do key-set " key "=" value}, \
		.needs = "no offered " key "=" value, .must = {                               \
			"closed"                                                              \
		}                                                                             \
	}
/* A text that is none, instead of the whole answer. */
#define BROKEN(words, text)                                                                    \
	{                                                                                      \
		.id = "act.neg.text-malformed", .variant = (words), .work = CHECK_WORK_LOGIN,  \
		.rules = {"on login-response stage=operational times=1 do text \"" text "\""}, \
		.must = {                                                                      \
			"closed"                                                               \
		}                                                                              \
	}
#define TAKEN(check_id, key, value)                                                           \
	{                                                                                     \
		.id = (check_id), .variant = key "=" value, .work = CHECK_WORK_WRITE,         \
		.rules = {"on login-response has=" key " times=1 do key-set " key "=" value}, \
		.needs = "offered " key, .must = {                                            \
			"ok"                                                                  \
		}                                                                             \
	}
#define TAKEN_OR_NOT(check_id, key, value)                                                    \
	{                                                                                     \
		.id = (check_id), .variant = key "=" value, .work = CHECK_WORK_WRITE,         \
		.rules = {"on login-response has=" key " times=1 do key-set " key "=" value}, \
		.needs = "offered " key, .must = {                                            \
			"ok | closed"                                                         \
		}                                                                             \
	}

#define BYTES_32  "0123456789abcdef0123456789abcdef"
#define BYTES_64  BYTES_32 BYTES_32
#define UTF8_15	  "\\xc3\\xa4\\xc3\\xb6\\xc3\\xbc\\xe2\\x82\\xac\\xe2\\x82\\xac\\xe2\\x82\\xac"
#define ALIAS_255 UTF8_15 BYTES_64 BYTES_64 BYTES_64 BYTES_32 "0123456789abcdef"

static const struct check_run runs[] = {
	ANSWERED("act.neg.not-offered-list", "HeaderDigest", "SHA256"),
	{.id = "act.neg.auth-not-offered",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {"on login-response has=AuthMethod times=1 do key-set AuthMethod=KRB5"},
	 .must = {"closed"}},
	ANSWERED_OTHER("act.neg.number-above-min", "MaxBurstLength", "16777215"),
	ANSWERED_OTHER("act.neg.number-above-min", "FirstBurstLength", "16777215"),
	ANSWERED_OTHER("act.neg.number-below-max", "DefaultTime2Wait", "0"),
	ANSWERED_OTHER("act.neg.time2retain", "DefaultTime2Retain", "3600"),
	ANSWERED_OTHER("act.neg.outstanding-r2t", "MaxOutstandingR2T", "65535"),
	ANSWERED_OTHER("act.neg.erl-above", "ErrorRecoveryLevel", "2"),
	ANSWERED_OTHER("act.neg.maxconn-above", "MaxConnections", "65535"),
	{.id = "act.neg.firstburst-gt-maxburst",
	 .work = CHECK_WORK_BIG,
	 .rules = {"on login-response has=MaxBurstLength times=1 do key-set MaxBurstLength=512 do "
		   "key-set FirstBurstLength=65536"},
	 .must = {"closed | no anywhere data-out ttt=none offset>511",
		  "closed | no anywhere scsi-command dsl>512"}},
	{.id = "act.neg.out-of-range",
	 .variant = "MaxRecvDataSegmentLength=0",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on login-response stage=operational times=1 do key-set "
		   "MaxRecvDataSegmentLength=0"},
	 .must = {"closed"}},
	{.id = "act.neg.out-of-range",
	 .variant = "MaxRecvDataSegmentLength=511",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on login-response stage=operational times=1 do key-set "
		   "MaxRecvDataSegmentLength=511"},
	 .must = {"closed"}},
	{.id = "act.neg.out-of-range",
	 .variant = "MaxRecvDataSegmentLength=16777216",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on login-response stage=operational times=1 do key-set "
		   "MaxRecvDataSegmentLength=16777216"},
	 .must = {"closed"}},
	ANSWERED("act.neg.out-of-range", "MaxBurstLength", "0"),
	{.id = "act.neg.mrdsl-512",
	 .work = CHECK_WORK_BIG,
	 .policy = "max_recv_data_segment_len = 512;",
	 .flags = CHECK_NO_AFTERMATH,
	 .needs = "least 1 scsi-command w=1",
	 .must = {"ok", "clean frame.dsl-limit"}},
	{.id = "act.neg.mrdsl-max",
	 .work = CHECK_WORK_BIG,
	 .policy = "max_recv_data_segment_len = 16777215;",
	 .flags = CHECK_NO_AFTERMATH,
	 .needs = "least 1 login-request",
	 .must = {"ok"}},
	ANSWERED("act.neg.bool-illegal", "ImmediateData", "yes"),
	ANSWERED("act.neg.bool-illegal", "ImmediateData", "True"),
	ANSWERED("act.neg.bool-illegal", "ImmediateData", "1"),
	ANSWERED("act.neg.bool-illegal", "InitialR2T", "Maybe"),
	{.id = "act.neg.bool-or",
	 .work = CHECK_WORK_BIG,
	 .policy = "initial_r2t = true; max_recv_data_segment_len = 4096;",
	 .rules = {"on login-response has=InitialR2T times=1 do key-set InitialR2T=No"},
	 .needs = "offered InitialR2T=Yes",
	 .must = {"closed | no anywhere data-out ttt=none"}},
	{.id = "act.neg.bool-and",
	 .work = CHECK_WORK_WRITE,
	 .policy = "immediate_data = false;",
	 .rules = {"on login-response has=ImmediateData times=1 do key-set ImmediateData=Yes"},
	 .needs = "offered ImmediateData=No",
	 .must = {"closed | no anywhere scsi-command dsl>0"}},
	TAKEN_OR_NOT("act.neg.order-keys", "DataPDUInOrder", "No"),
	TAKEN_OR_NOT("act.neg.order-keys", "DataSequenceInOrder", "No"),
	TAKEN_OR_NOT("act.neg.reserved-answers", "MaxBurstLength", "Reject"),
	TAKEN_OR_NOT("act.neg.reserved-answers", "HeaderDigest", "Reject"),
	TAKEN("act.neg.reserved-answers", "FirstBurstLength", "Irrelevant"),
	TAKEN("act.neg.reserved-answers", "MaxOutstandingR2T", "Irrelevant"),
	TAKEN_OR_NOT("act.neg.reserved-answers", "MaxConnections", "NotUnderstood"),
	TAKEN_OR_NOT("act.neg.reserved-answers", "ImmediateData", "NotUnderstood"),
	{.id = "act.neg.redeclare",
	 .variant = "in one PDU",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response has=ImmediateData times=1 do key-add ImmediateData=No"},
	 .must = {"closed"}},
	{.id = "act.neg.redeclare",
	 .variant = "in two",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational nth=2 do key-set ImmediateData=Yes",
		   "on login-request stage=operational times=1 do set t=0"},
	 .must = {"closed"}},
	BROKEN("no =", "MaxBurstLength\\x00"),
	BROKEN("no NUL", "MaxBurstLength=65536"),
	BROKEN("no key", "=65536\\x00"),
	BROKEN("a key of 64 bytes", "X" BYTES_32 "0123456789abcdef0123456789abcde=1\\x00"),
	BROKEN("a value of 256 bytes", "TargetAlias=" BYTES_64 BYTES_64 BYTES_64 BYTES_64 "\\x00"),
	BROKEN("two NULs", "MaxBurstLength=65536\\x00\\x00ImmediateData=Yes\\x00"),
	BROKEN("control characters", "Max\\x01\\x02BurstLength=65536\\x00"),
	TAKEN("act.neg.hex-number", "FirstBurstLength", "0x10000"),
	ANSWERED("act.neg.range-answer", "MaxBurstLength", "512~65536"),
	{.id = "act.neg.key-order",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on login-response stage=operational times=1 do key-reverse"},
	 .must = {"ok"}},
	{.id = "act.neg.omitted-answer",
	 .work = CHECK_WORK_BIG,
	 .policy = "first_burst_len = \"1M\"; initial_r2t = false; "
		   "max_recv_data_segment_len = 8192;",
	 .rules = {"on login-response has=FirstBurstLength times=1 do key-drop FirstBurstLength"},
	 .needs = "least 1 data-out ttt=none | closed",
	 .must = {"closed | no anywhere data-out ttt=none offset>65535"}},
	{.id = "act.neg.alias-long",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational times=1 do key-set \"TargetAlias=" ALIAS_255
		   "\""},
	 .must = {"ok"}},
	{.id = "act.neg.markers",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response has=IFMarker times=1 do key-set IFMarker=Irrelevant"},
	 .must = {"ok"}},
	{.id = "act.neg.digest-forced",
	 .work = CHECK_WORK_WRITE,
	 .flags = CHECK_DIGESTS,
	 .rules = {"on sent stage=full-feature times=1 do header-digest"},
	 .needs = "offered HeaderDigest=CRC32C | offered HeaderDigest=CRC32C,None | offered "
		  "HeaderDigest=None,CRC32C",
	 .must = {"recovers | closed"}},
	{.id = "act.neg.erl-reject",
	 .work = CHECK_WORK_READ,
	 .policy = "max_burst_len = 512; first_burst_len = 512; max_recv_data_segment_len = 512; "
		   "max_outstanding_r2t = 1;",
	 .flags = CHECK_NO_AFTERMATH,
	 .needs = "least 1 data-out",
	 .must = {"ok", "clean frame.dsl-limit", "clean dout.firstburst-limit"}},
};

const struct check_rows check_rows_a2 = ROWS(runs);
