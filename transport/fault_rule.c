/*
 * A fault rule as a whole: `id=… on MOMENT condition… do action…`, and whether it fires.
 */
#include "transport/fault_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"

#define ALWAYS (UINT64_C(1) << 32) /* of `chance` */

/* --- the moment ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum fault_kind kind;
	uint64_t opcodes;
} moments[] = {
	{"command", FAULT_COMMAND, 0},
	{"result", FAULT_RESULT, 0},
	{"accept", FAULT_ACCEPT, 0},
	{"received", FAULT_RECEIVED, ISCSI_REQUEST_OPCODES},
	{"sent", FAULT_SENT, ISCSI_RESPONSE_OPCODES},
};

static bool read_moment(struct fault_reader *reader, struct fault_rule *rule)
{
	uint8_t opcode;

	if (!fault_reader_next(reader))
		return fault_reader_fail(reader, "behind `on` comes a moment, such as `command` or "
						 "`scsi-response`");
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		fault_reader_consider(reader, reader->word, moments[i].name);
		if (strcmp(moments[i].name, reader->word) != 0)
			continue;
		rule->kinds = moments[i].kind;
		rule->opcodes = moments[i].opcodes;
		return true;
	}
	if (iscsi_pdu_word_parse(reader->word, &opcode)) {
		rule->opcodes = ISCSI_OPCODE_BIT(opcode);
		rule->kinds = rule->opcodes & ISCSI_REQUEST_OPCODES ? FAULT_RECEIVED : FAULT_SENT;
		return true;
	}
	for (opcode = 0; opcode < 64; opcode++)
		if (iscsi_pdu_word(opcode))
			fault_reader_consider(reader, reader->word, iscsi_pdu_word(opcode));
	return fault_reader_fail(reader, "there is no moment `%s`", reader->word);
}

/* --- counting --------------------------------------------------------------------------------- */

/* "10%", "0.5": in 2^32nds. */
static bool read_chance(struct fault_reader *reader, const char *value, uint64_t *ret)
{
	char *end;
	double chance = strtod(value, &end);

	if (*end == '%') {
		chance /= 100;
		end++;
	}
	if (end == value || *end != '\0' || !(chance > 0 && chance <= 1))
		return fault_reader_fail(
			reader, "`chance`: `%s` is not a share such as 10%% or 0.1", value);
	*ret = (uint64_t)(chance * (double)ALWAYS);
	return true;
}

/* *ret_known says whether it is one of these. */
static bool read_count(struct fault_reader *reader, struct fault_rule *rule, const char *name,
		       const char *value, bool *ret_known)
{
	const struct {
		const char *name;
		uint64_t *place;
	} counts[] = {
		{"nth", &rule->nth},
		{"from", &rule->from},
		{"every", &rule->every},
		{"times", &rule->times},
	};

	*ret_known = true;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (strcmp(counts[i].name, name) != 0)
			continue;
		if (!fault_read_number(reader, name, value, UINT64_MAX, counts[i].place))
			return false;
		return *counts[i].place > 0 ||
		       fault_reader_fail(reader, "`%s` counts from 1", name);
	}
	if (strcmp(name, "chance") == 0)
		return read_chance(reader, value, &rule->chance);
	if (strcmp(name, "seed") == 0) {
		rule->has_seed = true;
		return fault_read_number(reader, name, value, UINT64_MAX, &rule->seed);
	}
	if (strcmp(name, "for") == 0) {
		rule->has_for = true;
		return fault_read_duration(reader, name, value, &rule->for_ms);
	}
	if (strcmp(name, "per") == 0) {
		rule->per_connection = strcmp(value, "connection") == 0;
		return rule->per_connection ||
		       fault_reader_fail(reader, "`per` can be `connection` only");
	}
	*ret_known = false;
	return true;
}

static bool read_match(struct fault_reader *reader, struct fault_rule *rule)
{
	char *name = reader->word, *equals = strchr(name, '=');
	bool known;

	if (!equals)
		return fault_reader_fail(reader,
					 "`%s`: a condition is KEY=VALUE, and behind the "
					 "conditions comes `do`",
					 name);
	*equals = '\0';
	if (!read_count(reader, rule, name, equals + 1, &known))
		return false;
	if (known)
		return true;
	if (rule->condition_count == FAULT_CONDITIONS_MAX)
		return fault_reader_fail(reader, "there are more than %d conditions",
					 FAULT_CONDITIONS_MAX);
	return fault_read_condition(reader, rule, name, equals + 1,
				    &rule->conditions[rule->condition_count++]);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool read_id(struct fault_reader *reader, struct fault_rule *rule)
{
	const char *id = reader->word + 3;
	size_t len = strlen(id);

	if (len == 0 || len >= sizeof(rule->id) ||
	    strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz"
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-") != len)
		return fault_reader_fail(
			reader,
			"`id`: `%s` is not a word of letters, digits, `.`, `_` and "
			"`-` with at most %d of them",
			id, ISCSI_FAULT_ID_MAX - 1);
	memcpy(rule->id, id, len + 1);
	return true;
}

static bool read_head(struct fault_reader *reader, struct fault_rule *rule)
{
	if (!fault_reader_next(reader))
		return fault_reader_fail(reader, "the rule is empty");
	if (strncmp(reader->word, "id=", 3) == 0) {
		if (!read_id(reader, rule))
			return false;
		if (!fault_reader_next(reader))
			return fault_reader_fail(reader, "behind the id comes `on`");
	}
	if (strcmp(reader->word, "on") != 0)
		return fault_reader_fail(reader,
					 "a rule begins with `on` and a moment, not with `%s`",
					 reader->word);
	return read_moment(reader, rule);
}

static bool read_conditions(struct fault_reader *reader, struct fault_rule *rule)
{
	while (fault_reader_next(reader)) {
		if (strcmp(reader->word, "do") == 0)
			return true;
		if (!read_match(reader, rule))
			return false;
	}
	return fault_reader_fail(reader, "the rule does nothing: `do` and an action are missing");
}

static bool read_actions(struct fault_reader *reader, struct fault_rule *rule)
{
	while (reader->word) {
		if (rule->action_count == FAULT_ACTIONS_MAX)
			return fault_reader_fail(reader, "there are more than %d actions",
						 FAULT_ACTIONS_MAX);
		if (!fault_read_action(reader, rule, &rule->actions[rule->action_count++]))
			return false;
	}
	return !reader->failed;
}

static bool read_rule(struct fault_reader *reader, struct fault_rule *rule, const char *text)
{
	if (!read_head(reader, rule) || !read_conditions(reader, rule))
		return false;
	/* The reader stands behind the first `do`. */
	while (*reader->at == ' ')
		reader->at++;
	rule->what = rule->text + (reader->at - text);
	return read_actions(reader, rule);
}

static struct fault_rule *rule_new(const char *text)
{
	struct fault_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->text = strdup(text);
	/* Each word ends with a NUL, where the text has a blank or its end. */
	rule->storage = malloc(strlen(text) + 1);
	rule->actions = calloc(FAULT_ACTIONS_MAX, sizeof(rule->actions[0]));
	rule->chance = ALWAYS;
	if (!rule->text || !rule->storage || !rule->actions)
		fault_rule_free(&rule);
	return rule;
}

struct fault_rule *fault_rule_parse(const char *text, iscsi_fault_consider consider,
				    char ret_error[ISCSI_FAULT_ERROR_MAX])
{
	struct fault_reader reader;
	struct fault_rule *rule;

	if (strlen(text) > ISCSI_FAULT_TEXT_MAX) {
		snprintf(ret_error, ISCSI_FAULT_ERROR_MAX, "the rule is longer than %d bytes",
			 ISCSI_FAULT_TEXT_MAX);
		return NULL;
	}
	rule = rule_new(text);
	if (!rule) {
		snprintf(ret_error, ISCSI_FAULT_ERROR_MAX, "out of memory");
		return NULL;
	}
	fault_reader_init(&reader, text, rule->storage, consider, ret_error);
	if (!read_rule(&reader, rule, text))
		fault_rule_free(&rule);
	return rule;
}

void fault_rule_free(struct fault_rule **rule)
{
	struct fault_rule *r = *rule;

	*rule = NULL;
	if (!r)
		return;
	fault_tally_leave(&r->tally);
	for (unsigned i = 0; r->actions && i < r->action_count; i++)
		free(r->actions[i].echo);
	free(r->actions);
	free(r->storage);
	free(r->text);
	free(r);
}

bool iscsi_fault_check(const char *text, iscsi_fault_consider consider,
		       char ret_id[ISCSI_FAULT_ID_MAX], char ret_error[ISCSI_FAULT_ERROR_MAX])
{
	struct fault_rule *rule = fault_rule_parse(text, consider, ret_error);

	if (!rule)
		return false;
	snprintf(ret_id, ISCSI_FAULT_ID_MAX, "%s", rule->id);
	fault_rule_free(&rule);
	return true;
}

/* --- firing ----------------------------------------------------------------------------------- */

/* SplitMix64 of the n-th step: no state but the number. */
uint64_t fault_random(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool matches(const struct fault_rule *rule, const struct fault_moment *moment)
{
	if (!(rule->kinds & moment->kind) ||
	    (moment->kind & FAULT_PDUS && !(rule->opcodes & ISCSI_OPCODE_BIT(moment->opcode))))
		return false;
	for (unsigned i = 0; i < rule->condition_count; i++)
		if (!fault_condition_test(&rule->conditions[i], moment))
			return false;
	return true;
}

static bool is_its_turn(const struct fault_rule *rule, const struct fault_count *count)
{
	uint64_t from = rule->from > 0 ? rule->from : 1, n = count->matches;

	return (rule->nth == 0 || n == rule->nth) && n >= from &&
	       (rule->every == 0 || (n - from + 1) % rule->every == 0) &&
	       (rule->times == 0 || count->firings < rule->times);
}

static bool count_match(struct fault_rule *rule, const struct fault_moment *moment,
			struct fault_count *own)
{
	struct fault_count *count = rule->per_connection && own ? own : &rule->total;

	if (count != &rule->total)
		count->matches++;
	uint64_t n = ++rule->total.matches;
	if (!is_its_turn(rule, count) || fault_random(rule->seed, n) >> 32 >= rule->chance)
		return false;
	if (rule->total.firings == 0)
		rule->first_ms = moment->now_ms;
	else if (rule->has_for && moment->now_ms >= rule->first_ms + rule->for_ms)
		return false;
	if (count != &rule->total)
		count->firings++;
	rule->total.firings++;
	return true;
}

bool fault_rule_fires(struct fault_rule *rule, const struct fault_moment *moment,
		      struct fault_count *own)
{
	if (!matches(rule, moment))
		return false;
	fault_tally_open(rule);
	bool fires = count_match(rule, moment, own);
	fault_tally_close(rule);
	return fires;
}

bool fault_rule_block(const struct fault_rule *rule, const uint8_t *cdb, uint64_t *ret_lba)
{
	uint64_t lba;
	uint32_t blocks;

	if (!cdb || !target_cdb_blocks(cdb, &lba, &blocks))
		return false;
	for (unsigned i = 0; i < rule->condition_count; i++) {
		const struct fault_condition *condition = &rule->conditions[i];

		if (condition->row && condition->row->value == FAULT_V_RANGE && condition->a > lba)
			lba = condition->a;
	}
	*ret_lba = lba;
	return true;
}
