/* The text of fault rules: what is a rule, what is none and why, and when one fires. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"
#include "tests/support/suite.h"
#include "transport/fault_internal.h"

static char error[ISCSI_FAULT_ERROR_MAX];

static struct fault_rule *parse(const char *text)
{
	error[0] = '\0';
	return fault_rule_parse(text, config_consider, error);
}

/* Each is refused, with these words somewhere in the error. */
static const struct {
	const char *rule, *says;
} bad[] = {
	{"", "empty"},
	{"   ", "empty"},
	{"command do hold", "begins with `on`"},
	{"on", "behind `on`"},
	{"on comand do hold", "did you mean `command`?"},
	{"on scsi-responce do drop", "did you mean `scsi-response`?"},
	{"on command", "does nothing"},
	{"on command opp=read do hold", "did you mean `op`?"},
	{"on command op=raed do hold", "did you mean `read`?"},
	{"on command op=0x1ff do hold", "more than ff"},
	{"on command op= do hold", "no command ``"},
	{"on command lun=256 do hold", "more than 255"},
	{"on command lun=x do hold", "`x` is not a number"},
	{"on command index=1 do hold",
	 "`index` is nothing to match here; holdfast-faults(7) has what there is"},
	{"on command do status BUSY", "there is no SCSI status `BUSY`; did you mean `busy`?"},
	{"on command datasn=1 do hold", "`datasn` is nothing to match here"},
	{"on data-in datasm=1 do drop", "did you mean `datasn`?"},
	{"on data-in r2tsn=1 do drop", "`r2tsn` is nothing to match here"},
	{"on data-in datasn=+1 do drop", "can be matched with a number"},
	{"on accept initiator=x do rst", "`initiator` is nothing to match here"},
	{"on command isid=", "12 hexadecimal digits"},
	{"on command isid=0102 do hold", "12 hexadecimal digits"},
	{"on command lba=9-3 do hold", "`lba`: 9 is more than 3"},
	{"on command nth=0 do hold", "counts from 1"},
	{"on command chance=0 do hold", "not a share"},
	{"on command chance=110% do hold", "not a share"},
	{"on command chance=nan do hold", "not a share"},
	{"on command do", "behind `do`"},
	{"on command do do", "no action `do`"},
	{"on command do stautus busy", "did you mean `status`?"},
	{"on command do status", "needs a status behind it"},
	{"on command do status bussy", "did you mean `busy`?"},
	{"on command do drop", "`drop` is not for this moment"},
	{"on nop-out do refuse 0301", "`refuse` is not for this moment"},
	{"on received do refuse 0301", "`refuse` is not for this moment"},
	{"on command do sense 3/11", "KEY/ASC/ASCQ"},
	{"on command do sense 3/11/00/1", "KEY/ASC/ASCQ"},
	{"on command do sense 1f/0/0", "more than f"},
	{"on command do sense 3/11/0 informatoin=lba", "did you mean `information`?"},
	{"on command do sense 3/11/0 format=round", "cannot be `round`"},
	{"on command do delay", "needs a time behind it"},
	{"on command do delay 5m", "not a time"},
	{"on command do delay -5", "not a time"},
	{"on command do delay 99999999999s", "not a time"},
	{"on command do hold now", "does not take `now`"},
	{"on scsi-response do set", "`set` needs FIELD=VALUE"},
	{"on scsi-response do set stasn=1", "did you mean `statsn`?"},
	{"on scsi-response do set statsn=one", "`one` is not a number"},
	{"on scsi-response do set statsn=expcmdsn5", "`expcmdsn5` is not a number"},
	{"on r2t do set lun=0x0001000000000000", "`lun`: 0x0001000000000000 is more than 65535"},
	{"on login-response do set t=2", "is more than 1"},
	{"on scsi-response do insert nop-out", "no PDU that a target sends"},
	{"on scsi-response do insert nop-im", "did you mean `nop-in`?"},
	{"on scsi-response do insert nop-in bytes=0", "two digits to each byte"},
	{"on scsi-response do insert nop-in bytes=0g", "no byte"},
	{"on login-response do key-set Key", "wants KEY=VALUE"},
	{"on login-response do key-set =x", "wants KEY=VALUE"},
	{"on login-response do key-change N=", "`key-change` wants +N, -N or *N, not ``"},
	{"on login-response do key-change N=5", "`key-change` wants +N, -N or *N, not `5`"},
	{"on login-response do key-change N=+", "`N`: `` is not a number"},
	{"on login-response do key-change N=*x", "`N`: `x` is not a number"},
	{"on login-response do key-add \"A=b", "not closed"},
	{"on login-response do key-add \"A=\\q\"", "backslash"},
	{"on command do hold do", "behind `do`"},
	{"id= on command do hold", "`id`"},
	{"id=a/b on command do hold", "`a/b` is not a word"},
	{"id=x", "behind the id"},
};

START_TEST(what_is_wrong_is_named)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault_rule *rule = parse(bad[i].rule);

		ck_assert_msg(!rule, "taken: %s", bad[i].rule);
		ck_assert_msg(strstr(error, bad[i].says), "%s: %s", bad[i].rule, error);
	}
}
END_TEST

START_TEST(limits_are_told)
{
	char text[ISCSI_FAULT_TEXT_MAX + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(strstr(error, "longer than"));

	strcpy(text, "on command");
	for (int i = 0; i <= FAULT_CONDITIONS_MAX; i++)
		strcat(text, " lun=0");
	strcat(text, " do hold");
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(strstr(error, "conditions"));

	strcpy(text, "on command");
	for (int i = 0; i <= FAULT_ACTIONS_MAX; i++)
		strcat(text, " do hold");
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(strstr(error, "actions"));

	strcpy(text, "on data-in do set");
	for (int i = 0; i <= FAULT_SETTINGS_MAX; i++)
		strcat(text, " datasn=0");
	ck_assert_ptr_null(parse(text));
	ck_assert_ptr_nonnull(strstr(error, "fields"));
}
END_TEST

START_TEST(quotes_keep_blanks_and_bytes)
{
	struct fault_rule *rule = parse("on login-response do key-set A=\"b c\\x41\\\\\\\"\"");

	ck_assert_msg(rule, "%s", error);
	ck_assert_str_eq(rule->actions[0].text, "A");
	ck_assert_str_eq(rule->actions[0].value, "b cA\\\"");
	fault_rule_free(&rule);
}
END_TEST

START_TEST(an_id_is_kept_and_so_is_the_text)
{
	static const char text[] = "id=my.rule-1 on  command   do hold";
	struct fault_rule *rule = parse(text);

	ck_assert_str_eq(rule->id, "my.rule-1");
	ck_assert_str_eq(rule->text, text);
	ck_assert_str_eq(rule->what, "hold");
	fault_rule_free(&rule);
}
END_TEST

/* ---- firing ---- */

static bool fires(struct fault_rule *rule, uint8_t op)
{
	const uint8_t cdb[16] = {op};

	return fault_rule_fires(rule, &(struct fault_moment){.kind = FAULT_COMMAND, .cdb = cdb},
				NULL);
}

/* Which of the first 64 matches fire: a bit each. */
static uint64_t pattern(const char *text)
{
	struct fault_rule *rule = parse(text);
	uint64_t bits = 0;

	ck_assert_msg(rule, "%s: %s", text, error);
	for (unsigned i = 0; i < 64; i++)
		bits |= (uint64_t)fires(rule, 0) << i;
	fault_rule_free(&rule);
	return bits;
}

START_TEST(matches_are_counted)
{
	ck_assert_uint_eq(pattern("on command do hold"), UINT64_MAX);
	ck_assert_uint_eq(pattern("on command nth=3 do hold"), 1 << 2);
	ck_assert_uint_eq(pattern("on command times=2 do hold"), 3);
	ck_assert_uint_eq(pattern("on command from=62 do hold"), UINT64_C(7) << 61);
	ck_assert_uint_eq(pattern("on command every=20 do hold"),
			  1 << 19 | UINT64_C(1) << 39 | UINT64_C(1) << 59);
	ck_assert_uint_eq(pattern("on command from=3 every=2 times=2 do hold"), 1 << 3 | 1 << 5);
	ck_assert_uint_eq(pattern("on command op=0x1 do hold"), 0);
}
END_TEST

START_TEST(chance_is_the_same_for_the_same_seed)
{
	uint64_t once = pattern("on command chance=50% seed=1 do hold");

	ck_assert_uint_eq(once, pattern("on command chance=0.5 seed=1 do hold"));
	ck_assert_uint_ne(once, pattern("on command chance=50% seed=2 do hold"));
	int hits = __builtin_popcountll(once);
	ck_assert_int_gt(hits, 16);
	ck_assert_int_lt(hits, 48);
}
END_TEST

START_TEST(commands_are_named_by_group_name_and_code)
{
	struct fault_rule *rule =
		parse("on command op=0x00,write,read-capacity-10,sanitize do hold");

	ck_assert(fires(rule, 0x00) && fires(rule, 0x8a) && fires(rule, 0x25) && fires(rule, 0x48));
	ck_assert(!fires(rule, 0x28) && !fires(rule, 0x9e));
	fault_rule_free(&rule);
}
END_TEST

static bool reads(struct fault_rule *rule, uint8_t lba, uint8_t blocks)
{
	const uint8_t cdb[16] = {0x28, [5] = lba, [8] = blocks};

	return fault_rule_fires(rule, &(struct fault_moment){.kind = FAULT_COMMAND, .cdb = cdb},
				NULL);
}

START_TEST(blocks_are_matched_where_they_overlap)
{
	struct fault_rule *rule = parse("on command lba=10-19 do hold");

	ck_assert(!reads(rule, 8, 2) && reads(rule, 8, 3) && reads(rule, 19, 1));
	ck_assert(!reads(rule, 20, 5) && !reads(rule, 12, 0) && !fires(rule, 0));
	fault_rule_free(&rule);
}
END_TEST

static bool by(const char *text, const struct fault_moment *moment)
{
	struct fault_rule *rule = parse(text);

	ck_assert_msg(rule, "%s: %s", text, error);
	bool fired = fault_rule_fires(rule, moment, NULL);
	fault_rule_free(&rule);
	return fired;
}

START_TEST(who_and_where_are_matched)
{
	static const uint8_t isid[6] = {0, 2, 0x3d, 0, 0, 1};
	const struct fault_moment moment = {
		.kind = FAULT_COMMAND,
		.initiator = "iqn.2024-01.org.example:host",
		.target = "iqn.x:t",
		.isid = isid,
		.has_lun = true,
		.lun = 3,
		.cid = 4,
		.tsih = 5,
		.portal = 2,
	};

	ck_assert(by("on command initiator=iqn.2024-*:ho?t do hold", &moment));
	ck_assert(!by("on command initiator=iqn.2024-*:h?t do hold", &moment));
	ck_assert(!by("on command initiator=*:hos do hold", &moment));
	ck_assert(by("on command target=iqn.x:t isid=00023d000001 lun=3 do hold", &moment));
	ck_assert(!by("on command isid=0x00023d000002 do hold", &moment));
	ck_assert(!by("on command lun=0 do hold", &moment));
	ck_assert(by("on command cid=4 tsih=5 portal=2 do hold", &moment));
	ck_assert(!by("on command portal=1 do hold", &moment));
	ck_assert(!by("on command op=any do hold", &moment)); /* there is no CDB */
	ck_assert(!by("on result do corrupt", &moment));
}
END_TEST

START_TEST(texts_and_fields_are_matched)
{
	static const char text[] = "A=1\0HeaderDigest=None\0";
	const uint8_t bhs[ISCSI_BHS_LEN] = {0x23, 0x87, [20] = 0xff, 0xff, 0xff, 0xff};
	const struct fault_moment moment = {
		.kind = FAULT_SENT,
		.opcode = ISCSI_LOGIN_RESPONSE,
		.bhs = bhs,
		.text = text,
		.text_len = sizeof(text) - 1,
		.stage = ISCSI_STAGE_OPERATIONAL,
		.index = 2,
	};

	ck_assert(by("on login-response has=HeaderDigest do drop", &moment));
	ck_assert(by("on sent has=A index=2 stage=operational session=normal do drop", &moment));
	ck_assert(!by("on login-response has=Header do drop", &moment));
	ck_assert(by("on login-response t=1 csg=1 nsg=3 do drop", &moment));
	ck_assert(!by("on login-response t=0 do drop", &moment));
	ck_assert(!by("on nop-in ttt=none do drop", &moment));
}
END_TEST

/* ---- the tables ---- */

static bool is_known(const struct fault_action_row *row, enum fault_kind kind)
{
	switch (kind) {
	case FAULT_COMMAND:
		return fault_command_knows(row->id);
	case FAULT_RESULT:
		return fault_result_knows(row->id);
	case FAULT_RECEIVED:
		return fault_received_knows(row->id) || fault_connection_knows(row->id);
	case FAULT_SENT:
		return fault_sent_knows(row->id) || fault_connection_knows(row->id);
	case FAULT_ACCEPT:
		return fault_connection_knows(row->id);
	}
	return false;
}

START_TEST(each_action_is_carried_out_where_its_row_says)
{
	for (size_t i = 0; i < fault_action_count; i++) {
		const struct fault_action_row *row = &fault_actions[i];

		ck_assert_uint_ne(row->id, FAULT_DO_INVALID);
		ck_assert_uint_ne(row->kinds, 0);
		ck_assert_uint_gt(strlen(row->doc), 0);
		for (unsigned kind = 1; kind <= FAULT_SENT; kind <<= 1)
			if (row->kinds & kind)
				ck_assert_msg(is_known(row, (enum fault_kind)kind),
					      "%s at moment %u", row->name, kind);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(fault_actions[k].name, row->name);
	}
}
END_TEST

START_TEST(each_condition_has_a_test_and_a_name_of_its_own)
{
	for (size_t i = 0; i < fault_condition_count; i++) {
		ck_assert_ptr_nonnull(fault_conditions[i].test);
		ck_assert_uint_ne(fault_conditions[i].kinds, 0);
		ck_assert_uint_ne(fault_conditions[i].value, FAULT_V_INVALID);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(fault_conditions[k].name, fault_conditions[i].name);
	}
}
END_TEST

/* ---- what is written about them ---- */

#define PAGE_MAX (1 << 18)

/* The files one behind the other; the caller frees them. */
static char *read_files(const char *const *paths)
{
	char *text = calloc(1, PAGE_MAX);
	size_t len = 0;

	ck_assert_ptr_nonnull(text);
	for (; *paths; paths++) {
		FILE *file = fopen(*paths, "r");
		ck_assert_msg(file, "run this in the folder that has %s", *paths);
		len += fread(text + len, 1, PAGE_MAX - 1 - len, file);
		fclose(file);
	}
	return text;
}

START_TEST(each_action_and_condition_has_its_place_in_the_man_page)
{
	static const char *const page[] = {"docs/man/holdfast-faults.7.scd", NULL};
	char *text = read_files(page), mark[64];

	for (size_t i = 0; i < fault_action_count; i++) {
		snprintf(mark, sizeof(mark), "*%s*", fault_actions[i].name);
		ck_assert_msg(strstr(text, mark), "the man page lacks %s", mark);
	}
	for (size_t i = 0; i < fault_condition_count; i++) {
		snprintf(mark, sizeof(mark), "*%s=*", fault_conditions[i].name);
		ck_assert_msg(strstr(text, mark), "the man page lacks %s", mark);
	}
	for (size_t i = 0; i < iscsi_pdu_field_count; i++) {
		snprintf(mark, sizeof(mark), "*%s*", iscsi_pdu_fields[i].name);
		bool is_cdb = strncmp(iscsi_pdu_fields[i].name, "cdb", 3) == 0;
		ck_assert_msg(is_cdb || strstr(text, mark), "the man page lacks %s", mark);
	}
	free(text);
}
END_TEST

START_TEST(each_action_is_tried_on_the_wire)
{
	static const char *const tests[] = {"tests/unit/transport/test_fault_sent.c",
					    "tests/unit/transport/test_fault_received.c",
					    "tests/unit/transport/test_fault_command.c", NULL};
	char *text = read_files(tests), mark[64];

	for (size_t i = 0; i < fault_action_count; i++) {
		snprintf(mark, sizeof(mark), "do %s", fault_actions[i].name);
		ck_assert_msg(strstr(text, mark), "no test says `%s`", mark);
	}
	free(text);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, what_is_wrong_is_named);
	tcase_add_test(tcase, limits_are_told);
	tcase_add_test(tcase, quotes_keep_blanks_and_bytes);
	tcase_add_test(tcase, an_id_is_kept_and_so_is_the_text);
	tcase_add_test(tcase, matches_are_counted);
	tcase_add_test(tcase, chance_is_the_same_for_the_same_seed);
	tcase_add_test(tcase, commands_are_named_by_group_name_and_code);
	tcase_add_test(tcase, blocks_are_matched_where_they_overlap);
	tcase_add_test(tcase, who_and_where_are_matched);
	tcase_add_test(tcase, texts_and_fields_are_matched);
	tcase_add_test(tcase, each_action_is_carried_out_where_its_row_says);
	tcase_add_test(tcase, each_condition_has_a_test_and_a_name_of_its_own);
	tcase_add_test(tcase, each_action_and_condition_has_its_place_in_the_man_page);
	tcase_add_test(tcase, each_action_is_tried_on_the_wire);
}

int main(void)
{
	return suite_run("fault_rule", fill);
}
