/*
 * The inside of a trace ring. For target/trace*.c only.
 *
 * A record is one or more whole slots: a header, then its body. Records never lie around the end of
 * the ring: what is left there is filled up with a record of kind TRACE_INVALID. Slots and events
 * are counted from the ring's beginning and never wrap; the slot's place is its number modulo the
 * size, which is a power of two.
 */
#ifndef TARGET_TRACE_INTERNAL_H
#define TARGET_TRACE_INTERNAL_H

#include "target/trace.h"

struct trace_header {
	uint64_t time_ns;
	uint32_t who;
	uint16_t len_slots;
	uint8_t kind;
	uint8_t flags;
};

#define TRACE_BODY_FIRST (TRACE_SLOT_LEN - sizeof(struct trace_header)) /* bytes */

struct trace_slot {
	struct trace_header header;
	uint8_t body[TRACE_BODY_FIRST];
};

struct trace_who_entry {
	uint32_t number; /* 0: free */
	uint32_t next;	 /* among the free or the gone, index + 1; 0: none */
	bool gone;
	struct pr_nexus_id *nexus; /* NULL: not named */
	char *target, *peer, *local;
};

void trace_who_clear(struct trace_ring *ring);

/* Lets go of the oldest until there is room for `count` slots more. */
void trace_make_room(struct trace_ring *ring, uint32_t count);

static inline struct trace_slot *trace_slot_at(const struct trace_ring *ring, uint64_t number)
{
	return &ring->slots[number & ring->slot_mask];
}

/* A command without a parameter list, for the caller to fill in: what every command writes is one
 * slot, in place. */
static inline struct trace_command *trace_take_command(struct trace_ring *ring, uint32_t who)
{
	struct trace_slot *slot = trace_slot_at(ring, ring->head);

	if (ring->head - ring->first > ring->slot_mask) {
		/* The oldest begins in the very slot that is taken. */
		ring->first += slot->header.len_slots;
		ring->first_event += slot->header.kind != TRACE_INVALID;
	}
	ring->head++;
	ring->head_event++;
	slot->header = (struct trace_header){
		.time_ns = ring->now_ns,
		.who = who,
		.len_slots = 1,
		.kind = TRACE_COMMAND,
	};
	return (struct trace_command *)(void *)slot->body;
}

/* trace_cdb.c */
struct text;
/* REGISTER and CLEAR look at no type. */
bool trace_pr_out_has_type(int action);
void trace_cdb_add(struct text *text, const uint8_t cdb[TRACE_CDB_MAX]);

#endif
