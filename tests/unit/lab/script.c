#include "tests/unit/lab/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

void line(struct script *s, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	s->len += (size_t)vsnprintf(s->text + s->len, sizeof(s->text) - s->len, format, arguments);
	va_end(arguments);
	ck_assert_uint_lt(s->len, sizeof(s->text));
}

void begin(struct script *s, const char *profile, unsigned nexuses)
{
	memset(s, 0, sizeof(*s));
	line(s,
	     "{\"holdfast_history\":1,\"profile\":\"%s\",\"block_size\":512,"
	     "\"aptpl_claimed\":true}\n",
	     profile);
	for (unsigned i = 0; i < nexuses; i++) {
		line(s,
		     "{\"at_ns\":%lu,\"kind\":\"nexus\",\"number\":%u,\"name\":\"iqn.t:%u\","
		     "\"target_port\":1}\n",
		     s->at++, i, i);
		line(s, "{\"at_ns\":%lu,\"kind\":\"login\",\"nexus\":%u}\n", s->at++, i);
	}
}

unsigned long inv(struct script *s, unsigned nexus, const char *what)
{
	unsigned long command = ++s->command;
	line(s, "{\"at_ns\":%lu,\"kind\":\"invoke\",\"nexus\":%u,\"command\":%lu,%s}\n", s->at++,
	     nexus, command, what);
	return command;
}

void ret(struct script *s, unsigned nexus, unsigned long command, const char *what)
{
	line(s, "{\"at_ns\":%lu,\"kind\":\"return\",\"nexus\":%u,\"command\":%lu,%s}\n", s->at++,
	     nexus, command, what);
}

void run(struct script *s, unsigned nexus, const char *what, const char *result)
{
	ret(s, nexus, inv(s, nexus, what), result);
}

void happens(struct script *s, const char *kind, int nexus)
{
	if (nexus < 0)
		line(s, "{\"at_ns\":%lu,\"kind\":\"%s\"}\n", s->at++, kind);
	else
		line(s, "{\"at_ns\":%lu,\"kind\":\"%s\",\"nexus\":%d}\n", s->at++, kind, nexus);
}

struct judge_report *verdict(const struct script *s)
{
	FILE *in = fmemopen((void *)(uintptr_t)s->text, s->len, "r");
	struct judge_options options = {.states_max = 0};
	struct judge_report *report = NULL;
	struct history *history = NULL;
	struct history_error error;

	ck_assert_msg(history_read(in, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	ck_assert_int_eq(judge(history, &options, &report), 0);
	fclose(in);
	history_free(&history);
	return report;
}

void accepted(const struct script *s)
{
	struct judge_report *report = verdict(s);
	ck_assert_msg(report->violation_count == 0, "%s: %s",
		      judge_rule_name(report->violations[0].rule), report->violations[0].text);
	ck_assert(!report->undecided);
	judge_report_free(&report);
}

void breaks(const struct script *s, enum judge_rule rule)
{
	struct judge_report *report = verdict(s);
	ck_assert_uint_ge(report->violation_count, 1);
	ck_assert_msg(report->violations[0].rule == rule, "%s instead of %s: %s",
		      judge_rule_name(report->violations[0].rule), judge_rule_name(rule),
		      report->violations[0].text);
	ck_assert_uint_gt(report->violations[0].event_count, 0);
	judge_report_free(&report);
}

void reserved(struct script *s, const char *profile, const char *reserve)
{
	begin(s, profile, 3);
	run(s, 0, REGISTER("0x0", "0xa"), GOOD);
	run(s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(s, 0, reserve, GOOD);
}
