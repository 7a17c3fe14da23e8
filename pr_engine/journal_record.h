/*
 * The journal's bytes: file header and frames, encode and decode side by side. For the files of the
 * journal and their tests only. The format itself is told at the top of journal_record.c.
 */
#ifndef PR_ENGINE_JOURNAL_RECORD_H
#define PR_ENGINE_JOURNAL_RECORD_H

#include "pr_engine/journal.h"

#define PR_FILE_VERSION	     1
#define PR_FILE_MAGIC_LEN    8
#define PR_FILE_HEADER_LEN   272 /* bytes */
#define PR_FRAME_HEADER_LEN  40	 /* bytes; a mark is nothing more */
#define PR_FRAME_ALIGN	     8	 /* every frame starts at a multiple of this */
#define PR_FRAME_META_LEN    40	 /* the fixed part of a record's body */
#define PR_FRAME_CHANGES_MAX (UINT32_MAX - 4096)
#define PR_SEQUENCE_MAX	     (UINT64_C(1) << 62) /* no journal lives so long; no sum overflows */

struct pr_file_header {
	uint64_t epoch;	      /* one more with every file that replaces another */
	uint64_t time_ms;     /* when the process that made the file opened the journal */
	uint64_t durable_len; /* bytes that were made durable before the file got its name */
	struct pr_journal_identity identity;
};

/* Why bytes are no file header. */
enum pr_file_header_fault {
	PR_FILE_HEADER_FOREIGN = 0, /* no journal at all */
	PR_FILE_HEADER_VERSION,	    /* of another version */
	PR_FILE_HEADER_DAMAGED,
	PR_FILE_HEADER_VALID,
};

/* Both give the seed that this file's frames start their CRC with. */
uint32_t pr_file_header_encode(const struct pr_file_header *header,
			       uint8_t ret_data[PR_FILE_HEADER_LEN]);
enum pr_file_header_fault pr_file_header_decode(const uint8_t *data, size_t len,
						struct pr_file_header *ret_header,
						uint32_t *ret_seed);

/* Is this the beginning of a journal, as far as it goes? Tells a cut one from a foreign file. */
bool pr_file_header_is_begun(const uint8_t *data, size_t len);

enum pr_frame_kind {
	PR_FRAME_INVALID = 0,
	PR_FRAME_RECORD,
	PR_FRAME_MARK, /* tells how much is durable, and nothing else */
};

struct pr_frame_header {
	enum pr_frame_kind kind;
	bool history_only;
	uint32_t len; /* of the whole frame, bytes */
	uint32_t changes_len;
	uint32_t body_crc;
	uint64_t sequence;
	uint64_t synced_upto;
};

/* False unless these bytes are a frame header that was written into the file of that seed. */
bool pr_frame_header_decode(const uint8_t data[PR_FRAME_HEADER_LEN], uint32_t seed,
			    struct pr_frame_header *ret_header);

/*
 * The record in a whole frame of header->len bytes. False when its body is damaged or makes no
 * sense. ret_record->changes points into the frame; the offset is the caller's to set.
 */
bool pr_frame_record_decode(const uint8_t *frame, const struct pr_frame_header *header,
			    struct pr_journal_record *ret_record);

/* Bytes of the frame that this record makes; 0 when the changes are too long for any. */
size_t pr_frame_record_len(const struct pr_journal_meta *meta, size_t changes_len);

/* Writes pr_frame_record_len() bytes; not valid in any file before pr_frame_seal. */
void pr_frame_record_encode(const struct pr_journal_meta *meta, uint64_t sequence,
			    const uint8_t *changes, size_t changes_len, uint8_t *ret_frame);

void pr_frame_mark_encode(uint64_t sequence, uint8_t ret_frame[PR_FRAME_HEADER_LEN]);

/* Makes an encoded frame one of the file of that seed. May be done again for another file. */
void pr_frame_seal(uint8_t *frame, uint32_t seed, uint64_t synced_upto);

/* These two work on encoded frames, sealed or not; set_history_only asks for a new seal. */
size_t pr_frame_len(const uint8_t *frame);
void pr_frame_set_history_only(uint8_t *frame);

#endif
