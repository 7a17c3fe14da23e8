/* The headers that daemon and tool share. */
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/escape.h"
#include "tools/common/state_path.h"

static const struct escape_case {
	const char *text, *escaped;
} escapes[] = {
	{"iqn.2026-11.a:b", "iqn.2026-11.a:b"},
	{"a\nb\x1b[2J\x7f", "a\\x0ab\\x1b[2J\\x7f"},
	{"a\\x0a", "a\\x5cx0a"},
	{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x92"},
	{"\xc2\x9b", "\\xc2\\x9b"},		      /* a C1 control */
	{"\xc0\xaf", "\\xc0\\xaf"},		      /* not the shortest form */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* a surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
	{"\xe2\x80\xae", "\\xe2\\x80\\xae"},	      /* turns the line around */
	{"\xe2\x82", "\\xe2\\x82"},		      /* cut */
	{"\xff\x80", "\\xff\\x80"},
};

START_TEST(test_text_from_peers_is_harmless)
{
	char escaped[64];
	escape_text(escapes[_i].text, escaped, sizeof(escaped));
	ck_assert_str_eq(escaped, escapes[_i].escaped);
}
END_TEST

START_TEST(test_text_that_does_not_fit_is_cut_between_characters)
{
	char escaped[6];
	escape_text("ab\n\n", escaped, sizeof(escaped));
	ck_assert_str_eq(escaped, "ab");
	escape_text("abcd\xc3\xa4", escaped, sizeof(escaped));
	ck_assert_str_eq(escaped, "abcd");
	escape_text("abcde", escaped, sizeof(escaped));
	ck_assert_str_eq(escaped, "abcde");
}
END_TEST

START_TEST(test_a_short_socket_path_is_used_as_it_is)
{
	struct sockaddr_un address;
	int dir_fd = 5;
	ck_assert_int_eq(state_socket_address("/run/x.sock", &address, &dir_fd), 0);
	ck_assert_str_eq(address.sun_path, "/run/x.sock");
	ck_assert_int_eq(dir_fd, -1);
}
END_TEST

START_TEST(test_a_long_socket_path_can_be_bound_and_found)
{
	char dir[256] = "/tmp/holdfast-socket-XXXXXX", path[300];
	struct sockaddr_un address;
	int dir_fd = -1;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	char *end = dir + strlen(dir);
	*end = '/';
	memset(end + 1, 'd', 120);
	end[121] = '\0';
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/x.sock", dir);

	ck_assert_int_eq(state_socket_address(path, &address, &dir_fd), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(dir_fd);
	close(fd);
	unlink(path);
	rmdir(dir);
	*end = '\0';
	rmdir(dir);
}
END_TEST

START_TEST(test_a_long_socket_path_in_a_missing_directory_is_an_error)
{
	char path[300] = "/nonexistent/";
	struct sockaddr_un address;
	int dir_fd = -1;
	memset(path + strlen(path), 'd', 150);
	strcat(path, "/x.sock");
	ck_assert_int_eq(state_socket_address(path, &address, &dir_fd), -ENOENT);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_text_from_peers_is_harmless, 0,
			    sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(tcase, test_text_that_does_not_fit_is_cut_between_characters);
	tcase_add_test(tcase, test_a_short_socket_path_is_used_as_it_is);
	tcase_add_test(tcase, test_a_long_socket_path_can_be_bound_and_found);
	tcase_add_test(tcase, test_a_long_socket_path_in_a_missing_directory_is_an_error);
}

int main(void)
{
	return suite_run("tools/common", fill);
}
