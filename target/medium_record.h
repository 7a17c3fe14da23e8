/*
 * What has to be remembered about a medium, whatever happens to the process: that it is being
 * erased, and with what; and an atomic write that is about to be made. It lives in a store of its
 * own, beside the reservations' journal. The format stands at the top of medium_record.c.
 *
 * Every function may block: they are called from a worker, or before the LUN is online.
 */
#ifndef TARGET_MEDIUM_RECORD_H
#define TARGET_MEDIUM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pr_engine/store.h"

#define MEDIUM_PATTERN_MAX 4096 /* bytes: one logical block */

enum medium_operation {
	MEDIUM_IDLE = 0,
	MEDIUM_OVERWRITE,
	MEDIUM_BLOCK_ERASE,
	MEDIUM_CRYPTOGRAPHIC_ERASE,
	MEDIUM_FORMAT,
	MEDIUM_OPERATION_COUNT,
};

/* Which disk this is about: another one in its place must not be erased by mistake. */
struct medium_identity {
	uint64_t size;	   /* bytes */
	uint64_t identity; /* the store's */
};

struct medium_erase_record {
	struct medium_identity medium;
	enum medium_operation operation;
	bool failed;	 /* it has ended, and not well; else it goes on */
	bool restricted; /* AUSE was 0: a failure can only be mended by another SANITIZE */
	bool invert;
	uint8_t passes; /* 1.. */
	uint8_t pass;	/* the one that goes on, from 0 */
	uint64_t at;	/* bytes of it that are on stable storage */
	uint16_t pattern_len;
	uint8_t pattern[MEDIUM_PATTERN_MAX];
};

/* Replaces what was remembered. Durable when it returns 0. */
int medium_erase_store(struct pr_store *store, const struct medium_erase_record *record);
/* MEDIUM_IDLE when nothing was ever stored; -EILSEQ when what is there makes no sense. */
int medium_erase_load(struct pr_store *store, struct medium_erase_record *ret_record);

struct medium_intent {
	struct medium_identity medium;
	uint64_t offset; /* bytes */
	uint32_t len;	 /* bytes */
};

/* `data` is intent->len bytes. Durable when it returns 0. */
int medium_intent_store(struct pr_store *store, const struct medium_intent *intent,
			const uint8_t *data);
int medium_intent_clear(struct pr_store *store);
/* Up to `cap` bytes of data. ret_intent->len is 0 when there is none, or none that is whole: its
 * write was not begun then. */
int medium_intent_load(struct pr_store *store, struct medium_intent *ret_intent, uint8_t *data,
		       size_t cap);

#endif
