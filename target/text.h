/*
 * Text in a buffer of somebody else's, piece by piece; what has no room is left out. Always with a
 * NUL behind it. For target/ only.
 */
#ifndef TARGET_TEXT_H
#define TARGET_TEXT_H

#include <stddef.h>

struct text {
	char *bytes;
	size_t len, cap; /* bytes; cap > 0 counts the NUL */
};

struct text text_over(char *bytes, size_t cap);
__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);

#endif
