#include "tests/support/store_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A test that runs out of memory has nothing to tell. */
static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

static void bytes_resize(struct bytes *bytes, size_t len)
{
	if (len > bytes->cap || bytes->cap == 0) {
		bytes->cap = len > 0 ? len + len / 2 : 1;
		bytes->data = must(realloc(bytes->data, bytes->cap));
	}
	if (len > bytes->len)
		memset(bytes->data + bytes->len, 0, len - bytes->len);
	bytes->len = len;
}

static void bytes_set(struct bytes *bytes, const void *data, size_t len)
{
	bytes_resize(bytes, len);
	if (len > 0)
		memcpy(bytes->data, data, len);
}

void bytes_copy(struct bytes *dst, const struct bytes *src)
{
	bytes_set(dst, src->data, src->len);
}

static void bytes_write(struct bytes *bytes, size_t offset, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (offset + len > bytes->len)
		bytes_resize(bytes, offset + len);
	memcpy(bytes->data + offset, data, len);
}

/* ---- the store ---- */

static struct store_memory *store_memory(struct pr_store *store)
{
	return (struct store_memory *)((char *)store - offsetof(struct store_memory, store));
}

/* Records a call; its result is the failure that is due, or 0. */
static struct memory_call *call_record(struct store_memory *memory, enum memory_call_op op,
				       uint64_t offset)
{
	const struct memory_failure *failure = &memory->failure;
	size_t number = memory->call_count;

	if (number == memory->call_cap) {
		memory->call_cap = number > 0 ? 2 * number : 64;
		memory->calls =
			must(realloc(memory->calls, memory->call_cap * sizeof *memory->calls));
	}
	struct memory_call *call = &memory->calls[memory->call_count++];
	*call = (struct memory_call){.op = op, .offset = offset, .settled_by = SIZE_MAX};
	if (number >= failure->first && number - failure->first < failure->count)
		call->result = failure->error;
	return call;
}

static int memory_size(struct pr_store *store, uint64_t *ret_size)
{
	const struct store_memory *memory = store_memory(store);

	if (memory->read_fails)
		return -EIO;
	if (memory->seen.len == 0 && !memory->is_there)
		return -ENOENT;
	*ret_size = memory->seen.len;
	return 0;
}

static int memory_read(struct pr_store *store, uint64_t offset, void *data, size_t len)
{
	const struct store_memory *memory = store_memory(store);

	if (memory->read_fails || offset > memory->seen.len || len > memory->seen.len - offset)
		return -EIO;
	memcpy(data, memory->seen.data + offset, len);
	return 0;
}

static int memory_write(struct pr_store *store, uint64_t offset, const void *data, size_t len)
{
	struct store_memory *memory = store_memory(store);
	struct memory_call *call = call_record(memory, MEMORY_WRITE, offset);
	size_t done = len;

	if (call->result != 0)
		done = memory->failure.half_written ? len / 2 : 0;
	bytes_set(&call->data, data, done);
	bytes_write(&memory->seen, (size_t)offset, data, done);
	return call->result;
}

static int memory_sync(struct pr_store *store)
{
	struct store_memory *memory = store_memory(store);
	const struct memory_call *call = call_record(memory, MEMORY_SYNC, 0);
	size_t number = memory->call_count - 1;

	for (size_t i = memory->unsettled; i < number; i++)
		memory->calls[i].settled_by = call->result == 0 ? number : SIZE_MAX;
	memory->unsettled = number + 1;
	return call->result;
}

static int memory_truncate(struct pr_store *store, uint64_t size)
{
	struct store_memory *memory = store_memory(store);
	const struct memory_call *call = call_record(memory, MEMORY_TRUNCATE, size);

	if (call->result == 0)
		bytes_resize(&memory->seen, (size_t)size);
	return call->result;
}

static int memory_replace(struct pr_store *store, const void *data, size_t len)
{
	struct store_memory *memory = store_memory(store);
	struct memory_call *call = call_record(memory, MEMORY_REPLACE, 0);

	bytes_set(&call->data, data, len);
	if (call->result == 0) {
		bytes_set(&memory->seen, data, len);
		memory->unsettled = memory->call_count;
	}
	return call->result;
}

static void memory_close(struct pr_store *store)
{
	struct store_memory *memory = store_memory(store);

	store_memory_close(&memory);
}

static const struct pr_store_ops memory_ops = {
	.size = memory_size,
	.read = memory_read,
	.write = memory_write,
	.sync = memory_sync,
	.truncate = memory_truncate,
	.replace = memory_replace,
	.close = memory_close,
};

struct store_memory *store_memory_open(const struct bytes *initial)
{
	struct store_memory *memory = must(calloc(1, sizeof *memory));

	memory->store.ops = &memory_ops;
	if (initial) {
		bytes_copy(&memory->initial, initial);
		bytes_copy(&memory->seen, initial);
	}
	return memory;
}

void store_memory_close(struct store_memory **memory)
{
	struct store_memory *closed = *memory;

	for (size_t i = 0; i < closed->call_count; i++)
		bytes_free(&closed->calls[i].data);
	free(closed->calls);
	bytes_free(&closed->seen);
	bytes_free(&closed->initial);
	free(closed);
	*memory = NULL;
}

/* ---- crashes ---- */

/* The first call behind the last replace that was done before the crash; 0 when none was. */
static size_t crash_start(const struct store_memory *memory, size_t calls)
{
	for (size_t i = calls; i > 0; i--) {
		const struct memory_call *call = &memory->calls[i - 1];
		if (call->op == MEMORY_REPLACE && call->result == 0)
			return i;
	}
	return 0;
}

static bool call_changes_bytes(const struct memory_call *call)
{
	return call->op == MEMORY_WRITE || (call->op == MEMORY_TRUNCATE && call->result == 0);
}

static size_t crash_end(const struct store_memory *memory, size_t calls)
{
	return calls < memory->call_count ? calls + 1 : calls;
}

size_t store_memory_loose(const struct store_memory *memory, size_t calls, size_t *ret_numbers)
{
	size_t end = crash_end(memory, calls);
	size_t count = 0;

	for (size_t i = crash_start(memory, calls); i < end; i++) {
		if (call_changes_bytes(&memory->calls[i]) && memory->calls[i].settled_by >= calls)
			ret_numbers[count++] = i;
	}
	return count;
}

static void crash_apply(const struct memory_call *call, size_t reached, bool size_kept,
			struct bytes *image)
{
	size_t end = (size_t)call->offset + call->data.len;

	if (call->op == MEMORY_TRUNCATE) {
		if (reached > 0)
			bytes_resize(image, (size_t)call->offset);
		return;
	}
	bytes_write(image, (size_t)call->offset, call->data.data, reached);
	if (size_kept && image->len < end)
		bytes_resize(image, end);
}

void store_memory_crash(const struct store_memory *memory, const struct memory_crash *crash,
			struct bytes *ret_image)
{
	size_t start = crash_start(memory, crash->calls);
	size_t end = crash_end(memory, crash->calls);
	const struct bytes *base = start > 0 ? &memory->calls[start - 1].data : &memory->initial;
	size_t loose = 0;

	if (crash->replace_done && crash->calls < memory->call_count &&
	    memory->calls[crash->calls].op == MEMORY_REPLACE) {
		bytes_copy(ret_image, &memory->calls[crash->calls].data);
		return;
	}
	bytes_copy(ret_image, base);
	for (size_t i = start; i < end; i++) {
		const struct memory_call *call = &memory->calls[i];
		size_t reached = call->op == MEMORY_TRUNCATE ? 1 : call->data.len;
		if (!call_changes_bytes(call))
			continue;
		if (call->settled_by >= crash->calls) {
			if (crash->lost && crash->lost[loose])
				reached = 0;
			else if (crash->torn != SIZE_MAX && crash->torn_call == i &&
				 crash->torn < reached)
				reached = crash->torn;
			loose++;
		}
		crash_apply(call, reached, crash->size_kept, ret_image);
	}
}
