/*
 * Mode pages (SPC-4 7.5; SBC-3 6.5). MODE SENSE is in mode_sense.c, MODE SELECT in mode_select.c.
 *
 * A page is a row of a table: how it reads for given parameters, which bits may be changed, and
 * what becomes of the parameters when it is written. What iSCSI negotiates at login (bursts, order
 * of data) has no pages: RFC 7143 13 takes the place of Disconnect-Reconnect and the protocol
 * specific ones.
 */
#include "target/mode.h"

#include "pr_engine/bytes.h"
#include "target/override.h"

/* ---- the pages ------------------------------------------------------------------------------- */

static uint8_t bit_if(bool condition, uint8_t bit)
{
	return condition ? bit : 0;
}

static void nothing_changeable(const struct scsi_lun *lun, uint8_t *page)
{
	(void)lun;
	(void)page;
}

static void nothing_taken(const uint8_t *page, struct scsi_mode *mode)
{
	(void)page;
	(void)mode;
}

/* Read-Write Error Recovery (SBC-3 6.5.8). */
static void error_recovery_fill(const struct scsi_mode *mode, uint8_t *page)
{
	(void)mode;
	page[2] = 0xc0; /* AWRE, ARRE: bad blocks are the backing store's affair */
}

/* Caching (SBC-3 6.5.5). */
#define CACHING_WCE 0x04
#define CACHING_RCD 0x01

static void caching_fill(const struct scsi_mode *mode, uint8_t *page)
{
	page[2] = bit_if(mode->write_cache, CACHING_WCE) |
		  bit_if(mode->read_cache_disable, CACHING_RCD);
}

static void caching_changeable(const struct scsi_lun *lun, uint8_t *page)
{
	(void)lun;
	page[2] = CACHING_WCE | CACHING_RCD;
}

static void caching_take(const uint8_t *page, struct scsi_mode *mode)
{
	mode->write_cache = (page[2] & CACHING_WCE) != 0;
	mode->read_cache_disable = (page[2] & CACHING_RCD) != 0;
}

/* Control (SPC-4 7.5.9). */
#define CONTROL_D_SENSE	 0x04
#define CONTROL_SWP	 0x08
#define CONTROL_UA_SHIFT 4 /* UA_INTLCK_CTRL, two bits */
#define CONTROL_UA	 (0x3 << CONTROL_UA_SHIFT)
#define CONTROL_TAS	 0x40

static void control_fill(const struct scsi_mode *mode, uint8_t *page)
{
	page[2] = 0x02 | bit_if(mode->descriptor_sense, CONTROL_D_SENSE); /* GLTSD */
	page[3] = 0x10; /* QUEUE ALGORITHM MODIFIER: unrestricted reordering; QERR 0 */
	page[4] = (uint8_t)(bit_if(mode->software_write_protect, CONTROL_SWP) |
			    mode->ua_interlock << CONTROL_UA_SHIFT);
	page[5] = bit_if(mode->tas, CONTROL_TAS);
	put_be16(page + 8, 0xffff); /* BUSY TIMEOUT PERIOD: no limit */
}

/* TAS is fixed in the drive that the profile dlt-s4 is modelled on. */
static void control_changeable(const struct scsi_lun *lun, uint8_t *page)
{
	page[2] = CONTROL_D_SENSE;
	page[4] = CONTROL_SWP | CONTROL_UA;
	page[5] = bit_if(lun->config.profile->tas_changeable, CONTROL_TAS);
}

/* UA_INTLCK_CTRL 01b is reserved: the byte, and the bit. */
static uint16_t control_fault(const uint8_t *page, int *ret_bit)
{
	if ((page[4] & CONTROL_UA) >> CONTROL_UA_SHIFT != 0x1)
		return 0;
	*ret_bit = CONTROL_UA_SHIFT + 1;
	return 4;
}

static void control_take(const uint8_t *page, struct scsi_mode *mode)
{
	uint8_t interlock = (page[4] & CONTROL_UA) >> CONTROL_UA_SHIFT;

	mode->ua_interlock = interlock == 0x1 ? SCSI_UA_INTERLOCK_NONE : interlock;
	mode->descriptor_sense = (page[2] & CONTROL_D_SENSE) != 0;
	mode->software_write_protect = (page[4] & CONTROL_SWP) != 0;
	mode->tas = (page[5] & CONTROL_TAS) != 0;
}

/* Informational Exceptions Control (SPC-4 7.5.11). */
static void exceptions_fill(const struct scsi_mode *mode, uint8_t *page)
{
	(void)mode;
	page[2] = 0x08; /* DEXCPT: there are none to report */
}

/* Control Extension (SPC-4 7.5.10). */
static void control_extension_fill(const struct scsi_mode *mode, uint8_t *page)
{
	(void)mode;
	page[4] = 0x01; /* IALUAE: the control socket may change asymmetric access states */
}

/* Pages that are all zero: no verify retries, no time limit, no power condition timer. */
static void zeros_fill(const struct scsi_mode *mode, uint8_t *page)
{
	(void)mode;
	(void)page;
}

const struct mode_page mode_pages[] = {
	{"Read-Write Error Recovery", 0x01, 0x00, 12, error_recovery_fill, nothing_changeable,
	 nothing_taken, NULL},
	{"Verify Error Recovery", 0x07, 0x00, 12, zeros_fill, nothing_changeable, nothing_taken,
	 NULL},
	{"Caching", 0x08, 0x00, 20, caching_fill, caching_changeable, caching_take, NULL},
	{"Control", 0x0a, 0x00, 12, control_fill, control_changeable, control_take, control_fault},
	{"Control Extension", 0x0a, 0x01, 32, control_extension_fill, nothing_changeable,
	 nothing_taken, NULL},
	{"Power Condition", 0x1a, 0x00, 40, zeros_fill, nothing_changeable, nothing_taken, NULL},
	{"Informational Exceptions Control", 0x1c, 0x00, 12, exceptions_fill, nothing_changeable,
	 nothing_taken, NULL},
};

const size_t mode_page_count = sizeof(mode_pages) / sizeof(mode_pages[0]);

const struct mode_page *mode_page_find(uint8_t code, uint8_t subpage)
{
	for (size_t i = 0; i < mode_page_count; i++) {
		if (mode_pages[i].code == code && mode_pages[i].subpage == subpage)
			return &mode_pages[i];
	}
	return NULL;
}

static void page_begin(const struct mode_page *page, uint8_t *bytes)
{
	memset(bytes, 0, page->len);
	if (page->subpage == 0) {
		bytes[0] = page->code;
		bytes[1] = (uint8_t)(page->len - 2);
	} else {
		bytes[0] = 0x40 | page->code; /* SPF */
		bytes[1] = page->subpage;
		put_be16(bytes + 2, (uint16_t)(page->len - 4));
	}
}

void mode_page_fill(const struct mode_page *page, const struct scsi_mode *mode, uint8_t *ret_bytes)
{
	page_begin(page, ret_bytes);
	page->fill(mode, ret_bytes);
}

void mode_page_report(const struct mode_page *page, const struct scsi_lun *lun,
		      const struct scsi_mode *mode, uint8_t *ret_bytes)
{
	mode_page_fill(page, mode, ret_bytes);
	scsi_override_mode(lun, page->code, page->subpage, ret_bytes, page->len);
}

void mode_page_changeable(const struct mode_page *page, const struct scsi_lun *lun,
			  uint8_t *ret_bytes)
{
	page_begin(page, ret_bytes);
	page->changeable(lun, ret_bytes);
}

bool mode_page_is_changeable(const struct mode_page *page, const struct scsi_lun *lun)
{
	uint8_t bits[MODE_PAGE_MAX];

	mode_page_changeable(page, lun, bits);
	for (size_t i = mode_page_header_len(page); i < page->len; i++) {
		if (bits[i] != 0)
			return true;
	}
	return false;
}

void mode_page_merge(const struct mode_page *page, const struct scsi_lun *lun, const uint8_t *bytes,
		     struct scsi_mode *mode)
{
	uint8_t merged[MODE_PAGE_MAX], bits[MODE_PAGE_MAX];

	mode_page_fill(page, mode, merged);
	mode_page_changeable(page, lun, bits);
	for (size_t i = mode_page_header_len(page); i < page->len; i++)
		merged[i] = (uint8_t)((merged[i] & ~bits[i]) | (bytes[i] & bits[i]));
	page->take(merged, mode);
}

struct scsi_mode mode_default(const struct scsi_lun *lun)
{
	return (struct scsi_mode){
		.write_cache = lun->config.write_cache,
		.tas = lun->config.tas,
	};
}

/* A reset, like power on, makes the saved values current (SPC-4 5.10). */
void scsi_mode_reset(struct scsi_lun *lun)
{
	lun->mode = lun->saved.values.mode;
	scsi_lun_show(lun);
}
