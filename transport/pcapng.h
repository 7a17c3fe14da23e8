/*
 * PDUs as a pcapng file that packet analyzers read: each in TCP segments of its own, with Ethernet,
 * IP and TCP headers made up around it and sequence numbers that count on, and with comments.
 * Pure: bytes in, bytes out. The file is big-endian, which its first block tells.
 */
#ifndef TRANSPORT_PCAPNG_H
#define TRANSPORT_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_writer;

#define ISCSI_PCAPNG_BEGIN_LEN	 256	/* bytes, at most */
#define ISCSI_PCAPNG_SEGMENT_MAX 60000	/* bytes of TCP payload in one packet */
#define ISCSI_PCAPNG_COMMENT_MAX 4096	/* bytes; more is cut */
#define ISCSI_PCAPNG_SNAP_MAX	 262144 /* bytes of a packet: what the file promises */

/* One end of a connection. */
struct iscsi_pcapng_end {
	uint8_t address[16]; /* an IPv4 address: the first 4 */
	uint16_t port;
	uint32_t sequence; /* of the next byte that it sends */
};

struct iscsi_pcapng_flow {
	bool is_ipv6;
	struct iscsi_pcapng_end ends[2]; /* the initiator's, the target's */
};

/* What the file begins with. */
void iscsi_pcapng_begin(struct byte_writer *out, const char *program);

/* The three packets that open the connection, and the two that close it. */
#define ISCSI_PCAPNG_HANDSHAKE_LEN 512 /* bytes, at most */
void iscsi_pcapng_open(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns);
void iscsi_pcapng_close(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns);

struct iscsi_pcapng_pdu {
	uint64_t time_ns; /* since 1970 UTC */
	bool from_target;
	const uint8_t *bytes;
	uint32_t kept_len;   /* of its bytes, the first ones */
	uint32_t wire_len;   /* bytes on the wire */
	const char *comment; /* on its first packet; NULL: none */
};

/* Bytes that this PDU takes in the file, at most. */
size_t iscsi_pcapng_pdu_max(const struct iscsi_pcapng_pdu *pdu);
void iscsi_pcapng_pdu(struct byte_writer *out, struct iscsi_pcapng_flow *flow,
		      const struct iscsi_pcapng_pdu *pdu);

#endif
