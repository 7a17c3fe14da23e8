/*
 * What is being stored through a mapping just now. A system call that writes a block is not stopped
 * halfway when the process is killed; a copy by our own hands is, and would leave a block that is
 * half old and half new, which no disk does. So before such a copy begins, what was there and what
 * is to be there stand in a file that stays in the page cache when the process goes, and whoever
 * opens the disk next ends what was begun.
 *
 * The record counts only until the machine starts anew: it is never synced, as a copy that the
 * machine did not survive was not acknowledged, and is torn no more than a system call's would be.
 * It is believed only while each byte on the disk is one of the two that it names: if somebody else
 * has written there since, it says nothing.
 */
#ifndef TARGET_IN_FLIGHT_H
#define TARGET_IN_FLIGHT_H

#include <stddef.h>
#include <stdint.h>

#define IN_FLIGHT_LEN_MAX ((size_t)64 * 1024) /* bytes of one copy */

struct in_flight;

/* Which file a copy goes to, while the machine runs. */
struct in_flight_disk {
	uint64_t device, inode;
};

/*
 * Opens the record at `path`, or makes it. The caller alone uses it. 0, or a negative errno: then
 * nothing may be stored through mappings.
 */
int in_flight_open(const char *path, struct in_flight **ret_record);
void in_flight_free(struct in_flight **record);

/* Ends what a process that was killed had begun on the disk that is open (for writing, locked) as
 * `fd`, and says which one that is. On one
 * thread. 0 or a negative errno: what is recorded stays. */
int in_flight_finish(struct in_flight *record, int fd, struct in_flight_disk *ret_disk);

/*
 * Copies `len` bytes (up to IN_FLIGHT_LEN_MAX), which are those at `offset` of the disk, to where
 * that is mapped. Any thread. -EAGAIN: too many are at it. -EFAULT: the mapping failed, and a part
 * may have been copied.
 */
int in_flight_store(struct in_flight *record, const struct in_flight_disk *disk, uint64_t offset,
		    uint8_t *mapped, const uint8_t *data, size_t len);

#endif
