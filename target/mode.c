/*
 * Mode pages, and MODE SENSE (6), (10) (SPC-4 6.11, 6.12, 7.5; SBC-3 6.5).
 *
 * A page is a row of a table: how it reads for given parameters, which bits may be changed, and
 * what becomes of the parameters when it is written.
 */
#include "target/mode.h"

#include "pr_engine/bytes.h"
#include "target/command.h"

#define PAGE_ALL     0x3f
#define SUBPAGE_NONE 0x00
#define SUBPAGE_ALL  0xff

enum page_control {
	PAGE_CURRENT = 0,
	PAGE_CHANGEABLE = 1,
	PAGE_DEFAULT = 2,
	PAGE_SAVED = 3,
};

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
#define CONTROL_D_SENSE 0x04
#define CONTROL_SWP	0x08
#define CONTROL_TAS	0x40

static void control_fill(const struct scsi_mode *mode, uint8_t *page)
{
	page[2] = 0x02 | bit_if(mode->descriptor_sense, CONTROL_D_SENSE); /* GLTSD */
	page[3] = 0x10; /* QUEUE ALGORITHM MODIFIER: unrestricted reordering; QERR 0 */
	page[4] = bit_if(mode->software_write_protect, CONTROL_SWP);
	page[5] = bit_if(mode->tas, CONTROL_TAS);
	put_be16(page + 8, 0xffff); /* BUSY TIMEOUT PERIOD: no limit */
}

/* TAS is fixed in the drive that the profile dlt-s4 is modelled on. */
static void control_changeable(const struct scsi_lun *lun, uint8_t *page)
{
	page[2] = CONTROL_D_SENSE;
	page[4] = CONTROL_SWP;
	page[5] = bit_if(lun->config.profile->tas_changeable, CONTROL_TAS);
}

static void control_take(const uint8_t *page, struct scsi_mode *mode)
{
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

/* In ascending order, as page code 3Fh returns them (SPC-4 6.11.1). */
static const struct mode_page mode_pages[] = {
	{0x01, 12, error_recovery_fill, nothing_changeable, nothing_taken},
	{0x08, 20, caching_fill, caching_changeable, caching_take},
	{0x0a, 12, control_fill, control_changeable, control_take},
	{0x1c, 12, exceptions_fill, nothing_changeable, nothing_taken},
};

#define MODE_PAGE_COUNT (sizeof(mode_pages) / sizeof(mode_pages[0]))

const struct mode_page *mode_page_find(uint8_t code)
{
	for (size_t i = 0; i < MODE_PAGE_COUNT; i++) {
		if (mode_pages[i].code == code)
			return &mode_pages[i];
	}
	return NULL;
}

/* PS is 0: nothing is saved. */
static void page_begin(const struct mode_page *page, uint8_t *bytes)
{
	memset(bytes, 0, page->len);
	bytes[0] = page->code;
	bytes[1] = (uint8_t)(page->len - 2);
}

void mode_page_fill(const struct mode_page *page, const struct scsi_mode *mode, uint8_t *ret_bytes)
{
	page_begin(page, ret_bytes);
	page->fill(mode, ret_bytes);
}

void mode_page_changeable(const struct mode_page *page, const struct scsi_lun *lun,
			  uint8_t *ret_bytes)
{
	page_begin(page, ret_bytes);
	page->changeable(lun, ret_bytes);
}

static struct scsi_mode mode_default(const struct scsi_lun *lun)
{
	return (struct scsi_mode){
		.write_cache = lun->config.write_cache,
		.tas = lun->config.tas,
	};
}

void scsi_mode_reset(struct scsi_lun *lun)
{
	lun->mode = mode_default(lun);
}

/* ---- MODE SENSE ------------------------------------------------------------------------------ */

#define MODE_SENSE_LLBAA 0x10
#define MODE_SENSE_DBD	 0x08

#define DEVICE_WP     0x80
#define DEVICE_DPOFUA 0x10

static void put_page(const struct scsi_lun *lun, const struct mode_page *page,
		     enum page_control control, struct byte_writer *data)
{
	uint8_t bytes[MODE_PAGE_MAX];
	struct scsi_mode defaults = mode_default(lun);

	if (control == PAGE_CHANGEABLE)
		mode_page_changeable(page, lun, bytes);
	else
		mode_page_fill(page, control == PAGE_DEFAULT ? &defaults : &lun->mode, bytes);
	byte_writer_bytes(data, bytes, page->len);
}

/* SBC-3 6.5.2.2, 6.5.2.3. */
static void put_block_descriptor(const struct scsi_lun *lun, bool long_lba,
				 struct byte_writer *data)
{
	if (long_lba) {
		byte_writer_be64(data, lun->blocks);
		byte_writer_be32(data, 0);
	} else {
		byte_writer_be32(data,
				 lun->blocks < UINT32_MAX ? (uint32_t)lun->blocks : UINT32_MAX);
	}
	byte_writer_be32(data, lun->block_size); /* its first byte is reserved in the short one */
}

static uint8_t device_specific_parameter(const struct scsi_lun *lun)
{
	bool protected = lun->config.read_only || lun->mode.software_write_protect;

	return (uint8_t)(bit_if(protected, DEVICE_WP) | DEVICE_DPOFUA);
}

/* True with the page asked for, or NULL: all of them. */
static bool mode_sense_check(struct scsi_task *task, const struct mode_page **ret_page)
{
	uint8_t code = task->cdb[2] & 0x3f;
	uint8_t subpage = task->cdb[3];
	const struct mode_page *page = mode_page_find(code);

	if (!page && code != PAGE_ALL) {
		scsi_task_invalid_cdb_field(task, 2, 5);
		return false;
	}
	if (subpage != SUBPAGE_NONE && subpage != SUBPAGE_ALL) {
		scsi_task_invalid_cdb_field(task, 3, -1);
		return false;
	}
	if (task->cdb[2] >> 6 == PAGE_SAVED) {
		scsi_task_check_condition(task, SCSI_SENSE_SAVING_PARAMETERS_NOT_SUPPORTED);
		return false;
	}
	*ret_page = page;
	return true;
}

static void put_pages(const struct scsi_task *task, const struct mode_page *wanted,
		      struct byte_writer *data)
{
	enum page_control control = task->cdb[2] >> 6;

	for (size_t i = 0; i < MODE_PAGE_COUNT; i++) {
		if (!wanted || wanted == &mode_pages[i])
			put_page(task->lun, &mode_pages[i], control, data);
	}
}

#define MODE_DATA_MAX (8 + 16 + MODE_PAGE_COUNT * MODE_PAGE_MAX)

enum scsi_result scsi_mode_sense_6(struct scsi_task *task)
{
	bool descriptor = (task->cdb[1] & MODE_SENSE_DBD) == 0;
	const struct mode_page *page;
	uint8_t bytes[MODE_DATA_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	if (!mode_sense_check(task, &page))
		return SCSI_DONE;
	byte_writer_be16(&data, 0);
	byte_writer_u8(&data, device_specific_parameter(task->lun));
	byte_writer_u8(&data, descriptor ? 8 : 0);
	if (descriptor)
		put_block_descriptor(task->lun, false, &data);
	put_pages(task, page, &data);
	bytes[0] = (uint8_t)(data.len - 1);
	return scsi_task_answer(task, bytes, data.len, task->cdb[4]);
}

enum scsi_result scsi_mode_sense_10(struct scsi_task *task)
{
	bool descriptor = (task->cdb[1] & MODE_SENSE_DBD) == 0;
	bool long_lba = descriptor && (task->cdb[1] & MODE_SENSE_LLBAA) != 0;
	const struct mode_page *page;
	uint8_t bytes[MODE_DATA_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	if (!mode_sense_check(task, &page))
		return SCSI_DONE;
	byte_writer_be16(&data, 0);
	byte_writer_u8(&data, 0);
	byte_writer_u8(&data, device_specific_parameter(task->lun));
	byte_writer_u8(&data, long_lba ? 0x01 : 0);
	byte_writer_u8(&data, 0);
	byte_writer_be16(&data, long_lba ? 16 : descriptor ? 8 : 0);
	if (descriptor)
		put_block_descriptor(task->lun, long_lba, &data);
	put_pages(task, page, &data);
	put_be16(bytes, (uint16_t)(data.len - 2));
	return scsi_task_answer(task, bytes, data.len, get_be16(task->cdb + 7));
}
