/*
 * What a program has changed in files, and what it has made durable, as a log of records: the shim
 * (shim.c), which runs inside the program, writes it, and the lab reads it when the program is
 * dead. Both run on one machine, so numbers are as that machine has them.
 *
 * A record is a struct power_record, and behind it data_len bytes: what was written, or names, each
 * with a zero byte at its end.
 */
#ifndef TOOLS_POWER_RECORD_H
#define TOOLS_POWER_RECORD_H

#include <stdint.h>

#define POWER_LOG_VARIABLE "HOLDFAST_POWER_LOG" /* of the environment: the log's path */
#define POWER_MAGIC	   0x48505752u

enum power_kind {
	POWER_KIND_INVALID = 0,
	POWER_WRITE,  /* inode, offset; data: what */
	POWER_ZERO,   /* inode, offset, len; the size stays */
	POWER_SIZE,   /* inode, offset: the new size */
	POWER_CREATE, /* inode: the directory; other: the new file; data: its name */
	POWER_MKDIR,  /* the same of a directory */
	POWER_LINK,   /* inode: the directory; other: a file that is there; data: its new name */
	POWER_UNLINK, /* inode: the directory; data: the name */
	POWER_RENAME, /* inode, other: the directories; data: the old name and the new one */
	POWER_SYNCED, /* inode; offset: records of this log before the sync began */
	POWER_KIND_COUNT,
};

struct power_record {
	uint32_t magic, kind;
	uint64_t inode, other;
	uint64_t offset, len;
	uint64_t data_len;
};

#endif
