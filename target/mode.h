/*
 * Mode pages, as MODE SENSE and MODE SELECT share them. Private to target/mode*.c.
 */
#ifndef TARGET_MODE_H
#define TARGET_MODE_H

#include "target/lun.h"

#define MODE_PAGE_MAX 20 /* bytes of the longest page, Caching */

struct mode_page {
	uint8_t code;
	uint8_t len; /* with its two bytes of header */
	/* `page` is zeroed and its header is set. */
	void (*fill)(const struct scsi_mode *mode, uint8_t *page);
	void (*changeable)(const struct scsi_lun *lun, uint8_t *page);
	void (*take)(const uint8_t *page, struct scsi_mode *mode);
};

/* NULL: there is no such page. */
const struct mode_page *mode_page_find(uint8_t code);

/* The page for these parameters, page->len bytes. */
void mode_page_fill(const struct mode_page *page, const struct scsi_mode *mode, uint8_t *ret_bytes);
/* The same with every bit set that MODE SELECT may change, and no other. */
void mode_page_changeable(const struct mode_page *page, const struct scsi_lun *lun,
			  uint8_t *ret_bytes);

#endif
