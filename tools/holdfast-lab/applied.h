/*
 * Quotes the journals of the lab's own target in the history: in which order it made its changes.
 * That is a hint to the judge where to look for an order, and no more.
 */
#ifndef TOOLS_HOLDFAST_LAB_APPLIED_H
#define TOOLS_HOLDFAST_LAB_APPLIED_H

#include "tools/holdfast-lab/own.h"

struct applied;

/* Both stay the caller's. NULL: no memory. */
struct applied *applied_create(struct recorder *recorder, const struct own *own, unsigned luns);
void applied_free(struct applied **applied);
/* Records what is new in the journals, if the last time was a while ago. */
void applied_quote_soon(struct applied *applied);
/* The power was cut: what was not durable is gone from the journals, and never to be quoted. */
void applied_forget_lost(struct applied *applied);
/* ... now. A journal that cannot be read is left out. */
void applied_quote(struct applied *applied);
/* ... of one LUN, up to this record. */
void applied_quote_until(struct applied *applied, unsigned lun, uint64_t record);
/* Records up to this one were told of otherwise. */
void applied_know(struct applied *applied, unsigned lun, uint64_t record);

#endif
