/*
 * iSCSI names (RFC 7143 4.2.7, RFC 3722).
 */
#include <string.h>

#include "pr_engine/types.h"
#include "tests/support/suite.h"
#include "transport/text.h"

static bool legal(const char *name)
{
	char canonical[PR_INITIATOR_NAME_MAX + 1];

	return iscsi_name_canonical(name, canonical);
}

START_TEST(good_names_are_kept)
{
	static const char *const good[] = {
		"iqn.1994-05.com.redhat:1a2b3c",
		"iqn.2001-04.com.example",
		"iqn.2001-04.com.example:",
		"iqn.2001-04.com.example:disk:1.x-2",
		"iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-inq",
		"iqn.9999-12.x",
		"eui.02004567a425678d",
		"naa.52004567ba64678d",
		"naa.62004567ba64678d0123456789abcdef",
		"iqn.2001-04.com.example:\xc3\xa9", /* a prepared name may have more than ASCII */
	};
	char canonical[PR_INITIATOR_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(iscsi_name_canonical(good[i], canonical), "%s", good[i]);
		ck_assert_str_eq(canonical, good[i]);
	}
}
END_TEST

START_TEST(upper_case_is_folded)
{
	char canonical[PR_INITIATOR_NAME_MAX + 1];

	ck_assert(iscsi_name_canonical("IQN.2001-04.Com.EXAMPLE:Disk", canonical));
	ck_assert_str_eq(canonical, "iqn.2001-04.com.example:disk");
	ck_assert(iscsi_name_canonical("EUI.02004567A425678D", canonical));
	ck_assert_str_eq(canonical, "eui.02004567a425678d");
}
END_TEST

START_TEST(bad_names_are_refused)
{
	static const char *const bad[] = {
		"",
		"disk",
		"iqn.",
		"iqn.2001-04",
		"iqn.2001-04.",
		"iqn.2001-13.com.example", /* no such month */
		"iqn.2001-00.com.example",
		"iqn.201-04.com.example",
		"iqn.2001/04.com.example",
		"iqn.2001-04com.example",
		"iqn.2001-04..example",
		"iqn.2001-04.:x",
		"iqn.2001-04.com.example:a b",
		"iqn.2001-04.com.example:a,b",
		"iqn.2001-04.com.example:a_b",
		"iqn.2001-04.com.example:a/b",
		"iqn.2001-04.com.example:a\nb",
		"iqn.2001-04.com.example:\x7f",
		"iqn.2001-04.com.example:\xff",
		"iqn.2001-04.com.example:\xc2\xa0",	/* no-break space */
		"iqn.2001-04.com.example:\xe3\x80\x82", /* ideographic full stop, U+3002 */
		"iqn.2001-04.com.example:\xc2\xad",	/* soft hyphen: mapped to nothing */
		"iqn.2001-04.com.example:\xef\xbf\xbf", /* no character */
		"iqn.2001-04.com.example:\xee\x80\x80", /* private use */
		"eui.",
		"eui.02004567a425678",
		"eui.02004567a425678d0",
		"eui.02004567a425678g",
		"naa.52004567ba64678d0",
		"naa.52004567ba64678d0123456789abcdef0",
		"abc.52004567ba64678d",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!legal(bad[i]), "name %zu: %s", i, bad[i]);
}
END_TEST

START_TEST(names_have_at_most_223_bytes)
{
	char name[300] = "iqn.2001-04.com.example:";
	size_t len = strlen(name);

	memset(name + len, 'x', 223 - len);
	name[223] = '\0';
	ck_assert(legal(name));
	name[223] = 'x';
	name[224] = '\0';
	ck_assert(!legal(name));
}
END_TEST

START_TEST(a_bad_name_writes_nothing)
{
	char canonical[PR_INITIATOR_NAME_MAX + 1] = "before";

	ck_assert(!iscsi_name_canonical("iqn.2001-04.com.example:a b", canonical));
	ck_assert_str_eq(canonical, "before");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, good_names_are_kept);
	tcase_add_test(tcase, upper_case_is_folded);
	tcase_add_test(tcase, bad_names_are_refused);
	tcase_add_test(tcase, names_have_at_most_223_bytes);
	tcase_add_test(tcase, a_bad_name_writes_nothing);
}

int main(void)
{
	return suite_run("transport/name", fill);
}
