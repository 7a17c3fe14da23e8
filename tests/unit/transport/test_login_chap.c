/*
 * CHAP in a login (RFC 7143 12.1.3): the exchange, both ways, and what is refused. The script's
 * random bytes count up from 0, so the identifier is 0 and the challenge 01 02 ... 20; the
 * responses below were computed from that by Python's hashlib.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/transport/login_script.h"

#define USER   "\xc3\xa4lice"
#define NAME   "CHAP_N=" USER
#define MD5    "0x67d76b7f744b0220ad4e737c7bcc39ef"
#define WRONG  "0x9897af981a28cf0cd9d8e084cc04c63d" /* of "initiator-secreT" */
#define OUR_C  "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define MUTUAL "\0CHAP_I=0x42\0CHAP_C=0xa1b2c3d4e5f60718293a4b5c6d7e8f90"

static struct login_script script;
static const struct iscsi_chap_account theirs = {
	.name = USER, .secret = (const uint8_t *)"initiator-secret", .secret_len = 16};
static const struct iscsi_chap_account ours = {
	.name = "the target", .secret = (const uint8_t *)"target-secret-99", .secret_len = 16};

static void setup(void)
{
	login_script_init(&script);
	script.rules.must_authenticate = true;
	script.rules.ours = &ours;
	script.account = theirs;
	login_script_begin(&script);
}

static void teardown(void)
{
	login_script_end(&script);
}

static void restart(void)
{
	login_script_end(&script);
	script.random = 0;
	script.admits = 0;
	login_script_begin(&script);
}

static void ck_refused(uint16_t status)
{
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert_msg(script.response.status == status, "status %04x", script.response.status);
	ck_assert_uint_eq(script.text_len, 0);
	ck_assert_uint_eq(script.admits, 0);
	ck_assert_str_eq(script.login.user, "");
}

static void ck_stays(void)
{
	ck_assert_int_eq(script.result, ISCSI_LOGIN_GO_ON);
	ck_assert_uint_eq(script.response.status, 0);
	ck_assert(!script.response.transit);
}

#define ANSWER_IS(key, value)                                                  \
	do {                                                                   \
		const char *given = login_script_answer(&script, key);         \
		ck_assert_msg(given &&strcmp(given, value) == 0, "%s=%s", key, \
			      given ? given : "(none)");                       \
	} while (0)
#define NO_ANSWER(key) ck_assert_ptr_null(login_script_answer(&script, key))

/* Up to our challenge. */
static void challenge(const char *algorithms)
{
	char text[64];

	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0SessionType=Normal\0AuthMethod=CHAP,None");
	ck_stays();
	ANSWER_IS("AuthMethod", "CHAP");
	ANSWER_IS("TargetPortalGroupTag", "7");
	int n = snprintf(text, sizeof(text), "CHAP_A=%s", algorithms);
	login_script_send(&script, SECURITY, text, (size_t)n + 1);
}

/* One text behind the challenge, with T = 1. */
#define RESPOND(literal) LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, literal)

static void ck_proven(void)
{
	ck_assert_uint_eq(script.response.status, 0);
	ck_assert(script.response.transit);
	ck_assert_str_eq(script.login.user, USER);
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, "InitialR2T=Yes");
	ck_assert_int_eq(script.result, ISCSI_LOGIN_COMPLETE);
	ck_assert_uint_eq(script.admits, 1);
}

/* --- what works ------------------------------------------------------------------------------- */

static const struct {
	const char *offer, *chosen, *response, *target;
} algorithms[] = {
	{"5", "5", MD5, "0x272e34b4989e8d956828d89c5e2d5f64"},
	{"6,5", "6", "0xe78a209396740b5743ebdb2eacf79a73c8e19180",
	 "0x98306d7fbbf9cf313ac411a5f16dbe7e15e5f80e"},
	{"7,6,5", "7", "0x3be1d1a3e3e388fa8b05002a86042c9616e29b372807241e8fdd9e5c1af569fe",
	 "0x7bc11692003bf74ede33813e3f475f7f88ab00a8a755518cabe356f490692edc"},
	{"8,7,6,5", "8", "0x4750d363ebc340b75bb49a9480f5806e4b847a11cf94ce8e3f2ac6b6531586cb",
	 "0xc0c88137d1e688132da0875857b8887a114d040094bd63458a14afcea0101b65"},
	{"56,0x5,8", "5", MD5, "0x272e34b4989e8d956828d89c5e2d5f64"},
	{"99999999999999999999999999,,5", "5", MD5, "0x272e34b4989e8d956828d89c5e2d5f64"},
};

static void respond_with(const char *response, const char *more, size_t more_len)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s%cCHAP_R=%s", NAME, 0, response);

	memcpy(text + n, more, more_len);
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, text, (size_t)n + more_len);
}

START_TEST(each_algorithm_proves_the_initiator)
{
	challenge(algorithms[_i].offer);
	ck_stays();
	ANSWER_IS("CHAP_A", algorithms[_i].chosen);
	ANSWER_IS("CHAP_I", "0");
	ANSWER_IS("CHAP_C", OUR_C);
	respond_with(algorithms[_i].response, "", 1);
	NO_ANSWER("CHAP_N");
	NO_ANSWER("CHAP_R");
	ck_proven();
}
END_TEST

START_TEST(each_algorithm_proves_the_target_too)
{
	challenge(algorithms[_i].offer);
	respond_with(algorithms[_i].response, MUTUAL, sizeof(MUTUAL));
	ANSWER_IS("CHAP_N", "the target");
	ANSWER_IS("CHAP_R", algorithms[_i].target);
	ck_proven();
}
END_TEST

START_TEST(values_may_be_decimal_hexadecimal_or_base64)
{
	challenge("0x5");
	ANSWER_IS("CHAP_A", "5");
	RESPOND(NAME "\0CHAP_R=0bZ9drf3RLAiCtTnN8e8w57w==\0CHAP_I=66\0"
		     "CHAP_C=0bobLD1OX2Bxgp Ks=");
	ck_refused(0x0200); /* a blank is no base64 */
	restart();
	challenge("5");
	RESPOND(NAME "\0CHAP_R=0bZ9drf3RLAiCtTnN8e8w57w==\0CHAP_I=66\0"
		     "CHAP_C=0bobLD1OX2Bxgp"
		     "OktcbX6PkA==");
	ANSWER_IS("CHAP_R", "0x272e34b4989e8d956828d89c5e2d5f64");
	ck_proven();
}
END_TEST

START_TEST(the_list_of_algorithms_may_come_with_the_method)
{
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0AuthMethod=CHAP\0CHAP_A=5");
	ck_stays();
	ANSWER_IS("AuthMethod", "CHAP");
	ANSWER_IS("CHAP_C", OUR_C);
	RESPOND(NAME "\0CHAP_R=" MD5);
	ck_proven();
}
END_TEST

START_TEST(transit_is_not_granted_before_the_proof)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_FULL, LOGIN_NAMES "\0AuthMethod=CHAP");
	ck_stays();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_FULL, "CHAP_A=5");
	ck_stays();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_FULL, NAME "\0CHAP_R=" MD5);
	ck_assert_int_eq(script.result, ISCSI_LOGIN_COMPLETE);
	ck_assert_str_eq(script.login.user, USER);
}
END_TEST

START_TEST(the_proof_may_come_without_transit)
{
	challenge("5");
	LOGIN_SEND(&script, SECURITY, NAME "\0CHAP_R=" MD5);
	ck_stays();
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, "", 0);
	ck_proven();
}
END_TEST

/* RFC 7143 6.3: no opinion on the initiator's side. */
START_TEST(an_initiator_that_names_no_method_hears_ours)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	ck_stays();
	ANSWER_IS("AuthMethod", "CHAP");
	LOGIN_SEND(&script, SECURITY, "AuthMethod=CHAP\0CHAP_A=5");
	ck_stays();
	NO_ANSWER("AuthMethod"); /* it was the answer */
	RESPOND(NAME "\0CHAP_R=" MD5);
	ck_proven();
}
END_TEST

START_TEST(a_method_of_ones_own_without_transit_is_waited_for)
{
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES);
	ck_stays();
	NO_ANSWER("AuthMethod");
	LOGIN_SEND(&script, SECURITY, "AuthMethod=KRB5,CHAP");
	ANSWER_IS("AuthMethod", "CHAP");
}
END_TEST

START_TEST(discovery_is_proven_like_anything_else)
{
	LOGIN_SEND(&script, SECURITY, DISCOVERY_NAMES "\0AuthMethod=CHAP\0CHAP_A=5");
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_FULL, NAME "\0CHAP_R=" MD5);
	ck_assert_int_eq(script.result, ISCSI_LOGIN_COMPLETE);
}
END_TEST

START_TEST(a_name_is_text_even_if_it_looks_like_a_number)
{
	script.account.name = "0x616c696365";
	challenge("5");
	RESPOND("CHAP_N=alice\0CHAP_R=" MD5);
	ck_refused(0x0201);
	restart();
	challenge("5");
	RESPOND("CHAP_N=0x616c696365\0CHAP_R=" MD5);
	ck_assert_str_eq(script.login.user, "0x616c696365");
}
END_TEST

/* --- who does not prove itself ---------------------------------------------------------------- */

START_TEST(no_way_around_the_proof)
{
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_refused(0x0201);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0AuthMethod=None");
	ck_refused(0x0201);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, "");
	ck_assert_uint_eq(script.response.status, 0x0200); /* one NUL is no pair */
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, "", 0);
	ck_refused(0x0201);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	LOGIN_SEND(&script, SECURITY, "AuthMethod=Reject");
	ck_refused(0x0201);
	restart();
	challenge("5");
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, "InitialR2T=Yes");
	ck_refused(0x0200);
	restart();
	challenge("5");
	RESPOND("AuthMethod=None");
	ck_refused(0x0200);
}
END_TEST

START_TEST(a_wrong_secret_is_refused)
{
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" WRONG);
	ck_refused(0x0201);
	ck_assert_ptr_nonnull(strstr(script.login.why, "secret"));
}
END_TEST

START_TEST(an_unknown_user_looks_like_a_wrong_secret)
{
	challenge("5");
	RESPOND("CHAP_N=bob\0CHAP_R=" MD5);
	ck_refused(0x0201);
	restart();
	script.account.name = NULL;
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5);
	ck_refused(0x0201);
}
END_TEST

static const char *const bad_responses[] = {
	"0x",
	"0x67d76b7f744b0220ad4e737c7bcc39",
	MD5 "00",
	"0x67d76b7f744b0220ad4e737c7bcc39eg",
	"67d76b7f744b0220ad4e737c7bcc39ef",
	"137980000000000000000000000000000000000",
	"0b",
	"0bZ9drf3RLAiCtTnN8e8w57w=",
	"",
};

START_TEST(a_response_of_the_wrong_form_is_a_wrong_one)
{
	challenge("5");
	respond_with(bad_responses[_i], "", 1);
	ck_refused(0x0201);
}
END_TEST

START_TEST(a_response_longer_than_any_buffer_is_refused)
{
	char text[2200] = NAME "\0CHAP_R=0x";
	size_t at = sizeof(NAME "\0CHAP_R=0x") - 1;

	challenge("5");
	memset(text + at, '6', 2048);
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, text, at + 2048 + 1);
	ck_refused(0x0201);
	restart();
	challenge("5");
	memset(text + at, '6', 2049);
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, text, at + 2049 + 1);
	ck_refused(0x0200);
}
END_TEST

START_TEST(no_algorithm_in_common)
{
	static const char *const offers[] = {"1", "56", "", "5x", "9,10", "MD5", "-5", "05"};

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		challenge(offers[i]);
		ck_refused(0x0201);
		restart();
	}
}
END_TEST

START_TEST(weak_algorithms_can_be_switched_off)
{
	script.policy.chap_md5 = false;
	script.policy.chap_sha1 = false;
	restart();
	challenge("5,6");
	ck_refused(0x0201);
	restart();
	challenge("5,6,7");
	ANSWER_IS("CHAP_A", "7");
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	uint16_t status;
} out_of_order[] = {
#define TEXT(literal) literal, sizeof(literal)
	{TEXT(NAME), 0x0207},
	{TEXT("CHAP_R=" MD5), 0x0207},
	{TEXT("CHAP_I=1\0CHAP_C=0x01020304"), 0x0207},
	{TEXT("InitiatorAlias=x"), 0x0207},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_I=1"), 0x0207},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_C=0x01"), 0x0207},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_A=5"), 0x0200},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_I=256\0CHAP_C=0x01"), 0x0200},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_I=x\0CHAP_C=0x01"), 0x0200},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_I=1\0CHAP_C=0x"), 0x0200},
	{TEXT(NAME "\0CHAP_R=" MD5 "\0CHAP_I=1\0CHAP_C=17"), 0x0200},
	{TEXT(NAME "\0CHAP_R=" WRONG MUTUAL), 0x0201},
#undef TEXT
};

START_TEST(what_is_missing_or_malformed_behind_the_challenge)
{
	challenge("5");
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, out_of_order[_i].text,
			  out_of_order[_i].len);
	ck_refused(out_of_order[_i].status);
}
END_TEST

START_TEST(keys_before_their_turn)
{
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0CHAP_A=5");
	ck_refused(0x0200);
	restart();
	LOGIN_SEND(&script, SECURITY,
		   LOGIN_NAMES "\0AuthMethod=CHAP\0CHAP_A=5\0CHAP_N=x\0CHAP_R=0x00");
	ck_refused(0x0200);
	restart();
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0AuthMethod=CHAP");
	LOGIN_SEND(&script, SECURITY, NAME "\0CHAP_R=" MD5);
	ck_refused(0x0200);
	restart();
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0AuthMethod=CHAP");
	LOGIN_SEND(&script, SECURITY, "InitiatorAlias=x");
	ck_refused(0x0207);
}
END_TEST

START_TEST(a_second_try_needs_a_second_login)
{
	challenge("5");
	LOGIN_SEND(&script, SECURITY, NAME "\0CHAP_R=" MD5);
	ck_stays();
	LOGIN_SEND(&script, SECURITY, NAME "\0CHAP_R=" MD5);
	ck_assert_uint_eq(script.response.status, 0x0200);
}
END_TEST

START_TEST(challenges_differ_from_login_to_login)
{
	char before[ISCSI_TEXT_BINARY_MAX * 2 + 3];

	challenge("5");
	snprintf(before, sizeof(before), "%s", login_script_answer(&script, "CHAP_C"));
	login_script_end(&script);
	login_script_begin(&script);
	challenge("5");
	ck_assert_str_ne(before, login_script_answer(&script, "CHAP_C"));
}
END_TEST

/* --- mutual ----------------------------------------------------------------------------------- */

START_TEST(our_own_challenge_is_not_answered)
{
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5 "\0CHAP_I=0\0CHAP_C=" OUR_C);
	ck_refused(0x0201);
}
END_TEST

START_TEST(nor_that_of_another_connection)
{
	static const uint8_t other[16] = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18,
					  0x29, 0x3a, 0x4b, 0x5c, 0x6d, 0x7e, 0x8f, 0x90};

	memcpy(script.other_challenge, other, sizeof(other));
	script.other_challenge_len = sizeof(other);
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5 MUTUAL);
	ck_refused(0x0201);
}
END_TEST

START_TEST(the_same_secret_both_ways_is_refused)
{
	struct iscsi_chap_account same = {
		.name = "t", .secret = theirs.secret, .secret_len = theirs.secret_len};

	script.rules.ours = &same;
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5 MUTUAL);
	ck_refused(0x0201);
}
END_TEST

START_TEST(a_target_without_a_secret_cannot_prove_itself)
{
	script.rules.ours = NULL;
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5 MUTUAL);
	ck_refused(0x0201);
	restart();
	challenge("5");
	RESPOND(NAME "\0CHAP_R=" MD5);
	ck_proven();
}
END_TEST

/* --- without need of a proof ------------------------------------------------------------------ */

START_TEST(without_a_user_there_is_nothing_to_prove)
{
	script.rules.must_authenticate = false;
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL,
		   LOGIN_NAMES "\0AuthMethod=CHAP,None");
	ANSWER_IS("AuthMethod", "None");
	ck_assert(script.response.transit);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0AuthMethod=CHAP");
	ck_refused(0x0201);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
#define LOOP(test, table) tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof(table[0]))
	LOOP(each_algorithm_proves_the_initiator, algorithms);
	LOOP(each_algorithm_proves_the_target_too, algorithms);
	tcase_add_test(tcase, values_may_be_decimal_hexadecimal_or_base64);
	tcase_add_test(tcase, the_list_of_algorithms_may_come_with_the_method);
	tcase_add_test(tcase, transit_is_not_granted_before_the_proof);
	tcase_add_test(tcase, the_proof_may_come_without_transit);
	tcase_add_test(tcase, an_initiator_that_names_no_method_hears_ours);
	tcase_add_test(tcase, a_method_of_ones_own_without_transit_is_waited_for);
	tcase_add_test(tcase, discovery_is_proven_like_anything_else);
	tcase_add_test(tcase, a_name_is_text_even_if_it_looks_like_a_number);
	tcase_add_test(tcase, no_way_around_the_proof);
	tcase_add_test(tcase, a_wrong_secret_is_refused);
	tcase_add_test(tcase, an_unknown_user_looks_like_a_wrong_secret);
	LOOP(a_response_of_the_wrong_form_is_a_wrong_one, bad_responses);
	tcase_add_test(tcase, a_response_longer_than_any_buffer_is_refused);
	tcase_add_test(tcase, no_algorithm_in_common);
	tcase_add_test(tcase, weak_algorithms_can_be_switched_off);
	LOOP(what_is_missing_or_malformed_behind_the_challenge, out_of_order);
	tcase_add_test(tcase, keys_before_their_turn);
	tcase_add_test(tcase, a_second_try_needs_a_second_login);
	tcase_add_test(tcase, challenges_differ_from_login_to_login);
	tcase_add_test(tcase, our_own_challenge_is_not_answered);
	tcase_add_test(tcase, nor_that_of_another_connection);
	tcase_add_test(tcase, the_same_secret_both_ways_is_refused);
	tcase_add_test(tcase, a_target_without_a_secret_cannot_prove_itself);
	tcase_add_test(tcase, without_a_user_there_is_nothing_to_prove);
}

int main(void)
{
	return suite_run("transport/login chap", fill);
}
