/*
 * Header fields by name: for what reads or changes a header without caring which PDU it is.
 */
#ifndef TRANSPORT_PDU_FIELDS_H
#define TRANSPORT_PDU_FIELDS_H

#include "transport/pdu.h"

/* A set of opcodes: one bit each. */
#define ISCSI_OPCODE_BIT(opcode) (UINT64_C(1) << (opcode))
#define ISCSI_REQUEST_OPCODES	 UINT64_C(0x000000000001007f) /* what initiators send */
#define ISCSI_RESPONSE_OPCODES	 UINT64_C(0x8006007f00000000) /* what targets send */

struct iscsi_pdu_field {
	const char *name;
	uint64_t opcodes; /* whose headers have it there */
	uint8_t at;	  /* byte of the header */
	uint8_t width;	  /* bytes, 1 to 8 */
	uint8_t mask;	  /* of one byte: its bits; 0: all of them */
};

extern const struct iscsi_pdu_field iscsi_pdu_fields[];
extern const size_t iscsi_pdu_field_count;

/* NULL: PDUs with this opcode have no such field. */
const struct iscsi_pdu_field *iscsi_pdu_field_find(uint8_t opcode, const char *name);
uint64_t iscsi_pdu_field_get(const struct iscsi_pdu_field *field, const uint8_t *bhs);
/* What does not fit is cut. */
void iscsi_pdu_field_put(const struct iscsi_pdu_field *field, uint8_t *bhs, uint64_t value);
/* Sets every bit that no field of this PDU has. */
void iscsi_pdu_set_reserved(uint8_t *bhs);

/* "scsi-response", ...: the opcode's name in rules and filters; NULL: there is none. */
const char *iscsi_pdu_word(uint8_t opcode);
/* false: there is none of that name. `async`, `tmf-request` and `tmf-response` are understood. */
bool iscsi_pdu_word_parse(const char *word, uint8_t *ret_opcode);

#endif
