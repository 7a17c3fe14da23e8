/*
 * Third-party copy (SPC-4 5.17, 6.3, 6.20): EXTENDED COPY (LID1) with block to block segments
 * between LUNs of the same target. Private to target/copy*.c, and inquiry.c for the limits.
 *
 * The copy manager is a client of the device server: it moves each piece with a READ(16) and a
 * WRITE(16) of its own, which belong to the nexus that sent the EXTENDED COPY and go through
 * target_execute like any other command. So reservations, write protection, access states,
 * atomicity, aborts and drains hold on both LUNs without a rule of their own: after a PREEMPT AND
 * ABORT on the destination no piece lands there. A LUN that has no piece just then is watched by
 * its epoch: a copy ends as well where all commands of its nexus were aborted between two pieces,
 * or where another LUN has come in its place.
 */
#ifndef TARGET_COPY_H
#define TARGET_COPY_H

#include "target/command.h"

#define COPY_HEADER_LEN	 16
#define COPY_CSCD_LEN	 32
#define COPY_SEGMENT_LEN 28

#define COPY_CSCD_MAX	     16
#define COPY_SEGMENTS_MAX    64
#define COPY_DESCRIPTORS_MAX (COPY_CSCD_MAX * COPY_CSCD_LEN + COPY_SEGMENTS_MAX * COPY_SEGMENT_LEN)
/* Blocks of a segment are counted in 16 bits. */
#define COPY_SEGMENT_MAX_BYTES ((uint32_t)UINT16_MAX * 4096)
#define COPY_PIECE_BYTES       ((uint32_t)1024 * 1024)
/* Copies of one nexus by one LUN's copy manager, those remembered included. */
#define COPY_LISTS_MAX 16
/* Copies of one nexus that go on at a time, on all LUNs and with a list id or without: each holds
 * two pieces in memory that is not the transport's. */
#define COPY_RUNNING_MAX 16

enum copy_descriptor {
	COPY_BLOCK_TO_BLOCK = 0x02,
	COPY_IDENTIFICATION_CSCD = 0xe4,
};

enum copy_action {
	COPY_EXTENDED_COPY = 0x00, /* of 83h */
	COPY_STATUS = 0x00,	   /* of 84h */
	COPY_OPERATING_PARAMETERS = 0x03,
	COPY_FAILED_SEGMENT_DETAILS = 0x04,
};

enum copy_list_id_usage {
	COPY_LIST_ID_HOLD = 0,
	COPY_LIST_ID_RESERVED = 1,
	COPY_LIST_ID_DISCARD = 2,
	COPY_LIST_ID_NONE = 3,
};

/* A copy source or copy destination. */
struct copy_cscd {
	uint16_t number;
	uint64_t epoch; /* of the nexus there */
	bool reachable;
	bool is_disk;
	uint32_t block_size;
	uint32_t transfer_max; /* bytes */
};

struct copy_segment {
	uint16_t source, destination; /* CSCD descriptors, by index */
	bool count_is_destinations;   /* DC */
	uint16_t blocks;
	uint64_t source_lba, destination_lba;
};

struct copy_list {
	uint8_t id;
	enum copy_list_id_usage id_usage;
	uint16_t cscd_count, segment_count;
	struct copy_cscd cscds[COPY_CSCD_MAX];
	struct copy_segment segments[COPY_SEGMENTS_MAX];
};

/* What RECEIVE COPY RESULTS tells about one list id. */
struct scsi_copy_result {
	bool used;
	bool in_progress;
	bool failed;
	uint8_t list_id;
	uint16_t segments; /* processed */
	uint64_t bytes;	   /* written */
	uint64_t started;  /* orders them: the oldest is forgotten first */
	uint8_t status;	   /* of the EXTENDED COPY */
	uint16_t sense_len;
	uint8_t sense[SCSI_SENSE_MAX];
};

struct scsi_copy_results {
	uint64_t started;
	struct scsi_copy_result results[COPY_LISTS_MAX];
};

/* copy_parse.c: false: the task's status is set. */
bool copy_list_parse(struct scsi_task *task, struct copy_list *ret_list);

/* copy_results.c: NULL: there is none for this id. */
struct scsi_copy_result *copy_result_find(const struct scsi_lun_nexus *lun_nexus, uint8_t list_id);
/* A place for a copy that begins; NULL: the task's status is set. */
struct scsi_copy_result *copy_result_begin(struct scsi_task *task, uint8_t list_id);

#endif
