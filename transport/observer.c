/*
 * The ledger: what came up, what was found.
 */
#include "transport/observer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/observer_internal.h"

const char *iscsi_verdict_name(enum iscsi_verdict verdict)
{
	switch (verdict) {
	case ISCSI_VERDICT_NOT_SEEN:
		return "NOT-SEEN";
	case ISCSI_VERDICT_PASS:
		return "PASS";
	case ISCSI_VERDICT_INFO:
		return "INFO";
	case ISCSI_VERDICT_WARN:
		return "WARN";
	case ISCSI_VERDICT_FAIL:
		return "FAIL";
	}
	return "NOT-SEEN";
}

struct iscsi_observer *iscsi_observer_create(void)
{
	struct iscsi_observer *observer = calloc(1, sizeof(*observer));

	if (!observer)
		return NULL;
	for (unsigned i = ISCSI_CHECK_NONE + 1; i < ISCSI_CHECK_COUNT; i++) {
		const struct iscsi_check *row = iscsi_check_row((enum iscsi_passive_check)i);
		observer->severity[i] = row ? row->severity : ISCSI_SEVERITY_MUST;
	}
	return observer;
}

void iscsi_observer_free(struct iscsi_observer **observer)
{
	if (!*observer)
		return;
	assert((*observer)->watch_count == 0 && !(*observer)->sessions);
	free(*observer);
	*observer = NULL;
}

void iscsi_observer_clear(struct iscsi_observer *observer)
{
	memset(observer->ledger, 0, sizeof(observer->ledger));
	observer->finding_count = 0;
	observer->missed = 0;
}

struct iscsi_tally iscsi_observer_tally(const struct iscsi_observer *observer,
					enum iscsi_passive_check check)
{
	struct iscsi_tally tally = {
		.judged = observer->ledger[check].judged,
		.found = observer->ledger[check].found,
		.verdict = observer->ledger[check].worst,
	};

	if (tally.judged > 0 && tally.verdict == ISCSI_VERDICT_NOT_SEEN)
		tally.verdict = ISCSI_VERDICT_PASS;
	return tally;
}

const struct iscsi_finding *iscsi_observer_finding(const struct iscsi_observer *observer,
						   size_t index)
{
	return index < observer->finding_count ? &observer->findings[index] : NULL;
}

uint64_t iscsi_observer_missed(const struct iscsi_observer *observer)
{
	return observer->missed;
}

/* --- findings --------------------------------------------------------------------------------- */

static void fill_session(struct iscsi_finding *finding, const struct iscsi_watch *watch)
{
	const struct seen_session *session = watch->session;
	const char *initiator = session ? session->initiator : watch->login.initiator;
	const char *target = session ? session->target : watch->login.target;

	memcpy(finding->initiator, initiator, strnlen(initiator, ISCSI_OBSERVER_NAME_MAX));
	memcpy(finding->target, target, strnlen(target, ISCSI_OBSERVER_NAME_MAX));
	memcpy(finding->isid, session ? session->isid : watch->login.first.isid,
	       sizeof(finding->isid));
	finding->tsih = session ? session->tsih : watch->login.first.tsih;
	finding->cid = watch->cid;
}

static struct iscsi_finding make_finding(const struct iscsi_watch *watch,
					 enum iscsi_passive_check check, enum iscsi_verdict verdict)
{
	struct iscsi_finding finding = {
		.check = check,
		.verdict = verdict,
		.ms = watch->now_ms,
		.pdu = watch->from_target ? watch->sent : watch->received,
		.from_target = watch->from_target,
	};

	fill_session(&finding, watch);
	if (watch->bhs)
		memcpy(finding.bhs, watch->bhs, sizeof(finding.bhs));
	return finding;
}

static void find(struct iscsi_watch *watch, enum iscsi_passive_check check,
		 enum iscsi_verdict verdict, const char *expected, const char *got, va_list args)
{
	struct iscsi_observer *observer = watch->observer;

	if (verdict > observer->ledger[check].worst)
		observer->ledger[check].worst = verdict;
	bool is_kept = observer->ledger[check].found++ < ISCSI_OBSERVER_FINDINGS_EACH &&
		       observer->finding_count < ISCSI_OBSERVER_FINDINGS_MAX;
	if (!is_kept && !watch->told)
		return;
	struct iscsi_finding finding = make_finding(watch, check, verdict);
	snprintf(finding.expected, sizeof(finding.expected), "%s", expected);
	vsnprintf(finding.got, sizeof(finding.got), got, args);
	if (is_kept)
		observer->findings[observer->finding_count++] = finding;
	if (watch->told)
		watch->told(watch->told_context, &finding);
}

static enum iscsi_verdict verdict_of(enum iscsi_severity severity)
{
	switch (severity) {
	case ISCSI_SEVERITY_SHOULD:
	case ISCSI_SEVERITY_ROBUST:
		return ISCSI_VERDICT_WARN;
	case ISCSI_SEVERITY_RECORD:
		return ISCSI_VERDICT_INFO;
	case ISCSI_SEVERITY_MUST:
	case ISCSI_SEVERITY_INVALID:
		break;
	}
	return ISCSI_VERDICT_FAIL;
}

void watch_judge(struct iscsi_watch *watch, enum iscsi_passive_check check, bool ok,
		 const char *expected, const char *got, ...)
{
	va_list args;

	watch->observer->ledger[check].judged++;
	if (ok)
		return;
	va_start(args, got);
	find(watch, check, verdict_of(watch->observer->severity[check]), expected, got, args);
	va_end(args);
}

bool watch_judge_equal(struct iscsi_watch *watch, enum iscsi_passive_check check, const char *what,
		       uint32_t expected, uint32_t got)
{
	char words[ISCSI_OBSERVER_WORDS_MAX];

	if (expected == got) {
		watch->observer->ledger[check].judged++;
		return true;
	}
	snprintf(words, sizeof(words), "%s 0x%08x", what, expected);
	watch_judge(watch, check, false, words, "0x%08x", got);
	return false;
}

void watch_note(struct iscsi_watch *watch, enum iscsi_passive_check check, const char *expected,
		const char *got, ...)
{
	va_list args;

	va_start(args, got);
	find(watch, check, ISCSI_VERDICT_INFO, expected, got, args);
	va_end(args);
}
