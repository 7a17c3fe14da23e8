/*
 * Histories: what is written is read back, and what does not fit is refused with its line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/history.h"

static const struct history_head head = {
	.target = "iqn.2026-11.test:disk",
	.profile = "spc4",
	.vendor = "HOLDFAST",
	.product = "VIRTUAL-DISK",
	.seed = 0xfedcba9876543210,
	.started_ms = 1795243262000,
	.block_size = 512,
	.registrations_max = 16384,
	.aptpl_claimed = true,
	.type_mask = {0xea, 0x01},
	.comment = "a \"quoted\" run\n",
};

static const uint64_t keys[] = {0xffffffffffffffff, 0, 0x8000000000000001};
static const uint32_t key_nexuses[] = {0, HISTORY_NO_NEXUS, 1};
static const struct history_tag tags[] = {
	{.written = true, .nexus = 1, .sequence = 9, .generation_seen = 3},
	{.nexus = HISTORY_NO_NEXUS},
	{.torn = true, .nexus = HISTORY_NO_NEXUS},
};

/* An event without what only some kinds have. */
static struct history_event event_of(enum history_kind kind, uint64_t at_ns)
{
	struct history_event event = {.kind = kind,
				      .at_ns = at_ns,
				      .nexus = HISTORY_NO_NEXUS,
				      .command = HISTORY_NO_COMMAND};
	return event;
}

static struct history_event nexus_event(uint32_t number)
{
	struct history_event event = event_of(HISTORY_NEXUS, 1);
	event.u.introduced = (struct history_nexus){.number = number,
						    .isid = {0x80, 1, 2, 3, 4, 5},
						    .target_port = 2,
						    .name = "iqn.1994-05.test:a",
						    .portal = "127.0.0.1:3260",
						    .label = "alice"};
	return event;
}

static struct history_event invoke_event(uint64_t command, enum history_op op)
{
	struct history_event event = event_of(HISTORY_INVOKE, 10);
	event.nexus = 0;
	event.command = command;
	event.u.invoked.op = op;
	event.u.invoked.move_to = HISTORY_NO_NEXUS;
	return event;
}

static struct history_event return_event(uint64_t command, enum history_outcome outcome)
{
	struct history_event event = event_of(HISTORY_RETURN, 20);
	event.nexus = 0;
	event.command = command;
	event.u.returned.outcome = outcome;
	return event;
}

/* The text of a history; free() it. */
static char *text_of(const struct history_event *events, size_t count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct history_writer *writer = history_writer_create(out, &head);
	ck_assert_ptr_nonnull(writer);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(history_write(writer, &events[i]), 0);
	ck_assert_int_eq(history_writer_finish(&writer), 0);
	ck_assert_ptr_null(writer);
	fclose(out);
	return text;
}

static int read_text(const char *text, struct history **ret_history,
		     struct history_error *ret_error)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int error = history_read(in, ret_history, ret_error);
	fclose(in);
	return error;
}

static struct history *read_back(const struct history_event *events, size_t count)
{
	char *text = text_of(events, count);
	struct history *history = NULL;
	struct history_error error;
	ck_assert_msg(read_text(text, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	free(text);
	return history;
}

START_TEST(the_head_is_read_as_it_was_written)
{
	struct history *history = read_back(NULL, 0);
	ck_assert_mem_eq(&history->head, &head, sizeof(head));
	ck_assert_uint_eq(history->event_count, 0);
	history_free(&history);
	ck_assert_ptr_null(history);
}
END_TEST

START_TEST(every_kind_is_read_as_it_was_written)
{
	struct history_event events[HISTORY_KIND_COUNT];
	size_t count = 0;

	events[count++] = nexus_event(0);
	events[count] = event_of(HISTORY_LOGIN, 2);
	events[count++].nexus = 0;
	events[count++] = invoke_event(1, HISTORY_TEST_UNIT_READY);
	events[count++] = return_event(1, HISTORY_GOOD);
	events[count++] = event_of(HISTORY_CRASH, 30);
	events[count++] = event_of(HISTORY_UP, 31);
	events[count++] = event_of(HISTORY_POWER_CUT, 31);
	events[count] = event_of(HISTORY_LOST, 32);
	events[count++].nexus = 0;
	events[count] = event_of(HISTORY_LOGOUT, 33);
	events[count++].nexus = 0;
	events[count] = event_of(HISTORY_MEDIUM, 34);
	events[count].u.medium.lun = 3;
	events[count].u.medium.lba = 1ull << 40;
	events[count++].u.medium.tag = tags[0];
	events[count] = event_of(HISTORY_APPLIED, 34);
	events[count].nexus = 0;
	events[count].u.invoked.op = HISTORY_PREEMPT;
	events[count++].u.invoked.move_to = HISTORY_NO_NEXUS;
	events[count] = event_of(HISTORY_DECIDED, 34);
	events[count].nexus = 0;
	events[count].command = 1;
	events[count].u.returned.generation = 7;
	events[count++].u.returned.outcome = HISTORY_GOOD;
	events[count] = event_of(HISTORY_NOTE, 35);
	strcpy(events[count++].u.note, "the fence goes up");
	ck_assert_uint_eq(count, HISTORY_KIND_COUNT - 1);

	struct history *history = read_back(events, count);
	ck_assert_uint_eq(history->event_count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_mem_eq(&history->events[i], &events[i], sizeof(events[i]));
		ck_assert_uint_eq(history->lines[i], i + 2);
	}
	ck_assert_uint_eq(history->nexus_count, 1);
	ck_assert_str_eq(history->nexuses[0].label, "alice");
	history_free(&history);
}
END_TEST

START_TEST(every_operation_is_read_as_it_was_written)
{
	struct history_event events[1 + HISTORY_OP_COUNT];
	size_t count = 0;

	events[count++] = nexus_event(0);
	for (enum history_op op = HISTORY_OP_INVALID + 1; op < HISTORY_OP_COUNT; op++) {
		struct history_event *event = &events[count++];
		*event = invoke_event((uint64_t)op, op);
		struct history_command *c = &event->u.invoked;
		c->lun = 255;
		c->type = 6;
		c->scope = 1;
		c->aptpl = c->all_tg_pt = c->spec_i_pt = c->unregister_source = true;
		c->key = UINT64_MAX;
		c->action_key = 1;
		c->move_to = 0;
		c->lba = INT64_MAX;
		c->blocks = UINT32_MAX;
		c->sequence = 77;
		c->generation_seen = UINT32_MAX;
		c->access = HISTORY_ACCESS_WRITE;
		c->cdb_len = 16;
		c->cdb[0] = 0x42;
		c->cdb[15] = 0xff;
	}
	struct history *history = read_back(events, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_mem_eq(&history->events[i], &events[i], sizeof(events[i]));
	history_free(&history);
}
END_TEST

START_TEST(every_outcome_and_all_lists_are_read_as_they_were_written)
{
	struct history_event events[1 + 2 * HISTORY_OUTCOME_COUNT];
	size_t count = 0;

	events[count++] = nexus_event(0);
	for (uint64_t i = 1; i < HISTORY_OUTCOME_COUNT; i++)
		events[count++] = invoke_event(i, HISTORY_READ_FULL_STATUS);
	for (uint64_t i = 1; i < HISTORY_OUTCOME_COUNT; i++) {
		struct history_event *event = &events[count++];
		*event = return_event(i, (enum history_outcome)i);
		struct history_result *r = &event->u.returned;
		r->sense_key = 6;
		r->asc = 0x2a;
		r->ascq = 3;
		r->generation = 12;
		r->holder_key = 0xabc;
		r->holder_type = 8;
		r->type_mask[0] = 0xea;
		r->ptpl_active = true;
		r->key_count = 3;
		r->keys = keys;
		r->key_nexuses = key_nexuses;
		r->tag_count = 3;
		r->tags = tags;
	}
	struct history *history = read_back(events, count);
	for (size_t i = 1; i < count; i++) {
		if (events[i].kind != HISTORY_RETURN)
			continue;
		const struct history_result *r = &history->events[i].u.returned;
		ck_assert_uint_eq(r->outcome, events[i].u.returned.outcome);
		ck_assert_uint_eq(r->sense_key, 6);
		ck_assert_uint_eq(r->asc, 0x2a);
		ck_assert_uint_eq(r->ascq, 3);
		ck_assert_uint_eq(r->generation, 12);
		ck_assert_uint_eq(r->holder_key, 0xabc);
		ck_assert_uint_eq(r->holder_type, 8);
		ck_assert_uint_eq(r->type_mask[0], 0xea);
		ck_assert(r->ptpl_active);
		ck_assert_uint_eq(r->key_count, 3);
		ck_assert_mem_eq(r->keys, keys, sizeof(keys));
		ck_assert_mem_eq(r->key_nexuses, key_nexuses, sizeof(key_nexuses));
		ck_assert_uint_eq(r->tag_count, 3);
		for (size_t t = 0; t < 3; t++) {
			ck_assert(r->tags[t].written == tags[t].written);
			ck_assert(r->tags[t].torn == tags[t].torn);
			ck_assert_uint_eq(r->tags[t].nexus, tags[t].nexus);
			ck_assert_uint_eq(r->tags[t].sequence, tags[t].sequence);
		}
	}
	history_free(&history);
}
END_TEST

#define FIRST  "{\"holdfast_history\":1,\"target\":\"t\"}\n"
#define NEXUS  "{\"at_ns\":1,\"kind\":\"nexus\",\"number\":0,\"name\":\"a\"}\n"
#define INVOKE "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"clear\"}\n"
#define RETURN "{\"at_ns\":3,\"kind\":\"return\",\"nexus\":0,\"command\":1,\"outcome\":\"good\"}\n"
#define GOOD(members)                                                                              \
	"{\"at_ns\":3,\"kind\":\"return\",\"nexus\":0,\"command\":1,\"outcome\":\"good\"," members \
	"}\n"

static const struct {
	const char *text;
	size_t line;
	const char *says;
} refused[] = {
	{"", 0, "empty"},
	{"\n", 1, "JSON"},
	{"{}\n", 1, "not a history"},
	{"{\"holdfast_history\":2}\n", 1, "format 2"},
	{"{\"holdfast_history\":1,\"colour\":1}\n", 1, "colour"},
	{"{\"holdfast_history\":1,\"type_mask\":\"ea\"}\n", 1, "type_mask"},
	{"{\"holdfast_history\":1,\"vendor\":\"123456789\"}\n", 1, "vendor"},
	{FIRST "{\"at_ns\":1,\"kind\":\"crash\"}", 2, "cut short"},
	{FIRST "{\"at_ns\":1}\n", 2, "kind"},
	{FIRST "{\"at_ns\":1,\"kind\":\"flood\"}\n", 2, "flood"},
	{FIRST "{\"at_ns\":1,\"at_ns\":1,\"kind\":\"up\"}\n", 2, "JSON"},
	{FIRST "{\"at_ns\":-1,\"kind\":\"up\"}\n", 2, "at_ns"},
	{FIRST "{\"at_ns\":2,\"kind\":\"up\"}\n{\"at_ns\":1,\"kind\":\"up\"}\n", 3, "backwards"},
	{FIRST "{\"at_ns\":1,\"kind\":\"login\"}\n", 2, "nexus"},
	{FIRST "{\"at_ns\":1,\"kind\":\"login\",\"nexus\":0}\n", 2, "not introduced"},
	{FIRST "{\"at_ns\":1,\"kind\":\"login\",\"nexus\":1024}\n", 2, "nexus"},
	{FIRST "{\"at_ns\":1,\"kind\":\"nexus\",\"number\":1}\n", 2, "0 is next"},
	{FIRST NEXUS NEXUS, 3, "1 is next"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1}\n", 3, "op"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"op\":\"clear\"}\n", 3,
	 "command"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"x\"}\n",
	 3, "`x`"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"cdb\"}\n",
	 3, "class"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"clear\","
		     "\"key\":1}\n",
	 3, "key"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"clear\","
		     "\"key\":\"0x12345678901234567\"}\n",
	 3, "key"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"clear\","
		     "\"type\":256}\n",
	 3, "type"},
	{FIRST NEXUS "{\"at_ns\":2,\"kind\":\"invoke\",\"nexus\":0,\"command\":1,\"op\":\"clear\","
		     "\"cdb\":\"4g\"}\n",
	 3, "cdb"},
	{FIRST NEXUS INVOKE INVOKE, 4, "twice"},
	{FIRST NEXUS RETURN, 3, "without an invoke"},
	{FIRST NEXUS INVOKE RETURN RETURN, 5, "twice"},
	{FIRST NEXUS INVOKE "{\"at_ns\":3,\"kind\":\"return\",\"nexus\":0,\"command\":1}\n", 4,
	 "outcome"},
	{FIRST NEXUS INVOKE "{\"at_ns\":3,\"kind\":\"return\",\"nexus\":0,\"command\":1,"
			    "\"outcome\":\"good\",\"tags\":[[1,2]]}\n",
	 4, "tag"},
	{FIRST NEXUS INVOKE "{\"at_ns\":3,\"kind\":\"return\",\"nexus\":0,\"command\":1,"
			    "\"outcome\":\"good\",\"keys\":5}\n",
	 4, "keys"},
	{FIRST NEXUS INVOKE GOOD("\"key_count\":3,\"keys\":[\"0x1\",\"0x2\"]"), 4,
	 "`keys` has 2 keys where `key_count` is 3"},
	{FIRST NEXUS INVOKE GOOD("\"keys\":[\"0x1\",\"0x2\"],\"key_count\":1"), 4,
	 "`keys` has 2 keys where `key_count` is 1"},
	{FIRST NEXUS INVOKE GOOD("\"key_count\":1025,\"keys\":[\"0x1\"]"), 4,
	 "`keys` has 1 keys where `key_count` is 1025"},
	{FIRST NEXUS INVOKE GOOD("\"keys\":[\"0x1\",\"0x2\"],\"key_nexuses\":[0]"), 4,
	 "`key_nexuses` has 1 nexuses for 2 keys"},
	{FIRST NEXUS INVOKE GOOD("\"key_count\":1,\"key_nexuses\":[0]"), 4,
	 "`key_nexuses` has 1 nexuses for 0 keys"},
	{FIRST NEXUS "{\"at_ns\":3,\"kind\":\"decided\",\"nexus\":0,\"command\":1,"
		     "\"outcome\":\"good\"}\n",
	 3, "did not invoke"},
	{FIRST NEXUS INVOKE "{\"at_ns\":3,\"kind\":\"decided\",\"nexus\":0,\"command\":1}\n", 4,
	 "outcome"},
	{FIRST NEXUS INVOKE "{\"at_ns\":3,\"kind\":\"decided\",\"nexus\":0,"
			    "\"outcome\":\"good\"}\n",
	 4, "command"},
};

START_TEST(what_does_not_fit_is_refused_with_its_line)
{
	struct history *history = NULL;
	struct history_error error;
	size_t i = (size_t)_i;

	ck_assert_int_lt(read_text(refused[i].text, &history, &error), 0);
	ck_assert_ptr_null(history);
	ck_assert_uint_eq(error.line, refused[i].line);
	ck_assert_msg(strstr(error.text, refused[i].says) != NULL, "\"%s\" lacks \"%s\"",
		      error.text, refused[i].says);
}
END_TEST

START_TEST(keys_may_be_counted_without_being_listed_and_listed_without_being_counted)
{
	static const char *const text[] = {FIRST NEXUS INVOKE GOOD("\"key_count\":2"),
					   FIRST NEXUS INVOKE GOOD("\"keys\":[\"0x1\",\"0x2\"]")};
	struct history *history = NULL;
	struct history_error error;

	ck_assert_int_eq(read_text(text[_i], &history, &error), 0);
	ck_assert_uint_eq(history->events[2].u.returned.key_count, 2);
	ck_assert((history->events[2].u.returned.keys != NULL) == (_i == 1));
	history_free(&history);
}
END_TEST

START_TEST(a_command_may_stay_without_answer)
{
	struct history *history = NULL;
	struct history_error error;
	ck_assert_int_eq(read_text(FIRST NEXUS INVOKE, &history, &error), 0);
	history_free(&history);
}
END_TEST

START_TEST(the_writer_refuses_what_the_reader_would)
{
	FILE *out = tmpfile();
	struct history_writer *writer = history_writer_create(out, &head);
	struct history_event bad = event_of(HISTORY_LOGIN, 1);

	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	bad.nexus = 0;
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL); /* not introduced */
	bad = nexus_event(1);
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	struct history_event good = nexus_event(0);
	ck_assert_int_eq(history_write(writer, &good), 0);
	bad = invoke_event(HISTORY_NO_COMMAND, HISTORY_CLEAR);
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	bad = invoke_event(1, HISTORY_OP_COUNT);
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	bad = return_event(1, HISTORY_OUTCOME_INVALID);
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	good = invoke_event(1, HISTORY_CLEAR);
	ck_assert_int_eq(history_write(writer, &good), 0);
	bad = event_of(HISTORY_UP, 9); /* earlier than the last */
	ck_assert_int_eq(history_write(writer, &bad), -EINVAL);
	ck_assert_int_eq(history_writer_finish(&writer), 0);
	fclose(out);
}
END_TEST

START_TEST(a_stream_that_fails_is_told)
{
	FILE *out = fopen("/dev/full", "w");
	struct history_writer *writer;
	struct history_event event = nexus_event(0);
	int error;

	setvbuf(out, NULL, _IONBF, 0);
	errno = 0;
	writer = history_writer_create(out, &head);
	if (writer) { /* libc kept it after all: then the end tells */
		history_write(writer, &event);
		error = history_writer_finish(&writer);
		ck_assert_int_eq(error, -ENOSPC);
	} else {
		ck_assert_int_eq(errno, ENOSPC);
	}
	fclose(out);
}
END_TEST

START_TEST(every_name_has_its_way_back)
{
	for (int i = 1; i < HISTORY_KIND_COUNT; i++)
		ck_assert_int_eq(history_kind_of(history_kind_name((enum history_kind)i)), i);
	for (int i = 1; i < HISTORY_OP_COUNT; i++)
		ck_assert_int_eq(history_op_of(history_op_name((enum history_op)i)), i);
	for (int i = 1; i < HISTORY_OUTCOME_COUNT; i++)
		ck_assert_int_eq(history_outcome_of(history_outcome_name((enum history_outcome)i)),
				 i);
	for (int i = 1; i <= HISTORY_ACCESS_WRITE; i++)
		ck_assert_int_eq(history_access_of(history_access_name((enum history_access)i)), i);
	ck_assert_int_eq(history_op_of("?"), HISTORY_OP_INVALID);
}
END_TEST

START_TEST(commands_and_results_read_well)
{
	struct history_command c = {.op = HISTORY_PREEMPT_AND_ABORT,
				    .key = 0xa,
				    .action_key = 0xb,
				    .type = 6,
				    .move_to = HISTORY_NO_NEXUS};
	struct history_result r = {
		.outcome = HISTORY_CHECK, .sense_key = 6, .asc = 0x2a, .ascq = 5};
	char text[256], small[8];

	ck_assert_str_eq(history_command_text(&c, text, sizeof(text)),
			 "preempt_and_abort 0xb by 0xa EA-RO");
	ck_assert_str_eq(history_result_text(&c, &r, text, sizeof(text)), "check 6/2a/05");
	ck_assert_str_eq(history_command_text(&c, small, sizeof(small)), "preempt");
	c.op = HISTORY_READ_KEYS;
	r.outcome = HISTORY_GOOD;
	r.generation = 4;
	r.key_count = 3;
	r.keys = keys;
	ck_assert_str_eq(history_result_text(&c, &r, text, sizeof(text)),
			 "good generation 4, 3 keys: 0xffffffffffffffff, 0x0, 0x8000000000000001");
	c.op = HISTORY_WRITE;
	c.blocks = 1;
	c.lba = 64;
	c.sequence = 5;
	c.lun = 2;
	ck_assert_str_eq(history_command_text(&c, text, sizeof(text)),
			 "write 1 block at 64 #5 on LUN 2");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_head_is_read_as_it_was_written);
	tcase_add_test(tcase, every_kind_is_read_as_it_was_written);
	tcase_add_test(tcase, every_operation_is_read_as_it_was_written);
	tcase_add_test(tcase, every_outcome_and_all_lists_are_read_as_they_were_written);
	tcase_add_loop_test(tcase, what_does_not_fit_is_refused_with_its_line, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_loop_test(
		tcase, keys_may_be_counted_without_being_listed_and_listed_without_being_counted, 0,
		2);
	tcase_add_test(tcase, a_command_may_stay_without_answer);
	tcase_add_test(tcase, the_writer_refuses_what_the_reader_would);
	tcase_add_test(tcase, a_stream_that_fails_is_told);
	tcase_add_test(tcase, every_name_has_its_way_back);
	tcase_add_test(tcase, commands_and_results_read_well);
}

int main(void)
{
	return suite_run("lab/history", fill);
}
