/*
 * MODE SENSE and MODE SELECT (6), (10) (SPC-4 6.9 to 6.12, 7.5; SBC-3 6.5).
 *
 * A page is a row of a table: how it reads for given parameters, which bits may be changed, and
 * what becomes of the parameters when it is written. MODE SELECT applies all pages of its list to a
 * copy of the parameters, and the copy takes effect only when everything in the list is valid.
 */
#include "target/sbc.h"

#include "pr_engine/bytes.h"

#define MODE_PAGE_MAX 20 /* bytes of the longest page, Caching */

#define PAGE_ALL     0x3f
#define SUBPAGE_NONE 0x00
#define SUBPAGE_ALL  0xff

enum page_control {
	PAGE_CURRENT = 0,
	PAGE_CHANGEABLE = 1,
	PAGE_DEFAULT = 2,
	PAGE_SAVED = 3,
};

struct mode_page {
	uint8_t code;
	uint8_t len; /* with its two bytes of header */
	/* `page` is zeroed and its header is set. */
	void (*fill)(const struct scsi_mode *mode, uint8_t *page);
	void (*changeable)(const struct scsi_lun *lun, uint8_t *page);
	void (*take)(const uint8_t *page, struct scsi_mode *mode);
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
	page[5] = bit_if(lun->config.profile == &pr_profile_spc4, CONTROL_TAS);
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

static const struct mode_page *page_find(uint8_t code)
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

	page_begin(page, bytes);
	if (control == PAGE_CHANGEABLE)
		page->changeable(lun, bytes);
	else
		page->fill(control == PAGE_DEFAULT ? &defaults : &lun->mode, bytes);
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
	const struct mode_page *page = page_find(code);

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

/* ---- MODE SELECT ----------------------------------------------------------------------------- */

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
	if ((task->cdb[1] & MODE_SELECT_SP) != 0) { /* nothing can be saved */
		scsi_task_invalid_cdb_field(task, 1, 0);
		return SCSI_DONE;
	}
	if (len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (len < header_len) {
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

	page_begin(page, current);
	page->fill(mode, current);
	page_begin(page, changeable);
	page->changeable(task->lun, changeable);
	for (size_t i = 2; i < page->len; i++) {
		uint8_t wrong = (uint8_t)((sent[i] ^ current[i]) & ~changeable[i]);

		if (wrong != 0)
			return refuse(task, at + i, highest_bit(wrong));
	}
	return true;
}

static bool take_page(struct scsi_task *task, struct byte_reader *list, struct scsi_mode *mode)
{
	size_t at = list->at;
	uint8_t first = byte_reader_u8(list); /* PS, its highest bit, is reserved here */
	uint8_t len = byte_reader_u8(list);
	const struct mode_page *page = page_find(first & 0x3f);

	if (list->failed)
		return refuse_length(task);
	if ((first & 0x40) != 0) /* SPF: no page here has subpages */
		return refuse(task, at, 6);
	if (!page)
		return refuse(task, at, 5);
	if (len != page->len - 2)
		return refuse(task, at + 1, -1);
	if (!byte_reader_take(list, len))
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
	       a->software_write_protect == b->software_write_protect && a->tas == b->tas;
}

/* The parameters are one set for all nexuses, so the others must hear of it (SPC-4 5.4.3). */
static void mode_install(struct scsi_task *task, const struct scsi_mode *mode)
{
	if (mode_equal(&task->lun->mode, mode))
		return;
	task->lun->mode = *mode;
	scsi_lun_raise(task->lun, SCSI_UA_MODE_PARAMETERS_CHANGED, task->nexus);
}

static bool flush_step(struct sbc_io *io)
{
	return sbc_io_plan(io, BACKING_FLUSH, 0, NULL, 0, sbc_io_good);
}

enum scsi_result scsi_mode_select_data(struct scsi_task *task)
{
	struct scsi_mode mode = task->lun->mode;
	bool was_caching = mode.write_cache;
	struct sbc_io *io = NULL;

	if (!take_list(task, &mode))
		return SCSI_DONE;
	/* Without a write cache everything is on stable storage: what is cached goes there first
	 * (SBC-3 6.5.5). From here on each write is durable before its status. */
	if (was_caching && !mode.write_cache) {
		io = sbc_io_create(task, 0);
		if (!io)
			return SCSI_DONE;
	}
	mode_install(task, &mode);
	if (io)
		return sbc_io_start(io, SBC_SHARED, 0, 0, flush_step);
	scsi_task_good(task);
	return SCSI_DONE;
}
