/*
 * Mode pages, as MODE SENSE and MODE SELECT share them. Private to target/mode*.c and saved.c.
 */
#ifndef TARGET_MODE_H
#define TARGET_MODE_H

#include "target/lun.h"

#define MODE_PAGE_MAX 40 /* bytes of the longest page, Power Condition */

struct mode_page {
	const char *name; /* the standard's */
	uint8_t code;
	uint8_t subpage; /* 0: page_0 format (SPC-4 7.5.7) */
	uint8_t len;	 /* with its header of two bytes, or four in sub_page format */
	/* `page` is zeroed and its header is set. */
	void (*fill)(const struct scsi_mode *mode, uint8_t *page);
	void (*changeable)(const struct scsi_lun *lun, uint8_t *page);
	void (*take)(const uint8_t *page, struct scsi_mode *mode);
	/* The byte with a value that is reserved, and its highest bit; 0: none. May be NULL. */
	uint16_t (*fault)(const uint8_t *page, int *ret_bit);
};

/* In ascending order of code and subpage. */
extern const struct mode_page mode_pages[];
extern const size_t mode_page_count;

/* NULL: there is no such page. */
const struct mode_page *mode_page_find(uint8_t code, uint8_t subpage);

/* Bytes of the page's header. */
static inline uint8_t mode_page_header_len(const struct mode_page *page)
{
	return page->subpage == 0 ? 2 : 4;
}

/* The page for these parameters, page->len bytes. PS is 0. */
void mode_page_fill(const struct mode_page *page, const struct scsi_mode *mode, uint8_t *ret_bytes);
/* The same as initiators are told it: with what the LUN's configuration overrides. */
void mode_page_report(const struct mode_page *page, const struct scsi_lun *lun,
		      const struct scsi_mode *mode, uint8_t *ret_bytes);
/* The page with every bit set that MODE SELECT may change, and no other. */
void mode_page_changeable(const struct mode_page *page, const struct scsi_lun *lun,
			  uint8_t *ret_bytes);
/* Has it any such bit? */
bool mode_page_is_changeable(const struct mode_page *page, const struct scsi_lun *lun);
/* Takes the changeable bits of `bytes` into the parameters, and no others. */
void mode_page_merge(const struct mode_page *page, const struct scsi_lun *lun, const uint8_t *bytes,
		     struct scsi_mode *mode);

/* What the configuration says. */
struct scsi_mode mode_default(const struct scsi_lun *lun);

#endif
