/*
 * LUNs of a daemon that serves: coming, growing and going through the tool; and the way down with a
 * disk that hangs.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

static struct daemon served;
static struct iscsi_context *a;
static char output[16384];

static void start(const char *const *args)
{
	daemon_start(&served, "127.0.0.1:0", args);
	a = initiator_login(&served, "iqn.2026-11.test:a", 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
}

static void finish(void)
{
	initiator_logout(&a);
	daemon_finish(&served);
}

/* `holdfast lun VERB LUN ...`; the exit status. */
static int lun(const char *verb, const char *number, const char *first, const char *second)
{
	const char *const argv[] = {
		tool_path(),	       "lun", verb, "--control", served.control, number, first,
		first ? second : NULL, NULL};

	return program_run(argv, output, sizeof(output));
}

static void assert_output(const char *wanted)
{
	ck_assert_msg(strstr(output, wanted) != NULL, "wanted: %s\ngot: %s", wanted, output);
}

static void assert_sense(struct answer answer, uint8_t key, uint8_t asc, uint8_t ascq)
{
	ck_assert_msg(answer.status == SCSI_STATUS_CHECK_CONDITION && answer.key == key &&
			      answer.asc == asc && answer.ascq == ascq,
		      "status %d, sense %x/%02x/%02x", answer.status, answer.key, answer.asc,
		      answer.ascq);
}

static uint32_t last_block(int number)
{
	static const uint8_t cdb[10] = {0x25};
	struct answer answer = initiator_command(a, number, cdb, sizeof(cdb), NULL, 0, 8);

	ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
	return get_be32(answer.data);
}

/* Until the last command on it has let go: asked for in a loop, as the tool answers before. */
static void add_when_free(const char *number, const char *setting)
{
	while (lun("add", number, setting, NULL) != 0)
		assert_output("still being removed");
}

START_TEST(a_lun_is_added_used_and_removed)
{
	uint8_t block[512];

	start(NULL);
	ck_assert_int_eq(lun("add", "5", "backing=memory", "size=16M"), 0);
	assert_output("LUN 5 is online, 16");
	assert_sense(initiator_test_unit_ready(a, 0), 0x06, 0x3f, 0x0e);
	ck_assert_int_eq(initiator_drain(a, 5), SCSI_STATUS_GOOD);
	memset(block, 0x5a, sizeof(block));
	ck_assert_int_eq(initiator_write(a, 5, 7, block, 1).status, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(last_block(5), 32767);
	ck_assert_int_eq(lun("remove", "5", NULL, NULL), 0);
	assert_sense(initiator_test_unit_ready(a, 5), 0x05, 0x25, 0x00);
	assert_sense(initiator_test_unit_ready(a, 0), 0x06, 0x3f, 0x0e);
	finish();
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_named)
{
	start(NULL);
	ck_assert_int_eq(lun("add", "0", "backing=memory", NULL), 4);
	assert_output("there is a LUN 0 already");
	ck_assert_int_eq(lun("add", "5", "profil=spc4", NULL), 4);
	assert_output("did you mean `profile`?");
	ck_assert_int_eq(lun("add", "5", "path=/nowhere/disk.img", NULL), 4);
	assert_output("/nowhere/disk.img");
	ck_assert_int_eq(lun("add", "5", "nonsense", NULL), 2);
	ck_assert_int_eq(lun("add", "256", NULL, NULL), 2);
	ck_assert_int_eq(lun("remove", "5", NULL, NULL), 4);
	assert_output("there is no LUN 5");
	ck_assert_int_eq(lun("resize", "5", "2G", NULL), 4);
	assert_output("there is no LUN 5");
	ck_assert_int_eq(lun("resize", "0", "1M", NULL), 4);
	assert_output("never shrinks");
	ck_assert_int_eq(initiator_test_unit_ready(a, 0).status, SCSI_STATUS_GOOD);
	finish();
}
END_TEST

START_TEST(a_disk_grows_under_its_session)
{
	uint8_t block[512];

	start(NULL);
	uint32_t before = last_block(0);
	ck_assert_int_eq(lun("resize", "0", "2G", NULL), 0);
	assert_output("2");
	assert_sense(initiator_test_unit_ready(a, 0), 0x06, 0x2a, 0x09);
	ck_assert_uint_eq(last_block(0), 2 * (before + 1) - 1);
	/* Whatever tells of the size tells of the new one. */
	static const uint8_t capacity[16] = {0x9e, 0x10, [13] = 32},
			     mode[6] = {0x1a, 0, 0x0a, 0, 64};
	struct answer answer = initiator_command(a, 0, capacity, 16, NULL, 0, 32);
	ck_assert_uint_eq(get_be64(answer.data), last_block(0));
	answer = initiator_command(a, 0, mode, 6, NULL, 0, 64);
	ck_assert_uint_eq(get_be32(answer.data + 4), last_block(0) + 1);
	memset(block, 0x77, sizeof(block));
	ck_assert_int_eq(initiator_write(a, 0, 2 * before, block, 1).status, SCSI_STATUS_GOOD);
	finish();
}
END_TEST

START_TEST(reservations_come_back_with_their_lun)
{
	uint64_t key = 0;

	start(NULL);
	ck_assert_int_eq(lun("add", "5", "size=16M", NULL), 0);
	initiator_drain(a, 5);
	ck_assert_int_eq(initiator_pr_out(a, 5, 0, 0, 0, 0xabc, true).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_pr_out(a, 5, 1, 3, 0xabc, 0, false).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(lun("remove", "5", NULL, NULL), 0);
	add_when_free("5", "size=16M");
	initiator_drain(a, 5);
	ck_assert_int_eq(initiator_read_reservation(a, 5, &key), 3);
	ck_assert_uint_eq(key, 0xabc);
	struct iscsi_context *b = initiator_login(&served, "iqn.2026-11.test:b", 2);
	initiator_drain(b, 5);
	ck_assert_int_eq(initiator_write(b, 5, 0, (uint8_t[512]){0}, 1).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
	initiator_logout(&b);
	finish();
}
END_TEST

/* LUNs that come at run time have the same files beside their journal as all others. */
START_TEST(what_was_saved_comes_back_with_its_lun)
{
	static const uint8_t select[6] = {0x15, 0x11, 0, 0, 24}, sense[6] = {0x1a, 8, 0xc8, 0, 64};
	static const uint8_t no_write_cache[24] = {0, 0, 0, 0, 0x08, 0x12};

	start(NULL);
	ck_assert_int_eq(lun("add", "5", "size=16M", NULL), 0);
	initiator_drain(a, 5);
	ck_assert_int_eq(initiator_command(a, 5, select, 6, no_write_cache, 24, 0).status,
			 SCSI_STATUS_GOOD);
	ck_assert_int_eq(lun("remove", "5", NULL, NULL), 0);
	add_when_free("5", "size=16M");
	initiator_drain(a, 5);
	struct answer answer = initiator_command(a, 5, sense, 6, NULL, 0, 64);
	ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(answer.data[4 + 2] & 0x04, 0);
	finish();
}
END_TEST

START_TEST(an_erasure_goes_on_when_its_lun_comes_back)
{
	static const uint8_t block_erase[10] = {0x48, 0x82}; /* IMMED */

	start(NULL);
	ck_assert_int_eq(lun("add", "5", "size=64M", "erase_rate=1M"), 0);
	initiator_drain(a, 5);
	ck_assert_int_eq(initiator_command(a, 5, block_erase, 10, NULL, 0, 0).status,
			 SCSI_STATUS_GOOD);
	ck_assert_int_eq(lun("remove", "5", NULL, NULL), 0);
	add_when_free("5", "size=64M");
	struct answer answer = initiator_test_unit_ready(a, 5);
	while (answer.key == 6)
		answer = initiator_test_unit_ready(a, 5);
	/* Now as fast as it goes; where it had ended already, the blocks are zeros all the same. */
	if (answer.status != SCSI_STATUS_GOOD)
		assert_sense(answer, 0x02, 0x04, 0x1b);
	while (answer.status != SCSI_STATUS_GOOD)
		answer = initiator_test_unit_ready(a, 5);
	finish();
}
END_TEST

START_TEST(status_shows_the_luns_there_are)
{
	start(NULL);
	const char *const status[] = {tool_path(), "status",	   "--json",
				      "--control", served.control, NULL};
	ck_assert_int_eq(lun("add", "9", "backing=null", "serial=ninth"), 0);
	ck_assert_int_eq(program_run(status, output, sizeof(output)), 0);
	assert_output("ninth");
	ck_assert_int_eq(lun("remove", "9", NULL, NULL), 0);
	do
		ck_assert_int_eq(program_run(status, output, sizeof(output)), 0);
	while (strstr(output, "\"number\": 9") != NULL);
	finish();
}
END_TEST

/* ---- a disk that hangs ---- */

#define HANGING_LEN (256 * 512) /* bytes of a write that never ends; the daemon has no such one */

/*
 * From now on a pwrite of that length, here and in every child, waits for somebody to say what
 * shall become of it, and nobody does. Returns a descriptor that is readable once one waits.
 */
static int hang_writes(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HANGING_LEN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	ck_assert_msg(fd >= 0, "seccomp: %s", strerror(errno));
	return fd;
}

/* Called when the context is destroyed, with the task. */
static void forget_answer(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	(void)iscsi;
	(void)status;
	(void)context;
	scsi_free_scsi_task(data);
}

static void write_until_it_hangs(int hanging)
{
	static uint8_t data[HANGING_LEN];
	struct pollfd fds[2] = {{.fd = iscsi_get_fd(a)}, {.fd = hanging, .events = POLLIN}};

	ck_assert_ptr_nonnull(iscsi_write10_task(a, 0, 0, data, sizeof(data), 512, 0, 0, 0, 0, 0,
						 forget_answer, NULL));
	while ((fds[1].revents & POLLIN) == 0) {
		fds[0].events = (short)iscsi_which_events(a);
		ck_assert_int_gt(poll(fds, 2, -1), 0);
		ck_assert_int_eq(iscsi_service(a, fds[0].revents), 0);
	}
}

/* Status 1 and the message are the deadline's own: nothing but its timer gets there. */
START_TEST(a_disk_that_hangs_does_not_keep_the_daemon)
{
	const char *const workers[] = {"--workers", "2", "--disk-io", "threads", NULL};
	int hanging = hang_writes();

	start(workers);
	write_until_it_hangs(hanging);
	ck_assert_int_eq(daemon_stop(&served), 1);
	ck_assert_int_ne(access(served.control, F_OK), 0);
	iscsi_destroy_context(a);
	/* And what it left behind can be served again. */
	daemon_restart(&served);
	a = initiator_login(&served, "iqn.2026-11.test:a", 1);
	ck_assert_int_eq(initiator_drain(a, 0), SCSI_STATUS_GOOD);
	close(hanging);
	finish();
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_lun_is_added_used_and_removed);
	tcase_add_test(tcase, what_cannot_be_is_refused_and_named);
	tcase_add_test(tcase, a_disk_grows_under_its_session);
	tcase_add_test(tcase, reservations_come_back_with_their_lun);
	tcase_add_test(tcase, what_was_saved_comes_back_with_its_lun);
	tcase_add_test(tcase, an_erasure_goes_on_when_its_lun_comes_back);
	tcase_add_test(tcase, status_shows_the_luns_there_are);
	tcase_add_test(tcase, a_disk_that_hangs_does_not_keep_the_daemon);
}

int main(void)
{
	return suite_run("integration/lun", fill);
}
