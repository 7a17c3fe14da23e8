#include "target/marks.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "target/chunk_pool.h"

/* As long as what the memory store keeps in one piece: two loops never look at the same piece while
 * one of them writes it. */
#define REGION_SHIFT 16	   /* bytes of a region, as a power of 2 */
#define MARKS	     16384 /* words, a power of 2 */
#define REGIONS_MAX  1024  /* of one access: longer ones have to have the medium to themselves */

/*
 * A word: for each loop how many accesses it has there, above that whose alone it is (0: nobody's;
 * loop + 1), and whether somebody wants it alone who could not have it.
 */
#define COUNT_BITS  7
#define COUNT_MAX   ((UINT64_C(1) << COUNT_BITS) - 1)
#define LEND_MAX    (COUNT_MAX / 2) /* of a loop's: the rest is for what is over soon */
#define OWNER_SHIFT (COUNT_BITS * SBC_MARK_LOOPS_MAX)
#define COUNTS	    ((UINT64_C(1) << OWNER_SHIFT) - 1)
#define WANTED	    (UINT64_C(1) << 63)
#define OWNER	    (~(COUNTS | WANTED))

_Static_assert((1u << REGION_SHIFT) % CHUNK_LEN == 0, "a chunk belongs to one region");

struct sbc_marks {
	_Atomic uint64_t words[MARKS];
};

struct sbc_marks *sbc_marks_create(void)
{
	return calloc(1, sizeof(struct sbc_marks));
}

void sbc_marks_free(struct sbc_marks **marks)
{
	free(*marks);
	*marks = NULL;
}

static unsigned shift_of(unsigned loop)
{
	return loop * COUNT_BITS;
}

static uint64_t owner_of(unsigned loop)
{
	return (uint64_t)(loop + 1) << OWNER_SHIFT;
}

static bool word_has_room(uint64_t now, unsigned loop, enum sbc_mark mark)
{
	uint64_t own = (now >> shift_of(loop)) & COUNT_MAX, owner = now & OWNER;

	if (own == COUNT_MAX || (owner != 0 && owner != owner_of(loop)))
		return false;
	switch (mark) {
	case SBC_MARK_READ:
		return true;
	case SBC_MARK_LEND:
		return !(now & WANTED) && own < LEND_MAX;
	case SBC_MARK_ALONE:
		return (now & COUNTS) == own << shift_of(loop);
	case SBC_MARK_INVALID:
		break;
	}
	return false;
}

static bool word_take(_Atomic uint64_t *word, unsigned loop, enum sbc_mark mark)
{
	uint64_t now = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t then;

	do {
		if (!word_has_room(now, loop, mark)) {
			if (mark == SBC_MARK_ALONE)
				atomic_fetch_or_explicit(word, WANTED, memory_order_relaxed);
			return false;
		}
		then = now + (UINT64_C(1) << shift_of(loop));
		if (mark == SBC_MARK_ALONE)
			then = (then | owner_of(loop)) & ~WANTED;
	} while (!atomic_compare_exchange_weak_explicit(word, &now, then, memory_order_acq_rel,
							memory_order_relaxed));
	return true;
}

/* A loop's own word stays its own until its last access there has ended. */
static void word_give(_Atomic uint64_t *word, unsigned loop)
{
	uint64_t mine = COUNT_MAX << shift_of(loop), one = UINT64_C(1) << shift_of(loop);
	uint64_t now = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t then;

	do {
		assert((now & mine) != 0);
		then = now - one;
		if ((then & mine) == 0 && (then & OWNER) == owner_of(loop))
			then &= ~OWNER;
	} while (!atomic_compare_exchange_weak_explicit(word, &now, then, memory_order_acq_rel,
							memory_order_relaxed));
}

static void give(struct sbc_marks *marks, unsigned loop, uint64_t first, uint64_t end)
{
	for (uint64_t region = first; region < end; region++)
		word_give(&marks->words[region % MARKS], loop);
}

bool sbc_marks_take(struct sbc_marks *marks, unsigned loop, enum sbc_mark mark, uint64_t offset,
		    uint64_t len)
{
	uint64_t first = offset >> REGION_SHIFT, end = ((offset + len - 1) >> REGION_SHIFT) + 1;

	assert(loop < SBC_MARK_LOOPS_MAX && len > 0);
	if (end - first > REGIONS_MAX)
		return false;
	for (uint64_t region = first; region < end; region++) {
		if (word_take(&marks->words[region % MARKS], loop, mark))
			continue;
		give(marks, loop, first, region);
		return false;
	}
	return true;
}

void sbc_marks_forget_wishes(struct sbc_marks *marks)
{
	for (unsigned i = 0; i < MARKS; i++)
		if (atomic_load_explicit(&marks->words[i], memory_order_relaxed) & WANTED)
			atomic_fetch_and_explicit(&marks->words[i], ~WANTED, memory_order_relaxed);
}

void sbc_marks_give(struct sbc_marks *marks, unsigned loop, uint64_t offset, uint64_t len)
{
	give(marks, loop, offset >> REGION_SHIFT, ((offset + len - 1) >> REGION_SHIFT) + 1);
}
