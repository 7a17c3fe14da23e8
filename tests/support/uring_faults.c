#include "tests/support/uring_faults.h"

#ifdef HAVE_LIBURING

#include <dlfcn.h>
#include <liburing.h>
#include <stdlib.h>

#define FAILING_MAX 64u

static struct {
	uring_judge judge;
	struct {
		uint64_t user_data;
		int error;
	} failing[FAILING_MAX]; /* of this submission */
	unsigned count;
} faults;

void uring_faults_set(uring_judge judge)
{
	faults.judge = judge;
}

static enum scsi_io_op op_of(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
		return SCSI_IO_READ;
	case IORING_OP_WRITE:
		return SCSI_IO_WRITE;
	case IORING_OP_FSYNC:
		return SCSI_IO_SYNC;
	default:
		return SCSI_IO_NONE;
	}
}

/* A read of no file ends at once; the error that it is to end with is put in the place of its own.
 */
static void make_fail(struct io_uring_sqe *sqe, int error)
{
	if (faults.count == FAILING_MAX)
		abort();
	uint64_t user_data = sqe->user_data;

	io_uring_prep_read(sqe, -1, NULL, 0, 0);
	sqe->user_data = user_data;
	faults.failing[faults.count].user_data = user_data;
	faults.failing[faults.count++].error = error;
}

static void judge_one(struct io_uring_sqe *sqe)
{
	enum scsi_io_op op = op_of(sqe);

	if (op == SCSI_IO_NONE)
		return;
	struct uring_verdict verdict = faults.judge(op);
	if (verdict.error != 0)
		make_fail(sqe, verdict.error);
	else if (verdict.len_max != 0 && op != SCSI_IO_SYNC && sqe->len > verdict.len_max)
		sqe->len = (uint32_t)verdict.len_max;
}

static void put_errors(struct io_uring *ring)
{
	unsigned mask = *ring->cq.kring_mask;

	for (unsigned at = *ring->cq.khead; at != *ring->cq.ktail; at++)
		for (unsigned i = 0; i < faults.count; i++)
			if (ring->cq.cqes[at & mask].user_data == faults.failing[i].user_data)
				ring->cq.cqes[at & mask].res = -faults.failing[i].error;
}

int io_uring_submit(struct io_uring *ring)
{
	int (*real)(struct io_uring *) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit");
	if (!faults.judge)
		return real(ring);
	int error = faults.judge(SCSI_IO_NONE).error;
	if (error != 0)
		return -error;
	faults.count = 0;
	for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++)
		judge_one(&ring->sq.sqes[at & *ring->sq.kring_mask]);
	int taken = real(ring);
	put_errors(ring);
	return taken;
}

#else

void uring_faults_set(uring_judge judge)
{
	(void)judge;
}

#endif
