/*
 * Bytes of INQUIRY data, vital product data and mode pages that a LUN answers instead of its own:
 * what an initiator would read from a disk array that is not here. Nothing but the answer changes.
 */
#ifndef TARGET_OVERRIDE_H
#define TARGET_OVERRIDE_H

#include "target/lun.h"

/* inquiry.c's, at most: with 255 in ADDITIONAL LENGTH; Device Identification with two names. */
#define SCSI_INQUIRY_MAX 260
#define SCSI_VPD_MAX	 1024

/* Has every LUN this VPD page? */
bool scsi_inquiry_has_page(uint8_t code);

/*
 * Puts the LUN's overrides over `len` bytes of INQUIRY data or a VPD page (the whole of it, with
 * its header) in a buffer of `cap`. A page grows, by zeros, up to the last byte that is put. Its
 * length field follows, unless it is overridden itself. Returns the new length.
 */
size_t scsi_override_inquiry(const struct scsi_lun *lun, uint8_t *data, size_t len, size_t cap);
size_t scsi_override_vpd(const struct scsi_lun *lun, uint8_t *page, size_t len, size_t cap);

/* The same over a mode page, which keeps its length. */
void scsi_override_mode(const struct scsi_lun *lun, uint8_t code, uint8_t subpage, uint8_t *page,
			size_t len);

#endif
