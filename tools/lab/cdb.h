/*
 * A history's commands as bytes on the wire, and what came back as a history's result. Written from
 * the standard for the lab alone: were it shared with the target, both could be wrong alike.
 */
#ifndef LAB_CDB_H
#define LAB_CDB_H

#include "tools/lab/history.h"

#define CDB_PARAMETER_LIST_MAX 8192 /* bytes of a PERSISTENT RESERVE OUT parameter list */
#define CDB_PR_IN_MAX	       65535

enum cdb_direction {
	CDB_NO_DATA = 0,
	CDB_DATA_OUT,
	CDB_DATA_IN,
};

struct cdb {
	uint8_t bytes[HISTORY_CDB_MAX];
	uint8_t len;
	enum cdb_direction direction;
	uint32_t transfer_len; /* expected data transfer length */
};

/*
 * The CDB of everything but HISTORY_CDB (whose bytes are there) and the task management functions.
 * `list_len` is that of the parameter list. False: there is none for this.
 */
bool cdb_build(const struct history_command *command, uint32_t block_size, size_t list_len,
	       struct cdb *ret_cdb);

/*
 * The parameter list of a PERSISTENT RESERVE OUT; `others` are the nexuses that SPEC_I_PT lists.
 * Returns its length; 0: it does not fit.
 */
size_t cdb_parameter_list(const struct history_command *command,
			  const struct history_nexus *nexuses, uint32_t nexus_count,
			  const uint32_t *others, size_t other_count,
			  uint8_t ret_list[CDB_PARAMETER_LIST_MAX]);

/* The iSCSI TransportID with ISID (SPC-4 7.6.4.6) of the nexus' initiator port. Its length. */
size_t cdb_transport_id(const struct history_nexus *nexus, uint8_t *ret_id, size_t capacity);

/* Where the parts of a result that it only borrows are kept. */
struct cdb_answer {
	struct history_result result;
	uint64_t keys[HISTORY_KEYS_MAX];
	uint32_t key_nexuses[HISTORY_KEYS_MAX];
	struct history_tag tags[HISTORY_TAGS_MAX];
};

struct cdb_context {
	uint32_t block_size;
	uint64_t run; /* of tags */
	const struct history_nexus *nexuses;
	uint32_t nexus_count;
};

/* Takes the data of a command that was GOOD into answer->result, whose outcome stands already. */
void cdb_answer_take(struct cdb_answer *answer, const struct history_command *command,
		     const struct cdb_context *context, const uint8_t *data, size_t len);

/* HISTORY_NO_NEXUS: none of them. */
uint32_t cdb_nexus_find(const struct history_nexus *nexuses, uint32_t nexus_count, const char *name,
			const uint8_t isid[6], uint16_t target_port);

/* What a CDB of a disk needs of a reservation; of one that is not known here: what a WRITE does. */
enum history_access cdb_access(const uint8_t *cdb, size_t len);

#endif
