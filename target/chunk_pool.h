/*
 * Memory for the chunks of a memory store, in pieces that the kernel can map by one huge page each:
 * reading and writing all over a store misses the processor's table of pages far less then.
 *
 * A store that holds little stays small: its first chunks are not the pool's. Any thread.
 */
#ifndef TARGET_CHUNK_POOL_H
#define TARGET_CHUNK_POOL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_LEN	 ((size_t)64 * 1024)
#define CHUNK_POOL_PIECE ((size_t)2 * 1024 * 1024)

struct chunk_pool {
	pthread_mutex_t lock;
	unsigned asked; /* up to CHUNK_POOL_PIECE / CHUNK_LEN: nothing is given before */
	struct chunk_piece *pieces; /* the newest first */
	uint8_t *next, *end;	    /* chunks of that one that were not given yet */
};

void chunk_pool_init(struct chunk_pool *pool);
/* All that it has given is gone. */
void chunk_pool_finish(struct chunk_pool *pool);

/* CHUNK_LEN bytes, all zero, until the pool ends. NULL: the caller is to allocate it. */
uint8_t *chunk_pool_take(struct chunk_pool *pool);
/* All zero again, and its memory is given back meanwhile. */
void chunk_pool_clear(uint8_t *chunk);

#endif
