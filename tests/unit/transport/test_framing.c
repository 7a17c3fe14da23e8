/*
 * From bytes to PDUs (RFC 7143 11.2, 13.1): the same however the bytes are cut, digests, limits.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"
#include "tests/support/suite.h"
#include "transport/framing.h"

/* A stream being built. */
struct stream {
	uint8_t bytes[1 << 17];
	size_t len;
	bool header_digest, data_digest;
};
static struct stream stream;

static void put(const void *bytes, size_t len)
{
	memcpy(stream.bytes + stream.len, bytes, len);
	stream.len += len;
}

/* The digest is written out here by hand, least significant byte first. */
static void put_digest(uint32_t crc)
{
	uint8_t wire[4] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
			   (uint8_t)(crc >> 24)};
	put(wire, 4);
}

static void put_pdu(uint8_t opcode, uint8_t ahs_words, uint32_t data_len)
{
	static const uint8_t zeros[4];
	uint8_t bhs[ISCSI_BHS_LEN] = {opcode, 0x80, 0, 0, ahs_words};
	size_t begin = stream.len;

	put_be24(bhs + 5, data_len);
	put(bhs, sizeof(bhs));
	for (unsigned i = 0; i < ahs_words * 4u; i++)
		put(&(uint8_t){(uint8_t)(i * 3)}, 1);
	if (stream.header_digest)
		put_digest(crc32c(0, stream.bytes + begin, stream.len - begin));
	begin = stream.len;
	for (uint32_t i = 0; i < data_len; i++)
		put(&(uint8_t){(uint8_t)(i * 7 + opcode)}, 1);
	put(zeros, iscsi_pad(data_len));
	if (stream.data_digest && data_len > 0)
		put_digest(crc32c(0, stream.bytes + begin, stream.len - begin));
}

static void stream_reset(bool header_digest, bool data_digest)
{
	stream.len = 0;
	stream.header_digest = header_digest;
	stream.data_digest = data_digest;
}

static struct iscsi_framer framer_new(uint32_t data_limit)
{
	struct iscsi_framer framer;

	iscsi_framer_init(&framer);
	framer.data_limit = data_limit;
	framer.header_digest = stream.header_digest;
	framer.data_digest = stream.data_digest;
	return framer;
}

/* Runs over the whole stream as far as it goes; counts PDUs; returns the last event. */
static enum iscsi_frame_event run(struct iscsi_framer *framer, unsigned *ret_pdus)
{
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;
	enum iscsi_frame_event event;

	*ret_pdus = 0;
	for (;;) {
		event = iscsi_framer_next(framer, &at, &len);
		if (event == ISCSI_FRAME_PDU)
			(*ret_pdus)++;
		else if (event != ISCSI_FRAME_HEADER)
			return event;
	}
}

START_TEST(a_pdu_without_data)
{
	stream_reset(false, false);
	put_pdu(0x40, 0, 0);
	struct iscsi_framer framer = framer_new(0);
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_uint_eq(len, 0);
	ck_assert_uint_eq(framer.data_len, 0);
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_MORE);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(data_and_padding)
{
	stream_reset(false, false);
	put_pdu(0x05, 0, 5);
	put_pdu(0x40, 0, 0);
	struct iscsi_framer framer = framer_new(512);
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_uint_eq(framer.data_len, 5);
	ck_assert_mem_eq(framer.data, stream.bytes + ISCSI_BHS_LEN, 5);
	ck_assert_uint_eq(len, ISCSI_BHS_LEN);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(ahs_up_to_1020_bytes)
{
	stream_reset(true, true);
	put_pdu(0x01, 255, 9);
	struct iscsi_framer framer = framer_new(512);
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_uint_eq(framer.ahs_len, ISCSI_AHS_MAX);
	ck_assert_mem_eq(framer.ahs, stream.bytes + ISCSI_BHS_LEN, ISCSI_AHS_MAX);
	iscsi_framer_finish(&framer);
}
END_TEST

/* RFC 7143's own sample, whose digest the standard prints. */
START_TEST(header_digest_of_the_rfcs_sample)
{
	static const uint8_t wire[ISCSI_BHS_LEN + 4] = {
		0x01,	     0xc0,	  [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18,
		[32] = 0x28, [40] = 0x02, [48] = 0x56, 0x3a,	    0x96,	 0xd9};
	unsigned pdus;

	stream_reset(true, true);
	put(wire, sizeof(wire));
	struct iscsi_framer framer = framer_new(0);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_MORE);
	ck_assert_uint_eq(pdus, 1);
	iscsi_framer_finish(&framer);
}
END_TEST

/* "abc" and one byte of padding give 4c 0e 94 34 on the wire. */
START_TEST(data_digest_covers_the_padding)
{
	static const uint8_t tail[] = {'a', 'b', 'c', 0, 0x4c, 0x0e, 0x94, 0x34};
	uint8_t bhs[ISCSI_BHS_LEN] = {0x40, 0x80, 0, 0, 0, 0, 0, 3};
	unsigned pdus;

	stream_reset(false, true);
	put(bhs, sizeof(bhs));
	put(tail, sizeof(tail));
	struct iscsi_framer framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_MORE);
	ck_assert_uint_eq(pdus, 1);
	iscsi_framer_finish(&framer);
	stream.bytes[ISCSI_BHS_LEN + 3] = 1; /* padding need not be zero, but it is covered */
	framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_DATA_DIGEST);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(each_bit_of_the_header_is_under_its_digest)
{
	unsigned pdus;

	stream_reset(true, false);
	put_pdu(0x01, 2, 0);
	for (size_t byte = 0; byte < stream.len; byte++) {
		if (byte == 4)
			continue; /* TotalAHSLength moves the digest: see below */
		stream.bytes[byte] ^= 0x10;
		struct iscsi_framer framer = framer_new(512);
		ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_HEADER_DIGEST);
		iscsi_framer_finish(&framer);
		stream.bytes[byte] ^= 0x10;
	}
	stream.bytes[4] = 1;
	struct iscsi_framer framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_HEADER_DIGEST);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(a_wrong_data_digest_spoils_its_pdu_alone)
{
	stream_reset(true, true);
	put_pdu(0x05, 0, 20);
	stream.bytes[ISCSI_BHS_LEN + 4] ^= 1;
	put_pdu(0x05, 0, 20);
	struct iscsi_framer framer = framer_new(512);
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_DATA_DIGEST);
	ck_assert_uint_eq(framer.bhs[0], 0x05); /* still there, for the Reject */
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(the_limit_is_checked_before_memory_is_taken)
{
	unsigned pdus;

	stream_reset(false, false);
	put_pdu(0x05, 0, 513);
	struct iscsi_framer framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_TOO_LONG);
	ck_assert_ptr_null(framer.own);
	iscsi_framer_finish(&framer);
	framer = framer_new(513);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_MORE);
	ck_assert_uint_eq(pdus, 1);
	iscsi_framer_finish(&framer);
}
END_TEST

/* A length that a digest does not vouch for is not judged, let alone believed. */
START_TEST(the_limit_is_checked_behind_the_header_digest)
{
	unsigned pdus;

	stream_reset(true, false);
	put_pdu(0x05, 0, 16);
	stream.bytes[5] = 0xff;
	struct iscsi_framer framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_HEADER_DIGEST);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(a_lost_stream_stays_lost)
{
	unsigned pdus;

	stream_reset(false, false);
	put_pdu(0x05, 0, 600);
	struct iscsi_framer framer = framer_new(512);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_TOO_LONG);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_TOO_LONG);
	ck_assert_uint_eq(iscsi_framer_direct(&framer, &(uint8_t *){NULL}), 0);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(own_memory_stays_below_the_limit)
{
	unsigned pdus;

	stream_reset(false, false);
	for (uint32_t len = 1; len <= 3000; len += 100)
		put_pdu(0x05, 0, len);
	put_pdu(0x05, 0, 3000);
	struct iscsi_framer framer = framer_new(3000);
	ck_assert_int_eq(run(&framer, &pdus), ISCSI_FRAME_MORE);
	ck_assert_uint_eq(pdus, 31);
	ck_assert_uint_le(framer.own_cap, 3000);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(data_lands_in_the_owners_place)
{
	uint8_t place[1000], *direct;

	stream_reset(true, true);
	put_pdu(0x05, 0, 1000);
	put_pdu(0x05, 0, 3);
	struct iscsi_framer framer = framer_new(1000);
	const uint8_t *at = stream.bytes;
	size_t len = ISCSI_BHS_LEN + 4 + 100; /* the header, and some of the data */

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_HEADER);
	ck_assert_uint_eq(iscsi_framer_direct(&framer, &direct), 0);
	iscsi_framer_place(&framer, place);
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_MORE);
	ck_assert_uint_eq(iscsi_framer_direct(&framer, &direct), 900);
	ck_assert_ptr_eq(direct, place + 100);
	memcpy(direct, at, 400);
	iscsi_framer_landed(&framer, 400);
	ck_assert_uint_eq(iscsi_framer_direct(&framer, &direct), 500);
	memcpy(direct, at + 400, 500);
	iscsi_framer_landed(&framer, 500);
	ck_assert_uint_eq(iscsi_framer_direct(&framer, &direct), 0);
	at += 900;
	len = stream.len - (size_t)(at - stream.bytes);
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_ptr_eq(framer.data, place);
	ck_assert_mem_eq(place, stream.bytes + ISCSI_BHS_LEN + 4, 1000);
	ck_assert_ptr_null(framer.own);
	/* The place was for that one PDU. */
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_ptr_ne(framer.data, place);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(a_whole_pdu_stays_where_it_was_fed_and_a_part_of_one_is_kept)
{
	stream_reset(false, true);
	put_pdu(0x01, 0, 30);
	put_pdu(0x01, 0, 30);
	struct iscsi_framer framer = framer_new(512);
	const size_t pdu_len = stream.len / 2;
	const uint8_t *at = stream.bytes;
	size_t len = pdu_len;

	framer.data_digest = true;
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_ptr_eq(framer.data, stream.bytes + ISCSI_BHS_LEN);
	ck_assert_ptr_null(framer.own);
	/* Without the last byte of its digest. */
	len = pdu_len - 1;
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_HEADER);
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_MORE);
	ck_assert_ptr_eq(framer.data, framer.own);
	len = 1;
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_mem_eq(framer.data, stream.bytes + pdu_len + ISCSI_BHS_LEN, 30);
	iscsi_framer_finish(&framer);
}
END_TEST

START_TEST(digests_may_be_switched_on_between_pdus)
{
	stream_reset(false, false);
	put_pdu(0x43, 0, 30);
	stream.header_digest = stream.data_digest = true;
	put_pdu(0x01, 0, 30);
	stream.header_digest = stream.data_digest = false;
	struct iscsi_framer framer = framer_new(512);
	const uint8_t *at = stream.bytes;
	size_t len = stream.len;

	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	framer.header_digest = framer.data_digest = true;
	ck_assert_int_eq(iscsi_framer_next(&framer, &at, &len), ISCSI_FRAME_PDU);
	ck_assert_uint_eq(len, 0);
	iscsi_framer_finish(&framer);
}
END_TEST

/* --- the same result however the bytes come --------------------------------------------------- */

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

/* Folds each event and all that the owner may look at then into one number. That a header is there
 * is told only when the rest is not. */
static uint32_t witness(uint32_t hash, const struct iscsi_framer *framer,
			enum iscsi_frame_event event)
{
	uint8_t kind = (uint8_t)event;

	if (event == ISCSI_FRAME_HEADER)
		return hash;
	hash = crc32c(hash, &kind, 1);
	hash = crc32c(hash, framer->bhs, ISCSI_BHS_LEN);
	hash = crc32c(hash, framer->ahs, framer->ahs_len);
	if (event == ISCSI_FRAME_PDU || event == ISCSI_FRAME_DATA_DIGEST)
		hash = crc32c(hash, framer->data, framer->data_len);
	return hash;
}

/* `cut` 0: all at once; 1: one byte at a time; else random pieces, some of them received directly.
 */
static uint32_t digest_of_stream(unsigned cut)
{
	struct iscsi_framer framer = framer_new(4000);
	uint32_t hash = 0;
	size_t fed = 0;

	while (fed < stream.len) {
		size_t n = cut == 0 ? stream.len : cut == 1 ? 1 : 1 + random_below(300);
		uint8_t *direct;
		size_t room = iscsi_framer_direct(&framer, &direct);
		if (n > stream.len - fed)
			n = stream.len - fed;
		const uint8_t *at = stream.bytes + fed;
		fed += n;
		if (room > 0 && cut > 1 && random_below(2) == 0) {
			size_t landed = n < room ? n : room;
			memcpy(direct, at, landed);
			iscsi_framer_landed(&framer, landed);
			at += landed;
			n -= landed;
		}
		enum iscsi_frame_event event;
		while ((event = iscsi_framer_next(&framer, &at, &n)) != ISCSI_FRAME_MORE) {
			hash = witness(hash, &framer, event);
			if (event != ISCSI_FRAME_HEADER && event != ISCSI_FRAME_PDU &&
			    event != ISCSI_FRAME_DATA_DIGEST)
				goto lost;
		}
		ck_assert_uint_eq(n, 0);
	}
lost:
	iscsi_framer_finish(&framer);
	return hash;
}

START_TEST(chunking_does_not_matter)
{
	random_state = (uint32_t)_i + 1;
	stream_reset(_i & 1, _i & 2);
	for (unsigned i = 0; i < 12; i++)
		put_pdu((uint8_t)i, (uint8_t)(random_below(3) == 0 ? random_below(256) : 0),
			random_below(2) == 0 ? 0 : random_below(4001));
	if (_i % 3 == 0) /* and with a wrong byte somewhere */
		stream.bytes[random_below((uint32_t)stream.len)] ^= 0x40;
	uint32_t whole = digest_of_stream(0);
	ck_assert_uint_eq(digest_of_stream(1), whole);
	for (unsigned again = 0; again < 10; again++)
		ck_assert_uint_eq(digest_of_stream(2), whole);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_pdu_without_data);
	tcase_add_test(tcase, data_and_padding);
	tcase_add_test(tcase, ahs_up_to_1020_bytes);
	tcase_add_test(tcase, header_digest_of_the_rfcs_sample);
	tcase_add_test(tcase, data_digest_covers_the_padding);
	tcase_add_test(tcase, each_bit_of_the_header_is_under_its_digest);
	tcase_add_test(tcase, a_wrong_data_digest_spoils_its_pdu_alone);
	tcase_add_test(tcase, the_limit_is_checked_before_memory_is_taken);
	tcase_add_test(tcase, the_limit_is_checked_behind_the_header_digest);
	tcase_add_test(tcase, a_lost_stream_stays_lost);
	tcase_add_test(tcase, own_memory_stays_below_the_limit);
	tcase_add_test(tcase, data_lands_in_the_owners_place);
	tcase_add_test(tcase, a_whole_pdu_stays_where_it_was_fed_and_a_part_of_one_is_kept);
	tcase_add_test(tcase, digests_may_be_switched_on_between_pdus);
	tcase_add_loop_test(tcase, chunking_does_not_matter, 0, 60);
}

int main(void)
{
	return suite_run("transport/framing", fill);
}
