/*
 * Header fields by name, as in fault rules: for judgements and reports.
 */
#ifndef TOOLS_CHECK_FIELD_H
#define TOOLS_CHECK_FIELD_H

#include "transport/pdu_fields.h"

/* The names of PDUs in rules and judgements: "scsi-command", "r2t", ... -1: none is called so. */
int check_pdu_opcode(const char *name, size_t len);

/* False: PDUs of this opcode have no such field. */
bool check_field(const uint8_t bhs[ISCSI_BHS_LEN], const char *name, size_t len,
		 uint64_t *ret_value);
/* Is there any PDU with such a field? */
bool check_field_known(const char *name, size_t len);

/* "NOP-In itt ffffffff ttt 00000001 ..." */
void check_describe(const uint8_t bhs[ISCSI_BHS_LEN], char *ret_text, size_t len);

#endif
