/*
 * What the tables of settings are written with.
 */
#ifndef CONFIG_ROWS_TABLE_H
#define CONFIG_ROWS_TABLE_H

#include "config/rows.h"

/* Where a setting stands in its struct. */
#define AT(type, field) .offset = offsetof(type, field), .width = sizeof(((type *)0)->field)

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1024) * KIB)
#define GIB (UINT64_C(1024) * MIB)

#endif
