/*
 * What the device server tells the trace. For target/ only.
 */
#ifndef TARGET_TRACE_TASK_H
#define TARGET_TRACE_TASK_H

#include "pr_engine/conflict.h"
#include "target/lun.h"
#include "target/trace.h"

struct pr_commit_request;

/* A task is about to be answered, or was aborted, with or without a status: `flags` are of enum
 * trace_command_flag. */
void scsi_trace_command(const struct scsi_task *task, unsigned flags);
/* It is about to get a RESERVATION CONFLICT; reservations as they are committed. */
void scsi_trace_conflict(const struct scsi_task *task, enum pr_conflict conflict);
/* A PERSISTENT RESERVE OUT has changed the LUN's state. */
void scsi_trace_pr_change(const struct pr_commit_request *request, const struct pr_state *state);
/* A unit attention was reported to the task. */
void scsi_trace_reported(const struct scsi_task *task, enum scsi_unit_attention ua);
/* A function was asked for, and has ended, which its nexus may not have lived to see. */
void scsi_trace_management(struct scsi_tmf *tmf);
void scsi_trace_managed(const struct scsi_tmf *tmf);

#endif
