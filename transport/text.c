#include "transport/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/utf8.h"

#define TEXT_CAP_MIN 256u /* bytes: a growing text starts with so many */

void iscsi_text_reader_init(struct iscsi_text_reader *reader, const void *text, size_t len)
{
	static const char none[1];
	const char *at = len > 0 ? text : none;

	*reader = (struct iscsi_text_reader){.at = at, .end = at + len};
}

/*
 * RFC 7143 6.1: letters, digits and . - + @ _ ; '#' is in the X#NodeArchitecture of old. A capital
 * to begin with is not asked for, as the RFC's own iSCSIProtocolLevel has none.
 */
static bool is_key_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(".-+@_#", c));
}

/* The length of the key at `pair`, at most `len` bytes; 0: it is not one. */
static size_t key_length(const char *pair, size_t len)
{
	size_t n = 0;

	while (n < len && n <= ISCSI_KEY_MAX && is_key_byte(pair[n]))
		n++;
	return n < len && n <= ISCSI_KEY_MAX && pair[n] == '=' ? n : 0;
}

bool iscsi_text_next(struct iscsi_text_reader *reader, char ret_key[ISCSI_KEY_MAX + 1],
		     const char **ret_value, bool *ret_bad)
{
	const char *pair = reader->at;

	if (pair == reader->end)
		return false;
	const char *nul = memchr(pair, '\0', (size_t)(reader->end - pair));
	size_t key_len = nul ? key_length(pair, (size_t)(nul - pair)) : 0;
	if (key_len == 0 || reader->pairs == ISCSI_PAIRS_MAX) {
		*ret_bad = true;
		return false;
	}
	const char *value = pair + key_len + 1;
	if (!iscsi_utf8_is_valid(value, (size_t)(nul - value))) {
		*ret_bad = true;
		return false;
	}
	memcpy(ret_key, pair, key_len);
	ret_key[key_len] = '\0';
	*ret_value = value;
	reader->at = nul + 1;
	reader->pairs++;
	return true;
}

void iscsi_text_init(struct iscsi_text *text, size_t max)
{
	*text = (struct iscsi_text){.max = max};
}

void iscsi_text_free(struct iscsi_text *text)
{
	free(text->data);
	*text = (struct iscsi_text){.max = text->max};
}

/* Room for n more bytes; else `failed`. */
static bool reserve(struct iscsi_text *text, size_t n)
{
	if (text->failed || n > text->max - text->len) {
		text->failed = true;
		return false;
	}
	if (n <= text->cap - text->len)
		return true;
	size_t cap = text->cap > 0 ? text->cap : TEXT_CAP_MIN;
	while (cap < text->len + n)
		cap *= 2;
	char *data = realloc(text->data, cap);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->cap = cap;
	return true;
}

void iscsi_text_append(struct iscsi_text *text, const void *bytes, size_t len)
{
	if (len == 0 || !reserve(text, len))
		return;
	memcpy(text->data + text->len, bytes, len);
	text->len += len;
}

/* All of the pair or nothing: a text that failed still ends behind a pair. */
void iscsi_text_add(struct iscsi_text *text, const char *key, const char *value)
{
	size_t key_len = strlen(key), value_len = strlen(value);

	if (!reserve(text, key_len + value_len + 2))
		return;
	iscsi_text_append(text, key, key_len);
	iscsi_text_append(text, "=", 1);
	iscsi_text_append(text, value, value_len + 1);
}

void iscsi_text_add_number(struct iscsi_text *text, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	iscsi_text_add(text, key, digits);
}

bool iscsi_text_number(const char *value, uint64_t *ret_number)
{
	uint64_t number = 0;
	unsigned base = 10;

	if (value[0] == '0' && (value[1] == 'x' || value[1] == 'X')) {
		base = 16;
		value += 2;
	} else if (value[0] == '0' && value[1] != '\0') {
		return false; /* a decimal constant has no leading zero */
	}
	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++) {
		/* -1, no digit at all, becomes larger than any base. */
		unsigned digit = (unsigned)hex_digit_value(*value);
		if (digit >= base || number > (UINT64_MAX - digit) / base)
			return false;
		number = number * base + digit;
	}
	*ret_number = number;
	return true;
}
