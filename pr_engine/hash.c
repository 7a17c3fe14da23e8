#include "pr_engine/hash.h"

/* The four words of Aumasson and Bernstein, "SipHash: a fast short-input PRF", section 2. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_round(struct sip *sip)
{
	sip->v0 += sip->v1;
	sip->v1 = rotate_left(sip->v1, 13) ^ sip->v0;
	sip->v0 = rotate_left(sip->v0, 32);
	sip->v2 += sip->v3;
	sip->v3 = rotate_left(sip->v3, 16) ^ sip->v2;
	sip->v0 += sip->v3;
	sip->v3 = rotate_left(sip->v3, 21) ^ sip->v0;
	sip->v2 += sip->v1;
	sip->v1 = rotate_left(sip->v1, 17) ^ sip->v2;
	sip->v2 = rotate_left(sip->v2, 32);
}

static void sip_absorb(struct sip *sip, uint64_t word)
{
	sip->v3 ^= word;
	sip_round(sip);
	sip->v0 ^= word;
}

static uint64_t load_le(const uint8_t *bytes, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

uint64_t pr_hash(const uint64_t key[2], const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t tail = len % 8;
	struct sip sip = {
		.v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i < len - tail; i += 8)
		sip_absorb(&sip, load_le(bytes + i, 8));
	sip_absorb(&sip, load_le(bytes + len - tail, tail) | (uint64_t)len << 56);
	sip.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&sip);
	return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}
