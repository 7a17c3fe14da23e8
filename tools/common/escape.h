/*
 * Names and texts from peers and files, made fit for a terminal, a log line and JSON.
 */
#ifndef TOOLS_COMMON_ESCAPE_H
#define TOOLS_COMMON_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character at `text` when it is whole, shortest and printable; else 0. */
static inline size_t escape_character_len(const unsigned char *text)
{
	uint32_t code, least;
	size_t len;

	if (text[0] < 0x80)
		return text[0] >= 0x20 && text[0] != 0x7f && text[0] != '\\' ? 1 : 0;
	if ((text[0] & 0xe0) == 0xc0) {
		len = 2, code = text[0] & 0x1f, least = 0x80;
	} else if ((text[0] & 0xf0) == 0xe0) {
		len = 3, code = text[0] & 0x0f, least = 0x800;
	} else if ((text[0] & 0xf8) == 0xf0) {
		len = 4, code = text[0] & 0x07, least = 0x10000;
	} else {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0; /* also at the NUL */
		code = code << 6 | (text[i] & 0x3f);
	}
	/* C1 controls, surrogates, and what would turn the direction of a line around. */
	if (code < least || code < 0xa0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff ||
	    (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return len;
}

/* Control characters, backslashes and what is not UTF-8 become \xNN. Cut when it does not fit. */
static inline void escape_text(const char *text, char *ret_text, size_t ret_size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = (const unsigned char *)text;
	size_t used = 0;

	while (*at != '\0') {
		size_t len = escape_character_len(at);
		if (used + (len > 0 ? len : 4) >= ret_size)
			break;
		if (len > 0) {
			while (len-- > 0)
				ret_text[used++] = (char)*at++;
		} else {
			ret_text[used++] = '\\';
			ret_text[used++] = 'x';
			ret_text[used++] = digits[*at >> 4];
			ret_text[used++] = digits[*at++ & 0x0f];
		}
	}
	ret_text[used] = '\0';
}

#endif
