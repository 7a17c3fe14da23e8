#include "transport/utf8.h"

/* How many bytes follow this first one, and the lowest code point that may be said so. */
static size_t lead(uint8_t first, uint32_t *ret_bits, uint32_t *ret_lowest)
{
	if ((first & 0xe0) == 0xc0) {
		*ret_bits = first & 0x1fu;
		*ret_lowest = 0x80;
		return 1;
	}
	if ((first & 0xf0) == 0xe0) {
		*ret_bits = first & 0x0fu;
		*ret_lowest = 0x800;
		return 2;
	}
	if ((first & 0xf8) == 0xf0) {
		*ret_bits = first & 0x07u;
		*ret_lowest = 0x10000;
		return 3;
	}
	return 0;
}

size_t iscsi_utf8_code_point(const char *text, size_t len, uint32_t *ret_code_point)
{
	uint32_t code, lowest;
	uint8_t first = (uint8_t)text[0];

	if (first < 0x80) {
		*ret_code_point = first;
		return 1;
	}
	size_t follow = lead(first, &code, &lowest);
	if (follow == 0 || follow >= len)
		return 0;
	for (size_t i = 1; i <= follow; i++) {
		uint8_t byte = (uint8_t)text[i];
		if ((byte & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte & 0x3fu);
	}
	if (code < lowest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code_point = code;
	return follow + 1;
}

bool iscsi_utf8_is_valid(const char *text, size_t len)
{
	uint32_t code;

	for (size_t at = 0; at < len;) {
		size_t n = iscsi_utf8_code_point(text + at, len - at, &code);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
