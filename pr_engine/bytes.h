/*
 * Big-endian access and a bounds-checked reader.
 *
 * Every multi-byte integer of SCSI and iSCSI is big-endian (SPC-4 4.2.x, RFC 7143 11); the journal
 * follows suit. Wire bytes are only ever touched through these helpers: no packed structs, no
 * casts.
 */
#ifndef PR_ENGINE_BYTES_H
#define PR_ENGINE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

/* 0 to 15; -1 when it is no hexadecimal digit. */
static inline int hex_digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* a + b into *ret_sum, false (and *ret_sum untouched) when the sum does not fit. */
static inline bool size_add(size_t a, size_t b, size_t *ret_sum)
{
	if (a > SIZE_MAX - b)
		return false;
	*ret_sum = a + b;
	return true;
}

/*
 * A reader over borrowed bytes. It never reads past `len`: a read that would sets `failed`, returns
 * zero or NULL, and every later read fails too, so a parser may check `failed` once at its end.
 */
struct byte_reader {
	const uint8_t *data;
	size_t len;
	size_t at;
	bool failed;
};

static inline struct byte_reader byte_reader_over(const void *data, size_t len)
{
	return (struct byte_reader){.data = data, .len = len};
}

static inline size_t byte_reader_left(const struct byte_reader *r)
{
	return r->failed ? 0 : r->len - r->at;
}

/* The next n bytes, borrowed; NULL when fewer are left. n == 0 gives a non-NULL pointer. */
static inline const uint8_t *byte_reader_take(struct byte_reader *r, size_t n)
{
	static const uint8_t none[1];

	if (r->failed || n > r->len - r->at) {
		r->failed = true;
		return NULL;
	}
	if (n == 0)
		return none;
	const uint8_t *p = r->data + r->at;
	r->at += n;
	return p;
}

static inline uint8_t byte_reader_u8(struct byte_reader *r)
{
	const uint8_t *p = byte_reader_take(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t byte_reader_be16(struct byte_reader *r)
{
	const uint8_t *p = byte_reader_take(r, 2);
	return p ? get_be16(p) : 0;
}

static inline uint32_t byte_reader_be32(struct byte_reader *r)
{
	const uint8_t *p = byte_reader_take(r, 4);
	return p ? get_be32(p) : 0;
}

static inline uint64_t byte_reader_be64(struct byte_reader *r)
{
	const uint8_t *p = byte_reader_take(r, 8);
	return p ? get_be64(p) : 0;
}

/*
 * A writer into borrowed memory of fixed size. A write that does not fit sets `overflow` and writes
 * nothing; `len` never passes `cap`.
 */
struct byte_writer {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool overflow;
};

static inline struct byte_writer byte_writer_over(void *data, size_t cap)
{
	return (struct byte_writer){.data = data, .cap = cap};
}

/* Room for n bytes, or NULL when they do not fit. The bytes are not initialised. */
static inline uint8_t *byte_writer_claim(struct byte_writer *w, size_t n)
{
	if (w->overflow || n > w->cap - w->len) {
		w->overflow = true;
		return NULL;
	}
	uint8_t *p = w->data + w->len;
	w->len += n;
	return p;
}

static inline void byte_writer_bytes(struct byte_writer *w, const void *src, size_t n)
{
	uint8_t *p = byte_writer_claim(w, n);
	if (p && n > 0)
		memcpy(p, src, n);
}

static inline void byte_writer_zeros(struct byte_writer *w, size_t n)
{
	uint8_t *p = byte_writer_claim(w, n);
	if (p && n > 0)
		memset(p, 0, n);
}

static inline void byte_writer_u8(struct byte_writer *w, uint8_t v)
{
	byte_writer_bytes(w, &v, 1);
}

static inline void byte_writer_be16(struct byte_writer *w, uint16_t v)
{
	uint8_t *p = byte_writer_claim(w, 2);
	if (p)
		put_be16(p, v);
}

static inline void byte_writer_be32(struct byte_writer *w, uint32_t v)
{
	uint8_t *p = byte_writer_claim(w, 4);
	if (p)
		put_be32(p, v);
}

static inline void byte_writer_be64(struct byte_writer *w, uint64_t v)
{
	uint8_t *p = byte_writer_claim(w, 8);
	if (p)
		put_be64(p, v);
}

#endif
