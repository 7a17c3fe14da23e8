/*
 * The accesses to one medium that are under way, or wait for an overlapping one. Private to
 * sbc_io.c and sbc_at_once.c.
 */
#ifndef TARGET_SBC_ACCESS_H
#define TARGET_SBC_ACCESS_H

#include "target/sbc.h"

bool sbc_access_is_ordered(const struct sbc_io *io);

/* Joins the list. Earlier ones that it has to wait for are its blockers. */
void sbc_access_enter(struct sbc_accesses *accesses, struct sbc_io *io);
/* Leaves the list; those behind it that waited for it alone become ready. */
void sbc_access_leave(struct sbc_accesses *accesses, struct sbc_io *io);
/* Its turn has come. */
void sbc_access_ready(struct sbc_accesses *accesses, struct sbc_io *io);

/* False: none of those that are there can have any of these blocks, nor an earlier turn. */
bool sbc_accesses_may_have(struct sbc_accesses *accesses, uint64_t lba, uint64_t blocks);

#endif
