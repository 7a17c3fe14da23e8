/*
 * CHAP.
 */
#include "tools/check/rows_internal.h"

/* What the target says in the course of CHAP, and no initiator may go on after. */
#define CLOSES(check_id, words, extra_flags, rule)                              \
	{                                                                       \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_LOGIN, \
		.flags = CHECK_CHAP | (extra_flags), .rules = {rule}, .must = { \
			"closed"                                                \
		}                                                               \
	}
/* What it may say, and gets the right answer to; the target itself does not know of it. */
#define ANSWERED(check_id, words, extra_flags, rule)                            \
	{                                                                       \
		.id = (check_id), .variant = (words), .work = CHECK_WORK_LOGIN, \
		.flags = CHECK_CHAP | (extra_flags), .rules = {rule}, .must = { \
			"proves"                                                \
		}                                                               \
	}
#define ALGORITHM(number, settings)                                                          \
	{                                                                                    \
		.id = "act.chap.alg-offered", .variant = (number), .work = CHECK_WORK_LOGIN, \
		.flags = CHECK_CHAP | CHECK_NO_AFTERMATH, .policy = (settings),              \
		.needs = "offered CHAP_A", .must = {                                         \
			"ok"                                                                 \
		}                                                                            \
	}

#define ON_CHALLENGE "on login-response has=CHAP_C times=1 do "
#define ON_PROOF     "on login-response has=CHAP_R times=1 do "
#define NAME_51	     "a-name-of-fifty-one-characters-that-goes-on-for-ever"

static const struct check_run runs[] = {
	CLOSES("act.chap.a-not-offered", NULL, 0,
	       "on login-response has=CHAP_A times=1 do key-set CHAP_A=99"),
	CLOSES("act.chap.a-nonnumeric", NULL, 0,
	       "on login-response has=CHAP_A times=1 do key-set CHAP_A=MD5"),
	CLOSES("act.chap.order", "a challenge without an algorithm", 0,
	       "on login-response has=CHAP_A times=1 do key-drop CHAP_A"),
	CLOSES("act.chap.order", "a challenge before the algorithm", 0,
	       "on login-response has=AuthMethod times=1 do key-add CHAP_I=1 do key-add "
	       "CHAP_C=0x00112233445566778899aabbccddeeff"),
	CLOSES("act.chap.i-invalid", "256", 0, ON_CHALLENGE "key-set CHAP_I=256"),
	CLOSES("act.chap.i-invalid", "-1", 0, ON_CHALLENGE "key-set CHAP_I=-1"),
	CLOSES("act.chap.i-invalid", "abc", 0, ON_CHALLENGE "key-set CHAP_I=abc"),
	ANSWERED("act.chap.i-large", "0xff", 0, ON_CHALLENGE "key-set CHAP_I=0xff"),
	ANSWERED("act.chap.i-large", "255", 0, ON_CHALLENGE "key-set CHAP_I=255"),
	ANSWERED("act.chap.i-large", "0", 0, ON_CHALLENGE "key-set CHAP_I=0"),
	ANSWERED("act.chap.i-same", NULL, CHECK_TWICE,
		 "on login-response has=CHAP_C do key-set CHAP_I=7"),
	{.id = "act.chap.i-reflected",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL | CHECK_TWICE | CHECK_NO_AFTERMATH,
	 .needs = "offered CHAP_C",
	 .must = {"distinct CHAP_I | distinct CHAP_C"}},
	ANSWERED("act.chap.c-big", NULL, 0, ON_CHALLENGE "key-len CHAP_C=1024"),
	{.id = "act.chap.c-small",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {ON_CHALLENGE "key-set CHAP_C=0x5a"},
	 .must = {"proves | closed"}},
	CLOSES("act.chap.c-too-big", NULL, 0, ON_CHALLENGE "key-len CHAP_C=1025"),
	CLOSES("act.chap.c-too-small", NULL, 0, ON_CHALLENGE "key-set CHAP_C=0x"),
	ANSWERED("act.chap.c-odd-hex", "odd number of digits", 0,
		 ON_CHALLENGE "key-set CHAP_C=0xabc0123456789abcdef0123456789abcdef"),
	ANSWERED("act.chap.c-odd-hex", "upper case", 0,
		 ON_CHALLENGE "key-set CHAP_C=0xABCDEF0123456789ABCDEF0123456789"),
	ANSWERED("act.chap.c-base64", NULL, 0,
		 ON_CHALLENGE "key-set CHAP_C=0bAAECAwQFBgcICQoLDA0ODw=="),
	{.id = "act.chap.c-repeat",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL | CHECK_TWICE | CHECK_NO_AFTERMATH,
	 .needs = "offered CHAP_C",
	 .must = {"distinct CHAP_C"}},
	{.id = "act.chap.reflect",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL,
	 .rules = {"on login-response has=CHAP_C nth=2 do key-echo CHAP_C",
		   "on login-request has=CHAP_R times=1 do rst"},
	 .needs = "offered CHAP_C",
	 .must = {"no said CHAP_R"}},
	{.id = "act.chap.n-forms",
	 .variant = "1 byte",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL,
	 .rules = {ON_PROOF "key-set CHAP_N=t"},
	 .needs = "offered CHAP_C",
	 .must = {"ok | closed"}},
	{.id = "act.chap.n-forms",
	 .variant = "255 bytes",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL,
	 .rules = {ON_PROOF "key-set CHAP_N=" NAME_51 NAME_51 NAME_51 NAME_51 NAME_51},
	 .needs = "offered CHAP_C",
	 .must = {"ok | closed"}},
	CLOSES("act.chap.n-forms", "the initiator's own", CHECK_MUTUAL,
	       ON_PROOF "key-set CHAP_N={user}"),
	CLOSES("act.chap.r-wrong", NULL, CHECK_MUTUAL, ON_PROOF "key-flip CHAP_R"),
	CLOSES("act.chap.r-length", "17 bytes", CHECK_MUTUAL, ON_PROOF "key-len CHAP_R=17"),
	CLOSES("act.chap.r-length", "15 bytes", CHECK_MUTUAL, ON_PROOF "key-len CHAP_R=15"),
	CLOSES("act.chap.r-length", "none", CHECK_MUTUAL, ON_PROOF "key-set CHAP_R=0x"),
	CLOSES("act.chap.r-missing", NULL, CHECK_MUTUAL,
	       ON_PROOF "key-drop CHAP_R do key-drop CHAP_N"),
	CLOSES("act.chap.early-t", NULL, CHECK_MUTUAL,
	       ON_CHALLENGE "set t=1 nsg=1 do key-drop CHAP_A do key-drop CHAP_I do key-drop "
			    "CHAP_C"),
	{.id = "act.chap.downgrade",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {"on login-response has=AuthMethod times=1 do key-set AuthMethod=None"},
	 .needs = "offered AuthMethod=CHAP",
	 .must = {"closed"}},
	{.id = "act.chap.none-offered",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP,
	 .rules = {"on login-response has=AuthMethod times=1 do key-set AuthMethod=None"},
	 .needs = "offered AuthMethod=CHAP,None",
	 .must = {"sent login-request"}},
	{.id = "act.chap.same-secret",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_MUTUAL | CHECK_SAME_SECRET | CHECK_NO_AFTERMATH,
	 .needs = "offered CHAP_C | no offered CHAP_R",
	 .must = {"no offered CHAP_R | prints same | prints equal"}},
	{.id = "act.chap.short-secret",
	 .work = CHECK_WORK_LOGIN,
	 .flags = CHECK_CHAP | CHECK_SHORT_SECRET | CHECK_NO_AFTERMATH,
	 .must = {"no offered CHAP_R | prints short | prints weak | prints 96"}},
	ALGORITHM("5", "chap_sha1 = false;"),
	ALGORITHM("7 or 8", "chap_md5 = false; chap_sha1 = false;"),
};

const struct check_rows check_rows_a3 = ROWS(runs);
