/*
 * iSCSI TransportIDs (SPC-4 7.6.4.6): an initiator port's name in parameter data.
 */
#ifndef TARGET_TRANSPORT_ID_H
#define TARGET_TRANSPORT_ID_H

#include "pr_engine/bytes.h"
#include "pr_engine/types.h"

#define TRANSPORT_ID_MIN 24  /* bytes */
#define TRANSPORT_ID_MAX 248 /* 4 + 223 + strlen(",i,0x") + 12 + NUL, up to a multiple of 4 */

struct transport_id {
	char initiator_name[PR_INITIATOR_NAME_MAX + 1]; /* canonical: lower case */
	bool has_isid; /* format 01b; format 00b names the device only */
	uint8_t isid[PR_ISID_LEN];
};

/*
 * Takes one TransportID. False when it is not a well-formed iSCSI one: another protocol or format,
 * lengths that do not fit, no NUL, a name with characters that no iSCSI name has, an ISID that is
 * not 12 hexadecimal digits. Then how far the reader got has no meaning.
 */
bool transport_id_take(struct byte_reader *in, struct transport_id *ret_id);

/* Format 01b, with the ISID. Returns the length in bytes. */
size_t transport_id_build(const struct pr_nexus_id *nexus, uint8_t ret_bytes[TRANSPORT_ID_MAX]);
/* The length that transport_id_build would return. */
size_t transport_id_len(const struct pr_nexus_id *nexus);

#endif
