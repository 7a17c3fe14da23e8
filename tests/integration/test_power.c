/*
 * What a daemon syncs of what it finds: its predecessor may have died between making a directory or
 * a disk and making its name durable. tools/power/shim.c tells what is synced.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/daemon.h"
#include "tests/support/suite.h"
#include "tools/power/record.h"

#define SYNCED_MAX 256

struct synced {
	uint64_t inodes[SYNCED_MAX];
	size_t count;
};

static struct synced read_log(const char *path)
{
	FILE *in = fopen(path, "r");
	struct synced synced = {.count = 0};
	struct power_record record;

	ck_assert_ptr_nonnull(in);
	while (fread(&record, sizeof(record), 1, in) == 1) {
		ck_assert_uint_eq(record.magic, POWER_MAGIC);
		if (record.kind == POWER_SYNCED && synced.count < SYNCED_MAX)
			synced.inodes[synced.count++] = record.inode;
		ck_assert_int_eq(fseek(in, (long)record.data_len, SEEK_CUR), 0);
	}
	fclose(in);
	return synced;
}

static bool is_synced(const struct synced *synced, const char *path)
{
	struct stat st;

	ck_assert_msg(stat(path, &st) == 0, "%s", path);
	for (size_t i = 0; i < synced->count; i++)
		if (synced->inodes[i] == (uint64_t)st.st_ino)
			return true;
	return false;
}

/* Starts the daemon again with the shim, which lies beside it. */
static struct synced restart_observed(struct daemon *daemon)
{
	char daemon_copy[512], shim[600], log[128], options[600];
	const char *asan = getenv("ASAN_OPTIONS");

	snprintf(daemon_copy, sizeof(daemon_copy), "%s", daemon_path());
	snprintf(shim, sizeof(shim), "%s/holdfast-power.so", dirname(daemon_copy));
	snprintf(log, sizeof(log), "%s/power.log", daemon->folder);
	snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", asan ? asan : "");
	ck_assert_msg(access(shim, R_OK) == 0, "%s", shim);
	setenv("ASAN_OPTIONS", options, 1);
	setenv(POWER_LOG_VARIABLE, log, 1);
	setenv("LD_PRELOAD", shim, 1);
	daemon_restart(daemon);
	unsetenv("LD_PRELOAD");
	return read_log(log);
}

START_TEST(names_that_a_predecessor_made_are_synced)
{
	struct daemon daemon;
	char control[256], disks[512], own[800];
	const char *state;

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	daemon_kill(&daemon);
	struct synced synced = restart_observed(&daemon);
	snprintf(control, sizeof(control), "%s", daemon.control);
	state = dirname(control);
	snprintf(disks, sizeof(disks), "%s/disks", state);
	snprintf(own, sizeof(own), "%s/%s", disks, daemon.target);
	ck_assert_msg(is_synced(&synced, state), "the state directory");
	ck_assert_msg(is_synced(&synced, disks), "the directory of all disks");
	ck_assert_msg(is_synced(&synced, own), "the directory of a target's disks");
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, names_that_a_predecessor_made_are_synced);
}

int main(void)
{
	return suite_run("integration/power", fill);
}
