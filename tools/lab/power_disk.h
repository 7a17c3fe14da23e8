/*
 * A folder as a disk would have it after a power cut. It is told what a program changed and synced
 * (tools/power/record.h), and knows for each file and directory what is durable, what is there now,
 * and the changes between. A cut makes one of the states that POSIX admits out of that:
 *
 *  - Of a file, each sector of 512 bytes has what it had after some number of the changes that were
 *    not synced, none to all, whatever the others have; and so has its size.
 *  - Of a directory, the first so many of its changes are there, none to all: a file system keeps
 *    their order. A rename within one directory is whole or not there.
 *  - A file's sync makes its content durable, and not the name that it has in its directory.
 *
 * No input and output: power_folder.c of the lab looks at the folder.
 */
#ifndef LAB_POWER_DISK_H
#define LAB_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/power/record.h"

#define POWER_SECTOR   512
#define POWER_SIZE_MAX ((uint64_t)1 << 30) /* of one file */

struct power_disk;

/* The folder itself is durable, and empty. NULL: no memory. */
struct power_disk *power_disk_create(uint64_t root_inode);
void power_disk_free(struct power_disk **disk);

/* A log of records begins: its syncs count its records. */
void power_disk_begin_log(struct power_disk *disk);
/*
 * What the program did next. What is of files that are not in the folder does not matter. False: no
 * memory, or the record is nonsense.
 */
bool power_disk_take(struct power_disk *disk, const struct power_record *record,
		     const uint8_t *data);

/* A file or directory that is in the folder now. */
struct power_found {
	uint64_t directory, inode;
	const char *name;
	bool is_directory;
	const uint8_t *bytes;
	uint64_t size;
};

/*
 * The folder as it is, for what no record told: power_disk_look, each thing that is there,
 * directories before what is in them, and power_disk_looked. What is new or gone is a change that
 * was not synced. False: no memory.
 */
void power_disk_look(struct power_disk *disk);
bool power_disk_found(struct power_disk *disk, const struct power_found *found);
bool power_disk_looked(struct power_disk *disk);

/* All that is there now is durable. False: no memory. */
bool power_disk_settle(struct power_disk *disk);

struct power_losses {
	uint64_t sectors_pending, sectors_lost; /* that had changed without a sync */
	uint64_t names_pending, names_lost;
};

/* The power is cut: what is left is durable. The seed says which state it is. False: no memory. */
bool power_disk_cut(struct power_disk *disk, uint64_t seed, struct power_losses *ret_losses);

/* A thing of the durable state, with its path in the folder. False ends the walk. */
struct power_thing {
	const char *path;
	bool is_directory;
	const uint8_t *bytes;
	uint64_t size;
};
typedef bool power_visit(void *context, const struct power_thing *thing);

/* Directories come before what is in them. False: a visit said so, or a path is too long. */
bool power_disk_walk(const struct power_disk *disk, power_visit *visit, void *context);

#endif
