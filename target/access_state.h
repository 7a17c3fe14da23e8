/*
 * Asymmetric logical unit access (SPC-4 5.15.2): what each state lets through. For target/ only.
 */
#ifndef TARGET_ACCESS_STATE_H
#define TARGET_ACCESS_STATE_H

#include "target/command.h"

enum scsi_access_status {
	SCSI_ACCESS_STATUS_NONE = 0x00,
	SCSI_ACCESS_STATUS_EXPLICIT = 0x01, /* by SET TARGET PORT GROUPS */
	SCSI_ACCESS_STATUS_IMPLICIT = 0x02,
};

/* The index of a group among the target's ports; false: there is none. */
bool scsi_access_group_find(const struct scsi_target *target, uint16_t group, uint32_t *ret_index);

/* Why the nexus cannot run commands like this one now; SCSI_SENSE_NONE: it can. */
enum scsi_sense scsi_access_state_check(const struct scsi_lun *lun, const struct scsi_nexus *nexus,
					const struct scsi_command *row);

#endif
