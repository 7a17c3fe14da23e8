/*
 * Quotes the trace of the lab's own target in the history: which command it decided after which,
 * and how. Like the quotes of its journal (applied.h) that is a hint to the judge where to look for
 * an order, and no more; but it names commands, and it tells of unit attentions and resets as well.
 * What the target had decided and not told of when it died only the journal knows.
 */
#ifndef TOOLS_HOLDFAST_LAB_DECIDED_H
#define TOOLS_HOLDFAST_LAB_DECIDED_H

#include "tools/holdfast-lab/applied.h"
#include "tools/holdfast-lab/initiator.h"

struct decided;

/* All three stay the caller's. NULL: no memory. */
struct decided *decided_create(struct recorder *recorder, const struct own *own,
			       struct applied *applied);
void decided_free(struct decided **decided);
/* For loop_set_sent; its context is the decided. */
void decided_note_sent(void *context, const struct command_sent *command);
/* The target has started: asks it to tell. If it does not there is nothing to quote. */
void decided_follow(struct decided *decided);
/* Records what it has told since, without waiting. False: it does not tell. */
bool decided_quote(struct decided *decided);
/* The target is dead, or will be stopped: records what is left, and lets go of it. */
void decided_end(struct decided *decided);

#endif
