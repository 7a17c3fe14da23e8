/*
 * The blocks of the pcapng draft (draft-ietf-opsawg-pcapng): a Section Header, one Interface
 * Description of LINKTYPE_ETHERNET with a resolution of nanoseconds, and an Enhanced Packet Block a
 * packet.
 */
#include "transport/pcapng.h"

#include <string.h>

#include "pr_engine/bytes.h"

#define BLOCK_SECTION	  0x0a0d0d0a
#define BLOCK_INTERFACE	  1
#define BLOCK_PACKET	  6
#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define LINKTYPE_ETHERNET 1

#define OPTION_END	   0
#define OPTION_COMMENT	   1
#define OPTION_APPLICATION 4 /* of a section */
#define OPTION_RESOLUTION  9 /* of an interface */

#define ETHERNET_LEN 14
#define IPV4_LEN     20
#define IPV6_LEN     40
#define TCP_LEN	     20
#define HEADERS_MAX  (ETHERNET_LEN + IPV6_LEN + TCP_LEN)
#define PROTOCOL_TCP 6

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_PSH 0x08
#define FLAG_ACK 0x10

/* ---- blocks ---------------------------------------------------------------------------------- */

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void option(struct byte_writer *out, uint16_t code, const void *value, size_t len)
{
	byte_writer_be16(out, code);
	byte_writer_be16(out, (uint16_t)len);
	byte_writer_bytes(out, value, len);
	byte_writer_zeros(out, padded(len) - len);
}

static size_t begin_block(struct byte_writer *out, uint32_t type)
{
	size_t at = out->len;

	byte_writer_be32(out, type);
	byte_writer_be32(out, 0); /* its length, known at the end */
	return at;
}

static void end_block(struct byte_writer *out, size_t at)
{
	uint32_t len = (uint32_t)(out->len - at + 4);

	byte_writer_be32(out, len);
	if (!out->overflow)
		put_be32(out->data + at + 4, len);
}

void iscsi_pcapng_begin(struct byte_writer *out, const char *program)
{
	static const uint8_t nanoseconds = 9;
	size_t at = begin_block(out, BLOCK_SECTION);

	byte_writer_be32(out, BYTE_ORDER_MAGIC);
	byte_writer_be16(out, 1); /* version 1.0 */
	byte_writer_be16(out, 0);
	byte_writer_be64(out, UINT64_MAX); /* how long the section is is not known */
	option(out, OPTION_APPLICATION, program, strnlen(program, 64));
	option(out, OPTION_END, NULL, 0);
	end_block(out, at);

	at = begin_block(out, BLOCK_INTERFACE);
	byte_writer_be16(out, LINKTYPE_ETHERNET);
	byte_writer_be16(out, 0);
	byte_writer_be32(out, ISCSI_PCAPNG_SNAP_MAX);
	option(out, OPTION_RESOLUTION, &nanoseconds, sizeof(nanoseconds));
	option(out, OPTION_END, NULL, 0);
	end_block(out, at);
}

/* ---- packets --------------------------------------------------------------------------------- */

/* RFC 1071, over bytes that begin at an even offset. */
static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get_be16(bytes + i);
	if (len % 2 != 0)
		sum += (uint32_t)bytes[len - 1] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct segment {
	bool from_target;
	uint8_t flags;
	const uint8_t *payload;
	uint32_t kept_len, wire_len;
};

/* Locally administered addresses that tell nothing: the PDUs never were on a wire that we saw. */
static void put_ethernet(uint8_t *header, const struct iscsi_pcapng_flow *flow, bool from_target)
{
	memset(header, 0, 12);
	header[0] = header[6] = 0x02;
	header[5] = from_target ? 1 : 2;
	header[11] = from_target ? 2 : 1;
	put_be16(header + 12, flow->is_ipv6 ? 0x86dd : 0x0800);
}

static void put_ipv4(uint8_t *header, const struct iscsi_pcapng_end *from,
		     const struct iscsi_pcapng_end *to, uint32_t tcp_len)
{
	memset(header, 0, IPV4_LEN);
	header[0] = 0x45;
	put_be16(header + 2, (uint16_t)(IPV4_LEN + tcp_len));
	put_be16(header + 6, 0x4000); /* don't fragment */
	header[8] = 64;
	header[9] = PROTOCOL_TCP;
	memcpy(header + 12, from->address, 4);
	memcpy(header + 16, to->address, 4);
	put_be16(header + 10, sum_end(sum_add(0, header, IPV4_LEN)));
}

static void put_ipv6(uint8_t *header, const struct iscsi_pcapng_end *from,
		     const struct iscsi_pcapng_end *to, uint32_t tcp_len)
{
	memset(header, 0, IPV6_LEN);
	header[0] = 0x60;
	put_be16(header + 4, (uint16_t)tcp_len);
	header[6] = PROTOCOL_TCP;
	header[7] = 64;
	memcpy(header + 8, from->address, 16);
	memcpy(header + 24, to->address, 16);
}

/* Over the pseudo header too. What was cut off cannot be summed: then it stays 0. */
static void put_checksum(uint8_t *tcp, const struct iscsi_pcapng_flow *flow,
			 const struct iscsi_pcapng_end *from, const struct iscsi_pcapng_end *to,
			 const struct segment *segment)
{
	size_t address_len = flow->is_ipv6 ? 16 : 4;
	uint32_t sum = PROTOCOL_TCP + TCP_LEN + segment->wire_len;

	if (segment->kept_len < segment->wire_len)
		return;
	sum = sum_add(sum, from->address, address_len);
	sum = sum_add(sum, to->address, address_len);
	sum = sum_add(sum, tcp, TCP_LEN);
	sum = sum_add(sum, segment->payload, segment->wire_len);
	put_be16(tcp + 16, sum_end(sum));
}

static void put_tcp(uint8_t *tcp, const struct iscsi_pcapng_flow *flow,
		    const struct iscsi_pcapng_end *from, const struct iscsi_pcapng_end *to,
		    const struct segment *segment)
{
	memset(tcp, 0, TCP_LEN);
	put_be16(tcp, from->port);
	put_be16(tcp + 2, to->port);
	put_be32(tcp + 4, from->sequence);
	if (segment->flags & FLAG_ACK)
		put_be32(tcp + 8, to->sequence);
	tcp[12] = (TCP_LEN / 4) << 4;
	tcp[13] = segment->flags;
	put_be16(tcp + 14, 0xffff);
	put_checksum(tcp, flow, from, to, segment);
}

static size_t put_headers(uint8_t headers[HEADERS_MAX], struct iscsi_pcapng_flow *flow,
			  const struct segment *segment)
{
	struct iscsi_pcapng_end *from = &flow->ends[segment->from_target];
	const struct iscsi_pcapng_end *to = &flow->ends[!segment->from_target];
	size_t ip_len = flow->is_ipv6 ? IPV6_LEN : IPV4_LEN;

	put_ethernet(headers, flow, segment->from_target);
	if (flow->is_ipv6)
		put_ipv6(headers + ETHERNET_LEN, from, to, TCP_LEN + segment->wire_len);
	else
		put_ipv4(headers + ETHERNET_LEN, from, to, TCP_LEN + segment->wire_len);
	put_tcp(headers + ETHERNET_LEN + ip_len, flow, from, to, segment);
	from->sequence += segment->wire_len;
	if (segment->flags & (FLAG_SYN | FLAG_FIN))
		from->sequence++;
	return ETHERNET_LEN + ip_len + TCP_LEN;
}

static void packet(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns,
		   const struct segment *segment, const char *comment)
{
	uint8_t headers[HEADERS_MAX];
	size_t headers_len = put_headers(headers, flow, segment);
	size_t at = begin_block(out, BLOCK_PACKET);
	size_t kept = headers_len + segment->kept_len;

	byte_writer_be32(out, 0); /* the interface */
	byte_writer_be32(out, (uint32_t)(time_ns >> 32));
	byte_writer_be32(out, (uint32_t)time_ns);
	byte_writer_be32(out, (uint32_t)kept);
	byte_writer_be32(out, (uint32_t)(headers_len + segment->wire_len));
	byte_writer_bytes(out, headers, headers_len);
	byte_writer_bytes(out, segment->payload, segment->kept_len);
	byte_writer_zeros(out, padded(kept) - kept);
	if (comment && comment[0] != '\0') {
		option(out, OPTION_COMMENT, comment, strnlen(comment, ISCSI_PCAPNG_COMMENT_MAX));
		option(out, OPTION_END, NULL, 0);
	}
	end_block(out, at);
}

static void empty_packet(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns,
			 bool from_target, uint8_t flags)
{
	struct segment segment = {.from_target = from_target, .flags = flags};

	packet(out, flow, time_ns, &segment, NULL);
}

void iscsi_pcapng_open(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns)
{
	empty_packet(out, flow, time_ns, false, FLAG_SYN);
	empty_packet(out, flow, time_ns, true, FLAG_SYN | FLAG_ACK);
	empty_packet(out, flow, time_ns, false, FLAG_ACK);
}

void iscsi_pcapng_close(struct byte_writer *out, struct iscsi_pcapng_flow *flow, uint64_t time_ns)
{
	empty_packet(out, flow, time_ns, false, FLAG_FIN | FLAG_ACK);
	empty_packet(out, flow, time_ns, true, FLAG_FIN | FLAG_ACK);
}

/* ---- PDUs ------------------------------------------------------------------------------------ */

size_t iscsi_pcapng_pdu_max(const struct iscsi_pcapng_pdu *pdu)
{
	size_t packets = pdu->wire_len / ISCSI_PCAPNG_SEGMENT_MAX + 1;

	return pdu->kept_len + packets * (HEADERS_MAX + 64) + ISCSI_PCAPNG_COMMENT_MAX + 64;
}

void iscsi_pcapng_pdu(struct byte_writer *out, struct iscsi_pcapng_flow *flow,
		      const struct iscsi_pcapng_pdu *pdu)
{
	uint32_t at = 0;

	do {
		uint32_t left = pdu->wire_len - at,
			 kept = pdu->kept_len > at ? pdu->kept_len - at : 0;
		struct segment segment = {
			.from_target = pdu->from_target,
			.flags = FLAG_ACK,
			.payload = pdu->bytes + (kept > 0 ? at : 0),
			.wire_len =
				left < ISCSI_PCAPNG_SEGMENT_MAX ? left : ISCSI_PCAPNG_SEGMENT_MAX,
		};

		segment.kept_len = kept < segment.wire_len ? kept : segment.wire_len;
		if (left == segment.wire_len)
			segment.flags |= FLAG_PSH;
		packet(out, flow, pdu->time_ns, &segment, at == 0 ? pdu->comment : NULL);
		at += segment.wire_len;
	} while (at < pdu->wire_len);
}
