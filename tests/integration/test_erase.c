/* SANITIZE against the real daemon, which is killed and stopped in the middle of it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#define INITIATOR "iqn.2026-11.test:erase"

/* So slow that it cannot end before it is looked at, so small that it ends soon. */
static const char config[] = "targets = ({ luns = ({ size = \"8M\"; erase_rate = \"4M\"; }); });\n";

static char config_path[] = "/tmp/holdfast-test-erase-XXXXXX";

static void start(struct daemon *daemon)
{
	int fd = mkstemp(config_path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, config, sizeof(config) - 1), (ssize_t)sizeof(config) - 1);
	close(fd);
	daemon_start(daemon, "127.0.0.1:0", (const char *const[]){"-c", config_path, NULL});
}

static void finish(struct daemon *daemon)
{
	daemon_finish(daemon);
	unlink(config_path);
}

static bool is_sanitizing(struct iscsi_context *initiator)
{
	struct answer answer = initiator_test_unit_ready(initiator, 0);

	while (answer.status == SCSI_STATUS_CHECK_CONDITION && answer.key == 6)
		answer = initiator_test_unit_ready(initiator, 0);
	if (answer.status == SCSI_STATUS_GOOD)
		return false;
	ck_assert_int_eq(answer.key, 2);
	ck_assert_int_eq(answer.asc, 0x04);
	ck_assert_int_eq(answer.ascq, 0x1b);
	return true;
}

START_TEST(neither_a_kill_nor_a_stop_ends_a_sanitize)
{
	static const uint8_t sanitize[10] = {0x48, 0x81, 0, 0, 0, 0, 0, 0, 5};
	static const uint8_t list[5] = {1, 0, 0, 1, 'z'};
	struct daemon daemon;
	uint8_t out[512], in[512], zs[512];

	memset(out, 'o', sizeof(out));
	memset(zs, 'z', sizeof(zs));
	start(&daemon);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_write(a, 0, 16383, out, 1).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_command(a, 0, sanitize, 10, list, 5, 0).status,
			 SCSI_STATUS_GOOD);
	ck_assert(is_sanitizing(a));

	daemon_kill(&daemon);
	initiator_cut(&a);
	daemon_restart(&daemon);
	a = initiator_login(&daemon, INITIATOR, 1);
	ck_assert(is_sanitizing(a));

	ck_assert_int_eq(daemon_stop(&daemon), 0);
	initiator_cut(&a);
	daemon_restart(&daemon);
	a = initiator_login(&daemon, INITIATOR, 1);
	ck_assert(is_sanitizing(a));

	while (is_sanitizing(a))
		poll(NULL, 0, 50);
	ck_assert_int_eq(initiator_read(a, 0, 16383, in, 1), SCSI_STATUS_GOOD);
	ck_assert_mem_eq(in, zs, sizeof(in));
	initiator_logout(&a);
	finish(&daemon);
}
END_TEST

static void spoil(const char *path)
{
	FILE *file = fopen(path, "r+");

	ck_assert_ptr_nonnull(file);
	fseek(file, 20, SEEK_SET);
	fputc('!', file);
	fclose(file);
}

START_TEST(a_damaged_medium_record_leaves_its_lun_out_where_that_is_wanted)
{
	static const uint8_t sanitize[10] = {0x48, 0x82};
	struct daemon daemon;
	char path[256];

	daemon_start_configured(
		&daemon, "127.0.0.1:0",
		"on_damage = \"offline\"; targets = ({ name = \"iqn.2026-11.test:disks\"; luns = "
		"({ size = \"1M\"; erase_rate = \"4M\"; }, { number = 1; size = \"1M\"; }); });\n");
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_command(a, 0, sanitize, 10, NULL, 0, 0).status,
			 SCSI_STATUS_GOOD);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&daemon), 0);
	snprintf(path, sizeof(path), "%s/reservations/iqn.2026-11.test:disks/lun0.medium",
		 daemon.folder);
	spoil(path);
	daemon_restart(&daemon);
	a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 1);
	ck_assert_int_eq(initiator_test_unit_ready(a, 1).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_test_unit_ready(a, 0).asc, 0x25);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, neither_a_kill_nor_a_stop_ends_a_sanitize);
	tcase_add_test(tcase, a_damaged_medium_record_leaves_its_lun_out_where_that_is_wanted);
}

int main(void)
{
	return suite_run("integration: erase", fill);
}
