/*
 * SendTargets (RFC 7143 11.10 and appendix C): what is asked, and the text that answers it. Who may
 * see which target through which portal is the caller's to know.
 */
#ifndef TRANSPORT_DISCOVERY_H
#define TRANSPORT_DISCOVERY_H

#include "transport/text.h"

#define ISCSI_DEFAULT_PORT "3260"

enum iscsi_send_targets {
	ISCSI_SEND_TARGETS_INVALID = 0, /* malformed, or not alone: Reject 0x04 */
	ISCSI_SEND_TARGETS_ABSENT,	/* the text is about other keys */
	ISCSI_SEND_TARGETS_ALL,
	ISCSI_SEND_TARGETS_NAMED,
	ISCSI_SEND_TARGETS_OWN, /* empty value: the session's own target */
};

/* `ret_name` (224 bytes) gets the canonical name for NAMED, else "". */
enum iscsi_send_targets iscsi_send_targets_parse(const void *text, size_t len, char *ret_name);

struct iscsi_discovery_address {
	const char *address; /* "192.0.2.1:3260", "[2001:db8::1]:3260" */
	uint16_t portal_group_tag;
};

struct iscsi_discovery_target {
	const char *name;
	const struct iscsi_discovery_address *addresses;
	size_t address_count;
};

/*
 * One TargetName, and behind it a TargetAddress for each address. An IPv6 address gets brackets
 * when it has none and loses its zone index, which has a meaning on this host alone; a port is
 * always there.
 */
void iscsi_discovery_add_target(struct iscsi_text *text,
				const struct iscsi_discovery_target *target);

/*
 * How much of a text of `len` bytes goes into one PDU of at most `max` (> 0) bytes. *ret_pair_cut:
 * the piece ends inside a pair, so the PDU needs C = 1 (RFC 7143 11.10.2).
 */
size_t iscsi_text_piece(const char *text, size_t len, size_t max, bool *ret_pair_cut);

#endif
