/*
 * Text and discovery.
 */
#include "tools/check/rows_internal.h"

#define RUN(check_id, words, rule, ...)                                            \
	{                                                                          \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_DISCOVER, \
		.rules = {rule}, .must = {                                         \
			__VA_ARGS__                                                \
		}                                                                  \
	}
#define ANSWER(text)   "on text-response times=1 do text \"" text "\""
#define ADDRESS(value) "TargetName={target}\\x00TargetAddress=" value "\\x00"
/* A=1 */
#define ONE_KEY "413d3100"
#define NAME_64 "long-names-are-cut-by-programs-that-have-too-little-room-in-them"

static const struct check_run runs[] = {
	RUN("act.text.continuation", NULL, "on text-request times=1 do pieces 60",
	    "sent text-request itt=stimulus dsl=0", "ok"),
	RUN("act.text.ttt-f1", NULL, "on text-response times=1 do set ttt=0x77",
	    "no sent text-request ttt=0x77", "logout | no relogin", "ok"),
	RUN("act.text.f0-reserved", NULL, "on text-response times=1 do set f=0 ttt=none",
	    "closed | failed", "most 5 text-request"),
	RUN("act.text.extra-keys", NULL,
	    "on text-response times=1 do key-add MaxRecvDataSegmentLength=512",
	    "no sent text-request", "ok | closed"),
	RUN("act.text.reject", NULL, "on text-request times=1 do reject 4",
	    "sent text-request | logout"),
	RUN("act.text.c-bit", NULL, "on text-request times=1 do pieces 17", "least 3 text-request",
	    "ok"),
	RUN("act.text.ttt-reuse", NULL,
	    "on text-request do insert text-response task=yes f=0 ttt=1 bytes=" ONE_KEY " do drop",
	    "ended", "most 100 text-request"),
	RUN("act.disc.huge", NULL, "on text-request times=1 do records 10000", "ended"),
	RUN("act.disc.dup", NULL,
	    ANSWER(ADDRESS("{portal},1") "TargetAddress={portal},1\\x00" ADDRESS("{portal},1")),
	    "ok"),
	RUN("act.disc.ipv6", "global", ANSWER(ADDRESS("[2001:db8::1]:3260,1")), "ok"),
	RUN("act.disc.ipv6", "link-local", ANSWER(ADDRESS("[fe80::1%eth0]:3260,1")), "ok"),
	RUN("act.disc.bad-tpgt", "none", ANSWER(ADDRESS("{portal}")), "ended"),
	RUN("act.disc.bad-tpgt", "65536", ANSWER(ADDRESS("{portal},65536")), "ended"),
	RUN("act.disc.bad-tpgt", "empty", ANSWER(ADDRESS("{portal},")), "ended"),
	RUN("act.disc.bad-tpgt", "text", ANSWER(ADDRESS("{portal},one")), "ended"),
	RUN("act.disc.empty", NULL, "on text-response times=1 do segment len=0", "ok"),
	RUN("act.disc.addr-first", NULL,
	    ANSWER("TargetAddress={portal},1\\x00TargetName={target}\\x00"), "closed | failed"),
	RUN("act.disc.long-name", "more than 223 bytes",
	    ANSWER("TargetName=iqn.2026-11.org.example:" NAME_64 NAME_64 NAME_64
		   "and-a-bit-more-x\\x00TargetAddress={portal},1\\x00"),
	    "failed | no prints " NAME_64),
	RUN("act.disc.long-name", "control characters",
	    ANSWER("TargetName=iqn.2026-11.org.example:\\x1b[2Jterminal\\x00TargetAddress={portal},1"
		   "\\x00"),
	    "failed | no prints \x1b[2J"),
	RUN("act.disc.no-address", NULL, ANSWER("TargetName={target}\\x00"), "ok"),
	RUN("act.disc.dns", NULL,
	    ANSWER(ADDRESS("nohost.invalid:3260,1") "TargetAddress={portal},1\\x00"), "ok"),
};

const struct check_rows check_rows_a8 = ROWS(runs);
