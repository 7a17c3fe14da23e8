/*
 * A history in the form of other checkers.
 */
#ifndef LAB_EXPORT_H
#define LAB_EXPORT_H

#include "tools/lab/history.h"

/*
 * Calls and returns, one JSON object a line, for a program that gives them to the Go library
 * Porcupine; holdfast-lab(1) documents them. 0, -ENOMEM, or the stream's negative errno.
 */
int export_porcupine(FILE *out, const struct history *history);

#endif
