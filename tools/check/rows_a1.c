/*
 * Login: stages, numbers, states.
 */
#include "tools/check/rows_internal.h"

#define HOLD_T(times) "on login-request stage=operational times=" #times " do set t=0"

/* A Login Response that no initiator may go on with. */
#define CLOSES(check_id, words, extra_flags, rule)                              \
	{                                                                       \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_LOGIN, \
		.flags = (extra_flags), .rules = {rule}, .must = {              \
			"closed"                                                \
		}                                                               \
	}
/* Refused with that status however often it asks. */
#define REFUSED(status)                                                                           \
	{                                                                                         \
		.id = "act.login.class2-no-retry", .variant = (status), .work = CHECK_WORK_LOGIN, \
		.rules = {"on login-request do refuse " status}, .must = {                        \
			"failed",                                                                 \
			"no full-feature",                                                        \
			"paced 10",                                                               \
			"most 8 login-request"                                                    \
		}                                                                                 \
	}
#define REDIRECTED(words, action)                                                               \
	{                                                                                       \
		.id = "act.login.redirect-empty", .variant = (words), .work = CHECK_WORK_LOGIN, \
		.rules = {"on login-request do " action}, .must = {                             \
			"failed",                                                               \
			"paced 20",                                                             \
			"no full-feature"                                                       \
		}                                                                               \
	}
#define REDIRECTED_TO(words, address)                                                           \
	{                                                                                       \
		.id = "act.login.redirect-forms", .variant = (words), .work = CHECK_WORK_LOGIN, \
		.flags = CHECK_TWO_PORTALS,                                                     \
		.rules = {"on login-request portal=1 do redirect " address}, .must = {          \
			"ok"                                                                    \
		}                                                                               \
	}

static const struct check_run runs[] = {
	{.id = "act.login.unknown-key",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational times=1 do key-add X-org.tester.probe=1",
		   HOLD_T(1),
		   "on login-request has=X-org.tester.probe do key-drop X-org.tester.probe"},
	 .must = {"said X-org.tester.probe=NotUnderstood", "ok"}},
	{.id = "act.login.target-proposes",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational times=1 do key-add iSCSIProtocolLevel=1",
		   HOLD_T(1),
		   "on login-request has=iSCSIProtocolLevel do key-drop iSCSIProtocolLevel"},
	 .needs = "no offered iSCSIProtocolLevel | said iSCSIProtocolLevel",
	 .must = {"said iSCSIProtocolLevel", "ok"}},
	{.id = "act.login.taskreporting",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational times=1 do key-add "
		   "TaskReporting=ResponseFence,FastAbort,RFC3720",
		   HOLD_T(1), "on login-request has=TaskReporting do key-drop TaskReporting"},
	 .must = {"said TaskReporting=ResponseFence | said TaskReporting=FastAbort | said "
		  "TaskReporting=RFC3720 | said TaskReporting=NotUnderstood"}},
	{.id = "act.login.t-delay",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {HOLD_T(3)},
	 .must = {"least 4 login-request", "ok", "clean login.no-redeclare",
		  "clean login.stage-codes"}},
	CLOSES("act.login.t-without-request", NULL, CHECK_CHAP,
	       "on login-response stage=security t=0 times=1 do set t=1 nsg=1"),
	CLOSES("act.login.nsg-greater", NULL, CHECK_CHAP,
	       "on login-response stage=security t=1 nsg=1 times=1 do set nsg=3"),
	CLOSES("act.login.csg-mismatch", NULL, CHECK_CHAP,
	       "on login-response csg=0 times=1 do set csg=1"),
	CLOSES("act.login.nsg-reserved", NULL, 0, "on login-response t=1 times=1 do set nsg=2"),
	CLOSES("act.login.t-and-c", NULL, 0, "on login-response t=1 times=1 do set c=1"),
	{.id = "act.login.c-chain",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-request stage=operational times=1 do pieces 100"},
	 .must = {"sent login-request dsl=0", "least 3 login-request", "ok"}},
	{.id = "act.login.many-rounds",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {HOLD_T(8)},
	 .must = {"least 9 login-request", "ok"}},
	{.id = "act.login.text-8k",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response stage=operational times=1 do text-pad 8192", HOLD_T(1)},
	 .must = {"sent login-request"}},
	CLOSES("act.login.text-over-8k", NULL, 0,
	       "on login-response stage=operational times=1 do segment len=8196 fill=41"),
	{.id = "act.login.statsn-start",
	 .variant = "0",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on accept do statsn 0"},
	 .must = {"ok", "clean login.expstatsn-ffp", "clean seq.expstatsn-valid"}},
	{.id = "act.login.statsn-start",
	 .variant = "0x80000000",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on accept do statsn 0x80000000"},
	 .must = {"ok", "clean login.expstatsn-ffp", "clean seq.expstatsn-valid"}},
	{.id = "act.login.statsn-start",
	 .variant = "0xffffffff",
	 .work = CHECK_WORK_WRITE,
	 .rules = {"on accept do statsn 0xffffffff"},
	 .must = {"ok", "clean login.expstatsn-ffp", "clean seq.expstatsn-valid"}},
	{.id = "act.login.statsn-skip",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {"on login-response index=2 times=1 do set statsn=+5"},
	 .must = {"closed"}},
	CLOSES("act.login.itt-mismatch", NULL, 0, "on login-response times=1 do set itt=^1"),
	CLOSES("act.login.foreign-pdu", "NOP-In", 0,
	       "on login-response times=1 do insert nop-in task=no ttt=1"),
	CLOSES("act.login.foreign-pdu", "Async Message", 0,
	       "on login-response times=1 do insert async event=1 parameter3=1 task=no"),
	CLOSES("act.login.foreign-pdu", "SCSI Response", 0,
	       "on login-response times=1 do insert scsi-response"),
	CLOSES("act.login.version-active", NULL, 0,
	       "on login-response times=1 do set version-active=5"),
	CLOSES("act.login.isid-echo", NULL, 0, "on login-response times=1 do set isid=^1"),
	CLOSES("act.login.tsih-zero-final", NULL, 0,
	       "on login-response t=1 nsg=3 times=1 do set tsih=0"),
	{.id = "act.login.tsih-early",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {"on login-response t=0 times=1 do set tsih=0x1234"},
	 .must = {"ok", "no sent login-request tsih=0x1234"}},
	{.id = "act.login.tpgt-missing",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response has=TargetPortalGroupTag times=1 do key-drop "
		   "TargetPortalGroupTag"},
	 .must = {"ok | closed"}},
	{.id = "act.login.tpgt-mismatch",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response session=normal has=TargetPortalGroupTag times=1 do key-set "
		   "TargetPortalGroupTag=77"},
	 .needs = "least 1 text-request",
	 .must = {"closed | failed"}},
	{.id = "act.login.silence",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-request times=2 do drop"},
	 .must = {"ended", "paced 5", "closed"}},
	{.id = "act.login.accept-close",
	 .variant = "after accept",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on accept times=30 do fin discard=yes"},
	 .must = {"ended", "paced 10"}},
	{.id = "act.login.accept-close",
	 .variant = "half a response",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response times=30 do truncate 24 then=fin"},
	 .must = {"ended", "paced 10"}},
	{.id = "act.login.reinstatement",
	 .work = CHECK_WORK_LOOP,
	 .rules = {"on scsi-command op=write nth=3 do dead"},
	 .must = {"reinstates"}},
	REFUSED("0201"),
	REFUSED("0202"),
	REFUSED("0203"),
	{.id = "act.login.class3-retry",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-request times=3 do refuse 0301"},
	 .must = {"least 4 login-request", "paced 10", "ok"}},
	{.id = "act.login.reserved-class",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response times=1 do set status-class=5"},
	 .must = {"closed"}},
	{.id = "act.login.nonzero-detail-success",
	 .work = CHECK_WORK_LOGIN,
	 .rules = {"on login-response t=1 nsg=3 times=1 do set status-detail=7"},
	 .must = {"ok | closed"}},
	CLOSES("act.login.close-after-failure", NULL, 0,
	       "on login-request times=1 do refuse 0203 open=yes"),
	{.id = "act.login.redirect-temp",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_TWO_PORTALS,
	 .rules = {"on login-request portal=1 do redirect {portal2}"},
	 .must = {"ok"}},
	{.id = "act.login.redirect-perm",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_TWO_PORTALS,
	 .rules = {"on login-request portal=1 do redirect {portal2} permanent=yes"},
	 .must = {"ok"}},
	{.id = "act.login.redirect-loop",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_TWO_PORTALS,
	 .rules = {"on login-request portal=1 do redirect {portal2}",
		   "on login-request portal=2 do redirect {portal}"},
	 .must = {"failed", "most 100 login-request"}},
	REDIRECTED("no address", "refuse 0101"),
	REDIRECTED("nonsense", "redirect :::::"),
	REDIRECTED("port 0", "redirect 127.0.0.1:0"),
	REDIRECTED("port 99999", "redirect 127.0.0.1:99999"),
	REDIRECTED_TO("IPv6 in brackets", "[::ffff:127.0.0.1]:{port2}"),
	REDIRECTED_TO("a name", "localhost:{port2}"),
	REDIRECTED_TO("with a portal group tag", "{portal2},2"),
	{.id = "act.login.redirect-early",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_TWO_PORTALS | CHECK_CHAP,
	 .rules = {"on login-request portal=1 index=1 do redirect {portal2}"},
	 .must = {"ok"}},
};

const struct check_rows check_rows_a1 = ROWS(runs);
