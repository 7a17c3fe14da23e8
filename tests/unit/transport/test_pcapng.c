#include "transport/pcapng.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"

#define ETHERNET_LEN 14
#define HEADERS_LEN  (ETHERNET_LEN + 20 + 20)

static struct iscsi_pcapng_flow flow_v4(void)
{
	return (struct iscsi_pcapng_flow){
		.ends = {{.address = {192, 0, 2, 1}, .port = 40000, .sequence = 1},
			 {.address = {192, 0, 2, 2}, .port = 3260, .sequence = 1}}};
}

/* One block, whose two lengths agree; NULL at the end. */
static const uint8_t *next_block(struct byte_reader *in, uint32_t *ret_type, uint32_t *ret_len)
{
	if (byte_reader_left(in) == 0)
		return NULL;
	const uint8_t *block = in->data + in->at;
	*ret_type = byte_reader_be32(in);
	*ret_len = byte_reader_be32(in);
	ck_assert_uint_eq(*ret_len % 4, 0);
	ck_assert_ptr_nonnull(byte_reader_take(in, *ret_len - 12));
	ck_assert_uint_eq(byte_reader_be32(in), *ret_len);
	return block;
}

/* The ones' complement sum over a header with its checksum is all ones. */
static uint32_t sum(const uint8_t *bytes, size_t len, uint32_t start)
{
	uint32_t total = start;

	for (size_t i = 0; i < len; i++)
		total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

START_TEST(a_file_begins_with_a_section_and_an_interface)
{
	uint8_t bytes[ISCSI_PCAPNG_BEGIN_LEN];
	struct byte_writer out = byte_writer_over(bytes, sizeof(bytes));
	uint32_t type, len;

	iscsi_pcapng_begin(&out, "test");
	ck_assert(!out.overflow);
	struct byte_reader in = byte_reader_over(bytes, out.len);
	const uint8_t *section = next_block(&in, &type, &len);
	ck_assert_uint_eq(type, 0x0a0d0d0a);
	ck_assert_uint_eq(get_be32(section + 8), 0x1a2b3c4d);
	const uint8_t *interface = next_block(&in, &type, &len);
	ck_assert_uint_eq(type, 1);
	ck_assert_uint_eq(get_be16(interface + 8), 1);
	ck_assert_ptr_null(next_block(&in, &type, &len));
}
END_TEST

/* PDUs of every length around a segment's: nothing is missing, numbers go on, sums are right. */
START_TEST(a_pdu_becomes_segments_with_numbers_that_go_on)
{
	static const uint32_t lens[] = {48,
					49,
					ISCSI_PCAPNG_SEGMENT_MAX - 1,
					ISCSI_PCAPNG_SEGMENT_MAX,
					ISCSI_PCAPNG_SEGMENT_MAX + 1,
					3 * ISCSI_PCAPNG_SEGMENT_MAX + 5};
	struct iscsi_pcapng_flow flow = flow_v4();
	uint8_t *pdu_bytes = malloc(4 * ISCSI_PCAPNG_SEGMENT_MAX);
	uint32_t sequence = 1;

	for (size_t i = 0; i < 4 * ISCSI_PCAPNG_SEGMENT_MAX; i++)
		pdu_bytes[i] = (uint8_t)(i * 31);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct iscsi_pcapng_pdu pdu = {.time_ns = 5000000007,
					       .bytes = pdu_bytes,
					       .kept_len = lens[i],
					       .wire_len = lens[i],
					       .comment = "why"};
		uint8_t *file = malloc(iscsi_pcapng_pdu_max(&pdu));
		struct byte_writer out = byte_writer_over(file, iscsi_pcapng_pdu_max(&pdu));
		uint32_t type, len, carried = 0;
		const uint8_t *block;

		iscsi_pcapng_pdu(&out, &flow, &pdu);
		ck_assert(!out.overflow);
		struct byte_reader in = byte_reader_over(file, out.len);
		while ((block = next_block(&in, &type, &len)) != NULL) {
			uint32_t kept = get_be32(block + 20), payload = kept - HEADERS_LEN;
			const uint8_t *ip = block + 28 + ETHERNET_LEN, *tcp = ip + 20;
			ck_assert_uint_eq(type, 6);
			ck_assert_uint_eq(get_be32(block + 24), kept);
			ck_assert_uint_eq(sum(ip, 20, 0), 0xffff);
			ck_assert_uint_eq(sum(tcp, 20 + payload, sum(ip + 12, 8, 6 + 20 + payload)),
					  0xffff);
			ck_assert_uint_eq(get_be32(tcp + 4), sequence);
			ck_assert_int_eq(memcmp(tcp + 20, pdu_bytes + carried, payload), 0);
			sequence += payload;
			carried += payload;
		}
		ck_assert_uint_eq(carried, lens[i]);
		free(file);
	}
	free(pdu_bytes);
}
END_TEST

START_TEST(what_was_cut_off_still_counts)
{
	struct iscsi_pcapng_flow flow = flow_v4();
	uint8_t bytes[48] = {1}, file[8192];
	struct iscsi_pcapng_pdu pdu = {.from_target = true,
				       .bytes = bytes,
				       .kept_len = 48,
				       .wire_len = ISCSI_PCAPNG_SEGMENT_MAX + 1000};
	struct byte_writer out = byte_writer_over(file, sizeof(file));
	uint32_t type, len;

	iscsi_pcapng_pdu(&out, &flow, &pdu);
	struct byte_reader in = byte_reader_over(file, out.len);
	const uint8_t *first = next_block(&in, &type, &len);
	ck_assert_uint_eq(get_be32(first + 20), HEADERS_LEN + 48);
	ck_assert_uint_eq(get_be32(first + 24), HEADERS_LEN + ISCSI_PCAPNG_SEGMENT_MAX);
	const uint8_t *second = next_block(&in, &type, &len);
	ck_assert_uint_eq(get_be32(second + 20), HEADERS_LEN);
	ck_assert_uint_eq(get_be32(second + 24), HEADERS_LEN + 1000);
	ck_assert_uint_eq(flow.ends[1].sequence, 1 + pdu.wire_len);
	ck_assert_uint_eq(flow.ends[0].sequence, 1);
}
END_TEST

START_TEST(opening_and_closing_use_up_a_number_each)
{
	struct iscsi_pcapng_flow flow = flow_v4();
	uint8_t file[2 * ISCSI_PCAPNG_HANDSHAKE_LEN];
	struct byte_writer out = byte_writer_over(file, sizeof(file));

	flow.is_ipv6 = true;
	iscsi_pcapng_open(&out, &flow, 1);
	ck_assert_uint_le(out.len, ISCSI_PCAPNG_HANDSHAKE_LEN);
	ck_assert_uint_eq(flow.ends[0].sequence, 2);
	ck_assert_uint_eq(flow.ends[1].sequence, 2);
	iscsi_pcapng_close(&out, &flow, 2);
	ck_assert(!out.overflow);
	ck_assert_uint_eq(flow.ends[0].sequence, 3);
	ck_assert_uint_eq(flow.ends[1].sequence, 3);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_file_begins_with_a_section_and_an_interface);
	tcase_add_test(tcase, a_pdu_becomes_segments_with_numbers_that_go_on);
	tcase_add_test(tcase, what_was_cut_off_still_counts);
	tcase_add_test(tcase, opening_and_closing_use_up_a_number_each);
}

int main(void)
{
	return suite_run("pcapng", fill);
}
