/* The digests of CHAP against values from elsewhere. */
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "transport/chap_digest.h"

static const uint8_t challenge[] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
				    0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};

/* H(27h, "secret-of-16byte", 10h .. 1Fh), by Python's hashlib. */
static const struct {
	unsigned number, len;
	const char *response;
} known[] = {
	{5, 16, "f43a37ed33a7ffdc46863513c2d1bb41"},
	{6, 20, "f9076df45244157dd29ff837d7e643c381674e1b"},
	{7, 32, "89c33b624511a03a5adc12efcd8449fb3b0d6b6aca6fb1e36e57ca3b5c45c9ad"},
	{8, 32, "d5bb1cc20fcfed8d93f277069821a5e33af544bed7b4c206ec688c2b6eba2cbf"},
};

static void hex(const uint8_t *bytes, size_t len, char *ret_text)
{
	for (size_t i = 0; i < len; i++)
		sprintf(ret_text + 2 * i, "%02x", bytes[i]);
}

START_TEST(responses_are_those_that_others_compute)
{
	uint8_t response[ISCSI_CHAP_DIGEST_MAX];
	char text[2 * ISCSI_CHAP_DIGEST_MAX + 1];
	const struct iscsi_chap_algorithm *algorithm = iscsi_chap_algorithm_find(known[_i].number);

	ck_assert_ptr_nonnull(algorithm);
	ck_assert_uint_eq(algorithm->number, known[_i].number);
	ck_assert_uint_eq(algorithm->len, known[_i].len);
	ck_assert(iscsi_chap_response(algorithm, 0x27, (const uint8_t *)"secret-of-16byte", 16,
				      challenge, sizeof(challenge), response));
	hex(response, algorithm->len, text);
	ck_assert_str_eq(text, known[_i].response);
}
END_TEST

START_TEST(secrets_are_bytes_and_not_text)
{
	static const uint8_t secret[] = {0, 1, 2, 255}, c[] = {'c'};
	uint8_t response[ISCSI_CHAP_DIGEST_MAX];
	char text[2 * ISCSI_CHAP_DIGEST_MAX + 1];

	ck_assert(iscsi_chap_response(iscsi_chap_algorithm_find(7), 255, secret, sizeof(secret), c,
				      sizeof(c), response));
	hex(response, 32, text);
	ck_assert_str_eq(text, "f2c744e355523d9ad51bd462d79e44cfba1579675ea47f248b8f69765e39e873");
}
END_TEST

START_TEST(there_are_no_other_algorithms)
{
	for (uint64_t number = 0; number < 300; number++)
		if (number < 5 || number > 8)
			ck_assert_ptr_null(iscsi_chap_algorithm_find(number));
	ck_assert_ptr_null(iscsi_chap_algorithm_find(((uint64_t)1 << 32) + 5));
	ck_assert_ptr_null(iscsi_chap_algorithm_find(UINT64_MAX));
}
END_TEST

START_TEST(equal_means_every_byte)
{
	uint8_t a[32], b[32];

	memset(a, 7, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++) {
		memcpy(b, a, sizeof(a));
		ck_assert(iscsi_chap_equal(a, b, sizeof(a)));
		b[i] ^= 1;
		ck_assert(!iscsi_chap_equal(a, b, sizeof(a)));
		ck_assert(iscsi_chap_equal(a, b, i));
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, responses_are_those_that_others_compute, 0, 4);
	tcase_add_test(tcase, secrets_are_bytes_and_not_text);
	tcase_add_test(tcase, there_are_no_other_algorithms);
	tcase_add_test(tcase, equal_means_every_byte);
}

int main(void)
{
	return suite_run("transport/chap digest", fill);
}
