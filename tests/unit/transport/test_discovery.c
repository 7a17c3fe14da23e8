/*
 * SendTargets (RFC 7143 11.10, appendix C).
 */
#include <string.h>

#include "pr_engine/types.h"
#include "tests/support/suite.h"
#include "transport/discovery.h"

static enum iscsi_send_targets parse(const char *text, size_t len)
{
	char name[PR_INITIATOR_NAME_MAX + 1];

	return iscsi_send_targets_parse(text, len, name);
}
#define PARSE(literal) parse(literal, sizeof(literal))

START_TEST(what_is_asked)
{
	char name[PR_INITIATOR_NAME_MAX + 1];
	static const char named[] = "SendTargets=IQN.2001-04.com.example:disk";

	ck_assert_int_eq(PARSE("SendTargets=All"), ISCSI_SEND_TARGETS_ALL);
	ck_assert_int_eq(PARSE("SendTargets="), ISCSI_SEND_TARGETS_OWN);
	ck_assert_int_eq(iscsi_send_targets_parse(named, sizeof(named), name),
			 ISCSI_SEND_TARGETS_NAMED);
	ck_assert_str_eq(name, "iqn.2001-04.com.example:disk");
}
END_TEST

START_TEST(other_texts_are_told_apart)
{
	ck_assert_int_eq(parse("", 0), ISCSI_SEND_TARGETS_ABSENT);
	ck_assert_int_eq(PARSE("InitiatorAlias=x"), ISCSI_SEND_TARGETS_ABSENT);
	ck_assert_int_eq(PARSE("SendTargets"), ISCSI_SEND_TARGETS_INVALID);
	ck_assert_int_eq(PARSE("SendTargets=not a name"), ISCSI_SEND_TARGETS_INVALID);
	ck_assert_int_eq(PARSE("SendTargets=all"), ISCSI_SEND_TARGETS_INVALID);
}
END_TEST

START_TEST(send_targets_stands_alone)
{
	ck_assert_int_eq(PARSE("SendTargets=All\0InitiatorAlias=x"), ISCSI_SEND_TARGETS_INVALID);
	ck_assert_int_eq(PARSE("InitiatorAlias=x\0SendTargets=All"), ISCSI_SEND_TARGETS_INVALID);
	ck_assert_int_eq(PARSE("SendTargets=All\0SendTargets=All"), ISCSI_SEND_TARGETS_INVALID);
}
END_TEST

START_TEST(records_have_a_name_and_its_addresses)
{
	static const struct iscsi_discovery_address addresses[] = {
		{"192.0.2.1:3260", 1},
		{"[2001:db8::10]:860", 65535},
	};
	static const struct iscsi_discovery_target first = {"iqn.2001-04.com.example:a", addresses,
							    2};
	static const struct iscsi_discovery_target second = {"iqn.2001-04.com.example:b", NULL, 0};
	static const char want[] = "TargetName=iqn.2001-04.com.example:a\0"
				   "TargetAddress=192.0.2.1:3260,1\0"
				   "TargetAddress=[2001:db8::10]:860,65535\0"
				   "TargetName=iqn.2001-04.com.example:b";
	struct iscsi_text text;

	iscsi_text_init(&text, 8192);
	iscsi_discovery_add_target(&text, &first);
	iscsi_discovery_add_target(&text, &second);
	ck_assert(!text.failed);
	ck_assert_uint_eq(text.len, sizeof(want));
	ck_assert_mem_eq(text.data, want, sizeof(want));
	iscsi_text_free(&text);
}
END_TEST

static const struct {
	const char *address, *want;
} forms[] = {
	{"192.0.2.1", "TargetAddress=192.0.2.1:3260,7"},
	{"127.0.0.1:41234", "TargetAddress=127.0.0.1:41234,7"},
	{"san.example.com:3261", "TargetAddress=san.example.com:3261,7"},
	{"[2001:db8::1]", "TargetAddress=[2001:db8::1]:3260,7"},
	{"2001:db8::1", "TargetAddress=[2001:db8::1]:3260,7"},
	{"::1", "TargetAddress=[::1]:3260,7"},
	{"[fe80::1%eth0]:3260", "TargetAddress=[fe80::1]:3260,7"},
	{"fe80::1%eth0", "TargetAddress=[fe80::1]:3260,7"},
};

START_TEST(addresses_are_normal)
{
	struct iscsi_discovery_address address = {forms[_i].address, 7};
	struct iscsi_discovery_target target = {"n", &address, 1};
	struct iscsi_text text;

	iscsi_text_init(&text, 8192);
	iscsi_discovery_add_target(&text, &target);
	ck_assert_str_eq(text.data + strlen("TargetName=n") + 1, forms[_i].want);
	iscsi_text_free(&text);
}
END_TEST

START_TEST(an_address_too_long_for_a_value_fails)
{
	char host[400];
	struct iscsi_discovery_address address = {host, 1};
	struct iscsi_discovery_target target = {"n", &address, 1};
	struct iscsi_text text;

	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	iscsi_text_init(&text, 8192);
	iscsi_discovery_add_target(&text, &target);
	ck_assert(text.failed);
	iscsi_text_free(&text);
}
END_TEST

START_TEST(a_long_answer_is_cut_in_pieces)
{
	static const char text[] = "A=1\0B=22";
	bool cut;

	ck_assert_uint_eq(iscsi_text_piece(text, sizeof(text), 100, &cut), sizeof(text));
	ck_assert(!cut);
	ck_assert_uint_eq(iscsi_text_piece(text, sizeof(text), sizeof(text), &cut), sizeof(text));
	ck_assert(!cut);
	ck_assert_uint_eq(iscsi_text_piece(text, sizeof(text), 4, &cut), 4);
	ck_assert(!cut); /* behind a pair */
	ck_assert_uint_eq(iscsi_text_piece(text, sizeof(text), 5, &cut), 5);
	ck_assert(cut);
	ck_assert_uint_eq(iscsi_text_piece(text, sizeof(text), 3, &cut), 3);
	ck_assert(cut); /* its NUL belongs to the pair */
	ck_assert_uint_eq(iscsi_text_piece(text, 0, 8192, &cut), 0);
	ck_assert(!cut);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, what_is_asked);
	tcase_add_test(tcase, other_texts_are_told_apart);
	tcase_add_test(tcase, send_targets_stands_alone);
	tcase_add_test(tcase, records_have_a_name_and_its_addresses);
	tcase_add_loop_test(tcase, addresses_are_normal, 0,
			    (int)(sizeof(forms) / sizeof(forms[0])));
	tcase_add_test(tcase, an_address_too_long_for_a_value_fails);
	tcase_add_test(tcase, a_long_answer_is_cut_in_pieces);
}

int main(void)
{
	return suite_run("transport/discovery", fill);
}
