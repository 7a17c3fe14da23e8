#include "tests/support/target_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the disk ---- */

static struct test_disk *disk_of(struct backing *backing)
{
	return (struct test_disk *)(void *)backing;
}

static void disk_do(struct test_disk *disk, struct backing_request *request)
{
	uint8_t *at = disk->bytes + request->offset;

	request->error = disk->next_error;
	disk->next_error = 0;
	if (request->error != 0)
		return;
	switch (request->op) {
	case BACKING_READ:
		memcpy(request->data, at, request->len);
		break;
	case BACKING_WRITE:
		memcpy(at, request->data, request->len);
		break;
	case BACKING_UNMAP:
		memset(at, 0, request->len);
		break;
	case BACKING_WRITE_SAME:
		for (uint64_t i = 0; i < request->len; i += request->data_len)
			memcpy(at + i, request->data, request->data_len);
		break;
	case BACKING_FLUSH:
	case BACKING_PREFETCH:
		break;
	case BACKING_EXTENT: /* all of it is data */
		request->mapped = true;
		break;
	case BACKING_INVALID:
		request->error = -EOPNOTSUPP;
		break;
	}
}

static void disk_submit(struct backing *backing, struct backing_request *request)
{
	struct test_disk *disk = disk_of(backing);

	disk->requests++;
	if (!disk->hold) {
		disk_do(disk, request);
		request->done(request);
		return;
	}
	if (disk->held_count == disk->held_cap) {
		disk->held_cap = disk->held_cap ? 2 * disk->held_cap : 16;
		disk->held = realloc(disk->held, disk->held_cap * sizeof(*disk->held));
		if (!disk->held)
			abort();
	}
	disk->held[disk->held_count++] = request;
}

static void disk_close(struct backing *backing)
{
	(void)backing;
}

static int disk_grow(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	struct test_disk *disk = disk_of(backing);
	int error = disk->next_error;

	disk->next_error = 0;
	if (error != 0)
		return error;
	*ret_size = size != 0 ? size : backing->size;
	uint8_t *bytes = realloc(disk->bytes, *ret_size);
	if (!bytes)
		abort();
	memset(bytes + backing->size, 0, *ret_size - backing->size);
	disk->bytes = bytes;
	return 0;
}

void test_disk_init(struct test_disk *disk, uint64_t size)
{
	static const struct backing_ops ops = {
		.name = "test", .submit = disk_submit, .close = disk_close, .grow = disk_grow};

	*disk = (struct test_disk){
		.backing = {.ops = &ops, .size = size, .volatile_store = true},
		.bytes = calloc(1, size),
	};
	if (!disk->bytes)
		abort();
}

void test_disk_clear(struct test_disk *disk)
{
	free(disk->bytes);
	free(disk->held);
	*disk = (struct test_disk){0};
}

void test_disk_release(struct test_disk *disk)
{
	bool hold = disk->hold;

	disk->hold = false;
	while (disk->held_count > 0) {
		struct backing_request *request = disk->held[0];

		disk->held_count--;
		memmove(disk->held, disk->held + 1, disk->held_count * sizeof(*disk->held));
		disk_do(disk, request);
		request->done(request);
	}
	disk->hold = hold;
}

/* ---- the store ---- */

static struct test_store *store_of(struct pr_store *store)
{
	return (struct test_store *)(void *)store;
}

static void store_resize(struct test_store *store, size_t len)
{
	if (len >= store->cap) {
		store->cap = 2 * len + 1;
		store->bytes = realloc(store->bytes, store->cap);
		if (!store->bytes)
			abort();
	}
	if (len > store->len)
		memset(store->bytes + store->len, 0, len - store->len);
	store->len = len;
}

static int store_size(struct pr_store *store, uint64_t *ret_size)
{
	if (store_of(store)->len == 0)
		return -ENOENT;
	*ret_size = store_of(store)->len;
	return 0;
}

static int store_read(struct pr_store *store, uint64_t offset, void *data, size_t len)
{
	struct test_store *test = store_of(store);

	if (offset > test->len || len > test->len - offset)
		return -EIO;
	if (len > 0)
		memcpy(data, test->bytes + offset, len);
	return 0;
}

static int store_write(struct pr_store *store, uint64_t offset, const void *data, size_t len)
{
	struct test_store *test = store_of(store);

	if (test->error != 0)
		return test->error;
	if (offset + len > test->len)
		store_resize(test, (size_t)offset + len);
	if (len > 0)
		memcpy(test->bytes + offset, data, len);
	test->writes++;
	return 0;
}

static int store_sync(struct pr_store *store)
{
	struct test_store *test = store_of(store);

	if (test->error == 0)
		test->syncs++;
	return test->error;
}

static int store_truncate(struct pr_store *store, uint64_t size)
{
	struct test_store *test = store_of(store);

	if (test->error == 0)
		store_resize(test, (size_t)size);
	return test->error;
}

static int store_replace(struct pr_store *store, const void *data, size_t len)
{
	struct test_store *test = store_of(store);

	if (test->error != 0)
		return test->error;
	store_resize(test, len);
	memcpy(test->bytes, data, len);
	test->writes++;
	test->syncs++;
	return 0;
}

static void store_close(struct pr_store *store)
{
	(void)store;
}

void test_store_init(struct test_store *store)
{
	static const struct pr_store_ops ops = {
		.size = store_size,
		.read = store_read,
		.write = store_write,
		.sync = store_sync,
		.truncate = store_truncate,
		.replace = store_replace,
		.close = store_close,
	};

	*store = (struct test_store){.store = {.ops = &ops}};
}

void test_store_clear(struct test_store *store)
{
	free(store->bytes);
	*store = (struct test_store){0};
}
