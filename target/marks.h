/*
 * Who is at which part of a medium, when several loops access it at once (docs/threads.md). For
 * target/ only.
 *
 * The medium falls into regions; they share a table of words, region i having word i mod MARKS. An
 * access takes the words of all its regions or none, and gives them back when it has ended: any
 * number of loops may read a region, or one loop may do there what it likes, as sbc_io.c orders the
 * accesses of one loop by itself. Nobody waits in here; whoever does not get a word comes again, or
 * has all loops but the home leave the medium (lease.h).
 *
 * Data that are sent from where they lie (lent.h) keep their words longer than the READ takes. So a
 * word remembers that somebody wants it alone, and is given for that no more until they have had
 * it.
 *
 * A word is written by those who access its region, and by nobody else.
 */
#ifndef TARGET_MARKS_H
#define TARGET_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define SBC_MARK_LOOPS_MAX 8 /* loops that a word has room for, the home among them */

struct sbc_marks;

enum sbc_mark {
	SBC_MARK_INVALID = 0,
	SBC_MARK_READ,
	SBC_MARK_LEND, /* the same, for longer: has to stand back */
	SBC_MARK_ALONE,
};

/* NULL: no memory. */
struct sbc_marks *sbc_marks_create(void);
void sbc_marks_free(struct sbc_marks **marks);

/* `loop` 0..SBC_MARK_LOOPS_MAX - 1, `len` > 0; both in bytes. On any loop. */
bool sbc_marks_take(struct sbc_marks *marks, unsigned loop, enum sbc_mark mark, uint64_t offset,
		    uint64_t len);
/* Nobody wants anything any more: another way was found. */
void sbc_marks_forget_wishes(struct sbc_marks *marks);
/* What was taken before, by the same loop. */
void sbc_marks_give(struct sbc_marks *marks, unsigned loop, uint64_t offset, uint64_t len);

#endif
