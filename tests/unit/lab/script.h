/*
 * Histories in a few words, and the judge on them. Times run by themselves.
 */
#ifndef TESTS_UNIT_LAB_SCRIPT_H
#define TESTS_UNIT_LAB_SCRIPT_H

#include "tools/lab/judge.h"

struct script {
	char text[65536];
	size_t len;
	unsigned long at, command;
};

/* A line as it stands. */
void line(struct script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Starts over: the head, and so many nexuses that are logged in. */
void begin(struct script *s, const char *profile, unsigned nexuses);
/* Sends; the number is for ret(). */
unsigned long inv(struct script *s, unsigned nexus, const char *what);
void ret(struct script *s, unsigned nexus, unsigned long command, const char *what);
/* Both, with nothing in between. */
void run(struct script *s, unsigned nexus, const char *what, const char *result);
/* An event with nothing but its kind; of a nexus, or of none (-1). */
void happens(struct script *s, const char *kind, int nexus);
/* 0 and 1 registered with 0xa and 0xb; 0 holds a reservation of this type. */
void reserved(struct script *s, const char *profile, const char *reserve);

/* For the caller to free. */
struct judge_report *verdict(const struct script *s);
void accepted(const struct script *s);
/* The first violation is of this rule. */
void breaks(const struct script *s, enum judge_rule rule);

#define GOOD	      "\"outcome\":\"good\""
#define CONFLICT      "\"outcome\":\"conflict\""
#define UNKNOWN	      "\"outcome\":\"unknown\""
#define UA(asc, ascq) "\"outcome\":\"check\",\"sense_key\":6,\"asc\":" #asc ",\"ascq\":" #ascq
#define CHECK(key, asc, ascq) \
	"\"outcome\":\"check\",\"sense_key\":" #key ",\"asc\":" #asc ",\"ascq\":" #ascq
#define REGISTER(old, new) \
	"\"op\":\"register\",\"key\":\"" old "\",\"action_key\":\"" new "\",\"aptpl\":true"
#define RESERVE(with, of) "\"op\":\"reserve\",\"key\":\"" with "\",\"type\":" of
#define RELEASE(with, of) "\"op\":\"release\",\"key\":\"" with "\",\"type\":" of
#define CLEAR(with)	  "\"op\":\"clear\",\"key\":\"" with "\""
#define PREEMPT(by, who, of) \
	"\"op\":\"preempt\",\"key\":\"" by "\",\"action_key\":\"" who "\",\"type\":" of
#define PREEMPT_AND_ABORT(by, who, of) \
	"\"op\":\"preempt_and_abort\",\"key\":\"" by "\",\"action_key\":\"" who "\",\"type\":" of
#define TUR		 "\"op\":\"test_unit_ready\""
#define READ_KEYS	 "\"op\":\"read_keys\""
#define READ_RESERVATION "\"op\":\"read_reservation\""
#define WRITE(lba, sequence) \
	"\"op\":\"write\",\"lba\":" #lba ",\"blocks\":1,\"sequence\":" #sequence
#define READ(lba)	       "\"op\":\"read\",\"lba\":" #lba ",\"blocks\":1"
#define HOLDS(nexus, sequence) GOOD ",\"tags\":[[" #nexus "," #sequence ",0]]"
#define HOLDS_NOTHING	       GOOD ",\"tags\":[null]"

#endif
