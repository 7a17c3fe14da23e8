/*
 * The verdict: each logical unit by itself, the order of its commands first, then its blocks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_internal.h"
#include "tools/lab/judge_smallest.h"

#define STATES_DEFAULT	8000000
#define VIOLATIONS_KEPT 100 /* a target that fails everywhere is told so often enough */

static const struct {
	const char *name, *text;
} rules[JUDGE_RULE_COUNT] = {
	[JUDGE_ORDER] = {"order", "the answers fit no order of the commands"},
	[JUDGE_FENCED_WRITE_ACKNOWLEDGED] =
		{"fenced_write_acknowledged",
		 "a nexus whose registration was removed wrote, and was told GOOD"},
	[JUDGE_FENCED_WRITE_ON_MEDIUM] =
		{"fenced_write_on_medium",
		 "a write that was refused, or that no reservation admitted, is on the medium"},
	[JUDGE_ABORTED_WRITE_ON_MEDIUM] =
		{"aborted_write_on_medium",
		 "a victim's write changed the medium after PREEMPT AND ABORT was GOOD"},
	[JUDGE_WRITE_BY_STRANGER] = {"write_by_stranger",
				     "a write was GOOD that the reservation does not admit"},
	[JUDGE_READ_BY_STRANGER] = {"read_by_stranger",
				    "a read was GOOD that the reservation does not admit"},
	[JUDGE_NEEDLESS_CONFLICT] = {"needless_conflict",
				     "RESERVATION CONFLICT where nothing forbids the command"},
	[JUDGE_PR_OUT_ADMITTED] = {"pr_out_admitted",
				   "a PERSISTENT RESERVE OUT was GOOD, or failed for another "
				   "reason, that had to be refused"},
	[JUDGE_SPC2_RESERVATION] = {"spc2_reservation",
				    "an SPC-2 RESERVE did not keep others out, or was GOOD where "
				    "it had to be refused"},
	[JUDGE_LOST_BY_CRASH] =
		{"lost_by_crash",
		 "registrations or a reservation with APTPL did not survive a crash"},
	[JUDGE_KEPT_OVER_CRASH] = {"kept_over_crash",
				   "registrations or a reservation are there after a crash that "
				   "were not to survive it"},
	[JUDGE_GENERATION] = {"generation", "PRGENERATION does not count the changes"},
	[JUDGE_KEYS] = {"keys", "the registered keys are not those that were registered"},
	[JUDGE_HOLDER] = {"holder", "the reservation is not the one that was made"},
	[JUDGE_UNIT_ATTENTION_LOST] = {"unit_attention_lost",
				       "a unit attention was due and was not reported"},
	[JUDGE_UNIT_ATTENTION_TWICE] = {"unit_attention_twice",
					"a unit attention was reported once too often"},
	[JUDGE_UNIT_ATTENTION_WRONG] = {"unit_attention_wrong",
					"a unit attention was reported that nothing established"},
	[JUDGE_STALE_READ] = {"stale_read", "a read shows what a later write had replaced"},
	[JUDGE_LOST_WRITE] = {"lost_write", "an acknowledged write is not on the medium"},
	[JUDGE_LOST_BY_POWER_CUT] =
		{"lost_by_power_cut",
		 "a write that was on stable storage (FUA, or SYNCHRONIZE CACHE "
		 "behind it) did not survive a power cut"},
	[JUDGE_TORN_WRITE] = {"torn_write", "a block holds pieces of two writes"},
};

const char *judge_rule_name(enum judge_rule rule)
{
	return rule > JUDGE_RULE_INVALID && rule < JUDGE_RULE_COUNT ? rules[rule].name : "?";
}

const char *judge_rule_text(enum judge_rule rule)
{
	return rule > JUDGE_RULE_INVALID && rule < JUDGE_RULE_COUNT ? rules[rule].text : "?";
}

bool judge_violation_make(struct judge_violation *ret_violation, enum judge_rule rule, uint16_t lun,
			  const size_t *events, size_t event_count)
{
	size_t *copy = malloc((event_count + 1) * sizeof(*copy));

	if (!copy)
		return false;
	memset(ret_violation, 0, sizeof(*ret_violation));
	ret_violation->rule = rule;
	ret_violation->lun = lun;
	ret_violation->accused = JUDGE_NO_EVENT;
	for (size_t i = 0; i < event_count; i++)
		if (ret_violation->event_count == 0 ||
		    copy[ret_violation->event_count - 1] != events[i])
			copy[ret_violation->event_count++] = events[i];
	ret_violation->events = copy;
	return true;
}

bool judge_report_add(struct judge_report *report, struct judge_violation *violation)
{
	struct judge_violation *grown;

	if (report->violation_count == VIOLATIONS_KEPT) {
		free(violation->events);
		free(violation->why);
		return true;
	}
	grown = realloc(report->violations, (report->violation_count + 1) * sizeof(*grown));
	if (!grown) {
		free(violation->events);
		free(violation->why);
		return false;
	}
	report->violations = grown;
	grown[report->violation_count++] = *violation;
	return true;
}

static void __attribute__((format(printf, 2, 3)))
note(struct judge_report *report, const char *format, ...)
{
	size_t used = strlen(report->notes);
	va_list arguments;

	va_start(arguments, format);
	if (used + 1 < sizeof(report->notes))
		vsnprintf(report->notes + used, sizeof(report->notes) - used, format, arguments);
	va_end(arguments);
}

static struct lu_rules rules_of(const struct history_head *head,
				const struct judge_options *options)
{
	bool dlt = strcmp(head->profile, "dlt-s4") == 0;
	bool spc4 = strcmp(head->profile, "spc4") == 0;
	struct lu_rules known = {
		.ua_preempt_03 = dlt,
		.ua_preempt_05 = spc4,
		.own_key_kept = dlt,
		.own_key_removed = spc4,
		.all_ports_know = spc4,
		.login_attention = !dlt && !spc4,
		.unit_attentions = !options->without_unit_attentions,
		.aptpl = !options->without_aptpl,
		.registrations_max = head->registrations_max,
	};

	memcpy(known.type_mask, head->type_mask, sizeof(known.type_mask));
	return known;
}

static void count_return(const struct history_result *r, struct judge_report *report)
{
	if (r->outcome == HISTORY_CONFLICT) {
		report->conflicts++;
		if (report->preempts > 0)
			report->fences_probed++;
	}
	if (r->outcome == HISTORY_CHECK && r->sense_key == 6)
		report->unit_attentions++;
	if (r->outcome == HISTORY_UNKNOWN)
		report->unknowns++;
}

static void count(const struct history *history, struct judge_report *report, bool *ret_luns)
{
	for (size_t i = 0; i < history->event_count; i++) {
		const struct history_event *e = &history->events[i];
		if (e->kind == HISTORY_RETURN)
			count_return(&e->u.returned, report);
		report->crashes += history_kind_is_crash(e->kind);
		report->power_cuts += e->kind == HISTORY_POWER_CUT;
		if (e->kind == HISTORY_MEDIUM) {
			report->medium_blocks++;
			ret_luns[e->u.medium.lun] = true;
		}
		if (e->kind != HISTORY_INVOKE)
			continue;
		enum history_op op = e->u.invoked.op;
		report->commands++;
		report->pr_outs += history_op_is_pr_out(op);
		report->pr_ins += history_op_is_pr_in(op);
		report->reads += op == HISTORY_READ;
		report->writes += op == HISTORY_WRITE;
		report->preempts += op == HISTORY_PREEMPT || op == HISTORY_PREEMPT_AND_ABORT;
		if (op != HISTORY_TARGET_RESET)
			ret_luns[e->u.invoked.lun] = true;
	}
}

static void search_result_clear(struct judge_search_result *search)
{
	free(search->violation.events);
	free(search->violation.why);
	free(search->aborts);
	memset(search, 0, sizeof(*search));
}

/* An order without any answer that nobody heard is one; only if there is none they are looked at.
 */
static int look_for_order(const struct history *history, const size_t *partner, uint16_t lun,
			  const struct judge_sights *sights, uint64_t states_max,
			  const struct lu_rules *known, struct judge_ops *ops,
			  struct judge_search_result *ret_search)
{
	int error = judge_ops_build(history, lun, partner, sights, ops);

	if (error == 0)
		error = judge_search(history, ops, known, states_max, ret_search);
	if (error != 0 || ret_search->found || ops->unjudged || ops->cancelled == 0)
		return error;
	uint64_t states = ret_search->states;
	search_result_clear(ret_search);
	judge_ops_free(ops);
	error = judge_ops_build_unheard(history, lun, partner, sights, ops);
	if (error == 0)
		error = judge_search(history, ops, known, states_max, ret_search);
	ret_search->states += states;
	return error;
}

static int judge_lun(const struct history *history, const size_t *partner, uint16_t lun,
		     const struct judge_options *options, struct judge_report *report)
{
	uint64_t states_max = options->states_max != 0 ? options->states_max : STATES_DEFAULT;
	struct lu_rules known = rules_of(&history->head, options);
	struct judge_search_result search = {.found = false};
	struct judge_sights *sights = NULL;
	struct judge_ops ops = {.lun = lun};
	int error;

	error = judge_sights_build(history, lun, partner, &sights);
	if (error == 0)
		error = look_for_order(history, partner, lun, sights, states_max, &known, &ops,
				       &search);
	report->states += search.states;
	if (error == 0 && ops.unjudged) {
		report->undecided = true;
		note(report, "LUN %u: SPEC_I_PT was used, and whom it named is not known. ",
		     (unsigned)lun);
	} else if (error == 0 && search.gave_up) {
		report->undecided = true;
		note(report, "LUN %u: gave up after %" PRIu64 " states; got as far as: %s ",
		     (unsigned)lun, search.states, search.violation.text);
	} else if (error == 0 && !search.found) {
		error = judge_smallest(history, &ops, &known, states_max, &search.violation);
	}
	if (error == 0 && !ops.unjudged && !search.gave_up && !search.found) {
		error = judge_report_add(report, &search.violation) ? 0 : -ENOMEM;
		search.violation.events = NULL;
		search.violation.why = NULL;
	}
	if (error == 0)
		error = judge_blocks(history, partner, lun, &ops, &search, report);
	search_result_clear(&search);
	judge_ops_free(&ops);
	judge_sights_free(&sights);
	return error;
}

int judge(const struct history *history, const struct judge_options *options,
	  struct judge_report **ret_report)
{
	struct judge_report *report = calloc(1, sizeof(*report));
	bool *luns = calloc(UINT16_MAX + 1, sizeof(*luns));
	size_t *partner = NULL;
	int error = report && luns ? history_pair(history, &partner) : -ENOMEM;

	if (error == 0)
		count(history, report, luns);
	for (unsigned lun = 0; error == 0 && lun <= UINT16_MAX; lun++)
		if (luns[lun])
			error = judge_lun(history, partner, (uint16_t)lun, options, report);
	free(luns);
	free(partner);
	if (error != 0) {
		judge_report_free(&report);
		return error;
	}
	*ret_report = report;
	return 0;
}

void judge_report_free(struct judge_report **report)
{
	if (!*report)
		return;
	for (size_t i = 0; i < (*report)->violation_count; i++) {
		free((*report)->violations[i].events);
		free((*report)->violations[i].why);
	}
	free((*report)->violations);
	free(*report);
	*report = NULL;
}
