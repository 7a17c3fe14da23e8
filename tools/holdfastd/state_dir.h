/*
 * The state directory: everything that outlives the process.
 *
 *   instance-id                      32 hexadecimal digits: makes this instance's LUNs unique
 *   lock                             held by the running daemon, with its process id inside
 *   in-flight                        what is being stored through mappings (target/in_flight.h)
 *   holdfast.sock                    control socket, mode 0600
 *   disks/TARGET/lunN.img            file backings without a path of their own
 *   reservations/TARGET/lunN.journal reservations and their history; lunN.journal.lock beside it
 *   reservations/TARGET/lunN.saved   saved mode pages, identifying information; with its .lock
 */
#ifndef TOOLS_HOLDFASTD_STATE_DIR_H
#define TOOLS_HOLDFASTD_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/state_path.h"

#define STATE_ERROR_MAX 3072

struct state_dir {
	char path[STATE_PATH_MAX]; /* absolute */
	int lock_fd;
	uint8_t instance_id[16];
};

/*
 * Creates the directory when missing, takes the lock, and reads or makes the instance id. 0, or a
 * negative errno (-EBUSY: another daemon has it) with a sentence in ret_error.
 */
int state_dir_open(const char *path, struct state_dir *ret_state, char ret_error[STATE_ERROR_MAX]);
/* Gives up the lock. */
void state_dir_close(struct state_dir *state);

/*
 * The file for LUN `lun` of a target under `kind` ("disks", "reservations"). False: too long.
 */
bool state_dir_lun_file(const struct state_dir *state, const char *kind, const char *target_name,
			uint16_t lun, const char *suffix, char ret_path[STATE_FILE_MAX]);

/* Creates the directory that `file` is to be in, with its parents, durably. 0 or -errno. */
int state_dir_make_parent(const char *file);

/* Fills `bytes` from the kernel; ends the process when there are none to be had. */
void state_random(void *bytes, size_t len);

#endif
