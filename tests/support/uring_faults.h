/*
 * io_uring that fails when a test says so. A program that refers to this has an io_uring_submit of
 * ours before liburing's, which asks a judge about everything that is about to go to the kernel.
 */
#ifndef TESTS_SUPPORT_URING_FAULTS_H
#define TESTS_SUPPORT_URING_FAULTS_H

#include "target/executor.h"

struct uring_verdict {
	int error;	/* 0, or the errno that it is to end with */
	size_t len_max; /* bytes that one call takes; 0: all */
};

/* Asked with SCSI_IO_NONE about the submission as a whole, which then fails with the error. */
typedef struct uring_verdict (*uring_judge)(enum scsi_io_op op);

/* NULL: nothing fails. */
void uring_faults_set(uring_judge judge);

#endif
