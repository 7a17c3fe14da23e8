/*
 * The live picture: events go in, and the whole screen is compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/live.h"

/* Every line gets the next tenth of a second, from 0; `text` follows it. */
static struct history *history_of(const char *const *lines)
{
	static char text[131072];
	size_t len = (size_t)snprintf(text, sizeof(text),
				      "{\"holdfast_history\":1,\"profile\":\"spc4\","
				      "\"comment\":\"A test\"}\n");
	struct history *history = NULL;
	struct history_error error;
	unsigned long at = 0;
	FILE *in;

	for (; *lines; lines++, at += 100000000)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "{\"at_ns\":%lu,%s}\n", at,
					*lines);
	ck_assert_uint_lt(len, sizeof(text));
	in = fmemopen(text, len, "r");
	ck_assert_msg(history_read(in, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	return history;
}

static struct live *live_of(const char *const *lines, uint64_t slice_ns, uint64_t *ret_end_ns)
{
	struct history *history = history_of(lines);
	struct live *live = live_create(&history->head, slice_ns);

	ck_assert_ptr_nonnull(live);
	for (size_t i = 0; i < history->event_count; i++)
		live_take(live, &history->events[i]);
	*ret_end_ns = history->events[history->event_count - 1].at_ns;
	history_free(&history);
	return live;
}

static const struct live_look utf8 = {.columns = 80, .rows = 16, .utf8 = true, .line_end = "\n"};

static char *screen_of(const char *const *lines, uint64_t slice_ns, const struct live_look *look)
{
	char *text = NULL;
	size_t len;
	uint64_t end_ns;
	struct live *live = live_of(lines, slice_ns, &end_ns);
	FILE *out = open_memstream(&text, &len);

	live_draw(live, end_ns, look, out);
	fclose(out);
	live_free(&live);
	ck_assert_ptr_null(live);
	return text;
}

static void draws(const char *const *lines, uint64_t slice_ns, const struct live_look *look,
		  const char *expected)
{
	char *screen = screen_of(lines, slice_ns, look);

	ck_assert_msg(strcmp(screen, expected) == 0, "drawn:\n%s\nexpected:\n%s", screen, expected);
	free(screen);
}

static char *lines_of(const char *const *lines, uint64_t slice_ns)
{
	char *text = NULL;
	size_t len;
	struct history *history = history_of(lines);
	struct live *live = live_create(&history->head, slice_ns);
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < history->event_count; i++) {
		live_take(live, &history->events[i]);
		live_print(live, out);
	}
	fclose(out);
	live_free(&live);
	history_free(&history);
	return text;
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NEXUS(n, label)                                             \
	"\"kind\":\"nexus\",\"number\":" #n ",\"name\":\"iqn.t:" #n \
	"\",\"target_port\":1,\"label\""                            \
	":\"" label "\""
#define EVENT(kind, n)	   "\"kind\":\"" kind "\",\"nexus\":" #n
#define INVOKE(n, c, what) "\"kind\":\"invoke\",\"nexus\":" #n ",\"command\":" #c "," what
#define RETURN(n, c, what) "\"kind\":\"return\",\"nexus\":" #n ",\"command\":" #c "," what
#define GOOD		   "\"outcome\":\"good\""
#define CONFLICT	   "\"outcome\":\"conflict\""
#define DONE(n, c, what)   INVOKE(n, c, what), RETURN(n, c, GOOD)
#define REGISTER(old, new) "\"op\":\"register\",\"key\":\"" old "\",\"action_key\":\"" new "\""
#define KEYED(op, key)	   "\"op\":\"" op "\",\"key\":\"" key "\""
#define TYPE(t)		   ",\"type\":" #t
#define PREEMPT(by, whom)  KEYED("preempt", by) ",\"action_key\":\"" whom "\""
#define WRITE(seq)	   "\"op\":\"write\",\"lba\":100,\"blocks\":1,\"sequence\":" #seq
#define NOTE(text)	   "\"kind\":\"note\",\"text\":\"" text "\""

#define THREE_UP                                                                       \
	NEXUS(0, "node-a"), NEXUS(1, "node-b"), NEXUS(2, "node-c"), EVENT("login", 0), \
		EVENT("login", 1), EVENT("login", 2)
#define ALL_REGISTERED                                                  \
	THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa") ",\"aptpl\":true"), \
		DONE(1, 2, REGISTER("0x0", "0xb") ",\"aptpl\":true"),   \
		DONE(2, 3, REGISTER("0x0", "0xc") ",\"aptpl\":true"),   \
		DONE(0, 4, KEYED("reserve", "0xa") TYPE(5))

#define A_PREEMPT                                                                  \
	ALL_REGISTERED, NOTE("The first fences the third."), DONE(0, 5, WRITE(1)), \
		DONE(0, 6, PREEMPT("0xa", "0xc") TYPE(5)), INVOKE(2, 7, WRITE(1)), \
		RETURN(2, 7, CONFLICT), INVOKE(1, 8, WRITE(1))

START_TEST(screen_shows_keys_holder_and_the_arrow_of_a_preempt)
{
	draws(LINES(A_PREEMPT), 0, &utf8,
	      "A test                                                          2.1 s  target up\n"
	      "LUN 0   node-a holds Write Exclusive, Registrants Only, key 0xa\n"
	      "The first fences the third.\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a 0xa    WE-RO    R──VwP━\n"
	      "node-b 0xb             ┄R───│─\n"
	      "node-c                 ┄┄R──▼✗\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   1.300 node-a reserve WE-RO with 0xa                good\n"
	      "   1.400 The first fences the third.\n"
	      "   1.600 node-a write 1 block at 100 #1               good\n"
	      "   1.800 node-a preempt 0xc by 0xa WE-RO              good, removed node-c\n"
	      "   2.000 node-c write 1 block at 100 #1               conflict\n"
	      "   2.100 node-b write 1 block at 100 #1               ...\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "6 GOOD  1 conflicts  0 attentions  0 lost  1 preempted  0 crashes\n");
}
END_TEST

START_TEST(screen_does_without_utf8)
{
	struct live_look look = utf8;

	look.utf8 = false;
	draws(LINES(A_PREEMPT), 0, &look,
	      "A test                                                          2.1 s  target up\n"
	      "LUN 0   node-a holds Write Exclusive, Registrants Only, key 0xa\n"
	      "The first fences the third.\n"
	      "--------------------------------------------------------------------------------\n"
	      "node-a 0xa    WE-RO    R--VwP=\n"
	      "node-b 0xb             .R---|-\n"
	      "node-c                 ..R--vx\n"
	      "--------------------------------------------------------------------------------\n"
	      "   1.300 node-a reserve WE-RO with 0xa                good\n"
	      "   1.400 The first fences the third.\n"
	      "   1.600 node-a write 1 block at 100 #1               good\n"
	      "   1.800 node-a preempt 0xc by 0xa WE-RO              good, removed node-c\n"
	      "   2.000 node-c write 1 block at 100 #1               conflict\n"
	      "   2.100 node-b write 1 block at 100 #1               ...\n"
	      "letters: GOOD  x conflict  ! told something  ? no answer  = holds  - registered\n"
	      "6 GOOD  1 conflicts  0 attentions  0 lost  1 preempted  0 crashes\n");
}
END_TEST

START_TEST(colours_are_set_back_in_each_row)
{
	struct live_look look = {.columns = 36, .rows = 8, .colour = true, .line_end = "\n"};

	draws(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")),
		    DONE(0, 2, KEYED("reserve", "0xa") TYPE(1)), INVOKE(1, 3, WRITE(1)),
		    RETURN(1, 3, CONFLICT)),
	      0, &look,
	      "\033[0;1mA test\033[0m              1.1 s  \033[0;32mtarget up\033[0m\n"
	      "\033[0;2mLUN 0   \033[0;32mnode-a holds Write Exclusive\033[0m\n"
	      "\033[0;2m------------------------------------\033[0m\n"
	      "\033[0;1mnode-a\033[0m \033[0;36m0xa\033[0m    \033[0;32mWE\033[0m       \033[0;1mRV\033[0;32m=\033[0m\n"
	      "\033[0;2m... and 2 more\033[0m\n"
	      "\033[0;2m------------------------------------\033[0m\n"
	      "\033[0;2mletters: GOOD  \033[0;1;31mx\033[0;2m conflict  \033[0;33m!\033[0;2m told so\033[0m\n"
	      "2 GOOD  1 conflicts  0 attentions  0\n");
}
END_TEST

START_TEST(crash_ends_sessions_and_keeps_what_aptpl_keeps)
{
	draws(LINES(ALL_REGISTERED, INVOKE(1, 5, PREEMPT("0xb", "0xa") TYPE(5)),
		    "\"kind\":\"crash\"", EVENT("lost", 1),
		    RETURN(1, 5, "\"outcome\":\"unknown\"")),
	      0, &utf8,
	      "A test                                                      1.7 s   TARGET DEAD\n"
	      "LUN 0   node-a holds Write Exclusive, Registrants Only, key 0xa\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a 0xa    WE-RO    R──V┃··\n"
	      "node-b 0xb             ┄R──┃·?\n"
	      "node-c 0xc             ┄┄R─┃··\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.700 node-a register key 0x0 -> 0xa aptpl         good\n"
	      "   0.900 node-b register key 0x0 -> 0xb aptpl         good\n"
	      "   1.100 node-c register key 0x0 -> 0xc aptpl         good\n"
	      "   1.300 node-a reserve WE-RO with 0xa                good\n"
	      "   1.500 target is dead, and all sessions with it\n"
	      "   1.600 node-b has lost its connection\n"
	      "   1.700 node-b preempt 0xa by 0xb WE-RO              no answer\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "4 GOOD  0 conflicts  0 attentions  1 lost  0 preempted  1 crashes\n");
}
END_TEST

START_TEST(crash_without_aptpl_leaves_nothing)
{
	draws(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")),
		    DONE(0, 2, KEYED("reserve", "0xa") TYPE(1)), "\"kind\":\"crash\"",
		    "\"kind\":\"up\"", EVENT("login", 1)),
	      0, &utf8,
	      "A test                                                          1.2 s  target up\n"
	      "LUN 0   not reserved\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a away            RV┃┃\n"
	      "node-b                 ┄┄┃┃┄\n"
	      "node-c away            ┄┄┃┃\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.400 node-b logged in\n"
	      "   0.500 node-c logged in\n"
	      "   0.700 node-a register key 0x0 -> 0xa               good\n"
	      "   0.900 node-a reserve WE with 0xa                   good\n"
	      "   1.000 target is dead, and all sessions with it\n"
	      "   1.100 target is up again\n"
	      "   1.200 node-b logged in\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "2 GOOD  0 conflicts  0 attentions  0 lost  0 preempted  1 crashes\n");
}
END_TEST

START_TEST(all_registrants_hold_in_all_their_lanes)
{
	draws(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")),
		    DONE(1, 2, REGISTER("0x0", "0x123456789abcdef0")),
		    DONE(1, 3, KEYED("reserve", "0x123456789abcdef0") TYPE(8)),
		    INVOKE(2, 4, "\"op\":\"test_unit_ready\""),
		    RETURN(2, 4, "\"outcome\":\"check\",\"sense_key\":6,\"asc\":42,\"ascq\":5")),
	      0, &utf8,
	      "A test                                                          1.3 s  target up\n"
	      "LUN 0   all registrants hold Exclusive Access, All Registrants\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a 0xa                EA-AR    R─━━\n"
	      "node-b 0x123456789abcdef0 EA-AR    ┄RV━\n"
	      "node-c                             ┄┄┄!\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.300 node-a logged in\n"
	      "   0.400 node-b logged in\n"
	      "   0.500 node-c logged in\n"
	      "   0.700 node-a register key 0x0 -> 0xa               good\n"
	      "   0.900 node-b register key 0x0 -> 0x123456789abcdef0  good\n"
	      "   1.100 node-b reserve EA-AR with 0x123456789abcdef0  good\n"
	      "   1.300 node-c test_unit_ready                    told: registrations preempted\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "3 GOOD  0 conflicts  1 attentions  0 lost  0 preempted  0 crashes\n");
}
END_TEST

START_TEST(each_lun_has_its_holder_and_lanes)
{
	draws(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")),
		    DONE(0, 2, KEYED("reserve", "0xa") TYPE(3)),
		    DONE(1, 3, "\"op\":\"spc2_reserve\",\"lun\":1"),
		    INVOKE(2, 4, WRITE(1) ",\"lun\":1"), RETURN(2, 4, CONFLICT)),
	      0, &utf8,
	      "A test                                                          1.3 s  target up\n"
	      "LUN 0   node-a holds Exclusive Access, key 0xa\n"
	      "LUN 1   node-b holds it by RESERVE of SPC-2\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a L0  0xa    EA       RV━━\n"
	      "node-a L1                    ┄┄\n"
	      "node-b L0                  ┄┄┄┄\n"
	      "... and 3 more\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.500 node-c     logged in\n"
	      "   0.700 node-a     register key 0x0 -> 0xa               good\n"
	      "   0.900 node-a     reserve EA with 0xa                   good\n"
	      "   1.100 node-b     spc2_reserve on LUN 1                 good\n"
	      "   1.300 node-c     write 1 block at 100 #1 on LUN 1      conflict\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "3 GOOD  1 conflicts  0 attentions  0 lost  0 preempted  0 crashes\n");
}
END_TEST

START_TEST(lanes_leave_room_for_what_happened)
{
	struct live_look look = utf8;

	look.rows = 12;
	draws(LINES(ALL_REGISTERED), 0, &look,
	      "A test                                                          1.3 s  target up\n"
	      "LUN 0   node-a holds Write Exclusive, Registrants Only, key 0xa\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a 0xa    WE-RO    R──V\n"
	      "... and 2 more\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.700 node-a register key 0x0 -> 0xa aptpl         good\n"
	      "   0.900 node-b register key 0x0 -> 0xb aptpl         good\n"
	      "   1.100 node-c register key 0x0 -> 0xc aptpl         good\n"
	      "   1.300 node-a reserve WE-RO with 0xa                good\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "4 GOOD  0 conflicts  0 attentions  0 lost  0 preempted  0 crashes\n");
}
END_TEST

START_TEST(in_a_slice_of_time_the_worst_is_shown)
{
	draws(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")), DONE(0, 2, WRITE(1)),
		    DONE(0, 3, KEYED("reserve", "0xa") TYPE(1)), INVOKE(1, 4, WRITE(1)),
		    RETURN(1, 4, CONFLICT), DONE(1, 5, "\"op\":\"test_unit_ready\"")),
	      1000000000, &utf8,
	      "A test                                                          1.5 s  target up\n"
	      "LUN 0   node-a holds Write Exclusive, key 0xa\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "node-a 0xa    WE    wV\n"
	      "node-b              ┄✗\n"
	      "node-c              ┄┄\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   1.000 all    2 commands, 0 conflicts, 0 preempts, 0 without answer\n"
	      "\n"
	      "\n"
	      "\n"
	      "\n"
	      "\n"
	      "\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "4 GOOD  1 conflicts  0 attentions  0 lost  0 preempted  0 crashes\n");
}
END_TEST

START_TEST(long_note_takes_two_rows_and_hostile_text_no_more_than_its_place)
{
	draws(LINES(NEXUS(0, "a\\u001b[2Jb"), EVENT("login", 0),
		    NOTE("A note that is longer than a row of the screen has place for is told in "
			 "two of them, and \\u001b[31mcolours are not its business."),
		    DONE(0, 1, WRITE(1))),
	      0, &utf8,
	      "A test                                                          0.4 s  target up\n"
	      "LUN 0   not reserved\n"
	      "A note that is longer than a row of the screen has place for is told in two of\n"
	      "them, and ?[31mcolours are not its business.\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "a?[2Jb               w\n"
	      "────────────────────────────────────────────────────────────────────────────────\n"
	      "   0.100 a?[2Jb logged in\n"
	      "   0.200 A note that is longer than a row of the screen has place for is told in\n"
	      "   0.400 a?[2Jb write 1 block at 100 #1               good\n"
	      "\n"
	      "\n"
	      "\n"
	      "\n"
	      "letters: GOOD  ✗ conflict  ! told something  ? no answer  ━ holds  ─ registered\n"
	      "1 GOOD  0 conflicts  0 attentions  0 lost  0 preempted  0 crashes\n");
}
END_TEST

START_TEST(nothing_leaves_the_screen_whatever_its_size)
{
	const char *const *lines = LINES(A_PREEMPT);
	struct live_look look = {.line_end = "\n"};

	for (look.columns = 1; look.columns < 130; look.columns += 7) {
		for (look.rows = 1; look.rows < 40; look.rows += 3) {
			char *screen = screen_of(lines, 0, &look);
			unsigned rows = 0;
			for (const char *at = screen; *at; rows++) {
				size_t len = strcspn(at, "\n");
				ck_assert_uint_le(len, look.columns);
				at += len + 1;
			}
			ck_assert_uint_eq(rows, look.rows);
			free(screen);
		}
	}
}
END_TEST

START_TEST(lane_goes_on_when_it_is_full)
{
	const char *lines[1024] = {NEXUS(0, "node-a"), EVENT("login", 0)};
	char texts[600][128], *screen;
	struct live_look look = utf8;
	size_t count = 2;

	for (int i = 0; i < 300; i++) {
		snprintf(texts[2 * i], sizeof(texts[0]),
			 "\"kind\":\"invoke\",\"nexus\":0,\"command\":%d,%s", i,
			 i < 299 ? "\"op\":\"test_unit_ready\"" : WRITE(1));
		snprintf(texts[2 * i + 1], sizeof(texts[0]),
			 "\"kind\":\"return\",\"nexus\":0,\"command\":%d,%s", i, GOOD);
		lines[count++] = texts[2 * i];
		lines[count++] = texts[2 * i + 1];
	}
	look.columns = 40;
	screen = screen_of(lines, 0, &look);
	ck_assert_ptr_nonnull(strstr(screen, "node-a              tttttttttttttttttttw\n"));
	free(screen);
}
END_TEST

START_TEST(plain_form_has_a_line_for_each_end_and_what_became_of_it)
{
	char *text = lines_of(LINES(A_PREEMPT, "\"kind\":\"crash\"", "\"kind\":\"up\""), 0);

	ck_assert_str_eq(
		text,
		"    0.300 s  node-a     logged in\n"
		"    0.400 s  node-b     logged in\n"
		"    0.500 s  node-c     logged in\n"
		"    0.700 s  node-a     register key 0x0 -> 0xa aptpl             good\n"
		"                registered: node-a 0xa\n"
		"    0.900 s  node-b     register key 0x0 -> 0xb aptpl             good\n"
		"                registered: node-a 0xa, node-b 0xb\n"
		"    1.100 s  node-c     register key 0x0 -> 0xc aptpl             good\n"
		"                registered: node-a 0xa, node-b 0xb, node-c 0xc\n"
		"    1.300 s  node-a     reserve WE-RO with 0xa                    good\n"
		"                registered: node-a 0xa, node-b 0xb, node-c 0xc; WE-RO held by node-a\n"
		"    1.400 s  -- The first fences the third.\n"
		"    1.600 s  node-a     write 1 block at 100 #1                   good\n"
		"    1.800 s  node-a     preempt 0xc by 0xa WE-RO                  good, removed node-c\n"
		"                registered: node-a 0xa, node-b 0xb; WE-RO held by node-a\n"
		"    2.000 s  node-c     write 1 block at 100 #1                   conflict\n"
		"    2.200 s  target     is dead, and all sessions with it\n"
		"                registered: node-a 0xa, node-b 0xb; WE-RO held by node-a\n"
		"    2.300 s  target     is up again\n");
	free(text);
}
END_TEST

START_TEST(plain_form_of_slices_counts_each_second)
{
	char *text = lines_of(LINES(THREE_UP, DONE(0, 1, REGISTER("0x0", "0xa")),
				    DONE(0, 2, WRITE(1)), DONE(0, 3, WRITE(2))),
			      100000000);

	ck_assert_str_eq(
		text,
		"    1.000 s  all        2 commands, 0 conflicts, 0 preempts, 0 without answer\n");
	free(text);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, screen_shows_keys_holder_and_the_arrow_of_a_preempt);
	tcase_add_test(tcase, screen_does_without_utf8);
	tcase_add_test(tcase, colours_are_set_back_in_each_row);
	tcase_add_test(tcase, crash_ends_sessions_and_keeps_what_aptpl_keeps);
	tcase_add_test(tcase, crash_without_aptpl_leaves_nothing);
	tcase_add_test(tcase, all_registrants_hold_in_all_their_lanes);
	tcase_add_test(tcase, each_lun_has_its_holder_and_lanes);
	tcase_add_test(tcase, lanes_leave_room_for_what_happened);
	tcase_add_test(tcase, in_a_slice_of_time_the_worst_is_shown);
	tcase_add_test(tcase, long_note_takes_two_rows_and_hostile_text_no_more_than_its_place);
	tcase_add_test(tcase, nothing_leaves_the_screen_whatever_its_size);
	tcase_add_test(tcase, lane_goes_on_when_it_is_full);
	tcase_add_test(tcase, plain_form_has_a_line_for_each_end_and_what_became_of_it);
	tcase_add_test(tcase, plain_form_of_slices_counts_each_second);
}

int main(void)
{
	return suite_run("live", fill);
}
