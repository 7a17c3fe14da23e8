#include "target/in_flight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "target/guarded.h"

#define SLOTS	     8 /* copies at a time: more threads than that seldom store at once */
#define MAGIC	     UINT64_C(0x486f6c644f6e3031) /* changes with the layout */
#define BOOT_ID_LEN  36
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define PAGE_LEN     4096
#define LINE_LEN     64			  /* of the processor's cache */
#define GOLDEN	     UINT32_C(0x9e3779b9) /* spreads what differs by much or little alike */

struct slot {
	struct in_flight_disk disk;
	uint64_t offset;
	atomic_uint_fast64_t len; /* 0: nothing is under way */
	_Alignas(LINE_LEN) uint8_t before[IN_FLIGHT_LEN_MAX];
	uint8_t after[IN_FLIGHT_LEN_MAX];
};

/* The file, as the processes of one machine see it. */
struct head {
	uint64_t magic;
	char boot_id[BOOT_ID_LEN];
};

struct layout {
	struct head head;
	_Alignas(PAGE_LEN) struct slot slots[SLOTS];
};

struct claim {
	atomic_bool taken;
	bool left;		 /* its disk has not been here yet */
	uint8_t apart[LINE_LEN]; /* threads that claim one do not touch the next one's line */
};

struct in_flight {
	struct layout *layout;
	struct claim claims[SLOTS];
};

/* ---- the file -------------------------------------------------------------------------------- */

static int read_boot_id(char ret_id[BOOT_ID_LEN])
{
	int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int error = pr_io_read(fd, 0, ret_id, BOOT_ID_LEN);
	close(fd);
	return error;
}

/* What it holds is of use to this start of the machine. */
static bool is_current(int fd, const char boot_id[BOOT_ID_LEN])
{
	struct head head;
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct layout) &&
	       pr_io_read(fd, 0, &head, sizeof(head)) == 0 && head.magic == MAGIC &&
	       memcmp(head.boot_id, boot_id, BOOT_ID_LEN) == 0;
}

/* Empty, and with all its room: a copy must not find that there is none. */
static int make_empty(int fd, const char boot_id[BOOT_ID_LEN])
{
	struct head head;

	memset(&head, 0, sizeof(head));
	head.magic = MAGIC;
	memcpy(head.boot_id, boot_id, BOOT_ID_LEN);
	if (ftruncate(fd, 0) != 0 || fallocate(fd, 0, 0, (off_t)sizeof(struct layout)) != 0)
		return -errno;
	return pr_io_write(fd, 0, &head, sizeof(head));
}

static int open_layout(int fd, struct layout **ret_layout)
{
	char boot_id[BOOT_ID_LEN];
	int error = read_boot_id(boot_id);

	if (error == 0 && !is_current(fd, boot_id))
		error = make_empty(fd, boot_id);
	if (error != 0)
		return error;
	void *mapped = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	*ret_layout = mapped;
	return 0;
}

int in_flight_open(const char *path, struct in_flight **ret_record)
{
	struct in_flight *record = calloc(1, sizeof(*record));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : record ? 0 : -ENOMEM;

	if (error == 0)
		error = open_layout(fd, &record->layout);
	if (fd >= 0)
		close(fd);
	if (error != 0) {
		free(record);
		return error;
	}
	guarded_init();
	/* What was left behind keeps its slot until its disk is there. */
	for (unsigned i = 0; i < SLOTS; i++) {
		record->claims[i].left = atomic_load(&record->layout->slots[i].len) != 0;
		atomic_init(&record->claims[i].taken, record->claims[i].left);
	}
	*ret_record = record;
	return 0;
}

void in_flight_free(struct in_flight **record)
{
	if (!*record)
		return;
	munmap((*record)->layout, sizeof(struct layout));
	free(*record);
	*record = NULL;
}

/* ---- what was left behind -------------------------------------------------------------------- */

enum found {
	FOUND_WHOLE = 0, /* all old, all new, or somebody else's */
	FOUND_TORN,
};

static enum found compare(const struct slot *slot, const uint8_t *there, size_t len)
{
	if (memcmp(there, slot->before, len) == 0)
		return FOUND_WHOLE;
	for (size_t i = 0; i < len; i++)
		if (there[i] != slot->before[i] && there[i] != slot->after[i])
			return FOUND_WHOLE;
	return memcmp(there, slot->after, len) == 0 ? FOUND_WHOLE : FOUND_TORN;
}

static int finish_slot(const struct slot *slot, int fd, size_t len)
{
	uint8_t *there = malloc(len);
	int error = there ? pr_io_read(fd, slot->offset, there, len) : -ENOMEM;

	if (error == 0 && compare(slot, there, len) == FOUND_TORN)
		error = pr_io_write(fd, slot->offset, slot->after, len);
	free(there);
	return error;
}

/* Of another size the file is another one by now. */
static bool is_sound(const struct slot *slot, const struct stat *st, uint64_t len)
{
	return len <= IN_FLIGHT_LEN_MAX && slot->offset <= INT64_MAX - IN_FLIGHT_LEN_MAX &&
	       (!S_ISREG(st->st_mode) || slot->offset + len <= (uint64_t)st->st_size);
}

int in_flight_finish(struct in_flight *record, int fd, struct in_flight_disk *ret_disk)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	struct in_flight_disk disk = {.device = (uint64_t)st.st_dev, .inode = (uint64_t)st.st_ino};

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &record->layout->slots[i];

		if (!record->claims[i].left || slot->disk.device != disk.device ||
		    slot->disk.inode != disk.inode)
			continue;
		uint64_t len = atomic_load(&slot->len);
		int error = is_sound(slot, &st, len) ? finish_slot(slot, fd, (size_t)len) : 0;
		if (error != 0)
			return error;
		atomic_store(&slot->len, 0);
		record->claims[i].left = false;
		atomic_store(&record->claims[i].taken, false);
	}
	*ret_disk = disk;
	return 0;
}

/* ---- a copy ---------------------------------------------------------------------------------- */

struct copy {
	struct slot *slot;
	const struct in_flight_disk *disk;
	uint64_t offset;
	uint8_t *mapped;
	const uint8_t *data;
	size_t len;
};

/* The order is what counts: each line is in the page cache before the next one begins. */
static void copy_run(void *context)
{
	const struct copy *copy = context;
	struct slot *slot = copy->slot;

	memcpy(slot->before, copy->mapped, copy->len);
	memcpy(slot->after, copy->data, copy->len);
	slot->disk = *copy->disk;
	slot->offset = copy->offset;
	atomic_store_explicit(&slot->len, copy->len, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(copy->mapped, copy->data, copy->len);
	atomic_store_explicit(&slot->len, 0, memory_order_release);
}

static void copy_forget(void *context)
{
	struct slot *slot = context;

	atomic_store_explicit(&slot->len, 0, memory_order_release);
}

/* NULL: none is free. Each thread begins to look at another one. */
static struct claim *claim_slot(struct in_flight *record)
{
	static _Thread_local char self;
	uint32_t first = (uint32_t)((uintptr_t)&self >> 12) * GOLDEN >> 16;

	for (size_t i = 0; i < SLOTS; i++) {
		struct claim *claim = &record->claims[(first + i) % SLOTS];

		if (!atomic_load_explicit(&claim->taken, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&claim->taken, true, memory_order_acquire))
			return claim;
	}
	return NULL;
}

int in_flight_store(struct in_flight *record, const struct in_flight_disk *disk, uint64_t offset,
		    uint8_t *mapped, const uint8_t *data, size_t len)
{
	struct claim *claim = claim_slot(record);

	if (!claim)
		return -EAGAIN;
	struct slot *slot = &record->layout->slots[claim - record->claims];
	struct copy copy = {.slot = slot,
			    .disk = disk,
			    .offset = offset,
			    .mapped = mapped,
			    .data = data,
			    .len = len};
	bool done = guarded_run(&(struct guarded_work){
		.run = copy_run,
		.context = &copy,
		.ranges = {{.start = mapped, .len = len}, {.start = slot, .len = sizeof(*slot)}},
	});
	/* Where the record itself cannot be reached there is nothing to take back. */
	if (!done)
		guarded_run(&(struct guarded_work){
			.run = copy_forget,
			.context = slot,
			.ranges = {{.start = slot, .len = sizeof(*slot)}},
		});
	atomic_store_explicit(&claim->taken, false, memory_order_release);
	return done ? 0 : -EFAULT;
}
