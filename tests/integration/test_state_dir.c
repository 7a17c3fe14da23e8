/* The state directory: whose it is, and what is said when it cannot be used. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY	   65534
#define OUTPUT_MAX 8192

static char output[OUTPUT_MAX];

static void says(const char *text)
{
	ck_assert_msg(strstr(output, text) != NULL, "no `%s` in:\n%s", text, output);
}

/* A daemon that must not get ready; its exit status. */
static int refused(const char *state_dir, void (*prepare)(const char *const *argv))
{
	const char *const argv[] = {daemon_path(), "--listen",
				    "127.0.0.1:0", state_dir ? "--state-dir" : NULL,
				    state_dir,	   NULL};
	int status = program_run_prepared(argv, prepare, output, sizeof(output));

	ck_assert_msg(!strstr(output, "\"ready\""), "%s", output);
	return status;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/*
 * In the child: what it may do as root is no proof. By descriptor, as others may not be allowed to
 * look into the folder of the program.
 */
static void become_nobody(const char *const *argv)
{
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		_exit(99);
	fexecve(fd, (char *const *)(uintptr_t)argv, environ);
	_exit(98);
}

static void become_nobody_without_a_home(const char *const *argv)
{
	unsetenv("HOME");
	unsetenv("XDG_STATE_HOME");
	become_nobody(argv);
}

static void become_nobody_with_a_relative_home(const char *const *argv)
{
	setenv("HOME", "somewhere", 1);
	setenv("XDG_STATE_HOME", "else", 1);
	become_nobody(argv);
}

static void without_file_sizes(const char *const *argv)
{
	struct rlimit none = {0, 0};
	(void)argv;
	setrlimit(RLIMIT_FSIZE, &none);
}

static void with_small_file_sizes(const char *const *argv)
{
	struct rlimit small = {1 << 20, 1 << 20};
	(void)argv;
	setrlimit(RLIMIT_FSIZE, &small);
}

START_TEST(the_first_is_named_to_the_second_and_not_disturbed)
{
	struct daemon daemon;
	char pid[32];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(refused(daemon.folder, NULL), 1);
	snprintf(pid, sizeof(pid), "pid %d", (int)daemon.pid);
	says(pid);
	says(daemon.folder);
	says("--state-dir");
	initiator_proves_service(a);
	const char *const status[] = {tool_path(), "status", "--control", daemon.control, NULL};
	ck_assert_int_eq(program_run(status, output, sizeof(output)), 0);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* A lock counts only while it is held: the process id in the file may by now be anybody's. */
START_TEST(a_lock_that_nobody_holds_is_taken)
{
	struct daemon daemon;
	char path[128], text[32];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	daemon_kill(&daemon);
	snprintf(path, sizeof(path), "%s/lock", daemon.folder);
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	write_file(path, text);
	daemon_restart(&daemon);
	struct iscsi_context *a = initiator_login(&daemon, "iqn.2026-11.test:a", 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_file_in_the_way_is_named)
{
	struct daemon daemon;
	char path[128], below[160];
	daemon_folder(&daemon);
	snprintf(path, sizeof(path), "%s/file", daemon.folder);
	snprintf(below, sizeof(below), "%s/below", path);
	write_file(path, "");
	ck_assert_int_eq(refused(path, NULL), 1);
	says(path);
	says("Not a directory");
	says("--state-dir");
	ck_assert_int_eq(refused(below, NULL), 1);
	says(below);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(a_folder_that_may_not_be_written_is_named)
{
	struct daemon daemon;
	char path[128];
	daemon_folder(&daemon);
	ck_assert_int_eq(chmod(daemon.folder, 0555), 0);
	snprintf(path, sizeof(path), "%s/state", daemon.folder);
	ck_assert_int_eq(refused(path, become_nobody), 1);
	says(path);
	says("Permission denied");
	says("--state-dir");
	/* One that exists and is somebody else's. */
	ck_assert_int_eq(refused(daemon.folder, become_nobody), 1);
	says(daemon.folder);
	says("Permission denied");
	ck_assert_int_eq(chmod(daemon.folder, 0700), 0);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(without_a_home_it_asks_for_a_place)
{
	ck_assert_int_eq(refused(NULL, become_nobody_without_a_home), 2);
	says("HOME");
	says("--state-dir");
	ck_assert_int_eq(refused(NULL, become_nobody_with_a_relative_home), 2);
	says("HOME");
}
END_TEST

START_TEST(what_cannot_be_written_is_named_and_leaves_nothing_half)
{
	struct daemon daemon;
	struct stat st;
	char path[128];
	daemon_folder(&daemon);
	ck_assert_int_eq(refused(daemon.folder, without_file_sizes), 1);
	says(daemon.folder);
	says("File too large");
	snprintf(path, sizeof(path), "%s/instance-id", daemon.folder);
	ck_assert(stat(path, &st) != 0 || st.st_size > 0);
	ck_assert_int_eq(refused(daemon.folder, with_small_file_sizes), 1);
	says("/lun0.img");
	says("File too large");
	/* Nothing of that stands in the way of a good start. */
	daemon_finish(&daemon);
}
END_TEST

/* A file system of 64 KiB, where the kernel lets us have one. */
START_TEST(a_full_disk_is_named)
{
	struct daemon daemon;
	static const char script[] =
		"mount -t tmpfs -o size=64k none \"$1\" && head -c 60k /dev/zero >\"$1/ballast\" &&"
		"head -c 60k /dev/zero >>\"$1/ballast\" 2>/dev/null;"
		"exec \"$2\" --listen 127.0.0.1:0 --state-dir \"$1/state\"";
	static const char *const probe[] = {"/usr/bin/unshare", "-rm", "true", NULL};
	if (program_run(probe, output, sizeof(output)) != 0) {
		printf("not tested: this kernel gives no namespace to mount in: %s", output);
		return;
	}
	daemon_folder(&daemon);
	const char *const argv[] = {"/usr/bin/unshare", "-rm",	       "sh", "-c", script, "sh",
				    daemon.folder,	daemon_path(), NULL};
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 1);
	says(daemon.folder);
	says("No space left on device");
	ck_assert_msg(!strstr(output, "\"ready\""), "%s", output);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(an_instance_id_that_is_none_is_refused_with_what_to_do)
{
	struct daemon daemon;
	char path[128];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	snprintf(path, sizeof(path), "%s/instance-id", daemon.folder);
	write_file(path, "what is this?\n");
	ck_assert_int_eq(refused(daemon.folder, NULL), 1);
	says(path);
	says("32 hexadecimal digits");
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_first_is_named_to_the_second_and_not_disturbed);
	tcase_add_test(tcase, a_lock_that_nobody_holds_is_taken);
	tcase_add_test(tcase, a_file_in_the_way_is_named);
	tcase_add_test(tcase, a_folder_that_may_not_be_written_is_named);
	tcase_add_test(tcase, without_a_home_it_asks_for_a_place);
	tcase_add_test(tcase, what_cannot_be_written_is_named_and_leaves_nothing_half);
	tcase_add_test(tcase, a_full_disk_is_named);
	tcase_add_test(tcase, an_instance_id_that_is_none_is_refused_with_what_to_do);
}

int main(void)
{
	return suite_run("integration/state_dir", fill);
}
