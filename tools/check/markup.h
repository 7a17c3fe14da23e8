/* Text in XML and HTML. */
#ifndef TOOLS_CHECK_MARKUP_H
#define TOOLS_CHECK_MARKUP_H

#include <stddef.h>
#include <stdio.h>

/* With <, >, &, quotes and whatever a page may not have written out or shown as a box. */
void check_markup(FILE *out, const char *text);

#endif
