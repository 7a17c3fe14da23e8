/*
 * The file, all integers big-endian:
 *
 *	0	"HFMEDIUM"
 *	8	version, 4 bytes: 1
 *	12	CRC32C of bytes 16 to 4159
 *	16	size of the medium, 8 bytes
 *	24	identity of the medium, 8 bytes
 *	32	operation
 *	33	flags: 1 failed, 2 restricted, 4 invert
 *	34	passes
 *	35	pass
 *	36	pattern length, 2 bytes
 *	38	zero, 2 bytes
 *	40	at, 8 bytes
 *	48	zero, 16 bytes
 *	64	pattern, padded with zeros to 4096 bytes
 *
 * and, where an atomic write is or was under way:
 *
 *	8192	"HFATOMIC"
 *	8200	CRC32C of all bytes from 8204 on
 *	8204	length of the data, 4 bytes
 *	8208	offset, 8 bytes
 *	8216	size of the medium, 8 bytes
 *	8224	identity of the medium, 8 bytes
 *	8232	data
 *
 * The first part is only ever replaced as a whole, and the second one goes with it. An empty file
 *is an idle medium. The second part counts when its eight letters and its checksum are right: what
 *was cut short by a crash was never acted upon.
 */
#include "target/medium_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

#define VERSION	   1
#define HEADER_LEN 64
#define RECORD_LEN ((size_t)(HEADER_LEN + MEDIUM_PATTERN_MAX))

#define FLAG_FAILED	0x01
#define FLAG_RESTRICTED 0x02
#define FLAG_INVERT	0x04

static const uint8_t record_magic[8] = {'H', 'F', 'M', 'E', 'D', 'I', 'U', 'M'};
static const uint8_t intent_magic[8] = {'H', 'F', 'A', 'T', 'O', 'M', 'I', 'C'};

/* 0 for one that was never written. */
static int store_size(struct pr_store *store, uint64_t *ret_size)
{
	int error = store->ops->size(store, ret_size);

	if (error != -ENOENT)
		return error;
	*ret_size = 0;
	return 0;
}

/* ---- erasing --------------------------------------------------------------------------------- */

int medium_erase_store(struct pr_store *store, const struct medium_erase_record *record)
{
	uint8_t bytes[RECORD_LEN] = {0};

	memcpy(bytes, record_magic, sizeof(record_magic));
	put_be32(bytes + 8, VERSION);
	put_be64(bytes + 16, record->medium.size);
	put_be64(bytes + 24, record->medium.identity);
	bytes[32] = (uint8_t)record->operation;
	bytes[33] = (uint8_t)((record->failed ? FLAG_FAILED : 0) |
			      (record->restricted ? FLAG_RESTRICTED : 0) |
			      (record->invert ? FLAG_INVERT : 0));
	bytes[34] = record->passes;
	bytes[35] = record->pass;
	put_be16(bytes + 36, record->pattern_len);
	put_be64(bytes + 40, record->at);
	memcpy(bytes + HEADER_LEN, record->pattern, record->pattern_len);
	put_be32(bytes + 12, crc32c(0, bytes + 16, RECORD_LEN - 16));
	return store->ops->replace(store, bytes, sizeof(bytes));
}

static bool erase_is_sound(const struct medium_erase_record *record)
{
	if (record->operation == MEDIUM_IDLE)
		return true;
	return record->operation < MEDIUM_OPERATION_COUNT && record->pass < record->passes &&
	       record->pattern_len <= MEDIUM_PATTERN_MAX && record->at <= record->medium.size &&
	       (record->operation != MEDIUM_OVERWRITE || record->pattern_len > 0);
}

static void erase_decode(const uint8_t *bytes, struct medium_erase_record *record)
{
	*record = (struct medium_erase_record){
		.medium = {.size = get_be64(bytes + 16), .identity = get_be64(bytes + 24)},
		.operation = (enum medium_operation)bytes[32],
		.failed = (bytes[33] & FLAG_FAILED) != 0,
		.restricted = (bytes[33] & FLAG_RESTRICTED) != 0,
		.invert = (bytes[33] & FLAG_INVERT) != 0,
		.passes = bytes[34],
		.pass = bytes[35],
		.pattern_len = get_be16(bytes + 36),
		.at = get_be64(bytes + 40),
	};
	memcpy(record->pattern, bytes + HEADER_LEN, MEDIUM_PATTERN_MAX);
}

int medium_erase_load(struct pr_store *store, struct medium_erase_record *ret_record)
{
	uint8_t bytes[RECORD_LEN];
	struct medium_erase_record record;
	uint64_t size;
	int error = store_size(store, &size);

	if (error != 0)
		return error;
	if (size == 0) {
		*ret_record = (struct medium_erase_record){.operation = MEDIUM_IDLE};
		return 0;
	}
	if (size < RECORD_LEN)
		return -EILSEQ;
	error = store->ops->read(store, 0, bytes, sizeof(bytes));
	if (error != 0)
		return error;
	if (memcmp(bytes, record_magic, sizeof(record_magic)) != 0 ||
	    get_be32(bytes + 8) != VERSION ||
	    get_be32(bytes + 12) != crc32c(0, bytes + 16, RECORD_LEN - 16))
		return -EILSEQ;
	erase_decode(bytes, &record);
	if (!erase_is_sound(&record))
		return -EILSEQ;
	*ret_record = record;
	return 0;
}

/* ---- atomic writes --------------------------------------------------------------------------- */

#define INTENT_AT      ((uint64_t)8192)
#define INTENT_HEADER  40
#define INTENT_CHECKED 12 /* the checksum is over what stands from here on */

/* The first part must be there, whole, before anything stands behind it. */
static int intent_make_room(struct pr_store *store)
{
	uint64_t size;
	int error = store_size(store, &size);

	if (error != 0 || size > 0)
		return error;
	return medium_erase_store(store, &(struct medium_erase_record){.operation = MEDIUM_IDLE});
}

int medium_intent_store(struct pr_store *store, const struct medium_intent *intent,
			const uint8_t *data)
{
	uint8_t header[INTENT_HEADER];
	int error = intent_make_room(store);

	memcpy(header, intent_magic, sizeof(intent_magic));
	put_be32(header + 12, intent->len);
	put_be64(header + 16, intent->offset);
	put_be64(header + 24, intent->medium.size);
	put_be64(header + 32, intent->medium.identity);
	put_be32(header + 8,
		 crc32c(crc32c(0, header + INTENT_CHECKED, INTENT_HEADER - INTENT_CHECKED), data,
			intent->len));
	if (error == 0)
		error = store->ops->write(store, INTENT_AT, header, sizeof(header));
	if (error == 0)
		error = store->ops->write(store, INTENT_AT + INTENT_HEADER, data, intent->len);
	return error == 0 ? store->ops->sync(store) : error;
}

/* A file that cannot be written, or has been taken away, is replaced: nothing is being erased where
 * an atomic write is under way. */
int medium_intent_clear(struct pr_store *store)
{
	static const uint8_t none[INTENT_HEADER];
	int error = store->ops->write(store, INTENT_AT, none, sizeof(none));

	if (error == 0)
		error = store->ops->sync(store);
	if (error == 0)
		return 0;
	return medium_erase_store(store, &(struct medium_erase_record){.operation = MEDIUM_IDLE});
}

int medium_intent_load(struct pr_store *store, struct medium_intent *ret_intent, uint8_t *data,
		       size_t cap)
{
	uint8_t header[INTENT_HEADER];
	uint64_t size;
	int error = store_size(store, &size);

	*ret_intent = (struct medium_intent){.len = 0};
	if (error != 0 || size < INTENT_AT + INTENT_HEADER)
		return error;
	error = store->ops->read(store, INTENT_AT, header, sizeof(header));
	if (error != 0 || memcmp(header, intent_magic, sizeof(intent_magic)) != 0)
		return error;
	uint32_t len = get_be32(header + 12);
	if (len > cap || len > size - INTENT_AT - INTENT_HEADER)
		return 0;
	error = store->ops->read(store, INTENT_AT + INTENT_HEADER, data, len);
	if (error != 0)
		return error;
	uint32_t crc = crc32c(crc32c(0, header + INTENT_CHECKED, INTENT_HEADER - INTENT_CHECKED),
			      data, len);
	if (crc != get_be32(header + 8))
		return 0;
	*ret_intent = (struct medium_intent){
		.medium = {.size = get_be64(header + 24), .identity = get_be64(header + 32)},
		.offset = get_be64(header + 16),
		.len = len,
	};
	return 0;
}
