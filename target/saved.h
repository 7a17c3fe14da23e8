/*
 * What a LUN remembers beyond its data and its reservations: saved mode pages and identifying
 * information. For target/ only.
 *
 * The values live in a store of their own, which a worker replaces as a whole, atomically and
 * durably. Commands that change them, or the current mode parameters, go through one queue: each is
 * planned against what the one before it left, and only when its values are on stable storage do
 * they take effect and is it answered. When the store fails nothing has changed. A command that is
 * aborted in the queue never was; one whose values are being written takes effect, unanswered.
 *
 * The content: 8 bytes of magic ("HFSAVED" and the version), the length and the CRC32C of what
 * follows, then records of a type (two bytes), a length (two bytes) and as many bytes:
 *   1  a mode page, as MODE SENSE returns its saved values
 *   2  identifying information: the kind (one byte), then the text
 */
#ifndef TARGET_SAVED_H
#define TARGET_SAVED_H

#include "target/command.h"

/* More than all records there can be; a longer store is not one of ours. */
#define SCSI_SAVED_IMAGE_MAX 2048

/* Reads config.saved_store over the defaults. 0, or -EBADMSG: what is there cannot be read, is
 * damaged, or of another version. */
int scsi_saved_load(struct scsi_lun *lun);

bool scsi_saved_is_possible(const struct scsi_lun *lun);

/* What the store is to hold for these values; returns its length. */
size_t scsi_saved_encode(const struct scsi_lun *lun, const struct scsi_saved_values *values,
			 uint8_t ret_image[SCSI_SAVED_IMAGE_MAX]);

/* ---- saved_change.c ---- */

/* What a command makes of the values that it is handed. */
enum scsi_change {
	SCSI_CHANGE_REFUSED = 0, /* status is set */
	SCSI_CHANGE_CURRENT,	 /* the current mode parameters only */
	SCSI_CHANGE_SAVED,
};

typedef enum scsi_change (*scsi_change_plan)(struct scsi_task *task, struct scsi_mode *current,
					     struct scsi_saved_values *saved);
/* The change has taken effect. `before`: the mode parameters until now. Sets the status; the task
 * may have been aborted, and is then not to start anything. */
typedef enum scsi_result (*scsi_change_installed)(struct scsi_task *task,
						  const struct scsi_mode *before);

/* For a handler to return. */
enum scsi_result scsi_saved_change(struct scsi_task *task, scsi_change_plan plan,
				   scsi_change_installed installed);

#endif
