/*
 * Binary values in text (RFC 7143 6.1): hexadecimal behind 0x, base64 (RFC 4648 4) behind 0b. A
 * decimal form exists only for values whose length is known and at most 64 bits; CHAP has none.
 */
#include "transport/text.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* An odd number of digits stands for one with a 0 in front. */
static bool decode_hex(const char *digits, uint8_t *out, size_t max, size_t *ret_len)
{
	size_t count = strlen(digits), len = count / 2 + count % 2;
	size_t nibble = count % 2;

	if (count == 0 || len > max)
		return false;
	memset(out, 0, len);
	for (size_t i = 0; i < count; i++, nibble++) {
		int digit = hex_digit(digits[i]);
		if (digit < 0)
			return false;
		out[nibble / 2] = (uint8_t)(out[nibble / 2] << 4 | digit);
	}
	*ret_len = len;
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Whole groups of four with `=` at the end, and no bit behind the last byte. */
static bool decode_base64(const char *digits, uint8_t *out, size_t max, size_t *ret_len)
{
	size_t count = strlen(digits), padding = 0, len = 0;
	uint32_t bits = 0;
	unsigned bit_count = 0;

	if (count == 0 || count % 4 != 0)
		return false;
	while (padding < 2 && digits[count - 1 - padding] == '=')
		padding++;
	if (count / 4 * 3 - padding > max)
		return false;
	for (size_t i = 0; i < count - padding; i++) {
		int digit = base64_digit(digits[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			out[len++] = (uint8_t)(bits >> bit_count);
			bits &= (1u << bit_count) - 1;
		}
	}
	if (bits != 0)
		return false;
	*ret_len = len;
	return true;
}

bool iscsi_text_binary(const char *value, uint8_t *ret_bytes, size_t max, size_t *ret_len)
{
	if (value[0] != '0')
		return false;
	if (value[1] == 'x' || value[1] == 'X')
		return decode_hex(value + 2, ret_bytes, max, ret_len);
	if (value[1] == 'b' || value[1] == 'B')
		return decode_base64(value + 2, ret_bytes, max, ret_len);
	return false;
}

void iscsi_text_add_binary(struct iscsi_text *text, const char *key, const uint8_t *bytes,
			   size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char value[2 + 2 * ISCSI_TEXT_BINARY_MAX + 1] = "0x";
	size_t at = 2;

	if (len > ISCSI_TEXT_BINARY_MAX) {
		text->failed = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		value[at++] = digits[bytes[i] >> 4];
		value[at++] = digits[bytes[i] & 0xf];
	}
	value[at] = '\0';
	iscsi_text_add(text, key, value);
}
