/* The rows of each group. For tools/check/row*.c only. */
#ifndef TOOLS_CHECK_ROWS_INTERNAL_H
#define TOOLS_CHECK_ROWS_INTERNAL_H

#include "tools/check/row.h"

extern const struct check_rows check_rows_a1, check_rows_a2, check_rows_a3, check_rows_a4,
	check_rows_a5, check_rows_a6, check_rows_a7, check_rows_a8, check_rows_a9, check_rows_a10,
	check_rows_a11, check_rows_a12;

#define ROWS(array)                                                          \
	{                                                                    \
		.runs = (array), .count = sizeof(array) / sizeof((array)[0]) \
	}

#endif
