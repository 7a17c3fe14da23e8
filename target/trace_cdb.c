/*
 * CDBs in the trace: the command's name, and what is worth telling beside it.
 */
#include <inttypes.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "target/text.h"
#include "target/trace_internal.h"
#include "target/trace_text.h"

/* What is worth telling of a CDB beside its name. */
enum cdb_detail {
	DETAIL_NONE = 0,
	DETAIL_EXTENT,	  /* LBA and blocks where scsi_cdb_extent finds them */
	DETAIL_LBA_16,	  /* LBA of 8 bytes alone */
	DETAIL_EXTENT_13, /* COMPARE AND WRITE: blocks in byte 13 */
	DETAIL_EXTENT_12, /* WRITE ATOMIC: blocks in bytes 12 and 13 */
	DETAIL_VPD,	  /* INQUIRY */
	DETAIL_MODE_PAGE, /* MODE SENSE: page and subpage in bytes 2 and 3 */
	DETAIL_LOG_PAGE,
	DETAIL_PR_TYPE,
	DETAIL_START_STOP,
};

static const struct {
	uint8_t opcode;
	enum cdb_detail detail;
} details[] = {
	{0x08, DETAIL_EXTENT},	  {0x0a, DETAIL_EXTENT},     {0x28, DETAIL_EXTENT},
	{0x2a, DETAIL_EXTENT},	  {0x2e, DETAIL_EXTENT},     {0x2f, DETAIL_EXTENT},
	{0x34, DETAIL_EXTENT},	  {0x35, DETAIL_EXTENT},     {0x41, DETAIL_EXTENT},
	{0x88, DETAIL_EXTENT},	  {0x8a, DETAIL_EXTENT},     {0x8b, DETAIL_EXTENT},
	{0x8e, DETAIL_EXTENT},	  {0x8f, DETAIL_EXTENT},     {0x90, DETAIL_EXTENT},
	{0x91, DETAIL_EXTENT},	  {0x93, DETAIL_EXTENT},     {0xa8, DETAIL_EXTENT},
	{0xaa, DETAIL_EXTENT},	  {0xae, DETAIL_EXTENT},     {0xaf, DETAIL_EXTENT},
	{0x89, DETAIL_EXTENT_13}, {0x9c, DETAIL_EXTENT_12},  {0x12, DETAIL_VPD},
	{0x1a, DETAIL_MODE_PAGE}, {0x5a, DETAIL_MODE_PAGE},  {0x4d, DETAIL_LOG_PAGE},
	{0x5f, DETAIL_PR_TYPE},	  {0x1b, DETAIL_START_STOP},
};

static enum cdb_detail detail_of(const struct scsi_command *row)
{
	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		if (details[i].opcode == row->opcode)
			return details[i].detail;
	/* Of the service actions of 9Eh only this one has an LBA. */
	return row->opcode == 0x9e && row->service_action == 0x12 ? DETAIL_LBA_16 : DETAIL_NONE;
}

bool trace_pr_out_has_type(int action)
{
	return action == PR_OUT_RESERVE || action == PR_OUT_RELEASE || action == PR_OUT_PREEMPT ||
	       action == PR_OUT_PREEMPT_AND_ABORT;
}

static void add_extent(struct text *text, uint64_t lba, uint32_t blocks)
{
	text_add(text, " lba %" PRIu64 " blocks %" PRIu32, lba, blocks);
}

static void add_detail(struct text *text, const struct scsi_command *row, const uint8_t *cdb)
{
	struct scsi_extent extent = scsi_cdb_extent(cdb);

	switch (detail_of(row)) {
	case DETAIL_EXTENT:
		add_extent(text, extent.lba, extent.blocks);
		break;
	case DETAIL_EXTENT_12:
		add_extent(text, get_be64(cdb + 2), get_be16(cdb + 12));
		break;
	case DETAIL_EXTENT_13:
		add_extent(text, get_be64(cdb + 2), cdb[13]);
		break;
	case DETAIL_LBA_16:
		text_add(text, " lba %" PRIu64, get_be64(cdb + 2));
		break;
	case DETAIL_VPD:
		if (cdb[1] & 0x01)
			text_add(text, " VPD page 0x%02x", cdb[2]);
		break;
	case DETAIL_MODE_PAGE:
		text_add(text, " page 0x%02x", cdb[2] & 0x3f);
		if (cdb[3] != 0)
			text_add(text, "/0x%02x", cdb[3]);
		break;
	case DETAIL_LOG_PAGE:
		text_add(text, " page 0x%02x", cdb[2] & 0x3f);
		break;
	case DETAIL_PR_TYPE:
		if (trace_pr_out_has_type(row->service_action))
			text_add(text, " type %s", pr_type_name(cdb[2] & 0x0f));
		break;
	case DETAIL_START_STOP:
		text_add(text, cdb[4] & 0x01 ? " start" : " stop");
		break;
	case DETAIL_NONE:
		break;
	}
}

const char *trace_command_name(const uint8_t cdb[TRACE_CDB_MAX])
{
	enum scsi_sense sense;
	const struct scsi_command *row = scsi_command_find(cdb, &sense);

	return row ? row->name : "unknown command";
}

void trace_cdb_add(struct text *text, const uint8_t cdb[TRACE_CDB_MAX])
{
	enum scsi_sense sense;
	const struct scsi_command *row = scsi_command_find(cdb, &sense);

	if (row) {
		text_add(text, "%s", row->name);
		add_detail(text, row, cdb);
	} else if (sense == SCSI_SENSE_INVALID_FIELD_IN_CDB) {
		text_add(text, "opcode 0x%02x, service action 0x%02x", cdb[0], cdb[1] & 0x1f);
	} else {
		text_add(text, "opcode 0x%02x", cdb[0]);
	}
}

void trace_cdb_text(const uint8_t cdb[TRACE_CDB_MAX], char *ret_text, size_t text_len)
{
	struct text text = text_over(ret_text, text_len);

	trace_cdb_add(&text, cdb);
}
