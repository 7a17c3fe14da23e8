/*
 * The store's content: values to bytes and back. See saved.h.
 */
#include "target/saved.h"

#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"
#include "target/mode.h"

#define MAGIC	   "HFSAVED1"
#define MAGIC_LEN  8
#define HEADER_LEN (MAGIC_LEN + 8)

enum record_type {
	RECORD_MODE_PAGE = 1,
	RECORD_IDENTIFYING = 2,
};

bool scsi_saved_is_possible(const struct scsi_lun *lun)
{
	return lun->config.saved_store != NULL;
}

/* ---- values to bytes ------------------------------------------------------------------------- */

static void put_record(struct byte_writer *image, enum record_type type, size_t len)
{
	byte_writer_be16(image, (uint16_t)type);
	byte_writer_be16(image, (uint16_t)len);
}

static void put_mode_pages(struct byte_writer *image, const struct scsi_lun *lun,
			   const struct scsi_mode *mode)
{
	uint8_t bytes[MODE_PAGE_MAX];

	for (size_t i = 0; i < mode_page_count; i++) {
		const struct mode_page *page = &mode_pages[i];

		if (!mode_page_is_changeable(page, lun))
			continue;
		mode_page_fill(page, mode, bytes);
		put_record(image, RECORD_MODE_PAGE, page->len);
		byte_writer_bytes(image, bytes, page->len);
	}
}

size_t scsi_saved_encode(const struct scsi_lun *lun, const struct scsi_saved_values *values,
			 uint8_t ret_image[SCSI_SAVED_IMAGE_MAX])
{
	struct byte_writer image = byte_writer_over(ret_image, SCSI_SAVED_IMAGE_MAX);

	byte_writer_bytes(&image, MAGIC, MAGIC_LEN);
	byte_writer_zeros(&image, 8);
	put_mode_pages(&image, lun, &values->mode);
	for (unsigned kind = 0; kind < SCSI_IDENTIFYING_COUNT; kind++) {
		const struct scsi_identifying *text = &values->identifying[kind];

		put_record(&image, RECORD_IDENTIFYING, 1 + (size_t)text->len);
		byte_writer_u8(&image, (uint8_t)kind);
		byte_writer_bytes(&image, text->bytes, text->len);
	}
	put_be32(ret_image + MAGIC_LEN, (uint32_t)(image.len - HEADER_LEN));
	put_be32(ret_image + MAGIC_LEN + 4,
		 crc32c(0, ret_image + HEADER_LEN, image.len - HEADER_LEN));
	return image.len;
}

/* ---- bytes to values ------------------------------------------------------------------------- */

/* A page that is not there any more, or has become longer, is left at its default. */
static bool take_mode_page(const struct scsi_lun *lun, const uint8_t *bytes, size_t len,
			   struct scsi_saved_values *values)
{
	if (len < 4)
		return false;
	uint8_t subpage = (bytes[0] & 0x40) != 0 ? bytes[1] : 0;
	const struct mode_page *page = mode_page_find(bytes[0] & 0x3f, subpage);

	if (page && page->len == len)
		mode_page_merge(page, lun, bytes, &values->mode);
	return true;
}

static bool take_identifying(const uint8_t *bytes, size_t len, struct scsi_saved_values *values)
{
	if (len < 1 || len > 1 + SCSI_IDENTIFYING_TEXT_MAX || bytes[0] >= SCSI_IDENTIFYING_COUNT)
		return false;
	struct scsi_identifying *text = &values->identifying[bytes[0]];

	text->len = (uint16_t)(len - 1);
	memcpy(text->bytes, bytes + 1, len - 1);
	return true;
}

static bool take_record(const struct scsi_lun *lun, struct byte_reader *image,
			struct scsi_saved_values *values)
{
	uint16_t type = byte_reader_be16(image);
	uint16_t len = byte_reader_be16(image);
	const uint8_t *bytes = byte_reader_take(image, len);

	if (!bytes)
		return false;
	if (type == RECORD_MODE_PAGE)
		return take_mode_page(lun, bytes, len, values);
	return type == RECORD_IDENTIFYING && take_identifying(bytes, len, values);
}

static bool decode(const struct scsi_lun *lun, const uint8_t *bytes, size_t size,
		   struct scsi_saved_values *values)
{
	struct byte_reader image = byte_reader_over(bytes, size);
	const uint8_t *magic = byte_reader_take(&image, MAGIC_LEN);
	uint32_t len = byte_reader_be32(&image);
	uint32_t crc = byte_reader_be32(&image);

	if (image.failed || memcmp(magic, MAGIC, MAGIC_LEN) != 0 || len != size - HEADER_LEN ||
	    crc != crc32c(0, bytes + HEADER_LEN, len))
		return false;
	while (byte_reader_left(&image) > 0) {
		if (!take_record(lun, &image, values))
			return false;
	}
	return true;
}

int scsi_saved_load(struct scsi_lun *lun)
{
	struct pr_store *store = lun->config.saved_store;
	struct scsi_saved_values values = {.mode = mode_default(lun)};
	uint8_t image[SCSI_SAVED_IMAGE_MAX];
	uint64_t size = 0;
	int error = store ? store->ops->size(store, &size) : -ENOENT;
	bool is_there = error != -ENOENT; /* else nothing was ever saved */

	if (is_there && size > sizeof(image))
		error = -EFBIG;
	if (error == 0)
		error = store->ops->read(store, 0, image, (size_t)size);
	if (is_there && (error != 0 || !decode(lun, image, (size_t)size, &values)))
		return -EBADMSG;
	lun->saved.values = values;
	return 0;
}
