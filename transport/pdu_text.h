/*
 * The header of a PDU as a person reads it: field by field, or in one line. A pure function of the
 * 48 bytes, for any bytes; for traces and reports.
 */
#ifndef TRANSPORT_PDU_TEXT_H
#define TRANSPORT_PDU_TEXT_H

#include "transport/pdu.h"

#define ISCSI_PDU_TEXT_MAX 256 /* bytes of a value, or of the line, with the NUL */

/* "SCSI Command", "Data-In" ...; "unknown opcode" for others. */
const char *iscsi_pdu_name(const uint8_t bhs[ISCSI_BHS_LEN]);

/* Calls `each` for every field that the PDU has, in the order of its bytes: its name in the words
 * of RFC 7143, and its value, e.g. "0x00000012", "F R, SIMPLE", "READ(10) lba 0 blocks 8". */
void iscsi_pdu_describe(const uint8_t bhs[ISCSI_BHS_LEN],
			void (*each)(void *context, const char *field, const char *value),
			void *context);

/* "SCSI Command ITT 0x00000012, CmdSN 5, ...": what tells most. */
void iscsi_pdu_summary(const uint8_t bhs[ISCSI_BHS_LEN], char ret_text[ISCSI_PDU_TEXT_MAX]);

#endif
