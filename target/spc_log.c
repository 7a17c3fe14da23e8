/*
 * LOG SENSE and LOG SELECT (SPC-4 6.8, 6.7, 7.3).
 *
 * A page is a row of a table. There are no thresholds, and nothing is saved.
 */
#include "target/command.h"

#include <string.h>

#include "pr_engine/bytes.h"

#define LOG_DATA_MAX 512 /* the longest page: self-test results, 4 + 20 * 20 */

/* ---- counting -------------------------------------------------------------------------------- */

/* The clock is the time of day, which somebody may set back. */
static uint64_t ms_since(const struct scsi_lun *lun, uint64_t then_ms)
{
	uint64_t now_ms = scsi_target_now_ms(lun->target);

	return now_ms > then_ms ? now_ms - then_ms : 0;
}

static bool log_kind_of(const struct scsi_command *row, enum scsi_log_kind *ret_kind)
{
	if (row->run == scsi_read)
		*ret_kind = SCSI_LOG_READ;
	else if (row->run == scsi_write || row->run == scsi_write_and_verify)
		*ret_kind = SCSI_LOG_WRITE;
	else if (row->run == scsi_verify)
		*ret_kind = SCSI_LOG_VERIFY;
	else
		return false;
	return true;
}

static uint8_t sense_key_of(const struct scsi_task *task)
{
	if (task->sense_len == 0)
		return SCSI_KEY_NO_SENSE;
	return task->sense[0] == 0x70 ? task->sense[2] & 0x0f : task->sense[1];
}

static void log_self_test(struct scsi_lun *lun, const struct scsi_task *task)
{
	struct scsi_log *log = &lun->log;
	uint64_t hours = ms_since(lun, log->since_ms) / 3600000;

	memmove(log->self_tests + 1, log->self_tests,
		(SCSI_SELF_TESTS_MAX - 1) * sizeof(log->self_tests[0]));
	log->self_tests[0] = (struct scsi_self_test){
		.code = task->cdb[1] >> 5,
		.failed = task->status != SCSI_STATUS_GOOD,
		.power_on_hours = hours < UINT16_MAX ? (uint16_t)hours : UINT16_MAX,
	};
}

/* One that was refused has not been made. */
static bool self_test_was_made(const struct scsi_task *task)
{
	return task->command->run == scsi_send_diagnostic && scsi_is_self_test(task) &&
	       (task->status == SCSI_STATUS_GOOD || sense_key_of(task) == SCSI_KEY_MEDIUM_ERROR);
}

void scsi_log_task(const struct scsi_task *task)
{
	struct scsi_lun *lun = task->lun;
	enum scsi_log_kind kind;

	if (!task->command) /* refused before it was known what it is */
		return;
	if (self_test_was_made(task))
		log_self_test(lun, task);
	if (!log_kind_of(task->command, &kind))
		return;
	struct scsi_log_work *work = &lun->log.work[kind];
	work->commands++;
	uint64_t now_ns = scsi_nexus_now_ns(task->nexus);
	if (now_ns > task->arrived_ns)
		work->ms += (now_ns - task->arrived_ns) / 1000000;
	if (task->status == SCSI_STATUS_GOOD)
		work->blocks += scsi_cdb_extent(task->cdb).blocks;
	else if (sense_key_of(task) == SCSI_KEY_MEDIUM_ERROR)
		work->errors++;
}

/* ---- the pages ------------------------------------------------------------------------------- */

struct log_page {
	const char *name; /* the standard's */
	uint8_t code, subpage;
	void (*fill)(const struct scsi_log *log, uint32_t block_shift, struct byte_writer *page);
	/* NULL: nothing of it can be reset. */
	void (*reset)(struct scsi_log *log);
};

/* How a parameter is to be read (FORMAT AND LINKING). */
enum log_format {
	FORMAT_COUNTER = 0x00,
	FORMAT_BINARY_LIST = 0x03,
};

static void put_parameter(struct byte_writer *page, uint16_t code, enum log_format format,
			  uint8_t len)
{
	byte_writer_be16(page, code);
	byte_writer_u8(page, (uint8_t)format);
	byte_writer_u8(page, len);
}

static void put_counter(struct byte_writer *page, uint16_t code, uint64_t value)
{
	put_parameter(page, code, FORMAT_COUNTER, 8);
	byte_writer_be64(page, value);
}

/* Error counters (7.3.8): what was processed, and what could not be. */
#define TOTAL_BYTES_PROCESSED 0x0005
#define TOTAL_UNCORRECTED     0x0006

static void put_errors(const struct scsi_log_work *work, uint32_t block_shift,
		       struct byte_writer *page)
{

	put_counter(page, TOTAL_BYTES_PROCESSED, work->blocks << block_shift);
	put_counter(page, TOTAL_UNCORRECTED, work->errors);
}

static void fill_write_errors(const struct scsi_log *log, uint32_t block_shift,
			      struct byte_writer *page)
{
	put_errors(&log->work[SCSI_LOG_WRITE], block_shift, page);
}

static void fill_read_errors(const struct scsi_log *log, uint32_t block_shift,
			     struct byte_writer *page)
{
	put_errors(&log->work[SCSI_LOG_READ], block_shift, page);
}

static void fill_verify_errors(const struct scsi_log *log, uint32_t block_shift,
			       struct byte_writer *page)
{
	put_errors(&log->work[SCSI_LOG_VERIFY], block_shift, page);
}

/* Self-Test Results (7.3.18): twenty parameters, zero where there was no test. */
static void fill_self_tests(const struct scsi_log *log, uint32_t block_shift,
			    struct byte_writer *page)
{
	(void)block_shift;
	for (uint16_t i = 0; i < SCSI_SELF_TESTS_MAX; i++) {
		const struct scsi_self_test *test = &log->self_tests[i];

		put_parameter(page, (uint16_t)(i + 1), FORMAT_BINARY_LIST, 16);
		byte_writer_u8(page, (uint8_t)(test->code << 5 | (test->failed ? 0x07 : 0)));
		byte_writer_u8(page, 0);
		byte_writer_be16(page, test->power_on_hours);
		byte_writer_be64(page,
				 test->failed ? UINT64_MAX : 0); /* ADDRESS OF FIRST FAILURE */
		byte_writer_u8(page, test->failed ? SCSI_KEY_MEDIUM_ERROR : 0);
		byte_writer_u8(page, test->failed ? 0x11 : 0);
		byte_writer_be16(page, 0);
	}
}

/* General Statistics and Performance (7.3.10), in time intervals of a millisecond. */
static void fill_statistics(const struct scsi_log *log, uint32_t block_shift,
			    struct byte_writer *page)
{
	(void)block_shift;
	const struct scsi_log_work *read = &log->work[SCSI_LOG_READ];
	const struct scsi_log_work *write = &log->work[SCSI_LOG_WRITE];

	put_parameter(page, 0x0001, FORMAT_BINARY_LIST, 64);
	byte_writer_be64(page, read->commands);
	byte_writer_be64(page, write->commands);
	byte_writer_be64(page, write->blocks); /* LOGICAL BLOCKS RECEIVED */
	byte_writer_be64(page, read->blocks);
	byte_writer_be64(page, read->ms);
	byte_writer_be64(page, write->ms);
	byte_writer_zeros(page, 16); /* weighted numbers: not measured */
	put_parameter(page, 0x0002, FORMAT_BINARY_LIST, 8);
	byte_writer_be64(page, 0); /* idle time: not measured; sg_logs reads no page without it */
	put_parameter(page, 0x0003, FORMAT_BINARY_LIST, 8);
	byte_writer_be32(page, 3); /* EXPONENT: a negative power of ten */
	byte_writer_be32(page, 1);
}

/* Informational Exceptions (7.3.11): none, ever; the temperature is not known. */
static void fill_exceptions(const struct scsi_log *log, uint32_t block_shift,
			    struct byte_writer *page)
{
	(void)log;
	(void)block_shift;
	put_parameter(page, 0x0000, FORMAT_BINARY_LIST, 4);
	byte_writer_be16(page, 0);
	byte_writer_u8(page, 0xff);
	byte_writer_u8(page, 0);
}

static void reset_write(struct scsi_log *log)
{
	log->work[SCSI_LOG_WRITE] = (struct scsi_log_work){0};
}

static void reset_read(struct scsi_log *log)
{
	log->work[SCSI_LOG_READ] = (struct scsi_log_work){0};
}

static void reset_verify(struct scsi_log *log)
{
	log->work[SCSI_LOG_VERIFY] = (struct scsi_log_work){0};
}

static void reset_statistics(struct scsi_log *log)
{
	reset_read(log);
	reset_write(log);
}

static void fill_supported(const struct scsi_log *log, uint32_t block_shift,
			   struct byte_writer *page);
static void fill_supported_subpages(const struct scsi_log *log, uint32_t block_shift,
				    struct byte_writer *page);

#define SUBPAGE_ALL 0xff

/* In ascending order. The error counters and the statistics count the same commands: resetting one
 * page resets what it shows on the other. */
static const struct log_page log_pages[] = {
	{"Supported Log Pages", 0x00, 0x00, fill_supported, NULL},
	{"Supported Log Pages and Subpages", 0x00, SUBPAGE_ALL, fill_supported_subpages, NULL},
	{"Write Error Counters", 0x02, 0x00, fill_write_errors, reset_write},
	{"Read Error Counters", 0x03, 0x00, fill_read_errors, reset_read},
	{"Verify Error Counters", 0x05, 0x00, fill_verify_errors, reset_verify},
	{"Self-Test Results", 0x10, 0x00, fill_self_tests, NULL},
	{"General Statistics and Performance", 0x19, 0x00, fill_statistics, reset_statistics},
	{"Informational Exceptions", 0x2f, 0x00, fill_exceptions, NULL},
};

#define LOG_PAGE_COUNT (sizeof(log_pages) / sizeof(log_pages[0]))

static void fill_supported(const struct scsi_log *log, uint32_t block_shift,
			   struct byte_writer *page)
{
	(void)log;
	(void)block_shift;
	for (size_t i = 0; i < LOG_PAGE_COUNT; i++) {
		if (log_pages[i].subpage == 0)
			byte_writer_u8(page, log_pages[i].code);
	}
}

static void fill_supported_subpages(const struct scsi_log *log, uint32_t block_shift,
				    struct byte_writer *page)
{
	(void)log;
	(void)block_shift;
	for (size_t i = 0; i < LOG_PAGE_COUNT; i++) {
		byte_writer_u8(page, log_pages[i].code);
		byte_writer_u8(page, log_pages[i].subpage);
	}
}

void scsi_log_each_page(void (*each)(void *context, const char *name, uint8_t code,
				     uint8_t subpage),
			void *context)
{
	for (size_t i = 0; i < LOG_PAGE_COUNT; i++)
		each(context, log_pages[i].name, log_pages[i].code, log_pages[i].subpage);
}

/* NULL: none, and the CDB is refused. */
static const struct log_page *log_page_find(struct scsi_task *task)
{
	uint8_t code = task->cdb[2] & 0x3f, subpage = task->cdb[3];
	bool code_is_known = false;

	for (size_t i = 0; i < LOG_PAGE_COUNT; i++) {
		if (log_pages[i].code == code && log_pages[i].subpage == subpage)
			return &log_pages[i];
		code_is_known = code_is_known || log_pages[i].code == code;
	}
	scsi_task_invalid_cdb_field(task, code_is_known ? 3 : 2, code_is_known ? -1 : 5);
	return NULL;
}

/* ---- LOG SENSE ------------------------------------------------------------------------------- */

#define LOG_SP 0x01

enum page_control {
	PAGE_THRESHOLD = 0,
	PAGE_CUMULATIVE = 1,
	PAGE_DEFAULT_THRESHOLD = 2,
	PAGE_DEFAULT_CUMULATIVE = 3,
};

/* Only parameters from the PARAMETER POINTER on are wanted; they are in order of their codes. */
static bool skip_parameters(const uint8_t *bytes, size_t len, uint16_t pointer, size_t *ret_at)
{
	size_t at = 4;

	while (at + 4 <= len && get_be16(bytes + at) < pointer)
		at += 4 + (size_t)bytes[at + 3];
	*ret_at = at;
	return pointer == 0 || at + 4 <= len;
}

static enum scsi_result answer_page(struct scsi_task *task, const struct log_page *page)
{
	uint16_t pointer = get_be16(task->cdb + 5);
	static const struct scsi_log defaults;
	bool show_defaults = task->cdb[2] >> 6 == PAGE_DEFAULT_CUMULATIVE;
	uint8_t bytes[LOG_DATA_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));
	bool is_list = page->code == 0x00;
	size_t at = 4;

	/* DS: nothing is saved; SPF. */
	byte_writer_u8(&data,
		       (uint8_t)((is_list ? 0 : 0x80) | (page->subpage ? 0x40 : 0) | page->code));
	byte_writer_u8(&data, page->subpage);
	byte_writer_be16(&data, 0);
	page->fill(show_defaults ? &defaults : &task->lun->log, task->lun->block_shift, &data);
	if (pointer != 0 && (is_list || !skip_parameters(bytes, data.len, pointer, &at))) {
		scsi_task_invalid_cdb_field(task, 5, -1);
		return SCSI_DONE;
	}
	memmove(bytes + 4, bytes + at, data.len - at);
	put_be16(bytes + 2, (uint16_t)(data.len - at));
	return scsi_task_answer(task, bytes, 4 + data.len - at, get_be16(task->cdb + 7));
}

enum scsi_result scsi_log_sense(struct scsi_task *task)
{
	enum page_control control = task->cdb[2] >> 6;
	const struct log_page *page;

	if ((task->cdb[1] & LOG_SP) != 0) {
		scsi_task_invalid_cdb_field(task, 1, 0);
		return SCSI_DONE;
	}
	page = log_page_find(task);
	if (!page)
		return SCSI_DONE;
	if (page->code != 0x00 &&
	    (control == PAGE_THRESHOLD || control == PAGE_DEFAULT_THRESHOLD)) {
		scsi_task_invalid_cdb_field(task, 2, 7);
		return SCSI_DONE;
	}
	return answer_page(task, page);
}

/* ---- LOG SELECT ------------------------------------------------------------------------------ */

#define LOG_SELECT_PCR 0x02

/* Page code and subpage 0: all pages. */
static void reset_pages(struct scsi_log *log, const struct log_page *page)
{
	for (size_t i = 0; i < LOG_PAGE_COUNT; i++) {
		bool wanted = page->code == 0x00 || page == &log_pages[i];

		if (wanted && log_pages[i].reset)
			log_pages[i].reset(log);
	}
}

/* Counters can be reset, by PCR or by setting all to their defaults; no single one can be set. */
enum scsi_result scsi_log_select(struct scsi_task *task)
{
	bool reset = (task->cdb[1] & LOG_SELECT_PCR) != 0 ||
		     task->cdb[2] >> 6 == PAGE_DEFAULT_CUMULATIVE;
	const struct log_page *page;

	if ((task->cdb[1] & LOG_SP) != 0) {
		scsi_task_invalid_cdb_field(task, 1, 0);
		return SCSI_DONE;
	}
	if (get_be16(task->cdb + 7) != 0) {
		scsi_task_invalid_cdb_field(task, 7, -1);
		return SCSI_DONE;
	}
	page = log_page_find(task);
	if (!page)
		return SCSI_DONE;
	if (reset) {
		reset_pages(&task->lun->log, page);
		scsi_lun_raise(task->lun, SCSI_UA_LOG_PARAMETERS_CHANGED, task->nexus);
	}
	scsi_task_good(task);
	return SCSI_DONE;
}
