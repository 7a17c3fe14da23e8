/*
 * Events of the trace as a person reads them. Names from the wire are in them as they came: who
 * shows the text escapes it.
 */
#ifndef TARGET_TRACE_TEXT_H
#define TARGET_TRACE_TEXT_H

#include <stddef.h>

#include "target/trace.h"

#define TRACE_TEXT_MAX 1024 /* bytes, with the NUL */

/* "command", "conflict", "pr-change", ...; NULL for other values. */
const char *trace_kind_name(enum trace_kind kind);
bool trace_kind_parse(const char *name, enum trace_kind *ret_kind);
/* "LOGICAL UNIT RESET", ...; of enum scsi_tmf_function. */
const char *trace_function_name(unsigned function);

/* "GOOD", "RESERVATION CONFLICT", ...; NULL for a status that SAM-5 does not define. */
const char *trace_status_name(uint8_t status);
/* The same in lower case with dashes; "conflict" and "check" are short for two of them. */
bool trace_status_parse(const char *name, uint8_t *ret_status);

/* "READ(10) lba 64 blocks 8", "PERSISTENT RESERVE OUT, RESERVE type Write Exclusive". An opcode
 * that is not in the command table: "opcode 0xc0". */
void trace_cdb_text(const uint8_t cdb[TRACE_CDB_MAX], char *ret_text, size_t text_len);
/* "READ(10)"; the name alone. Never NULL. */
const char *trace_command_name(const uint8_t cdb[TRACE_CDB_MAX]);

/* What happened, in one line; "" for a PDU, which is the transport's to read. */
void trace_event_text(const struct trace_event *event, char ret_text[TRACE_TEXT_MAX]);

/* The LUN and the tag of the event; TRACE_NO_LUN and TRACE_NO_TAG where it has none. */
uint16_t trace_event_lun(const struct trace_event *event);
uint32_t trace_event_tag(const struct trace_event *event);

#endif
