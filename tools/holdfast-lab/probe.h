/*
 * What a target says of itself, asked before a run begins by somebody who takes no part in it.
 */
#ifndef TOOLS_HOLDFAST_LAB_PROBE_H
#define TOOLS_HOLDFAST_LAB_PROBE_H

#include "tools/holdfast-lab/initiator.h"

/*
 * Logs in through each portal; fills in block size and target ports, and of *head what INQUIRY and
 * REPORT CAPABILITIES of the LUN say. False: said why on standard error.
 */
bool probe_target(struct lab_target *target, uint16_t lun, struct history_head *head);

/*
 * Takes everything away that is reserved and registered on the LUN, as a target that is not the
 * lab's own may have of earlier runs, and tells the PRGENERATION after it. False: said why.
 */
bool probe_clear(const struct lab_target *target, uint16_t lun, uint32_t *ret_generation);

/*
 * Which service actions of PERSISTENT RESERVE does the target refuse as unknown? It need not have
 * PREEMPT AND ABORT, REGISTER AND MOVE and READ FULL STATUS, and is then not asked for them. False:
 * said why.
 */
bool probe_lacks(const struct lab_target *target, uint16_t lun,
		 bool ret_lacks[static HISTORY_OP_COUNT]);

#endif
