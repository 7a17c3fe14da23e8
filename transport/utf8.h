/*
 * UTF-8 (RFC 3629), as far as names and text values need it.
 */
#ifndef TRANSPORT_UTF8_H
#define TRANSPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point at `text`, of which `len` (>= 1) bytes are there: returns how many bytes it takes;
 * 0 for a malformed, over-long, surrogate or cut sequence.
 */
size_t iscsi_utf8_code_point(const char *text, size_t len, uint32_t *ret_code_point);

bool iscsi_utf8_is_valid(const char *text, size_t len);

#endif
