/*
 * limits.poll_us: how long an event loop that has just worked looks for more before it sleeps.
 *
 * To fall asleep and be woken costs more than a command does; an initiator that sends the next one
 * as soon as it has its answer waits for that each time. A loop that looks again instead finds it
 * there. That pays only where work comes again soon: so the time is given whole while it does, and
 * less and less while it does not, down to none. It is never exceeded, and nobody polls who has
 * nothing to do for so long.
 */
#ifndef TRANSPORT_POLLING_H
#define TRANSPORT_POLLING_H

#include <stdbool.h>
#include <stdint.h>

struct iscsi_polling {
	uint64_t max_ns;    /* 0: never */
	uint64_t window_ns; /* now: 0 to max_ns */
	uint64_t worked_ns; /* when there was work last */
};

void iscsi_polling_init(struct iscsi_polling *polling, uint32_t max_us);
/* There was work. */
void iscsi_polling_worked(struct iscsi_polling *polling, uint64_t now_ns);
/* Is it to look again, or may it sleep? */
bool iscsi_polling_goes_on(const struct iscsi_polling *polling, uint64_t now_ns);

#endif
