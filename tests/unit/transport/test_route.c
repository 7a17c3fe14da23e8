/* Which loop a connection belongs to, from its first bytes. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "transport/route.h"

static uint8_t pdu[ISCSI_ROUTE_BYTES_MAX + 16];

static size_t make_login(uint8_t isid, const char *text, size_t text_len)
{
	memset(pdu, 0, sizeof(pdu));
	pdu[0] = 0x43;
	put_be24(pdu + 5, (uint32_t)text_len);
	pdu[8] = 0x80;
	pdu[13] = isid;
	memcpy(pdu + 48, text, text_len);
	return 48 + text_len;
}

static uint64_t number_of(uint8_t isid, const char *text, size_t text_len)
{
	uint64_t number = 0;
	size_t len = make_login(isid, text, text_len);

	ck_assert_uint_eq(iscsi_route(pdu, len, &number), 0);
	return number;
}

#define NUMBER(isid, text) number_of((isid), (text), sizeof(text))

#define A "InitiatorName=iqn.2026-01.test:a"

START_TEST(it_asks_for_the_whole_first_request)
{
	uint64_t number = 7;
	size_t len = make_login(1, A, sizeof(A));

	ck_assert_uint_eq(iscsi_route(pdu, 0, &number), 48);
	ck_assert_uint_eq(iscsi_route(pdu, 47, &number), 48);
	ck_assert_uint_eq(iscsi_route(pdu, 48, &number), len);
	ck_assert_uint_eq(iscsi_route(pdu, len - 1, &number), len);
	ck_assert_uint_eq(number, 7);
	ck_assert_uint_eq(iscsi_route(pdu, len, &number), 0);
}
END_TEST

START_TEST(an_initiator_port_has_one_number_whatever_else_it_says)
{
	uint64_t number = NUMBER(1, A);

	ck_assert_uint_eq(NUMBER(1, "SessionType=Normal\0" A "\0TargetName=iqn.2026-01.x:y"),
			  number);
	ck_assert_uint_eq(NUMBER(1, "InitiatorName=IQN.2026-01.Test:A"), number);
	make_login(1, A, sizeof(A));
	pdu[14] = 0x12; /* TSIH */
	pdu[20] = 0x34; /* CID */
	uint64_t joining;
	ck_assert_uint_eq(iscsi_route(pdu, 48 + sizeof(A), &joining), 0);
	ck_assert_uint_eq(joining, number);
}
END_TEST

START_TEST(the_number_is_that_of_name_and_isid)
{
	static const uint8_t isid[6] = {0x80, 0, 0, 0, 0, 1};

	ck_assert_uint_eq(NUMBER(1, A), iscsi_route_port(isid, "iqn.2026-01.test:a"));
}
END_TEST

START_TEST(name_and_isid_tell_ports_apart)
{
	uint64_t number = NUMBER(1, A);

	ck_assert_uint_ne(NUMBER(2, A), number);
	ck_assert_uint_ne(NUMBER(1, "InitiatorName=iqn.2026-01.test:b"), number);
	ck_assert_uint_ne(NUMBER(1, "SessionType=Normal"), number);
}
END_TEST

START_TEST(discovery_goes_anywhere)
{
	ck_assert_uint_eq(NUMBER(1, A "\0SessionType=Discovery"), ISCSI_ROUTE_ANYWHERE);
	ck_assert_uint_eq(NUMBER(1, "SessionType=Discovery\0" A), ISCSI_ROUTE_ANYWHERE);
	ck_assert_uint_ne(NUMBER(1, "SessionType=Normal\0" A), ISCSI_ROUTE_ANYWHERE);
}
END_TEST

START_TEST(what_is_no_login_goes_anywhere_at_once)
{
	uint64_t number = 7;

	memset(pdu, 0xff, sizeof(pdu));
	ck_assert_uint_eq(iscsi_route(pdu, 48, &number), 0);
	ck_assert_uint_eq(number, 0);
}
END_TEST

START_TEST(a_request_that_is_too_long_is_not_waited_for)
{
	uint64_t number = 0;

	make_login(1, A, sizeof(A));
	put_be24(pdu + 5, 8193);
	ck_assert_uint_eq(iscsi_route(pdu, 48, &number), 0);
	make_login(1, A, sizeof(A));
	pdu[4] = 0xff; /* AHS, which a login has not */
	put_be24(pdu + 5, 8192);
	ck_assert_uint_eq(iscsi_route(pdu, 48, &number), 0);
}
END_TEST

START_TEST(malformed_text_names_nobody)
{
	uint64_t unnamed = NUMBER(1, "SessionType=Normal");

	ck_assert_uint_eq(number_of(1, A, sizeof(A) - 1), unnamed); /* no NUL at the end */
	ck_assert_uint_eq(NUMBER(1, "=x\0" A), unnamed);
	ck_assert_uint_eq(NUMBER(1, "InitiatorName=\x01"), unnamed);
	ck_assert_uint_eq(number_of(1, "", 0), unnamed);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, it_asks_for_the_whole_first_request);
	tcase_add_test(tcase, an_initiator_port_has_one_number_whatever_else_it_says);
	tcase_add_test(tcase, the_number_is_that_of_name_and_isid);
	tcase_add_test(tcase, name_and_isid_tell_ports_apart);
	tcase_add_test(tcase, discovery_goes_anywhere);
	tcase_add_test(tcase, what_is_no_login_goes_anywhere_at_once);
	tcase_add_test(tcase, a_request_that_is_too_long_is_not_waited_for);
	tcase_add_test(tcase, malformed_text_names_nobody);
}

int main(void)
{
	return suite_run("transport/route", fill);
}
