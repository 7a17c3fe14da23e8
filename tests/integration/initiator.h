/*
 * An initiator for tests: a libiscsi session with one call per command, blocking, with the status
 * and sense of what came back.
 */
#ifndef TESTS_INTEGRATION_INITIATOR_H
#define TESTS_INTEGRATION_INITIATOR_H

#include <stdbool.h>
#include <stdint.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "tests/integration/daemon.h"

/* How a command ended. */
struct answer {
	int status;		/* SCSI status, or -1: the transport failed */
	uint8_t key, asc, ascq; /* of CHECK CONDITION */
	uint8_t data[4096];	/* data in, cut */
	int data_len;
};

struct login_options {
	const char *name;   /* initiator name */
	uint32_t isid;	    /* qualifier of a random-type ISID: the same number is the same port */
	bool header_digest; /* libiscsi 1.19 knows no data digest: the scripted initiator tests
			       those */
	bool initial_r2t_no, immediate_data_no;
};

/* Logs in without automatic reconnect; NULL when it fails (tests that expect it), `error` for
 * people. */
struct iscsi_context *initiator_try_login(const struct daemon *daemon,
					  const struct login_options *options);
/* As above, and fails the test when there is no session. */
struct iscsi_context *initiator_login(const struct daemon *daemon, const char *name, uint32_t isid);
/* Logs out and frees. */
void initiator_logout(struct iscsi_context **initiator);
/* Drops the connection without a word. */
void initiator_cut(struct iscsi_context **initiator);

/* Any CDB on LUN `lun`. Data out: `out`; else up to in_len bytes in. */
struct answer initiator_command(struct iscsi_context *initiator, int lun, const uint8_t *cdb,
				int cdb_len, const void *out, int out_len, int in_len);

/* PERSISTENT RESERVE OUT with the 24-byte list. */
struct answer initiator_pr_out(struct iscsi_context *initiator, int lun, int action, int type,
			       uint64_t key, uint64_t action_key, bool aptpl);
struct answer initiator_pr_in(struct iscsi_context *initiator, int lun, int action);

/* Keys from READ KEYS; returns how many (at most max are written). -1: it failed. */
int initiator_read_keys(struct iscsi_context *initiator, int lun, uint64_t *ret_keys, int max);
/* Type and key from READ RESERVATION; type 0: none. -1: it failed. */
int initiator_read_reservation(struct iscsi_context *initiator, int lun, uint64_t *ret_key);

struct answer initiator_test_unit_ready(struct iscsi_context *initiator, int lun);
/* One command of `blocks` 512-byte blocks. */
struct answer initiator_write(struct iscsi_context *initiator, int lun, uint32_t lba,
			      const void *data, int blocks);
int initiator_read(struct iscsi_context *initiator, int lun, uint32_t lba, void *ret_data,
		   int blocks); /* SCSI status or -1 */

/* TEST UNIT READY until it gives no unit attention; the last answer's status. */
int initiator_drain(struct iscsi_context *initiator, int lun);

/* Writes eight blocks of LUN 0 and reads them back: nothing that others do may disturb that. */
void initiator_proves_service(struct iscsi_context *initiator);

#endif
