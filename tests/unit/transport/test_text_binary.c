/* Binary values in text: hexadecimal and base64 (RFC 7143 6.1). */
#include <string.h>

#include "tests/support/suite.h"
#include "transport/text.h"

static const struct {
	const char *text;
	size_t len;
	const char *bytes;
} good[] = {
	{"0x00", 1, "\0"},
	{"0X7f", 1, "\x7f"},
	{"0xf", 1, "\x0f"},
	{"0x123", 2, "\x01\x23"},
	{"0xAbCdEf", 3, "\xab\xcd\xef"},
	{"0bAA==", 1, "\0"},
	{"0BZg==", 1, "f"},
	{"0bZm8=", 2, "fo"},
	{"0bZm9v", 3, "foo"},
	{"0bZm9vYg==", 4, "foob"},
	{"0b+/+/", 3, "\xfb\xff\xbf"},
};

START_TEST(both_forms_are_read)
{
	uint8_t bytes[8];
	size_t len = 0;

	ck_assert(iscsi_text_binary(good[_i].text, bytes, sizeof(bytes), &len));
	ck_assert_uint_eq(len, good[_i].len);
	ck_assert_mem_eq(bytes, good[_i].bytes, len);
	/* It fits exactly, and in one byte less not at all. */
	ck_assert(iscsi_text_binary(good[_i].text, bytes, len, &len));
	ck_assert(!iscsi_text_binary(good[_i].text, bytes, len - 1, &len));
}
END_TEST

static const char *const bad[] = {
	"",	  "0",	    "x00",	  "0x",	    "0b",      "0c00",	 "10",
	"0xg0",	  "0x0 ",   "0x-1",	  "0x0x00", "0bA",     "0bAA",	 "0bAAA",
	"0b====", "0bA===", "0bAA=A",	  "0bZg=",  "0bZg== ", "0bZ!==", "0bZh==",
	"0bZm9=", "0b=Zm9", "0bZm9vZ===", "00x00",  "0b_-_-",
};

START_TEST(anything_else_is_no_binary_value)
{
	uint8_t bytes[64];
	size_t len = 77;

	ck_assert_msg(!iscsi_text_binary(bad[_i], bytes, sizeof(bytes), &len), "%s", bad[_i]);
	ck_assert_uint_eq(len, 77);
}
END_TEST

START_TEST(what_is_said_reads_back)
{
	uint8_t bytes[ISCSI_TEXT_BINARY_MAX], back[ISCSI_TEXT_BINARY_MAX];
	struct iscsi_text text;
	size_t len;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	iscsi_text_init(&text, 4096);
	iscsi_text_add_binary(&text, "CHAP_C", bytes, sizeof(bytes));
	ck_assert(!text.failed);
	ck_assert_int_eq(strncmp(text.data, "CHAP_C=0x0b30", 13), 0);
	ck_assert(iscsi_text_binary(text.data + 7, back, sizeof(back), &len));
	ck_assert_uint_eq(len, sizeof(bytes));
	ck_assert_mem_eq(back, bytes, len);
	iscsi_text_free(&text);
}
END_TEST

START_TEST(a_value_that_is_too_long_to_say_fails_the_text)
{
	static const uint8_t bytes[ISCSI_TEXT_BINARY_MAX + 1];
	struct iscsi_text text;

	iscsi_text_init(&text, 4096);
	iscsi_text_add_binary(&text, "CHAP_C", bytes, sizeof(bytes));
	ck_assert(text.failed);
	ck_assert_uint_eq(text.len, 0);
	iscsi_text_free(&text);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, both_forms_are_read, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tcase, anything_else_is_no_binary_value, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, what_is_said_reads_back);
	tcase_add_test(tcase, a_value_that_is_too_long_to_say_fails_the_text);
}

int main(void)
{
	return suite_run("transport/text binary", fill);
}
