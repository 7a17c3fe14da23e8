/*
 * What a fault rule can be matched on: a row each.
 */
#include <stdio.h>
#include <string.h>

#include "target/target.h"
#include "transport/fault_rule.h"
#include "transport/text.h"

/* --- tests ------------------------------------------------------------------------------------ */

/* `*` and `?`. Steps back to the last star only, so its time is bounded by the product of the
 * lengths. */
static bool glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool test_initiator(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->initiator && glob_matches(c->text, m->initiator);
}

static bool test_target(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->target && glob_matches(c->text, m->target);
}

static bool test_isid(const struct fault_condition *c, const struct fault_moment *m)
{
	uint64_t isid = 0;

	for (unsigned i = 0; m->isid && i < 6; i++)
		isid = isid << 8 | m->isid[i];
	return m->isid && isid == c->a;
}

static bool test_tsih(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->tsih == c->a;
}

static bool test_cid(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->cid == c->a;
}

static bool test_portal(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->portal == c->a;
}

static bool test_lun(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->has_lun && m->lun == c->a;
}

static bool test_op(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->cdb && (c->ops[m->cdb[0] / 64] >> m->cdb[0] % 64 & 1) != 0;
}

static bool test_sa(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->cdb && (m->cdb[1] & 0x1f) == c->a;
}

static bool test_lba(const struct fault_condition *c, const struct fault_moment *m)
{
	uint64_t lba;
	uint32_t blocks;

	if (!m->cdb || !target_cdb_blocks(m->cdb, &lba, &blocks) || blocks == 0)
		return false;
	uint64_t last = lba > UINT64_MAX - (blocks - 1) ? UINT64_MAX : lba + (blocks - 1);
	return lba <= c->b && last >= c->a;
}

static bool test_stage(const struct fault_condition *c, const struct fault_moment *m)
{
	return (uint64_t)m->stage == c->a;
}

static bool test_session(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->discovery == (c->a != 0);
}

static bool test_status(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->has_status && m->status == c->a;
}

static bool test_has(const struct fault_condition *c, const struct fault_moment *m)
{
	size_t len = strlen(c->text);
	const char *at = m->text, *end = m->text ? m->text + m->text_len : NULL;

	while (at && at < end) {
		size_t pair = strnlen(at, (size_t)(end - at));

		if (pair > len && at[len] == '=' && memcmp(at, c->text, len) == 0)
			return true;
		at += pair + 1;
	}
	return false;
}

static bool test_index(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->index == c->a;
}

static bool test_function(const struct fault_condition *c, const struct fault_moment *m)
{
	return m->function == c->a;
}

/* clang-format off */
const struct fault_condition_row fault_conditions[] = {
	{"initiator",	FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_GLOB,    0,		test_initiator},
	{"target",	FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_GLOB,    0,		test_target},
	{"isid",	FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_ISID,    0,		test_isid},
	{"tsih",	FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_NUMBER,  UINT16_MAX,	test_tsih},
	{"cid",		FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_NUMBER,  UINT16_MAX,	test_cid},
	{"portal",	FAULT_ALL,		   FAULT_V_NUMBER,  UINT16_MAX,	test_portal},
	{"lun",		FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_NUMBER,  SCSI_LUN_MAX, test_lun},
	{"op",		FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_OPCODES, 0,		test_op},
	{"sa",		FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_NUMBER,  0x1f,	test_sa},
	{"lba",		FAULT_ALL & ~FAULT_ACCEPT, FAULT_V_RANGE,   UINT64_MAX,	test_lba},
	{"stage",	FAULT_PDUS,		   FAULT_V_STAGE,   0,		test_stage},
	{"session",	FAULT_PDUS,		   FAULT_V_SESSION, 0,		test_session},
	{"status",	FAULT_RESULT | FAULT_SENT, FAULT_V_STATUS,  0,		test_status},
	{"has",		FAULT_PDUS,		   FAULT_V_KEY,	    0,		test_has},
	{"index",	FAULT_PDUS,		   FAULT_V_NUMBER,  UINT64_MAX,	test_index},
	{"function",	FAULT_PDUS,		   FAULT_V_NUMBER,  0x7f,	test_function},
};
/* clang-format on */

const size_t fault_condition_count = sizeof(fault_conditions) / sizeof(fault_conditions[0]);

static bool test_field(const struct fault_condition *condition, const struct fault_moment *moment)
{
	const struct iscsi_pdu_field *field =
		moment->bhs ? iscsi_pdu_field_find(moment->opcode, condition->text) : NULL;
	uint64_t wanted = condition->a;

	if (!field)
		return false;
	/* `none` is all ones, as wide as the field is. */
	if (wanted == UINT64_MAX && field->width < 8)
		wanted = (UINT64_C(1) << (8 * field->width)) - 1;
	return iscsi_pdu_field_get(field, moment->bhs) == wanted;
}

bool fault_condition_test(const struct fault_condition *condition,
			  const struct fault_moment *moment)
{
	return condition->row ? condition->row->test(condition, moment)
			      : test_field(condition, moment);
}

/* --- other values ----------------------------------------------------------------------------- */

static bool read_range(struct fault_reader *reader, const char *name, char *value, uint64_t max,
		       struct fault_condition *condition)
{
	char *dash = strchr(value, '-');

	if (dash)
		*dash = '\0';
	if (!fault_read_number(reader, name, value, max, &condition->a))
		return false;
	condition->b = condition->a;
	if (dash && !fault_read_number(reader, name, dash + 1, max, &condition->b))
		return false;
	return condition->a <= condition->b ||
	       fault_reader_fail(reader, "`%s`: %s is more than %s", name, value, dash + 1);
}

/* One of a few words. */
static bool read_word(struct fault_reader *reader, const char *name, const char *value,
		      const char *const words[3], const uint64_t values[3], uint64_t *ret)
{
	for (unsigned i = 0; i < 3 && words[i]; i++) {
		fault_reader_consider(reader, value, words[i]);
		if (strcmp(words[i], value) != 0)
			continue;
		*ret = values[i];
		return true;
	}
	return fault_reader_fail(reader, "`%s`: `%s` is none of %s, %s%s%s", name, value, words[0],
				 words[1], words[2] ? ", " : "", words[2] ? words[2] : "");
}

static bool read_stage(struct fault_reader *reader, const char *name, const char *value,
		       uint64_t *ret)
{
	static const char *const words[] = {"security", "operational", "full-feature"};
	static const uint64_t stages[] = {ISCSI_STAGE_SECURITY, ISCSI_STAGE_OPERATIONAL,
					  ISCSI_STAGE_FULL_FEATURE};

	return read_word(reader, name, value, words, stages, ret);
}

static bool read_session(struct fault_reader *reader, const char *name, const char *value,
			 uint64_t *ret)
{
	static const char *const words[] = {"normal", "discovery", NULL};
	static const uint64_t types[] = {0, 1, 0};

	return read_word(reader, name, value, words, types, ret);
}

static bool read_text(struct fault_reader *reader, const char *name, const char *value,
		      struct fault_condition *condition)
{
	if (value[0] == '\0')
		return fault_reader_fail(reader, "`%s` is empty", name);
	condition->text = value;
	return true;
}

static bool read_isid(struct fault_reader *reader, const char *name, const char *value,
		      uint64_t *ret)
{
	if (strlen(value) != (strncmp(value, "0x", 2) == 0 ? 14 : 12))
		return fault_reader_fail(reader, "`%s`: an ISID has 12 hexadecimal digits", name);
	return fault_read_hex(reader, name, value, UINT64_MAX >> 16, ret);
}

static bool read_value(struct fault_reader *reader, const struct fault_condition_row *row,
		       char *value, struct fault_condition *condition)
{
	switch (row->value) {
	case FAULT_V_NUMBER:
		return fault_read_number(reader, row->name, value, row->max, &condition->a);
	case FAULT_V_RANGE:
		return read_range(reader, row->name, value, row->max, condition);
	case FAULT_V_GLOB:
	case FAULT_V_KEY:
		return read_text(reader, row->name, value, condition);
	case FAULT_V_ISID:
		return read_isid(reader, row->name, value, &condition->a);
	case FAULT_V_OPCODES:
		return fault_read_opcodes(reader, value, condition->ops);
	case FAULT_V_STAGE:
		return read_stage(reader, row->name, value, &condition->a);
	case FAULT_V_SESSION:
		return read_session(reader, row->name, value, &condition->a);
	case FAULT_V_STATUS:
		return fault_read_status(reader, row->name, value, &condition->a);
	case FAULT_V_INVALID:
		break;
	}
	return fault_reader_fail(reader, "`%s` cannot be read", row->name);
}

static const struct fault_condition_row *row_find(const char *name, unsigned kinds)
{
	for (size_t i = 0; i < fault_condition_count; i++)
		if (fault_conditions[i].kinds & kinds &&
		    strcmp(fault_conditions[i].name, name) == 0)
			return &fault_conditions[i];
	return NULL;
}

static bool fail_unknown(struct fault_reader *reader, const struct fault_rule *rule,
			 const char *name)
{
	static const char *const counts[] = {"nth",    "from", "every", "times",
					     "chance", "seed", "for",	"per"};

	for (size_t i = 0; i < fault_condition_count; i++)
		if (fault_conditions[i].kinds & rule->kinds)
			fault_reader_consider(reader, name, fault_conditions[i].name);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fault_reader_consider(reader, name, counts[i]);
	for (size_t i = 0; rule->kinds & FAULT_PDUS && i < iscsi_pdu_field_count; i++)
		if (iscsi_pdu_fields[i].opcodes & rule->opcodes)
			fault_reader_consider(reader, name, iscsi_pdu_fields[i].name);
	return fault_reader_fail(reader, "`%s` is nothing to match here", name);
}

bool fault_read_condition(struct fault_reader *reader, const struct fault_rule *rule,
			  const char *name, char *value, struct fault_condition *ret)
{
	struct fault_condition condition = {.row = row_find(name, rule->kinds)};
	struct fault_setting setting;

	if (condition.row) {
		if (!read_value(reader, condition.row, value, &condition))
			return false;
		*ret = condition;
		return true;
	}
	if (!(rule->kinds & FAULT_PDUS) || !fault_field_exists(rule->opcodes, name))
		return fail_unknown(reader, rule, name);
	if (!fault_read_setting(reader, rule->opcodes, name, value, &setting))
		return false;
	if (setting.change != FAULT_CHANGE_TO)
		return fault_reader_fail(reader, "`%s` can be matched with a number or `none` only",
					 name);
	condition.text = setting.field;
	condition.a = setting.value;
	*ret = condition;
	return true;
}
