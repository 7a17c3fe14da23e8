/*
 * Additional header segments (RFC 7143 11.2.2): the list that may follow the 48 bytes of a SCSI
 * Command.
 */
#ifndef TRANSPORT_AHS_H
#define TRANSPORT_AHS_H

#include "transport/pdu.h"

struct iscsi_ahs {
	/* CDB bytes from number 16 on, borrowed, without padding; length 0: there are none. */
	const uint8_t *extended_cdb;
	uint32_t extended_cdb_len;
	/* The expected length of the read half of a bidirectional command. */
	bool has_bidirectional_read_len;
	uint32_t bidirectional_read_len; /* bytes */
};

/*
 * Takes the `len` bytes of AHS of `command` apart. False, and nothing written, when the list is
 * malformed, or says what the command contradicts: answer with Reject 0x09. The framing is intact
 * all the same.
 */
bool iscsi_ahs_parse(const uint8_t *ahs, size_t len, const struct iscsi_scsi_command *command,
		     struct iscsi_ahs *ret);

#endif
