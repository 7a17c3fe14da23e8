/*
 * Text keys (RFC 7143 6.1): the tokenizer takes what is well-formed and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "transport/text.h"

/* Walks over it; the number of pairs, -1 when it is malformed. */
static int walk(const void *text, size_t len)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;
	int pairs = 0;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		pairs++;
	return bad ? -1 : pairs;
}
/* A string literal as a text: its last NUL closes the last pair. */
#define WALK(literal) walk(literal, sizeof(literal))

START_TEST(pairs_come_in_order)
{
	static const char text[] = "HeaderDigest=None\0X-a=b=c\0Empty=";
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, sizeof(text));
	ck_assert(iscsi_text_next(&reader, key, &value, &bad));
	ck_assert_str_eq(key, "HeaderDigest");
	ck_assert_str_eq(value, "None");
	ck_assert(iscsi_text_next(&reader, key, &value, &bad));
	ck_assert_str_eq(key, "X-a");
	ck_assert_str_eq(value, "b=c");
	ck_assert(iscsi_text_next(&reader, key, &value, &bad));
	ck_assert_str_eq(key, "Empty");
	ck_assert_str_eq(value, "");
	ck_assert(!iscsi_text_next(&reader, key, &value, &bad));
	ck_assert(!bad);
}
END_TEST

START_TEST(an_empty_text_has_no_pairs)
{
	ck_assert_int_eq(walk(NULL, 0), 0);
	ck_assert_int_eq(walk("", 0), 0);
}
END_TEST

START_TEST(malformed_texts_are_told)
{
	ck_assert_int_eq(walk("A=b", 3), -1); /* no NUL */
	ck_assert_int_eq(WALK("A=b\0C=d\0E"), -1);
	ck_assert_int_eq(WALK("Alone"), -1);
	ck_assert_int_eq(WALK("=value"), -1);
	ck_assert_int_eq(WALK("A=b\0\0C=d"), -1); /* a run of NULs */
	ck_assert_int_eq(walk("A=b\0\0\0\0", 8), -1);
	ck_assert_int_eq(WALK(""), -1);
	ck_assert_int_eq(WALK("A b=c"), -1);
	ck_assert_int_eq(WALK("A,b=c"), -1);
	ck_assert_int_eq(WALK("\xc3\xa9=c"), -1);
	ck_assert_int_eq(WALK("Key=\xff"), -1); /* not UTF-8 */
	ck_assert_int_eq(WALK("Key=\xc3"), -1);
	ck_assert_int_eq(WALK("Key=\xc0\x80"), -1);	    /* an over-long NUL */
	ck_assert_int_eq(WALK("Key=\xed\xa0\x80"), -1);	    /* a surrogate */
	ck_assert_int_eq(WALK("Key=\xf4\x90\x80\x80"), -1); /* beyond U+10FFFF */
}
END_TEST

START_TEST(all_legal_key_bytes_are_taken)
{
	ck_assert_int_eq(WALK("iSCSIProtocolLevel=1\0X#NodeArchitecture=x\0X-org.a+b@c_d=1"), 3);
	ck_assert_int_eq(WALK("InitiatorAlias=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 1);
}
END_TEST

START_TEST(keys_have_at_most_63_bytes)
{
	char text[80];

	memset(text, 'K', sizeof(text));
	memcpy(text + 63, "=v", 3);
	ck_assert_int_eq(walk(text, 66), 1);
	memset(text, 'K', sizeof(text));
	memcpy(text + 64, "=v", 3);
	ck_assert_int_eq(walk(text, 67), -1);
}
END_TEST

START_TEST(a_text_has_at_most_256_pairs)
{
	char text[257 * 4];

	for (unsigned i = 0; i < 257; i++)
		memcpy(text + i * 4, "K=v", 4);
	ck_assert_int_eq(walk(text, 256 * 4), 256);
	ck_assert_int_eq(walk(text, sizeof(text)), -1);
}
END_TEST

START_TEST(numbers_are_decimal_or_hex)
{
	static const struct {
		const char *text;
		uint64_t number;
	} good[] = {
		{"0", 0},
		{"8192", 8192},
		{"16777215", 16777215},
		{"0x0", 0},
		{"0X1fF", 0x1ff},
		{"0x00000200", 0x200},
		{"18446744073709551615", UINT64_MAX},
		{"0xffffffffffffffff", UINT64_MAX},
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(iscsi_text_number(good[i].text, &number), "%s", good[i].text);
		ck_assert_uint_eq(number, good[i].number);
	}
}
END_TEST

START_TEST(what_is_not_a_number_is_refused)
{
	static const char *const bad[] = {
		"",
		"0x",
		"0X",
		"007",
		"00",
		"-1",
		" 1",
		"1 ",
		"+1",
		"1.5",
		"12a",
		"0xg",
		"x10",
		"1~2",
		"0b10",
		"Yes",
		",",
		"18446744073709551616",
		"0x10000000000000000",
		"99999999999999999999999999999999999999",
	};
	uint64_t number = 4711;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!iscsi_text_number(bad[i], &number), "%s", bad[i]);
	ck_assert_uint_eq(number, 4711);
}
END_TEST

START_TEST(pairs_are_written_with_their_nul)
{
	static const char want[] = "TargetName=iqn.x\0MaxBurstLength=262144\0Tail";
	struct iscsi_text text;

	iscsi_text_init(&text, 8192);
	iscsi_text_add(&text, "TargetName", "iqn.x");
	iscsi_text_add_number(&text, "MaxBurstLength", 262144);
	iscsi_text_append(&text, "Tail", 5);
	ck_assert(!text.failed);
	ck_assert_uint_eq(text.len, sizeof(want));
	ck_assert_mem_eq(text.data, want, sizeof(want));
	iscsi_text_free(&text);
	ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(a_text_does_not_pass_its_limit)
{
	struct iscsi_text text;

	iscsi_text_init(&text, 10);
	iscsi_text_add(&text, "Key", "value"); /* ten bytes */
	ck_assert(!text.failed);
	iscsi_text_append(&text, "", 0);
	ck_assert(!text.failed);
	iscsi_text_append(&text, "x", 1);
	ck_assert(text.failed);
	ck_assert_uint_eq(text.len, 10);
	iscsi_text_free(&text);
	iscsi_text_init(&text, 9);
	iscsi_text_add(&text, "Key", "value");
	ck_assert(text.failed);
	ck_assert_uint_eq(text.len, 0); /* not half of a pair */
	iscsi_text_free(&text);
}
END_TEST

START_TEST(a_text_grows)
{
	struct iscsi_text text;
	char key[32];

	iscsi_text_init(&text, 1 << 20);
	for (unsigned i = 0; i < 250; i++) {
		snprintf(key, sizeof(key), "Key-%u", i);
		iscsi_text_add_number(&text, key, i);
	}
	ck_assert(!text.failed);
	ck_assert_int_eq(walk(text.data, text.len), 250);
	iscsi_text_free(&text);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, pairs_come_in_order);
	tcase_add_test(tcase, an_empty_text_has_no_pairs);
	tcase_add_test(tcase, malformed_texts_are_told);
	tcase_add_test(tcase, all_legal_key_bytes_are_taken);
	tcase_add_test(tcase, keys_have_at_most_63_bytes);
	tcase_add_test(tcase, a_text_has_at_most_256_pairs);
	tcase_add_test(tcase, numbers_are_decimal_or_hex);
	tcase_add_test(tcase, what_is_not_a_number_is_refused);
	tcase_add_test(tcase, pairs_are_written_with_their_nul);
	tcase_add_test(tcase, a_text_does_not_pass_its_limit);
	tcase_add_test(tcase, a_text_grows);
}

int main(void)
{
	return suite_run("transport/text", fill);
}
