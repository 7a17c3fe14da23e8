/*
 * A connection of which the test writes and reads every byte itself: for peers that are slow,
 * broken or hostile in ways that no library offers.
 */
#ifndef TESTS_INTEGRATION_RAW_H
#define TESTS_INTEGRATION_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/integration/daemon.h"

#define RAW_BHS	    48
#define RAW_PDU_MAX (RAW_BHS + 8192)

/* A new TCP connection to the daemon's first portal. */
int raw_dial(const struct daemon *daemon);

/* All of it; false: the peer has closed. */
bool raw_write(int fd, const void *bytes, size_t len);

/*
 * The next PDU: its header, and the first `cap` bytes of its data segment (no digests). False: the
 * peer has closed. Fails the test when neither comes in time.
 */
bool raw_read_pdu(int fd, uint8_t ret_bhs[RAW_BHS], void *ret_data, size_t cap);

/* Does the peer close (or reset) within the time? Swallows what it sends. */
bool raw_is_closed_within(int fd, int ms);

/* A whole Login Request into full feature phase, padded; its length. `keys`: further pairs, each
 * ended by a NUL, `keys_len` bytes. */
size_t raw_login_pdu(const struct daemon *daemon, const char *initiator, const char *keys,
		     size_t keys_len, uint8_t ret_pdu[RAW_PDU_MAX]);

/* Dials and logs in with CmdSN 1; fails the test when that is refused. */
int raw_login(const struct daemon *daemon, const char *initiator);
/* -1 when it is refused. */
int raw_try_login(const struct daemon *daemon, const char *initiator);

/* The header of a SCSI Command on LUN 0 with a 10-byte CDB of `blocks` 512-byte blocks. */
void raw_command(uint8_t ret_bhs[RAW_BHS], uint8_t opcode, uint32_t cmd_sn, uint32_t lba,
		 uint16_t blocks);

/* Resident memory of a process. */
long resident_bytes(pid_t pid);
/* The most that there ever were. */
long resident_bytes_ever(pid_t pid);

#endif
