#include "target/override.h"

#include <string.h>

#include "pr_engine/bytes.h"
#include "target/mode.h"

/* Of what is overridden here: a page, or standard INQUIRY data (code and subpage 0). */
static bool is_for(const struct scsi_override *override, enum scsi_override_data data, uint8_t code,
		   uint8_t subpage)
{
	return override->data == data && override->code == code && override->subpage == subpage;
}

static void put(const struct scsi_lun *lun, enum scsi_override_data data, uint8_t code,
		uint8_t subpage, uint8_t *bytes, size_t len)
{
	for (uint32_t i = 0; i < lun->config.override_count; i++) {
		const struct scsi_override *override = &lun->config.overrides[i];

		if (is_for(override, data, code, subpage) &&
		    (size_t) override->offset + override->len <= len)
			memcpy(bytes + override->offset, override->bytes, override->len);
	}
}

/* How long the answer gets. The new bytes of it are zeroed. */
static size_t grow(const struct scsi_lun *lun, enum scsi_override_data data, uint8_t code,
		   uint8_t *bytes, size_t len, size_t cap)
{
	size_t end = len;

	for (uint32_t i = 0; i < lun->config.override_count; i++) {
		const struct scsi_override *override = &lun->config.overrides[i];
		size_t its_end = (size_t) override->offset + override->len;

		if (is_for(override, data, code, 0) && its_end > end && its_end <= cap)
			end = its_end;
	}
	memset(bytes + len, 0, end - len);
	return end;
}

size_t scsi_override_inquiry(const struct scsi_lun *lun, uint8_t *data, size_t len, size_t cap)
{
	len = grow(lun, SCSI_OVERRIDE_INQUIRY, 0, data, len, cap);
	data[4] = (uint8_t)(len - 5);
	put(lun, SCSI_OVERRIDE_INQUIRY, 0, 0, data, len);
	return len;
}

size_t scsi_override_vpd(const struct scsi_lun *lun, uint8_t *page, size_t len, size_t cap)
{
	uint8_t code = page[1];

	len = grow(lun, SCSI_OVERRIDE_VPD, code, page, len, cap);
	put_be16(page + 2, (uint16_t)(len - 4));
	put(lun, SCSI_OVERRIDE_VPD, code, 0, page, len);
	return len;
}

void scsi_override_mode(const struct scsi_lun *lun, uint8_t code, uint8_t subpage, uint8_t *page,
			size_t len)
{
	put(lun, SCSI_OVERRIDE_MODE, code, subpage, page, len);
}

static const char *mode_fault(const struct scsi_override *override)
{
	const struct mode_page *page = mode_page_find(override->code, override->subpage);

	if (!page)
		return "there is no such mode page";
	if (override->offset < mode_page_header_len(page))
		return "the header of a mode page tells which it is: it stays";
	return (size_t) override->offset + override->len > page->len ? "the mode page is shorter"
								     : NULL;
}

const char *scsi_override_fault(const struct scsi_override *override)
{
	size_t end = (size_t) override->offset + override->len;

	if (override->len == 0 || override->len > SCSI_OVERRIDE_MAX)
		return "1 to 64 bytes can be put at once";
	switch (override->data) {
	case SCSI_OVERRIDE_INQUIRY:
		return end > SCSI_INQUIRY_MAX ? "standard INQUIRY data ends at byte 259" : NULL;
	case SCSI_OVERRIDE_VPD:
		if (!scsi_inquiry_has_page(override->code))
			return "there is no such VPD page";
		return end > SCSI_VPD_MAX ? "VPD pages end at byte 1023" : NULL;
	case SCSI_OVERRIDE_MODE:
		return mode_fault(override);
	case SCSI_OVERRIDE_NONE:
		break;
	}
	return "it overrides nothing";
}
