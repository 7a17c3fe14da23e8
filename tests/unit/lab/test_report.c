/*
 * The page's data, and what goes into other checkers.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/export.h"
#include "tools/lab/report.h"

#define HEAD		     "{\"holdfast_history\":1,\"target\":\"iqn.t:disk\",\"profile\":\"spc4\"}\n"
#define NEXUS(name)	     "{\"at_ns\":0,\"kind\":\"nexus\",\"number\":0,\"name\":\"" name "\"}\n"
#define LINE(at, kind, more) "{\"at_ns\":" #at ",\"kind\":\"" kind "\"" more "}\n"
#define ON_0		     ",\"nexus\":0"
#define COMMAND(c)	     ON_0 ",\"command\":" #c
#define REGISTER	     ",\"op\":\"register\",\"action_key\":\"0xffffffffffffffff\""

static struct history *history_of(const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct history *history = NULL;
	struct history_error error;

	ck_assert_msg(history_read(in, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	return history;
}

typedef int (*writer)(FILE *out, const struct history *history);

static int write_data(FILE *out, const struct history *history)
{
	return report_write_data(out, history, NULL);
}

static int write_page(FILE *out, const struct history *history)
{
	return report_write(out, history, NULL);
}

/* What is written for a history; the caller frees it. */
static char *written(const char *text, writer write)
{
	struct history *history = history_of(text);
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	ck_assert_int_eq(write(out, history), 0);
	fclose(out);
	history_free(&history);
	return bytes;
}

static json_t *data_of(const char *text)
{
	char *bytes = written(text, write_data);
	json_error_t error;
	json_t *data = json_loads(bytes, 0, &error);

	ck_assert_msg(data != NULL, "line %d: %s", error.line, error.text);
	free(bytes);
	return data;
}

static json_int_t number_at(json_t *data, const char *list, size_t row, size_t column)
{
	json_t *value = json_array_get(json_array_get(json_object_get(data, list), row), column);
	ck_assert(json_is_integer(value));
	return json_integer_value(value);
}

static const char *text_at(json_t *data, json_int_t index)
{
	return json_string_value(json_array_get(json_object_get(data, "texts"), (size_t)index));
}

static const char one_register[] =
	HEAD NEXUS("iqn.t:a") LINE(5, "login", ON_0) LINE(10, "invoke", COMMAND(7) REGISTER)
		LINE(30, "return", COMMAND(7) ",\"outcome\":\"good\"");

START_TEST(command_is_a_row_with_its_lines_and_texts)
{
	json_t *data = data_of(one_register);

	ck_assert_uint_eq(json_array_size(json_object_get(data, "commands")), 1);
	ck_assert_int_eq(number_at(data, "commands", 0, 1), 10);
	ck_assert_int_eq(number_at(data, "commands", 0, 2), 30);
	ck_assert_int_eq(number_at(data, "commands", 0, 3), HISTORY_REGISTER);
	ck_assert_int_eq(number_at(data, "commands", 0, 4), HISTORY_GOOD);
	ck_assert_str_eq(text_at(data, number_at(data, "commands", 0, 6)),
			 "register key 0x0 -> 0xffffffffffffffff");
	ck_assert_str_eq(text_at(data, number_at(data, "commands", 0, 7)), "good");
	ck_assert_int_eq(number_at(data, "commands", 0, 8), 4);
	ck_assert_int_eq(number_at(data, "commands", 0, 9), 5);
	json_decref(data);
}
END_TEST

START_TEST(keys_keep_all_their_bits)
{
	json_t *data = data_of(one_register);

	ck_assert_uint_eq(json_array_size(json_object_get(data, "bands")), 2);
	ck_assert_str_eq(text_at(data, number_at(data, "bands", 1, 4)), "0xffffffffffffffff");
	json_decref(data);
}
END_TEST

START_TEST(unit_attention_is_an_outcome_of_its_own)
{
	json_t *data = data_of(
		HEAD NEXUS("iqn.t:a") LINE(1, "invoke", COMMAND(1) ",\"op\":\"test_unit_ready\"")
			LINE(2, "return",
			     COMMAND(1) ",\"outcome\":\"check\",\"sense_key\":6,\"asc\":41"));
	json_t *names = json_object_get(data, "outcomes");

	ck_assert_str_eq(
		json_string_value(json_array_get(names, (size_t)number_at(data, "commands", 0, 4))),
		"unit_attention");
	json_decref(data);
}
END_TEST

START_TEST(unanswered_command_has_no_second_line)
{
	json_t *data = data_of(HEAD NEXUS("iqn.t:a") LINE(1, "invoke", COMMAND(1) REGISTER)
				       LINE(9, "note", ",\"text\":\"late\""));

	ck_assert_int_eq(number_at(data, "commands", 0, 2), 9);
	ck_assert_int_eq(number_at(data, "commands", 0, 4), HISTORY_UNKNOWN);
	ck_assert_int_eq(number_at(data, "commands", 0, 9), 0);
	json_decref(data);
}
END_TEST

START_TEST(history_that_was_not_judged_says_so)
{
	json_t *data = data_of(one_register);

	ck_assert(json_is_false(json_object_get(data, "judged")));
	ck_assert_uint_eq(json_array_size(json_object_get(data, "violations")), 0);
	json_decref(data);
}
END_TEST

START_TEST(violation_names_lines_of_the_history)
{
	struct history *history = history_of(one_register);
	size_t events[] = {2, 3};
	struct judge_violation violation = {.rule = JUDGE_ORDER,
					    .lun = 3,
					    .text = "<i>because</i>",
					    .events = events,
					    .event_count = 2};
	struct judge_report verdict = {.violations = &violation, .violation_count = 1};
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);
	json_t *data, *first;

	ck_assert_int_eq(report_write_data(out, history, &verdict), 0);
	fclose(out);
	data = json_loads(bytes, 0, NULL);
	first = json_array_get(json_object_get(data, "violations"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "rule")), "order");
	ck_assert_str_eq(json_string_value(json_object_get(first, "text")), "<i>because</i>");
	ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(first, "lines"), 0)), 4);
	ck_assert_ptr_null(strchr(bytes, '<'));
	json_decref(data);
	free(bytes);
	history_free(&history);
}
END_TEST

#define HOSTILE "</script><script>alert(1)</script><!--&'\\u202e\\u0007"
static const char hostile[] = HEAD NEXUS(HOSTILE) LINE(1, "note", ",\"text\":\"" HOSTILE "\"");

START_TEST(data_holds_nothing_that_html_knows)
{
	char *bytes = written(hostile, write_data);

	ck_assert_ptr_null(strpbrk(bytes, "<>&'"));
	free(bytes);
}
END_TEST

START_TEST(hostile_name_is_shown_as_it_is_but_for_controls)
{
	json_t *data = data_of(hostile);
	json_t *nexus = json_array_get(json_object_get(data, "nexuses"), 0);

	ck_assert_str_eq(json_string_value(json_object_get(nexus, "name")),
			 "</script><script>alert(1)</script><!--&'\\xe2\\x80\\xae\\x07");
	json_decref(data);
}
END_TEST

static size_t count(const char *text, const char *word)
{
	size_t found = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		found++;
	return found;
}

START_TEST(page_is_whole_and_fetches_nothing)
{
	char *page = written(hostile, write_page);

	ck_assert_int_eq(strncmp(page, "<!DOCTYPE html>", 15), 0);
	ck_assert_ptr_nonnull(strstr(page, "</html>"));
	ck_assert_ptr_null(strstr(page, "{{"));
	ck_assert_uint_eq(count(page, "<script"), 2);
	ck_assert_uint_eq(count(page, "</script"), 2);
	ck_assert_uint_eq(count(page, "</style"), 1);
	ck_assert_ptr_nonnull(strstr(page, "default-src 'none'"));
	ck_assert_ptr_null(strstr(page, "src=\""));
	ck_assert_ptr_null(strstr(page, "url("));
	ck_assert_ptr_null(strstr(page, "innerHTML"));
	free(page);
}
END_TEST

START_TEST(full_disk_is_an_error)
{
	struct history *history = history_of(one_register);
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	ck_assert_int_lt(report_write(full, history, NULL), 0);
	ck_assert_int_lt(export_porcupine(full, history), 0);
	fclose(full);
	history_free(&history);
}
END_TEST

/* ---- Porcupine ---- */

START_TEST(call_and_return_share_an_id_and_keep_their_members)
{
	char *lines = written(one_register, export_porcupine);

	ck_assert_str_eq(lines,
			 "{\"kind\":\"call\",\"id\":1,\"client\":0,\"lun\":-1,\"time\":5,"
			 "\"input\":{\"op\":\"login\"}}\n"
			 "{\"kind\":\"return\",\"id\":1,\"client\":0,\"lun\":-1,\"time\":5,"
			 "\"output\":{\"outcome\":\"good\"}}\n"
			 "{\"kind\":\"call\",\"id\":0,\"client\":0,\"lun\":0,\"time\":10,"
			 "\"input\":{\"op\":\"register\",\"action_key\":\"0xffffffffffffffff\"}}\n"
			 "{\"kind\":\"return\",\"id\":0,\"client\":0,\"lun\":0,\"time\":30,"
			 "\"output\":{\"outcome\":\"good\"}}\n");
	free(lines);
}
END_TEST

START_TEST(unanswered_commands_return_after_everything)
{
	char *lines = written(HEAD NEXUS("iqn.t:a") LINE(1, "invoke", COMMAND(1) REGISTER)
				      LINE(2, "return", COMMAND(1) ",\"outcome\":\"unknown\"")
					      LINE(3, "invoke", COMMAND(2) REGISTER)
						      LINE(4, "crash", "") LINE(5, "up", ""),
			      export_porcupine);
	const char *crash = strstr(lines, "\"crash\"");
	const char *first = strstr(lines, "{\"kind\":\"return\",\"id\":0,");
	const char *second = strstr(lines, "{\"kind\":\"return\",\"id\":1,");

	ck_assert_ptr_nonnull(crash);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(second);
	ck_assert(crash < first && first < second);
	ck_assert_uint_eq(count(lines, "\"outcome\":\"unknown\""), 2);
	ck_assert_uint_eq(count(lines, "\"call\""), count(lines, "\"return\""));
	free(lines);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, command_is_a_row_with_its_lines_and_texts);
	tcase_add_test(tcase, keys_keep_all_their_bits);
	tcase_add_test(tcase, unit_attention_is_an_outcome_of_its_own);
	tcase_add_test(tcase, unanswered_command_has_no_second_line);
	tcase_add_test(tcase, history_that_was_not_judged_says_so);
	tcase_add_test(tcase, violation_names_lines_of_the_history);
	tcase_add_test(tcase, data_holds_nothing_that_html_knows);
	tcase_add_test(tcase, hostile_name_is_shown_as_it_is_but_for_controls);
	tcase_add_test(tcase, page_is_whole_and_fetches_nothing);
	tcase_add_test(tcase, full_disk_is_an_error);
	tcase_add_test(tcase, call_and_return_share_an_id_and_keep_their_members);
	tcase_add_test(tcase, unanswered_commands_return_after_everything);
}

int main(void)
{
	return suite_run("report", fill);
}
