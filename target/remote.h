/*
 * A target as another loop than its home sees it (docs/threads.md).
 *
 * All state of a target lives on its home loop. On any other loop there is a *remote* target of the
 * same name: its nexuses stand for nexuses of the home, and whatever target.h and task.h offer for
 * them becomes a letter to the home; what comes of it, a letter back. The transport sees no
 * difference but that nothing is ever answered before the call returns.
 */
#ifndef TARGET_REMOTE_H
#define TARGET_REMOTE_H

#include <stdalign.h>

#include "target/mailbox.h"
#include "target/target.h"

/* Between one loop and the home. Each line belongs to the loop that sends. */
struct scsi_link {
	alignas(64) struct scsi_line up;
	alignas(64) struct scsi_line down;
};

/* All are borrowed: remote targets go before their home. `executor` and `trace` (may be NULL) are
 * those of the loop. NULL: no memory. Freed with scsi_target_free, when no nexus is left. */
struct scsi_target *scsi_target_create_remote(struct scsi_target *home, struct scsi_link *link,
					      struct scsi_executor *executor,
					      struct trace_ring *trace);

#endif
