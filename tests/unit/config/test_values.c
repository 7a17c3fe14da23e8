/* Sizes, addresses and names from text. */
#include "tests/support/suite.h"

#include <string.h>

#include "config/config.h"

static const struct size_case {
	const char *text;
	uint64_t bytes;
} good_sizes[] = {
	{"0", 0},
	{"512", 512},
	{"64K", 65536},
	{"64k", 65536},
	{"1G", UINT64_C(1) << 30},
	{"1GiB", UINT64_C(1) << 30},
	{"3T", UINT64_C(3) << 40},
	{"18446744073709551615", UINT64_MAX},
	{"16777215T", UINT64_C(16777215) << 40},
};

START_TEST(test_good_sizes)
{
	uint64_t bytes = 1;
	ck_assert(config_parse_size(good_sizes[_i].text, &bytes));
	ck_assert_uint_eq(bytes, good_sizes[_i].bytes);
}
END_TEST

static const char *const bad_sizes[] = {
	"",
	"K",
	"1X",
	"1GB",
	"1Gi",
	"-1",
	" 1",
	"1 G",
	"1.5G",
	"0x10",
	"18446744073709551616",
	"16777216T",
	"99999999999999999999999999",
};

START_TEST(test_bad_sizes)
{
	uint64_t bytes = 77;
	ck_assert(!config_parse_size(bad_sizes[_i], &bytes));
	ck_assert_uint_eq(bytes, 77);
}
END_TEST

static const struct address_case {
	const char *text, *canonical;
} good_addresses[] = {
	{"127.0.0.1", "127.0.0.1:3260"},
	{"127.0.0.1:0", "127.0.0.1:0"},
	{"0.0.0.0:65535", "0.0.0.0:65535"},
	{"::1", "[::1]:3260"},
	{"[::1]", "[::1]:3260"},
	{"[::1]:5", "[::1]:5"},
	{"[::]:0", "[::]:0"},
	{"[2001:DB8:0:0::1]:3260", "[2001:db8::1]:3260"},
};

START_TEST(test_good_addresses_become_canonical)
{
	char canonical[CONFIG_ADDRESS_MAX];
	ck_assert(config_parse_address(good_addresses[_i].text, canonical));
	ck_assert_str_eq(canonical, good_addresses[_i].canonical);
}
END_TEST

static const char *const bad_addresses[] = {
	"",
	":3260",
	"localhost:1",
	"127.0.0.1:",
	"127.0.0.1:x",
	"127.0.0.1:65536",
	"[::1",
	"[::1]x",
	"[::1]:",
	"[127.0.0.1]:1",
	"1.2.3:1",
	"127.0.0.1:000001",
	"fe80::1%lo",
	"1.2.3.4.5:1",
	"[::1]:99999",
	"999.0.0.1",
};

START_TEST(test_bad_addresses)
{
	char canonical[CONFIG_ADDRESS_MAX];
	ck_assert(!config_parse_address(bad_addresses[_i], canonical));
}
END_TEST

static const char *const good_names[] = {
	"iqn.2026-11.io.holdfast:disk", "iqn.1991-05.com.example",
	"iqn.2001-04.a:x:y.z-0",	"eui.0123456789abcdef",
	"naa.0123456789abcdef",		"naa.0123456789abcdef0123456789abcdef",
};

START_TEST(test_good_names)
{
	char canonical[CONFIG_NAME_MAX + 1];
	ck_assert_ptr_null(config_parse_name(good_names[_i], canonical));
	ck_assert_str_eq(canonical, good_names[_i]);
}
END_TEST

static const char *const bad_names[] = {
	"",
	"disk",
	"iqn.",
	"iqn.2026-13.a",
	"iqn.2026-00.a",
	"iqn.26-11.a",
	"iqn.2026-11.",
	"iqn.2026-11",
	"iqn.2026-11.a..b",
	"iqn.2026-11..a",
	"iqn.2026-11.a.:b",
	"iqn.2026-11.:b",
	"iqn.2026-11.a:b/c",
	"iqn.2026-11.a:b c",
	"iqn.2026-11.a:b_c",
	"iqn.2026-11.a:\xc3\xa4",
	"eui.0123456789abcde",
	"eui.0123456789abcdeg",
	"eui.0123456789abcdef0123456789abcdef",
	"naa.0123456789abcdef0",
	"naa.",
	"../../etc/passwd",
};

START_TEST(test_bad_names)
{
	char canonical[CONFIG_NAME_MAX + 1] = "as it was";
	ck_assert_ptr_nonnull(config_parse_name(bad_names[_i], canonical));
	ck_assert_str_eq(canonical, "as it was");
}
END_TEST

START_TEST(test_names_become_lower_case)
{
	char canonical[CONFIG_NAME_MAX + 1];
	ck_assert_ptr_null(config_parse_name("IQN.2026-11.IO.Holdfast:Disk", canonical));
	ck_assert_str_eq(canonical, "iqn.2026-11.io.holdfast:disk");
}
END_TEST

START_TEST(test_a_name_has_at_most_223_bytes)
{
	char canonical[CONFIG_NAME_MAX + 1], name[CONFIG_NAME_MAX + 2] = "iqn.2026-11.a:";
	memset(name + 14, 'x', CONFIG_NAME_MAX - 14);
	ck_assert_ptr_null(config_parse_name(name, canonical));
	name[CONFIG_NAME_MAX] = 'x';
	ck_assert_ptr_nonnull(config_parse_name(name, canonical));
}
END_TEST

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_good_sizes, 0, COUNT(good_sizes));
	tcase_add_loop_test(tcase, test_bad_sizes, 0, COUNT(bad_sizes));
	tcase_add_loop_test(tcase, test_good_addresses_become_canonical, 0, COUNT(good_addresses));
	tcase_add_loop_test(tcase, test_bad_addresses, 0, COUNT(bad_addresses));
	tcase_add_loop_test(tcase, test_good_names, 0, COUNT(good_names));
	tcase_add_loop_test(tcase, test_bad_names, 0, COUNT(bad_names));
	tcase_add_test(tcase, test_names_become_lower_case);
	tcase_add_test(tcase, test_a_name_has_at_most_223_bytes);
}

int main(void)
{
	return suite_run("config/values", fill);
}
