/*
 * The memory store: a table of chunks, each there only once it was written and given back when all
 * of it is unmapped. Every request completes before submit returns.
 */
#include "target/backing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/chunk_pool.h"

/* Chunks that one EXTENT request looks at: a bound on the time it takes in a huge empty store. */
#define EXTENT_CHUNKS_MAX 65536
#define CACHE_LINE	  64
#define EXPECTED_LEN	  (4 * CACHE_LINE)

struct chunk {
	uint8_t *data;	/* NULL: reads as zeros */
	uint8_t *place; /* where the pool has put it, also while it holds nothing; NULL: calloc's */
};

struct backing_memory {
	struct backing backing;
	uint64_t chunk_count;
	struct chunk *chunks;
	struct chunk_pool pool;
};

/* The part of [offset, offset + left) that lies in offset's chunk. */
struct piece {
	uint64_t chunk;
	size_t at;
	size_t len;
};

static struct piece piece_at(uint64_t offset, uint64_t left)
{
	struct piece piece = {.chunk = offset / CHUNK_LEN, .at = (size_t)(offset % CHUNK_LEN)};
	uint64_t room = CHUNK_LEN - piece.at;

	piece.len = (size_t)(left < room ? left : room);
	return piece;
}

static void memory_read(const struct backing_memory *memory, uint64_t offset, uint8_t *data,
			size_t len)
{
	for (size_t at = 0; at < len;) {
		struct piece piece = piece_at(offset + at, len - at);
		const uint8_t *chunk = memory->chunks[piece.chunk].data;

		if (chunk)
			memcpy(data + at, chunk + piece.at, piece.len);
		else
			memset(data + at, 0, piece.len);
		at += piece.len;
	}
}

/* NULL: no memory. */
static uint8_t *memory_chunk(struct backing_memory *memory, uint64_t number)
{
	struct chunk *chunk = &memory->chunks[number];

	if (chunk->data)
		return chunk->data;
	if (!chunk->place)
		chunk->place = chunk_pool_take(&memory->pool);
	chunk->data = chunk->place ? chunk->place : calloc(1, CHUNK_LEN);
	return chunk->data;
}

static void chunk_drop(struct chunk *chunk)
{
	if (chunk->place)
		chunk_pool_clear(chunk->place);
	else
		free(chunk->data);
	chunk->data = NULL;
}

static int memory_write(struct backing_memory *memory, uint64_t offset, const uint8_t *data,
			size_t len)
{
	for (size_t at = 0; at < len;) {
		struct piece piece = piece_at(offset + at, len - at);
		uint8_t *chunk = memory_chunk(memory, piece.chunk);

		if (!chunk)
			return -ENOSPC; /* of this store, memory is the space */
		memcpy(chunk + piece.at, data + at, piece.len);
		at += piece.len;
	}
	return 0;
}

/* Repeats the `len` bytes at `pattern` over `room` bytes; `at` is where in the pattern it starts.
 */
static void fill(uint8_t *to, size_t room, const uint8_t *pattern, size_t len, size_t at)
{
	while (room > 0) {
		size_t n = len - at < room ? len - at : room;

		memcpy(to, pattern + at, n);
		to += n;
		room -= n;
		at = 0;
	}
}

/* The data, over and over until the range is full. */
static int memory_write_same(struct backing_memory *memory, const struct backing_request *request)
{
	for (uint64_t at = 0; at < request->len;) {
		struct piece piece = piece_at(request->offset + at, request->len - at);
		uint8_t *chunk = memory_chunk(memory, piece.chunk);

		if (!chunk)
			return -ENOSPC;
		fill(chunk + piece.at, piece.len, request->data, request->data_len,
		     (size_t)(at % request->data_len));
		at += piece.len;
	}
	return 0;
}

static bool chunk_is_zero(const uint8_t *chunk)
{
	return chunk[0] == 0 && memcmp(chunk, chunk + 1, CHUNK_LEN - 1) == 0;
}

/* A chunk that is left with zeros alone goes too: it was unmapped part by part, or it is the short
 * one at the end of the store. */
static void memory_unmap(struct backing_memory *memory, const struct backing_request *request)
{
	for (uint64_t at = 0; at < request->len;) {
		struct piece piece = piece_at(request->offset + at, request->len - at);
		struct chunk *chunk = &memory->chunks[piece.chunk];

		if (chunk->data && piece.len < CHUNK_LEN)
			memset(chunk->data + piece.at, 0, piece.len);
		if (chunk->data && (piece.len == CHUNK_LEN || chunk_is_zero(chunk->data)))
			chunk_drop(chunk);
		at += piece.len;
	}
}

static void memory_extent(const struct backing_memory *memory, struct backing_request *request)
{
	uint64_t first = request->offset / CHUNK_LEN;
	uint64_t next = first + 1;

	request->mapped = memory->chunks[first].data != NULL;
	while (next < memory->chunk_count && next - first < EXTENT_CHUNKS_MAX &&
	       (memory->chunks[next].data != NULL) == request->mapped)
		next++;

	uint64_t len = next * CHUNK_LEN - request->offset;
	if (len < request->len)
		request->len = len;
}

static int memory_perform(struct backing_memory *memory, struct backing_request *request)
{
	switch (request->op) {
	case BACKING_READ:
		memory_read(memory, request->offset, request->data, request->data_len);
		return 0;
	case BACKING_WRITE:
		return memory_write(memory, request->offset, request->data, request->data_len);
	case BACKING_WRITE_SAME:
		return memory_write_same(memory, request);
	case BACKING_FLUSH:
	case BACKING_PREFETCH:
		return 0;
	case BACKING_UNMAP:
		memory_unmap(memory, request);
		return 0;
	case BACKING_EXTENT:
		memory_extent(memory, request);
		return 0;
	case BACKING_INVALID:
		break;
	}
	return -EINVAL;
}

static void memory_submit(struct backing *backing, struct backing_request *request)
{
	request->error = memory_perform((struct backing_memory *)backing, request);
	request->done(request);
}

static int memory_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			  uint8_t *data, size_t len)
{
	struct backing_memory *memory = (struct backing_memory *)backing;

	if (op == BACKING_WRITE)
		return memory_write(memory, offset, data, len);
	memory_read(memory, offset, data, len);
	return 0;
}

/* In one chunk, or in several that lie side by side. A hole is nowhere. */
static uint8_t *memory_lend(struct backing *backing, unsigned loop, uint64_t offset, size_t len)
{
	const struct backing_memory *memory = (struct backing_memory *)backing;
	struct piece piece = piece_at(offset, len);
	uint8_t *data = memory->chunks[piece.chunk].data;
	(void)loop;

	if (!data)
		return NULL;
	for (size_t i = 1; i * CHUNK_LEN < piece.at + len; i++)
		if (memory->chunks[piece.chunk + i].data != data + i * CHUNK_LEN)
			return NULL;
	return data + piece.at;
}

static int memory_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len)
{
	memory_read((struct backing_memory *)backing, offset, data, len);
	return 0;
}

/*
 * It is waiting for memory that takes the time of a READ, so the first bytes are sent for while the
 * command before it is still carried out; the processor then looks ahead by itself.
 */
static void memory_expect(const struct backing *backing, uint64_t offset)
{
	const struct backing_memory *memory = (const struct backing_memory *)backing;
	struct piece piece = piece_at(offset, EXPECTED_LEN);
	const uint8_t *data = memory->chunks[piece.chunk].data;

	for (size_t at = 0; data && at < piece.len; at += CACHE_LINE)
		__builtin_prefetch(data + piece.at + at);
}

static void memory_close(struct backing *backing)
{
	struct backing_memory *memory = (struct backing_memory *)backing;

	for (uint64_t i = 0; i < memory->chunk_count; i++)
		if (!memory->chunks[i].place)
			free(memory->chunks[i].data);
	chunk_pool_finish(&memory->pool);
	free(memory->chunks);
	free(memory);
}

static int memory_grow(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	struct backing_memory *memory = (struct backing_memory *)backing;
	uint64_t wanted = size != 0 ? size : backing->size;
	uint64_t count;

	if (wanted > SIZE_MAX / 2)
		return -EFBIG;
	count = (wanted + CHUNK_LEN - 1) / CHUNK_LEN;
	if (count > memory->chunk_count) {
		void *chunks = realloc(memory->chunks, (size_t)count * sizeof(*memory->chunks));
		if (!chunks)
			return -ENOMEM;
		memory->chunks = chunks;
		memset(memory->chunks + memory->chunk_count, 0,
		       (size_t)(count - memory->chunk_count) * sizeof(*memory->chunks));
		memory->chunk_count = count;
	}
	*ret_size = wanted;
	return 0;
}

static const struct backing_ops memory_ops = {
	.name = "memory",
	.submit = memory_submit,
	.at_once = memory_at_once,
	.lend = memory_lend,
	.copy_lent = memory_copy_lent,
	.expect = memory_expect,
	.close = memory_close,
	.grow = memory_grow,
};

int backing_memory_open(uint64_t size, struct backing **ret_backing)
{
	if (size == 0 || size > SIZE_MAX / 2)
		return -EINVAL;

	struct backing_memory *memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	memory->backing =
		(struct backing){.ops = &memory_ops, .size = size, .volatile_store = true};
	memory->chunk_count = (size + CHUNK_LEN - 1) / CHUNK_LEN;
	memory->chunks = calloc((size_t)memory->chunk_count, sizeof(*memory->chunks));
	if (!memory->chunks) {
		free(memory);
		return -ENOMEM;
	}
	chunk_pool_init(&memory->pool);
	*ret_backing = &memory->backing;
	return 0;
}
