/*
 * MODE SENSE (6), (10) (SPC-4 6.11, 6.12).
 */
#include "target/mode.h"

#include "pr_engine/bytes.h"
#include "target/saved.h"

#define PAGE_ALL     0x3f
#define SUBPAGE_NONE 0x00
#define SUBPAGE_ALL  0xff

enum page_control {
	PAGE_CURRENT = 0,
	PAGE_CHANGEABLE = 1,
	PAGE_DEFAULT = 2,
	PAGE_SAVED = 3,
};

#define MODE_SENSE_LLBAA 0x10
#define MODE_SENSE_DBD	 0x08

#define DEVICE_WP     0x80
#define DEVICE_DPOFUA 0x10

#define PAGE_PS 0x80 /* the page can be saved */

/* Header, long block descriptor, and every page there is. */
#define MODE_DATA_MAX 252

static struct scsi_mode mode_of(const struct scsi_lun *lun, enum page_control control)
{
	if (control == PAGE_DEFAULT)
		return mode_default(lun);
	return control == PAGE_SAVED ? lun->saved.values.mode : lun->mode;
}

static void put_page(const struct scsi_lun *lun, const struct mode_page *page,
		     enum page_control control, struct byte_writer *data)
{
	uint8_t bytes[MODE_PAGE_MAX];
	struct scsi_mode mode = mode_of(lun, control);

	if (control == PAGE_CHANGEABLE)
		mode_page_changeable(page, lun, bytes);
	else
		mode_page_report(page, lun, &mode, bytes);
	if (scsi_saved_is_possible(lun) && mode_page_is_changeable(page, lun))
		bytes[0] |= PAGE_PS;
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

	return (uint8_t)((protected ? DEVICE_WP : 0) | DEVICE_DPOFUA);
}

/* Table 373: which pages and subpages a pair of codes asks for. */
static bool is_wanted(const struct mode_page *page, uint8_t code, uint8_t subpage)
{
	return (code == PAGE_ALL || code == page->code) &&
	       (subpage == SUBPAGE_ALL || subpage == page->subpage);
}

static bool any_is_wanted(uint8_t code, uint8_t subpage)
{
	for (size_t i = 0; i < mode_page_count; i++) {
		if (is_wanted(&mode_pages[i], code, subpage))
			return true;
	}
	return false;
}

static bool mode_sense_check(struct scsi_task *task)
{
	uint8_t code = task->cdb[2] & 0x3f;
	uint8_t subpage = task->cdb[3];
	bool subpage_is_known =
		subpage == SUBPAGE_NONE || subpage == SUBPAGE_ALL || code != PAGE_ALL;

	if (!any_is_wanted(code, SUBPAGE_ALL)) {
		scsi_task_invalid_cdb_field(task, 2, 5);
		return false;
	}
	if (!subpage_is_known || !any_is_wanted(code, subpage)) {
		scsi_task_invalid_cdb_field(task, 3, -1);
		return false;
	}
	if (task->cdb[2] >> 6 == PAGE_SAVED && !scsi_saved_is_possible(task->lun)) {
		scsi_task_check_condition(task, SCSI_SENSE_SAVING_PARAMETERS_NOT_SUPPORTED);
		return false;
	}
	return true;
}

static void put_pages(const struct scsi_task *task, struct byte_writer *data)
{
	enum page_control control = task->cdb[2] >> 6;

	for (size_t i = 0; i < mode_page_count; i++) {
		if (is_wanted(&mode_pages[i], task->cdb[2] & 0x3f, task->cdb[3]))
			put_page(task->lun, &mode_pages[i], control, data);
	}
}

enum scsi_result scsi_mode_sense_6(struct scsi_task *task)
{
	bool descriptor = (task->cdb[1] & MODE_SENSE_DBD) == 0;
	uint8_t bytes[MODE_DATA_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	if (!mode_sense_check(task))
		return SCSI_DONE;
	byte_writer_be16(&data, 0);
	byte_writer_u8(&data, device_specific_parameter(task->lun));
	byte_writer_u8(&data, descriptor ? 8 : 0);
	if (descriptor)
		put_block_descriptor(task->lun, false, &data);
	put_pages(task, &data);
	bytes[0] = (uint8_t)(data.len - 1);
	return scsi_task_answer(task, bytes, data.len, task->cdb[4]);
}

enum scsi_result scsi_mode_sense_10(struct scsi_task *task)
{
	bool descriptor = (task->cdb[1] & MODE_SENSE_DBD) == 0;
	bool long_lba = descriptor && (task->cdb[1] & MODE_SENSE_LLBAA) != 0;
	uint8_t bytes[MODE_DATA_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	if (!mode_sense_check(task))
		return SCSI_DONE;
	byte_writer_be16(&data, 0);
	byte_writer_u8(&data, 0);
	byte_writer_u8(&data, device_specific_parameter(task->lun));
	byte_writer_u8(&data, long_lba ? 0x01 : 0);
	byte_writer_u8(&data, 0);
	byte_writer_be16(&data, long_lba ? 16 : descriptor ? 8 : 0);
	if (descriptor)
		put_block_descriptor(task->lun, long_lba, &data);
	put_pages(task, &data);
	put_be16(bytes, (uint16_t)(data.len - 2));
	return scsi_task_answer(task, bytes, data.len, get_be16(task->cdb + 7));
}
