/*
 * A workload on libiscsi for `holdfast check-initiator`: does what the word WORK says, as a careful
 * program would. Exit status: 0 all well, 1 an error that was noticed, 3 what was read is not what
 * was written.
 *
 *     libiscsi PORTAL TARGET LUN WORK [USER SECRET [TARGET_USER TARGET_SECRET]]
 */
#include <errno.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK		512
#define COMMAND_S	4 /* until a command counts as lost */
#define RECONNECTS	3
#define RETRIES		8
#define RETRY_PAUSE_MS	50
#define STATUS_WRONG	3
#define PARALLEL	32
#define LOOP_MS		3000
#define IDLE_MS		2000
#define KEY		UINT64_C(0x1234)
#define KEY_READS	4 /* until the list counts as endless */
#define BIG_BYTES	(1024 * 1024)
#define PIECE_BYTES	(64 * 1024)
#define READ_PIECES	4
#define WRITE_EXCLUSIVE 1

struct work {
	struct iscsi_context *iscsi;
	const char *portal, *target;
	int lun;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int failed(const struct work *work, const char *what)
{
	fprintf(stderr, "%s: %s\n", what, iscsi_get_error(work->iscsi));
	return 1;
}

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed * 31 + i / BLOCK * 7 + i);
}

static int compare(const uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == (uint8_t)(seed * 31 + i / BLOCK * 7 + i))
			continue;
		fprintf(stderr, "byte %zu is wrong\n", i);
		return STATUS_WRONG;
	}
	return 0;
}

/* ---- one command ----------------------------------------------------------------------------- */

/* What a careful program tries again. */
static bool is_temporary(const struct scsi_task *task)
{
	if (task->status == SCSI_STATUS_BUSY || task->status == SCSI_STATUS_TASK_SET_FULL)
		return true;
	if (task->status != SCSI_STATUS_CHECK_CONDITION)
		return false;
	return task->sense.key == SCSI_SENSE_UNIT_ATTENTION ||
	       task->sense.key == SCSI_SENSE_COMMAND_ABORTED ||
	       (task->sense.key == SCSI_SENSE_NOT_READY && task->sense.ascq == 0x0401);
}

static bool is_recovered(const struct scsi_task *task)
{
	return task->status == SCSI_STATUS_CHECK_CONDITION &&
	       task->sense.key == SCSI_SENSE_RECOVERED_ERROR;
}

typedef struct scsi_task *(*attempt)(struct work *work, void *arguments);

/* The task, which went well, or NULL; `what` was said then. */
static struct scsi_task *try(struct work *work, attempt call, void *arguments, const char *what)
{
	for (int i = 0; i < RETRIES; i++) {
		struct scsi_task *task = call(work, arguments);
		if (!task)
			break;
		if (task->status == SCSI_STATUS_GOOD || is_recovered(task) ||
		    task->status == SCSI_STATUS_CONDITION_MET)
			return task;
		bool again = is_temporary(task);
		scsi_free_scsi_task(task);
		if (!again)
			break;
		pause_ms(RETRY_PAUSE_MS);
	}
	failed(work, what);
	return NULL;
}

struct blocks {
	uint32_t lba;
	uint8_t *bytes;
	uint32_t len;
};

static struct scsi_task *call_write(struct work *work, void *arguments)
{
	struct blocks *blocks = arguments;

	return iscsi_write10_sync(work->iscsi, work->lun, blocks->lba, blocks->bytes, blocks->len,
				  BLOCK, 0, 0, 0, 0, 0);
}

static struct scsi_task *call_read(struct work *work, void *arguments)
{
	struct blocks *blocks = arguments;

	return iscsi_read10_sync(work->iscsi, work->lun, blocks->lba, blocks->len, BLOCK, 0, 0, 0,
				 0, 0);
}

static int write_blocks(struct work *work, uint32_t lba, uint32_t len, unsigned seed)
{
	struct blocks blocks = {.lba = lba, .bytes = malloc(len), .len = len};

	if (!blocks.bytes)
		return 1;
	fill(blocks.bytes, len, seed);
	struct scsi_task *task = try(work, call_write, &blocks, "write");
	int result = task ? 0 : 1;
	if (task && task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL) {
		fputs("write: a residual\n", stderr);
		result = 1;
	}
	if (task)
		scsi_free_scsi_task(task);
	free(blocks.bytes);
	return result;
}

static int read_blocks(struct work *work, uint32_t lba, uint32_t len, unsigned seed)
{
	struct blocks blocks = {.lba = lba, .len = len};
	struct scsi_task *task = try(work, call_read, &blocks, "read");
	int result;

	if (!task)
		return 1;
	if (is_recovered(task) && (uint32_t)task->datain.size != len) {
		fputs("read: recovered, and the data are not given\n", stderr);
		scsi_free_scsi_task(task);
		return 1;
	}
	if (task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL ||
	    (uint32_t)task->datain.size != len) {
		fputs("read: short or long\n", stderr);
		result = task->residual_status == SCSI_RESIDUAL_NO_RESIDUAL ? STATUS_WRONG : 1;
	} else {
		result = compare(task->datain.data, len, seed);
	}
	scsi_free_scsi_task(task);
	return result;
}

/* ---- the works ------------------------------------------------------------------------------- */

static struct scsi_task *call_inquiry(struct work *work, void *arguments)
{
	(void)arguments;

	return iscsi_inquiry_sync(work->iscsi, work->lun, 0, 0, 255);
}

static int do_login(struct work *work)
{
	struct scsi_task *task = try(work, call_inquiry, NULL, "inquiry");

	if (!task)
		return 1;
	scsi_free_scsi_task(task);
	return 0;
}

static int do_read(struct work *work)
{
	int result = 0;

	for (uint32_t i = 0; i < READ_PIECES && result == 0; i++)
		result = write_blocks(work, i * PIECE_BYTES / BLOCK, PIECE_BYTES, i + 1);
	for (uint32_t i = 0; i < READ_PIECES && result == 0; i++)
		result = read_blocks(work, i * PIECE_BYTES / BLOCK, PIECE_BYTES, i + 1);
	return result;
}

static int do_write(struct work *work)
{
	int result = write_blocks(work, 0, 4096, 1);

	if (result == 0)
		result = write_blocks(work, 8, 4096, 2);
	if (result == 0)
		result = read_blocks(work, 0, 4096, 1);
	return result == 0 ? read_blocks(work, 8, 4096, 2) : result;
}

static struct scsi_task *call_limits(struct work *work, void *arguments)
{
	(void)arguments;

	return iscsi_inquiry_sync(work->iscsi, work->lun, 1, SCSI_INQUIRY_PAGECODE_BLOCK_LIMITS,
				  64);
}

/* What one command may move; BIG_BYTES when the target does not mind. */
static uint32_t transfer_max(struct work *work)
{
	struct scsi_task *task = try(work, call_limits, NULL, "block limits");
	const struct scsi_inquiry_block_limits *limits = task ? scsi_datain_unmarshall(task) : NULL;
	uint32_t blocks = limits ? limits->max_xfer_len : 0;

	if (task)
		scsi_free_scsi_task(task);
	return blocks > 0 && blocks < BIG_BYTES / BLOCK ? blocks * BLOCK : BIG_BYTES;
}

static int do_big(struct work *work)
{
	uint32_t most = transfer_max(work);
	int result = 0;

	for (uint32_t at = 0; at < BIG_BYTES && result == 0; at += most)
		result = write_blocks(work, at / BLOCK, most, at / most + 1);
	for (uint32_t at = 0; at < BIG_BYTES && result == 0; at += most)
		result = read_blocks(work, at / BLOCK, most, at / most + 1);
	return result;
}

static int do_loop(struct work *work)
{
	long long end = now_ms() + LOOP_MS;
	int result = 0;

	for (unsigned i = 0; now_ms() < end && result == 0; i++) {
		result = write_blocks(work, 0, 4096, i);
		if (result == 0)
			result = read_blocks(work, 0, 4096, i);
		pause_ms(10);
	}
	return result;
}

/* ---- several at a time ----------------------------------------------------------------------- */

struct parallel {
	struct work *work;
	unsigned open, failures;
	bool wrong;
	struct slot {
		struct parallel *all;
		unsigned number, retries;
		bool writes;
		uint8_t bytes[4096];
	} slots[PARALLEL];
};

static bool start_slot(struct slot *slot);

static void slot_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	struct slot *slot = context;
	struct scsi_task *task = data;
	(void)iscsi;

	slot->all->open--;
	bool again = task && status != SCSI_STATUS_GOOD && status != SCSI_STATUS_CANCELLED &&
		     is_temporary(task) && slot->retries++ < RETRIES;
	if (again) {
		scsi_free_scsi_task(task);
		start_slot(slot);
		return;
	}
	if (status != SCSI_STATUS_GOOD) {
		slot->all->failures++;
	} else if (slot->writes) {
		slot->writes = false;
		start_slot(slot);
	} else if (!task || task->datain.size != (int)sizeof(slot->bytes) ||
		   compare(task->datain.data, sizeof(slot->bytes), slot->number) != 0) {
		slot->all->wrong = true;
	}
	if (task)
		scsi_free_scsi_task(task);
}

static bool start_slot(struct slot *slot)
{
	struct work *work = slot->all->work;
	uint32_t lba = slot->number * (uint32_t)sizeof(slot->bytes) / BLOCK;
	struct scsi_task *task;

	if (slot->writes) {
		fill(slot->bytes, sizeof(slot->bytes), slot->number);
		task = iscsi_write10_task(work->iscsi, work->lun, lba, slot->bytes,
					  sizeof(slot->bytes), BLOCK, 0, 0, 0, 0, 0, slot_done,
					  slot);
	} else {
		task = iscsi_read10_task(work->iscsi, work->lun, lba, sizeof(slot->bytes), BLOCK, 0,
					 0, 0, 0, 0, slot_done, slot);
	}
	if (task)
		slot->all->open++;
	else
		slot->all->failures++;
	return task != NULL;
}

/* Serves the connection for so long, or until `open` is 0. False: it is lost for good. */
static bool serve(struct work *work, const unsigned *open, int ms)
{
	long long end = now_ms() + ms;

	while (now_ms() < end && (!open || *open > 0)) {
		struct pollfd poll_fd = {.fd = iscsi_get_fd(work->iscsi),
					 .events = (short)iscsi_which_events(work->iscsi)};
		if (poll(&poll_fd, 1, 50) < 0 && errno != EINTR)
			return false;
		if (iscsi_service(work->iscsi, poll_fd.revents) < 0)
			return false;
	}
	return true;
}

static int do_parallel(struct work *work)
{
	struct parallel *all = calloc(1, sizeof(*all));
	int result;

	if (!all)
		return 1;
	all->work = work;
	for (unsigned i = 0; i < PARALLEL; i++) {
		all->slots[i].all = all;
		all->slots[i].number = i;
		all->slots[i].writes = true;
		start_slot(&all->slots[i]);
	}
	bool served = serve(work, &all->open, 2 * COMMAND_S * 1000);
	result = all->wrong ? STATUS_WRONG : !served || all->failures > 0 || all->open > 0;
	if (result == 1)
		failed(work, "parallel");
	if (all->open == 0)
		free(all); /* else the library still points into it */
	return result;
}

static int do_idle(struct work *work)
{
	if (!serve(work, NULL, IDLE_MS))
		return failed(work, "idle");
	return do_write(work);
}

struct echo {
	unsigned open;
	bool right;
	unsigned char bytes[64];
};

static void echo_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	struct echo *echo = context;
	const struct iscsi_data *got = data;
	(void)iscsi;

	echo->open = 0;
	echo->right = status == SCSI_STATUS_GOOD && got && got->size == sizeof(echo->bytes) &&
		      memcmp(got->data, echo->bytes, sizeof(echo->bytes)) == 0;
}

static int do_ping(struct work *work)
{
	struct echo echo = {.open = 1};

	memset(echo.bytes, 0x5a, sizeof(echo.bytes));
	if (iscsi_nop_out_async(work->iscsi, echo_done, echo.bytes, sizeof(echo.bytes), &echo) != 0)
		return failed(work, "ping");
	if (!serve(work, &echo.open, COMMAND_S * 1000) || !echo.right)
		return failed(work, "ping");
	return do_write(work);
}

/* ---- task management ------------------------------------------------------------------------- */

struct managed {
	unsigned open;
	int status, response;
};

static void managed_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	struct managed *managed = context;
	(void)iscsi;

	managed->open = 0;
	managed->status = status;
	managed->response = data ? (int)*(uint32_t *)data : -1;
}

static void late_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	unsigned *open = context;
	(void)iscsi;
	(void)status;
	(void)data;

	*open = 0;
}

/* A read that may be late, and task management for it. */
static int manage(struct work *work, bool whole_lun)
{
	static unsigned late; /* outlives this call: the library may answer after it */
	struct managed managed = {.open = 1};
	struct scsi_task *task;
	int begun;

	late = 1;
	task = iscsi_read10_task(work->iscsi, work->lun, 0, 4096, BLOCK, 0, 0, 0, 0, 0, late_done,
				 &late);
	if (!task)
		return failed(work, "read");
	if (!serve(work, &late, 300))
		return failed(work, "read");
	if (late == 0) { /* it was quick */
		scsi_free_scsi_task(task);
		return do_write(work);
	}
	if (whole_lun)
		begun = iscsi_task_mgmt_lun_reset_async(work->iscsi, (uint32_t)work->lun,
							managed_done, &managed);
	else
		begun = iscsi_task_mgmt_abort_task_async(work->iscsi, task, managed_done, &managed);
	if (begun != 0 || !serve(work, &managed.open, COMMAND_S * 1000) || managed.open > 0 ||
	    managed.status != SCSI_STATUS_GOOD)
		return failed(work, "task management");
	if (managed.response != ISCSI_TMR_FUNC_COMPLETE &&
	    managed.response != ISCSI_TMR_TASK_DOES_NOT_EXIST) {
		fprintf(stderr, "task management: response %d\n", managed.response);
		return 1;
	}
	return do_write(work);
}

static int do_abort(struct work *work)
{
	return manage(work, false);
}

static int do_reset(struct work *work)
{
	return manage(work, true);
}

/* ---- other commands -------------------------------------------------------------------------- */

static int finish(struct work *work, attempt call, void *arguments, const char *what)
{
	struct scsi_task *task = try(work, call, arguments, what);

	if (!task)
		return 1;
	scsi_free_scsi_task(task);
	return 0;
}

static struct scsi_task *call_prefetch(struct work *work, void *arguments)
{
	(void)arguments;

	return iscsi_prefetch10_sync(work->iscsi, work->lun, 0, 8, 0, 0);
}

static int do_prefetch(struct work *work)
{
	return finish(work, call_prefetch, NULL, "prefetch");
}

static struct scsi_task *call_unmap(struct work *work, void *arguments)
{
	struct unmap_list list = {.lba = 64, .num = 8};
	(void)arguments;

	return iscsi_unmap_sync(work->iscsi, work->lun, 0, 0, &list, 1);
}

static struct scsi_task *call_write_same(struct work *work, void *arguments)
{
	return iscsi_writesame10_sync(work->iscsi, work->lun, 128, arguments, BLOCK, 8, 0, 0, 0, 0);
}

static int do_unmap(struct work *work)
{
	uint8_t block[BLOCK] = {1};
	int result = finish(work, call_unmap, NULL, "unmap");

	return result == 0 ? finish(work, call_write_same, block, "write same") : result;
}

static struct scsi_task *call_flush(struct work *work, void *arguments)
{
	(void)arguments;

	return iscsi_synchronizecache10_sync(work->iscsi, work->lun, 0, 0, 0, 0);
}

static int do_flush(struct work *work)
{
	int result = write_blocks(work, 0, 4096, 1);

	return result == 0 ? finish(work, call_flush, NULL, "flush") : result;
}

static struct scsi_task *call_extents(struct work *work, void *arguments)
{
	(void)arguments;

	return iscsi_get_lba_status_sync(work->iscsi, work->lun, 0, 256);
}

/* Without an answer everything counts as used. */
static int do_extents(struct work *work)
{
	if (finish(work, call_extents, NULL, "extents") != 0)
		fputs("extents: reading everything\n", stderr);
	return do_write(work);
}

struct reserve {
	int action, scope, type;
	struct scsi_persistent_reserve_out_basic keys;
};

static struct scsi_task *call_reserve_out(struct work *work, void *arguments)
{
	struct reserve *reserve = arguments;

	return iscsi_persistent_reserve_out_sync(work->iscsi, work->lun, reserve->action,
						 reserve->scope, reserve->type, &reserve->keys);
}

static struct scsi_task *call_reserve_in(struct work *work, void *arguments)
{
	return iscsi_persistent_reserve_in_sync(work->iscsi, work->lun, *(int *)arguments, 4096);
}

static uint64_t number_at(const uint8_t *bytes, unsigned len)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < len; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Reads the list of keys, once more while it is not whole. */
static int read_keys(struct work *work, bool *ret_ours)
{
	int action = SCSI_PERSISTENT_RESERVE_READ_KEYS;

	for (int i = 0; i < KEY_READS; i++) {
		struct scsi_task *task = try(work, call_reserve_in, &action, "read keys");
		if (!task)
			return 1;
		size_t len = (size_t)task->datain.size;
		const uint8_t *data = task->datain.data;
		bool whole = len >= 8 && number_at(data + 4, 4) <= len - 8;
		*ret_ours = false;
		for (size_t at = 8; at + 8 <= len; at += 8)
			*ret_ours |= number_at(data + at, 8) == KEY;
		if (whole)
			printf("keys=%zu\n", (len - 8) / 8);
		scsi_free_scsi_task(task);
		if (whole)
			return 0;
	}
	fputs("the list of keys is never whole\n", stderr);
	return 1;
}

static int do_reserve(struct work *work)
{
	struct reserve again = {.action = SCSI_PERSISTENT_RESERVE_REGISTER_AND_IGNORE_EXISTING_KEY,
				.keys = {.service_action_reservation_key = KEY}};
	struct reserve outs[] = {
		{.action = SCSI_PERSISTENT_RESERVE_REGISTER,
		 .keys = {.service_action_reservation_key = KEY}},
		{.action = SCSI_PERSISTENT_RESERVE_RESERVE,
		 .type = WRITE_EXCLUSIVE,
		 .keys = {.reservation_key = KEY}},
		{.action = SCSI_PERSISTENT_RESERVE_RELEASE,
		 .type = WRITE_EXCLUSIVE,
		 .keys = {.reservation_key = KEY}},
		{.action = SCSI_PERSISTENT_RESERVE_REGISTER, .keys = {.reservation_key = KEY}},
	};
	int look = SCSI_PERSISTENT_RESERVE_READ_RESERVATION;
	int capabilities = SCSI_PERSISTENT_RESERVE_REPORT_CAPABILITIES;
	int result = 0;
	bool ours = true;

	for (size_t i = 0; i < 2 && result == 0; i++)
		result = finish(work, call_reserve_out, &outs[i], "reserve");
	if (result == 0 && finish(work, call_reserve_in, &capabilities, "capabilities") != 0)
		fputs("reserve: the least that any target can\n", stderr);
	if (result == 0)
		result = read_keys(work, &ours);
	if (result == 0 && !ours) /* who is not registered any more registers */
		result = finish(work, call_reserve_out, &again, "register again");
	if (result == 0)
		result = finish(work, call_reserve_in, &look, "read reservation");
	if (result == 0)
		result = read_keys(work, &ours);
	for (size_t i = 2; i < 4; i++) {
		int undone = finish(work, call_reserve_out, &outs[i], "release");
		result = result == 0 ? undone : result;
		/* GOOD may mean that there was nothing to release. */
		if (undone == 0 && finish(work, call_reserve_in, &look, "look") != 0)
			result = 1;
	}
	return result == 0 ? do_write(work) : result;
}

/* ---- discovery ------------------------------------------------------------------------------- */

struct found {
	unsigned open;
	int status;
	unsigned targets;
	bool ours;
	const char *target;
};

static void found_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	struct found *found = context;
	(void)iscsi;

	found->open = 0;
	found->status = status;
	for (struct iscsi_discovery_address *at = data; status == SCSI_STATUS_GOOD && at;
	     at = at->next) {
		found->targets++;
		found->ours |= strcmp(at->target_name, found->target) == 0;
	}
}

static int look_around(struct work *work)
{
	struct found found = {.open = 1, .target = work->target};

	if (iscsi_discovery_async(work->iscsi, found_done, &found) != 0 ||
	    !serve(work, &found.open, COMMAND_S * 1000) || found.open > 0 ||
	    found.status != SCSI_STATUS_GOOD)
		return failed(work, "discovery");
	printf("%u targets\n", found.targets);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct work *work);
} works[] = {
	{"login", do_login},	   {"read", do_read},	      {"write", do_write},
	{"big", do_big},	   {"parallel", do_parallel}, {"loop", do_loop},
	{"idle", do_idle},	   {"ping", do_ping},	      {"abort", do_abort},
	{"reset", do_reset},	   {"reserve", do_reserve},   {"prefetch", do_prefetch},
	{"unmap", do_unmap},	   {"flush", do_flush},	      {"extents", do_extents},
	{"discover", look_around}, {"text", look_around},
};

/* ---- sessions -------------------------------------------------------------------------------- */

static int connect_to(struct work *work, bool discovery)
{
	if (discovery) {
		if (iscsi_set_session_type(work->iscsi, ISCSI_SESSION_DISCOVERY) != 0 ||
		    iscsi_connect_sync(work->iscsi, work->portal) != 0 ||
		    iscsi_login_sync(work->iscsi) != 0)
			return failed(work, "discovery login");
		return 0;
	}
	iscsi_set_session_type(work->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_targetname(work->iscsi, work->target);
	if (iscsi_full_connect_sync(work->iscsi, work->portal, work->lun) != 0)
		return failed(work, "login");
	return 0;
}

static void set_users(struct work *work, int argc, char **argv)
{
	if (argc > 6 && argv[5][0])
		iscsi_set_initiator_username_pwd(work->iscsi, argv[5], argv[6]);
	if (argc > 8 && argv[7][0])
		iscsi_set_target_username_pwd(work->iscsi, argv[7], argv[8]);
}

static int run(struct work *work, const char *name)
{
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		if (strcmp(works[i].name, name) != 0)
			continue;
		int result = connect_to(work, strcmp(name, "discover") == 0);
		if (result == 0)
			result = works[i].run(work);
		/* Everything was done; who does not get an answer to this leaves all the same. */
		if (result == 0 && iscsi_logout_sync(work->iscsi) != 0)
			failed(work, "logout");
		return result;
	}
	printf("this program does not do %s\n", name);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fputs("usage: libiscsi PORTAL TARGET LUN WORK [USER SECRET [TARGET_USER "
		      "TARGET_SECRET]]\n",
		      stderr);
		return 2;
	}
	struct work work = {.portal = argv[1], .target = argv[2], .lun = atoi(argv[3])};
	work.iscsi = iscsi_create_context("iqn.2026-11.org.example:checked");
	if (!work.iscsi)
		return 1;
	iscsi_set_timeout(work.iscsi, COMMAND_S);
	iscsi_set_reconnect_max_retries(work.iscsi, RECONNECTS);
	set_users(&work, argc, argv);
	const char *digests = getenv("HOLDFAST_DIGESTS");
	if (digests && strcmp(digests, "yes") == 0)
		iscsi_set_header_digest(work.iscsi, ISCSI_HEADER_DIGEST_CRC32C);
	int result = run(&work, argv[4]);
	iscsi_destroy_context(work.iscsi);
	return result;
}
