/*
 * MODE SELECT (6), (10) (SPC-4 6.9, 6.10).
 *
 * All pages of the list are applied to a copy of the parameters, and the copy takes effect only
 * when everything in the list is valid and, with SP, is saved. Several commands change the
 * parameters one after the other (saved.h), each beginning with what the one before it left.
 */
#include "target/mode.h"

#include "pr_engine/bytes.h"
#include "target/saved.h"
#include "target/sbc.h"

#define MODE_SELECT_PF 0x10
#define MODE_SELECT_SP 0x01

static bool is_mode_select_6(const struct scsi_task *task)
{
	return task->cdb[0] == 0x15;
}

static enum scsi_result mode_select(struct scsi_task *task, uint16_t len, uint8_t header_len)
{
	if ((task->cdb[1] & MODE_SELECT_PF) == 0) {
		scsi_task_invalid_cdb_field(task, 1, 4);
		return SCSI_DONE;
	}
	if ((task->cdb[1] & MODE_SELECT_SP) != 0 && !scsi_saved_is_possible(task->lun)) {
		scsi_task_invalid_cdb_field(task, 1, 0);
		return SCSI_DONE;
	}
	if (len == 0 && (task->cdb[1] & MODE_SELECT_SP) == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (len > 0 && len < header_len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

enum scsi_result scsi_mode_select_6(struct scsi_task *task)
{
	return mode_select(task, task->cdb[4], 4);
}

enum scsi_result scsi_mode_select_10(struct scsi_task *task)
{
	return mode_select(task, get_be16(task->cdb + 7), 8);
}

/* What is refused, and where. */
static bool refuse(struct scsi_task *task, size_t byte, int bit)
{
	scsi_task_invalid_parameter_field(task, (uint16_t)byte, bit);
	return false;
}

static bool refuse_length(struct scsi_task *task)
{
	scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
	return false;
}

/* The disk's size and format stay as they are: a descriptor may only say so. Zero and all ones mean
 * "as it is" for the number of blocks. */
static bool take_block_descriptor(struct scsi_task *task, struct byte_reader *list, bool long_lba)
{
	const struct scsi_lun *lun = task->lun;
	size_t at = list->at;
	uint64_t most = long_lba ? UINT64_MAX : UINT32_MAX;
	uint64_t blocks = long_lba ? byte_reader_be64(list) : byte_reader_be32(list);
	size_t block_size_at = at + (long_lba ? 12 : 5);

	if (long_lba)
		byte_reader_take(list, 4);
	uint32_t block_size = byte_reader_be32(list);
	if (!long_lba)
		block_size &= 0xffffff;
	if (list->failed)
		return refuse_length(task);
	if (blocks != 0 && blocks != most && blocks != lun->blocks)
		return refuse(task, at, -1);
	if (block_size != lun->block_size)
		return refuse(task, block_size_at, -1);
	return true;
}

/* Header and block descriptor. MODE DATA LENGTH is reserved here, and WP and DPOFUA are ignored. */
static bool take_header(struct scsi_task *task, struct byte_reader *list)
{
	bool six = is_mode_select_6(task);
	const uint8_t *header = byte_reader_take(list, six ? 4 : 8);

	if (!header)
		return refuse_length(task);
	uint8_t medium_type = six ? header[1] : header[2];
	bool long_lba = !six && (header[4] & 0x01) != 0;
	uint16_t descriptor_len = six ? header[3] : get_be16(header + 6);

	if (medium_type != 0)
		return refuse(task, six ? 1 : 2, -1);
	if (descriptor_len == 0)
		return true;
	if (descriptor_len != (long_lba ? 16 : 8))
		return refuse(task, six ? 3 : 6, -1);
	return take_block_descriptor(task, list, long_lba);
}

static int highest_bit(uint8_t byte)
{
	int bit = 7;

	while ((byte >> bit & 1) == 0)
		bit--;
	return bit;
}

/* Every bit that is not changeable must be as it is (SPC-4 6.9). */
static bool page_check(struct scsi_task *task, const struct mode_page *page,
		       const struct scsi_mode *mode, const uint8_t *sent, size_t at)
{
	uint8_t current[MODE_PAGE_MAX];
	uint8_t changeable[MODE_PAGE_MAX];

	mode_page_report(page, task->lun, mode, current);
	mode_page_changeable(page, task->lun, changeable);
	for (size_t i = mode_page_header_len(page); i < page->len; i++) {
		uint8_t wrong = (uint8_t)((sent[i] ^ current[i]) & ~changeable[i]);

		if (wrong != 0)
			return refuse(task, at + i, highest_bit(wrong));
	}
	int bit = -1;
	uint16_t fault = page->fault ? page->fault(sent, &bit) : 0;
	return fault == 0 || refuse(task, at + fault, bit);
}

/* The page that the list goes on with; NULL: there is none such, and the list is refused. */
static const struct mode_page *read_page_header(struct scsi_task *task, struct byte_reader *list)
{
	size_t at = list->at;
	uint8_t first = byte_reader_u8(list); /* PS, its highest bit, is reserved here */
	bool has_subpage = (first & 0x40) != 0;
	uint8_t subpage = has_subpage ? byte_reader_u8(list) : 0;
	uint16_t len = has_subpage ? byte_reader_be16(list) : byte_reader_u8(list);
	const struct mode_page *page = mode_page_find(first & 0x3f, subpage);

	if (list->failed) {
		refuse_length(task);
		return NULL;
	}
	if (!page || (page->subpage != 0) != has_subpage) {
		refuse(task, at, has_subpage ? 6 : 5);
		return NULL;
	}
	if (len != page->len - mode_page_header_len(page)) {
		refuse(task, at + (has_subpage ? 2 : 1), -1);
		return NULL;
	}
	return page;
}

static bool take_page(struct scsi_task *task, struct byte_reader *list, struct scsi_mode *mode)
{
	size_t at = list->at;
	const struct mode_page *page = read_page_header(task, list);

	if (!page)
		return false;
	if (!byte_reader_take(list, (size_t)page->len - mode_page_header_len(page)))
		return refuse_length(task);
	if (!page_check(task, page, mode, task->data_out + at, at))
		return false;
	page->take(task->data_out + at, mode);
	return true;
}

static bool take_list(struct scsi_task *task, struct scsi_mode *mode)
{
	struct byte_reader list = byte_reader_over(task->data_out, task->data_out_len);

	/* A list cut short by the initiator's own expectation is not whole. */
	if (task->data_out_len < task->transfer_len)
		return refuse_length(task);
	if (!take_header(task, &list))
		return false;
	while (byte_reader_left(&list) > 0) {
		if (!take_page(task, &list, mode))
			return false;
	}
	return true;
}

static bool mode_equal(const struct scsi_mode *a, const struct scsi_mode *b)
{
	return a->write_cache == b->write_cache && a->read_cache_disable == b->read_cache_disable &&
	       a->descriptor_sense == b->descriptor_sense &&
	       a->software_write_protect == b->software_write_protect && a->tas == b->tas &&
	       a->ua_interlock == b->ua_interlock;
}

static enum scsi_change plan(struct scsi_task *task, struct scsi_mode *current,
			     struct scsi_saved_values *saved)
{
	bool list_is_there = task->transfer_len > 0;

	if (list_is_there && !take_list(task, current))
		return SCSI_CHANGE_REFUSED;
	if ((task->cdb[1] & MODE_SELECT_SP) == 0)
		return SCSI_CHANGE_CURRENT;
	saved->mode = *current; /* all pages are saved, whichever were sent (SPC-4 6.9) */
	return SCSI_CHANGE_SAVED;
}

static bool flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, sbc_io_good);
}

/* The parameters are one set for all nexuses, so the others must hear of it (SPC-4 5.4.3). */
static enum scsi_result installed(struct scsi_task *task, const struct scsi_mode *before)
{
	const struct scsi_mode *now = &task->lun->mode;

	if (!mode_equal(before, now))
		scsi_lun_raise(task->lun, SCSI_UA_MODE_PARAMETERS_CHANGED, task->nexus);
	scsi_task_good(task);
	if (!before->write_cache || now->write_cache)
		return SCSI_DONE;
	/* Without a write cache everything is on stable storage: what is cached goes there first
	 * (SBC-3 6.5.5). From here on each write is durable before its status. */
	struct sbc_io *io = sbc_io_create(task, 0);
	return io ? sbc_io_start(io, SBC_SHARED, 0, 0, flush_step) : SCSI_DONE;
}

enum scsi_result scsi_mode_select_data(struct scsi_task *task)
{
	return scsi_saved_change(task, plan, installed);
}
