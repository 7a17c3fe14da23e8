/*
 * INQUIRY (SPC-4 6.6): standard data and vital product data.
 */
#include "target/copy.h"
#include "target/override.h"
#include "target/sbc.h"

#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"

#define INQUIRY_EVPD 0x01

/* Peripheral qualifier and device type (SPC-4 table 175, 176). */
#define PERIPHERAL_DISK	  0x00
#define PERIPHERAL_ABSENT 0x7f /* no LUN here, and no type that could be */

/* ---- standard data --------------------------------------------------------------------------- */

#define STANDARD_LEN 96

/* Left-aligned ASCII, padded with spaces (SPC-4 4.3.1). */
static void put_text(uint8_t *to, size_t len, const char *text)
{
	size_t n = strnlen(text, len);

	memset(to, ' ', len);
	memcpy(to, text, n);
}

static void put_version_descriptors(uint8_t *to)
{
	static const uint16_t standards[] = {
		0x00a0, /* SAM-5 */
		0x0960, /* iSCSI */
		0x0460, /* SPC-4 */
		0x04c0, /* SBC-3 */
	};

	for (size_t i = 0; i < sizeof(standards) / sizeof(standards[0]); i++)
		put_be16(to + 2 * i, standards[i]);
}

static enum scsi_result inquiry_standard(struct scsi_task *task, uint32_t allocation_length)
{
	uint8_t data[SCSI_INQUIRY_MAX] = {0};
	size_t len = STANDARD_LEN;
	struct scsi_lun_config config;

	if (task->lun)
		config = task->lun->config;
	else
		scsi_lun_config_init(&config);
	data[0] = task->lun ? PERIPHERAL_DISK : PERIPHERAL_ABSENT;
	data[1] = task->lun && config.removable ? 0x80 : 0;
	data[2] = 0x06; /* SPC-4 */
	data[3] = 0x12; /* HISUP, response data format 2 */
	data[4] = STANDARD_LEN - 5;
	data[5] = 0x38; /* TPGS: implicit and explicit; 3PC */
	data[6] = task->nexus->target->config.port_count > 1 ? 0x10 : 0; /* MULTIP */
	data[7] = 0x02;							 /* CMDQUE */
	put_text(data + 8, 8, config.vendor);
	put_text(data + 16, 16, config.product);
	put_text(data + 32, 4, config.revision);
	put_version_descriptors(data + 58);
	if (task->lun)
		len = scsi_override_inquiry(task->lun, data, len, sizeof(data));
	return scsi_task_answer(task, data, len, allocation_length);
}

/* ---- vital product data ---------------------------------------------------------------------- */

struct vpd_page {
	uint8_t code;
	void (*fill)(const struct scsi_task *task, struct byte_writer *page);
};

static void vpd_supported_pages(const struct scsi_task *task, struct byte_writer *page);

static void vpd_unit_serial_number(const struct scsi_task *task, struct byte_writer *page)
{
	byte_writer_bytes(page, task->lun->serial, strlen(task->lun->serial));
}

enum designator_association {
	OF_LOGICAL_UNIT = 0,
	OF_TARGET_PORT = 1,
	OF_TARGET_DEVICE = 2,
};

enum designator_type {
	DESIGNATOR_T10_VENDOR = 1,
	DESIGNATOR_NAA = 3,
	DESIGNATOR_RELATIVE_TARGET_PORT = 4,
	DESIGNATOR_TARGET_PORT_GROUP = 5,
	DESIGNATOR_SCSI_NAME = 8,
};

enum designator_code_set {
	CODE_SET_BINARY = 1,
	CODE_SET_ASCII = 2,
	CODE_SET_UTF8 = 3,
};

#define PROTOCOL_ISCSI 0x5

/* SPC-4 7.8.6.1. Where it belongs to a port or a device, the protocol is named (PIV). */
static void put_designator(struct byte_writer *page, enum designator_code_set code_set,
			   enum designator_association association, enum designator_type type,
			   const void *bytes, size_t len)
{
	bool piv = association != OF_LOGICAL_UNIT;

	byte_writer_u8(page, (uint8_t)((piv ? PROTOCOL_ISCSI << 4 : 0) | code_set));
	byte_writer_u8(page, (uint8_t)((piv ? 0x80 : 0) | association << 4 | type));
	byte_writer_u8(page, 0);
	byte_writer_u8(page, (uint8_t)len);
	byte_writer_bytes(page, bytes, len);
}

static void put_t10_vendor(const struct scsi_lun *lun, struct byte_writer *page)
{
	uint8_t text[8 + 16 + sizeof(lun->serial)];
	size_t serial_len = strlen(lun->serial);

	put_text(text, 8, lun->config.vendor);
	put_text(text + 8, 16, lun->config.product);
	memcpy(text + 24, lun->serial, serial_len);
	put_designator(page, CODE_SET_ASCII, OF_LOGICAL_UNIT, DESIGNATOR_T10_VENDOR, text,
		       24 + serial_len);
}

static void put_port_number(struct byte_writer *page, enum designator_type type, uint16_t number)
{
	uint8_t bytes[4] = {0};

	put_be16(bytes + 2, number);
	put_designator(page, CODE_SET_BINARY, OF_TARGET_PORT, type, bytes, sizeof(bytes));
}

/* UTF-8, ended and padded by one to four NULs to a multiple of four (SPC-4 7.8.6.11). */
static void put_scsi_name(struct byte_writer *page, enum designator_association association,
			  const char *name)
{
	uint8_t text[PR_INITIATOR_NAME_MAX + 16] = {0};
	size_t len = strlen(name);

	memcpy(text, name, len);
	put_designator(page, CODE_SET_UTF8, association, DESIGNATOR_SCSI_NAME, text,
		       (len / 4 + 1) * 4);
}

static void vpd_device_identification(const struct scsi_task *task, struct byte_writer *page)
{
	const struct scsi_lun *lun = task->lun;
	const char *target_name = lun->target->name;
	uint16_t port = task->nexus->id.relative_target_port_id;
	char port_name[PR_INITIATOR_NAME_MAX + 12];

	/* RFC 7143 4.2.7.1: the portal group tag is the port's name; here it is its number too. */
	snprintf(port_name, sizeof(port_name), "%s,t,0x%04x", target_name, port);
	put_designator(page, CODE_SET_BINARY, OF_LOGICAL_UNIT, DESIGNATOR_NAA, lun->naa,
		       sizeof(lun->naa));
	put_t10_vendor(lun, page);
	put_port_number(page, DESIGNATOR_RELATIVE_TARGET_PORT, port);
	put_port_number(page, DESIGNATOR_TARGET_PORT_GROUP, port); /* each port is a group */
	put_scsi_name(page, OF_TARGET_PORT, port_name);
	put_scsi_name(page, OF_TARGET_DEVICE, target_name);
}

/* SPC-4 7.8.7. No protection information; every task attribute but ACA. */
static void vpd_extended_inquiry(const struct scsi_task *task, struct byte_writer *page)
{
	(void)task;
	byte_writer_u8(page, 0x00); /* SPT, GRD_CHK, APP_CHK, REF_CHK */
	byte_writer_u8(page, 0x07); /* HEADSUP, ORDSUP, SIMPSUP */
	byte_writer_u8(page, 0x01); /* V_SUP: the cache is volatile */
	byte_writer_zeros(page, 57);
}

/* SPC-4 7.8.8: one descriptor for all pages and subpages, that are shared by all nexuses. */
static void vpd_mode_page_policy(const struct scsi_task *task, struct byte_writer *page)
{
	(void)task;
	byte_writer_u8(page, 0x3f);
	byte_writer_u8(page, 0xff);
	byte_writer_be16(page, 0);
}

/* 0: there is no such restriction, or no WRITE ATOMIC. */
static uint32_t atomic_granularity(const struct scsi_lun *lun)
{
	uint32_t blocks = lun->config.atomic_granularity;

	return blocks > 1 && sbc_atomic_max_blocks(lun) > 0 ? blocks : 0;
}

/* SBC-3 6.6.4. */
static void vpd_block_limits(const struct scsi_task *task, struct byte_writer *page)
{
	const struct scsi_lun *lun = task->lun;
	uint32_t transfer_max = sbc_transfer_max_blocks(lun);
	uint32_t physical = (uint32_t)1 << lun->config.physical_exponent;
	uint32_t optimal = (uint32_t)1024 * 1024 >> lun->block_shift;
	bool thin = lun->config.thin;

	byte_writer_u8(page, lun->config.write_same_to_end ? 0 : 0x01); /* WSNZ */
	byte_writer_u8(page, (uint8_t)sbc_compare_and_write_max_blocks(lun));
	byte_writer_be16(page, (uint16_t)physical); /* OPTIMAL TRANSFER LENGTH GRANULARITY */
	byte_writer_be32(page, transfer_max);
	byte_writer_be32(page, optimal < transfer_max ? optimal : transfer_max);
	byte_writer_be32(page, 0); /* MAXIMUM PREFETCH LENGTH: no limit */
	byte_writer_be32(page, thin ? SBC_UNMAP_MAX_BLOCKS : 0);
	byte_writer_be32(page, thin ? SBC_UNMAP_MAX_DESCRIPTORS : 0);
	byte_writer_be32(page, thin ? physical : 0);   /* OPTIMAL UNMAP GRANULARITY */
	byte_writer_be32(page, thin ? 0x80000000 : 0); /* UGAVALID, alignment 0 */
	byte_writer_be64(page, sbc_write_same_max_blocks(lun));
	byte_writer_be32(page, sbc_atomic_max_blocks(lun));
	byte_writer_be32(page, atomic_granularity(lun)); /* ATOMIC ALIGNMENT */
	byte_writer_be32(page, atomic_granularity(lun)); /* and of its length */
	byte_writer_zeros(page, 8);			 /* no boundary */
}

/* SBC-3 6.6.2. */
static void vpd_block_device_characteristics(const struct scsi_task *task, struct byte_writer *page)
{
	(void)task;
	byte_writer_be16(page, 0x0001); /* non-rotating */
	byte_writer_u8(page, 0);
	byte_writer_u8(page, 0x50); /* WABEREQ, WACEREQ 01b: what was erased can be read */
	byte_writer_u8(page, 0x01); /* VBULS: unmapped blocks verify as zeros */
	byte_writer_zeros(page, 55);
}

/* SBC-3 6.6.5. */
static void vpd_logical_block_provisioning(const struct scsi_task *task, struct byte_writer *page)
{
	bool thin = task->lun->config.thin;

	byte_writer_u8(page, 0);
	byte_writer_u8(page, thin ? 0xe4 : 0); /* LBPU, LBPWS, LBPWS10, LBPRZ = 001b */
	byte_writer_u8(page, thin ? 0x02 : 0); /* PROVISIONING TYPE: thin */
	byte_writer_u8(page, 0);
}

/* Third-party copy descriptors (SPC-4 7.8.17): what EXTENDED COPY can do here. */
#define COPY_SUPPORTED_COMMANDS	   0x0001
#define COPY_PARAMETER_DATA	   0x0004
#define COPY_SUPPORTED_DESCRIPTORS 0x0008
#define COPY_SUPPORTED_CSCDS	   0x000c
#define COPY_GENERAL_OPERATIONS	   0x8001

static void put_copy_descriptor(struct byte_writer *page, uint16_t type, uint16_t len)
{
	byte_writer_be16(page, type);
	byte_writer_be16(page, len);
}

static void vpd_third_party_copy(const struct scsi_task *task, struct byte_writer *page)
{
	static const uint8_t commands[] = {8,
					   0x83,
					   1,
					   COPY_EXTENDED_COPY,
					   0x84,
					   3,
					   COPY_STATUS,
					   COPY_OPERATING_PARAMETERS,
					   COPY_FAILED_SEGMENT_DETAILS,
					   0,
					   0,
					   0};
	(void)task;

	put_copy_descriptor(page, COPY_SUPPORTED_COMMANDS, sizeof(commands));
	byte_writer_bytes(page, commands, sizeof(commands));
	put_copy_descriptor(page, COPY_PARAMETER_DATA, 28);
	byte_writer_be32(page, 0);
	byte_writer_be16(page, COPY_CSCD_MAX);
	byte_writer_be16(page, COPY_SEGMENTS_MAX);
	byte_writer_be32(page, COPY_DESCRIPTORS_MAX);
	byte_writer_be32(page, 0); /* MAXIMUM INLINE DATA LENGTH */
	byte_writer_zeros(page, 12);
	put_copy_descriptor(page, COPY_SUPPORTED_DESCRIPTORS, 4);
	byte_writer_u8(page, 2);
	byte_writer_u8(page, COPY_BLOCK_TO_BLOCK);
	byte_writer_u8(page, COPY_IDENTIFICATION_CSCD);
	byte_writer_u8(page, 0);
	put_copy_descriptor(page, COPY_SUPPORTED_CSCDS,
			    4); /* no identifiers but descriptors' own */
	byte_writer_be32(page, 0);
	put_copy_descriptor(page, COPY_GENERAL_OPERATIONS, 32);
	byte_writer_be32(page, COPY_RUNNING_MAX); /* TOTAL CONCURRENT COPIES: of one nexus */
	byte_writer_be32(page, COPY_LISTS_MAX);
	byte_writer_be32(page, COPY_SEGMENT_MAX_BYTES);
	byte_writer_u8(page, 9); /* granularity: 2^9 bytes */
	byte_writer_zeros(page, 19);
}

/* In ascending order, as SUPPORTED VPD PAGES lists them. */
static const struct vpd_page vpd_pages[] = {
	{0x00, vpd_supported_pages},
	{0x80, vpd_unit_serial_number},
	{0x83, vpd_device_identification},
	{0x86, vpd_extended_inquiry},
	{0x87, vpd_mode_page_policy},
	{0x8f, vpd_third_party_copy},
	{0xb0, vpd_block_limits},
	{0xb1, vpd_block_device_characteristics},
	{0xb2, vpd_logical_block_provisioning},
};

#define VPD_PAGE_COUNT (sizeof(vpd_pages) / sizeof(vpd_pages[0]))

static void vpd_supported_pages(const struct scsi_task *task, struct byte_writer *page)
{
	/* All the others tell about a LUN. */
	size_t count = task->lun ? VPD_PAGE_COUNT : 1;

	for (size_t i = 0; i < count; i++)
		byte_writer_u8(page, vpd_pages[i].code);
}

bool scsi_inquiry_has_page(uint8_t code)
{
	for (size_t i = 0; i < VPD_PAGE_COUNT; i++)
		if (vpd_pages[i].code == code)
			return true;
	return false;
}

static enum scsi_result inquiry_vpd(struct scsi_task *task, uint8_t code,
				    uint32_t allocation_length)
{
	uint8_t data[SCSI_VPD_MAX];
	struct byte_writer page = byte_writer_over(data, sizeof(data));
	size_t count = task->lun ? VPD_PAGE_COUNT : 1;

	for (size_t i = 0; i < count; i++) {
		if (vpd_pages[i].code != code)
			continue;
		byte_writer_u8(&page, task->lun ? PERIPHERAL_DISK : PERIPHERAL_ABSENT);
		byte_writer_u8(&page, code);
		byte_writer_be16(&page, 0);
		vpd_pages[i].fill(task, &page);
		put_be16(data + 2, (uint16_t)(page.len - 4));
		size_t len = page.len;
		if (task->lun)
			len = scsi_override_vpd(task->lun, data, len, sizeof(data));
		return scsi_task_answer(task, data, len, allocation_length);
	}
	scsi_task_invalid_cdb_field(task, 2, -1);
	return SCSI_DONE;
}

enum scsi_result scsi_inquiry(struct scsi_task *task)
{
	bool vital_product_data = (task->cdb[1] & INQUIRY_EVPD) != 0;
	uint8_t code = task->cdb[2];
	uint16_t allocation_length = get_be16(task->cdb + 3);

	if (vital_product_data)
		return inquiry_vpd(task, code, allocation_length);
	if (code != 0) {
		scsi_task_invalid_cdb_field(task, 2, -1);
		return SCSI_DONE;
	}
	return inquiry_standard(task, allocation_length);
}
