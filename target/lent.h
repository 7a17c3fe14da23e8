/*
 * Data of READs that are sent from where they lie in the store, instead of being copied first. For
 * target/ only; what the transport has to know stands in target.h.
 *
 * The bytes are what the medium had when the READ was carried out, for as long as anybody can look:
 * before anything is written over them, or they could go away, they are copied after all, here and
 * in one place (scsi_lent_settle). So whoever sends them need not know of fences, nor of who
 * writes.
 *
 * That place sees what is lent by its own loop. Other loops that are at the same medium are kept
 * out by the marks of the READ (marks.h), which last for as long as its data are lent. So they are
 * lent for one turn of the loop and no longer: the transport sends what it has, and what the socket
 * does not take is copied (target_data_in_keep). If it ever is longer, the loop's lease is recalled
 * by whoever comes in vain (lease.h), and before it is returned all is copied.
 */
#ifndef TARGET_LENT_H
#define TARGET_LENT_H

#include "target/lun.h"

#define SCSI_LENT_MAX 128 /* READs of one LUN at a time: a WRITE looks at all of them */

/*
 * data_in of the task becomes the store's own `len` bytes at byte `offset`. False, and nothing has
 * changed: they must not be lent now, or have to be read. The caller knows that nobody writes.
 */
bool scsi_lent_begin(struct scsi_task *task, uint64_t offset, size_t len);
/* The task needs its data no more. */
void scsi_lent_end(struct scsi_task *task);

/* Before these bytes of the medium change. */
void scsi_lent_settle(struct scsi_lun *lun, uint64_t offset, uint64_t len);
/* Before all of them may go away, or others may write them. */
void scsi_lent_settle_all(struct scsi_lun *lun);

#endif
