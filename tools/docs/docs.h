/*
 * The pages of docs/ that are printed from the tables of the program (`make docs`).
 */
#ifndef TOOLS_DOCS_DOCS_H
#define TOOLS_DOCS_DOCS_H

#include <stdio.h>

void docs_commands(FILE *out); /* docs/commands.md */
void docs_keys(FILE *out);     /* docs/keys.md */

#endif
