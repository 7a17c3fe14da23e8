#include "target/chunk_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNKS_A_PIECE (CHUNK_POOL_PIECE / CHUNK_LEN)

struct chunk_piece {
	struct chunk_piece *next;
	uint8_t *bytes;
};

void chunk_pool_init(struct chunk_pool *pool)
{
	*pool = (struct chunk_pool){0};
	pthread_mutex_init(&pool->lock, NULL);
}

void chunk_pool_finish(struct chunk_pool *pool)
{
	struct chunk_piece *piece;

	while ((piece = pool->pieces) != NULL) {
		pool->pieces = piece->next;
		munmap(piece->bytes, CHUNK_POOL_PIECE);
		free(piece);
	}
	pthread_mutex_destroy(&pool->lock);
}

/* Addresses that are a multiple of its length: twice as many are asked for, and the rest is let go.
 */
static uint8_t *map_aligned(void)
{
	uint8_t *all = mmap(NULL, 2 * CHUNK_POOL_PIECE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		return NULL;
	size_t before = (CHUNK_POOL_PIECE - (uintptr_t)all % CHUNK_POOL_PIECE) % CHUNK_POOL_PIECE;
	if (before > 0)
		munmap(all, before);
	munmap(all + before + CHUNK_POOL_PIECE, CHUNK_POOL_PIECE - before);
	/* Where there are no huge pages it is as good as any other memory. */
	(void)madvise(all + before, CHUNK_POOL_PIECE, MADV_HUGEPAGE);
	return all + before;
}

static bool add_piece(struct chunk_pool *pool)
{
	struct chunk_piece *piece = malloc(sizeof(*piece));

	if (!piece)
		return false;
	piece->bytes = map_aligned();
	if (!piece->bytes) {
		free(piece);
		return false;
	}
	piece->next = pool->pieces;
	pool->pieces = piece;
	pool->next = piece->bytes;
	pool->end = piece->bytes + CHUNK_POOL_PIECE;
	return true;
}

uint8_t *chunk_pool_take(struct chunk_pool *pool)
{
	uint8_t *chunk = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->asked < CHUNKS_A_PIECE) {
		pool->asked++;
	} else if (pool->next != pool->end || add_piece(pool)) {
		chunk = pool->next;
		pool->next += CHUNK_LEN;
	}
	pthread_mutex_unlock(&pool->lock);
	return chunk;
}

void chunk_pool_clear(uint8_t *chunk)
{
	if (madvise(chunk, CHUNK_LEN, MADV_DONTNEED) != 0)
		memset(chunk, 0, CHUNK_LEN);
}
