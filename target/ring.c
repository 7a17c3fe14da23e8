#include "target/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_LIBURING

#include <liburing.h>

#define RING_ENTRIES  256u
#define IN_FLIGHT_MAX 1024u
/* What is longer is copied by a worker of the kernel, even out of the page cache: on the loop's
 * thread it would hold up everybody else. */
#define AT_ONCE_MAX ((size_t)256 * 1024)

/* Put and not yet taken by the kernel, in the order of their places in its queue. */
struct entry {
	struct scsi_job *job;
	struct io_uring_sqe *sqe;
};

struct scsi_ring {
	struct io_uring uring;
	struct entry entries[RING_ENTRIES];
	unsigned put;	    /* entries in use */
	unsigned void_ones; /* places in front of them whose job was given back */
	unsigned in_flight; /* the kernel's */
};

/* Completions are run when the thread enters the kernel anyway; kernels before 5.19 interrupt it.
 */
static int queue_init(struct io_uring *uring)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = IN_FLIGHT_MAX,
	};
	int error = io_uring_queue_init_params(RING_ENTRIES, uring, &params);

	if (error != -EINVAL)
		return error;
	params =
		(struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = IN_FLIGHT_MAX};
	return io_uring_queue_init_params(RING_ENTRIES, uring, &params);
}

static int check_operations(struct io_uring *uring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(uring);

	if (!probe)
		return -ENOSYS;
	bool all = io_uring_opcode_supported(probe, IORING_OP_READ) &&
		   io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
		   io_uring_opcode_supported(probe, IORING_OP_FSYNC);
	io_uring_free_probe(probe);
	return all ? 0 : -ENOSYS;
}

int scsi_ring_create(int event_fd, struct scsi_ring **ret_ring)
{
	struct scsi_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	int error = queue_init(&ring->uring);
	if (error != 0) {
		free(ring);
		return error;
	}
	error = check_operations(&ring->uring);
	if (error == 0)
		error = io_uring_register_eventfd(&ring->uring, event_fd);
	if (error != 0) {
		scsi_ring_free(&ring);
		return error;
	}
	*ret_ring = ring;
	return 0;
}

void scsi_ring_free(struct scsi_ring **ring)
{
	if (!*ring)
		return;
	assert((*ring)->put == 0 && (*ring)->in_flight == 0);
	io_uring_queue_exit(&(*ring)->uring);
	free(*ring);
	*ring = NULL;
}

static void prepare(struct io_uring_sqe *sqe, struct scsi_job *job)
{
	const struct scsi_io *io = &job->io;

	switch (io->op) {
	case SCSI_IO_READ:
		io_uring_prep_read(sqe, io->fd, io->data, (unsigned)io->len, io->offset);
		break;
	case SCSI_IO_WRITE:
		io_uring_prep_write(sqe, io->fd, io->data, (unsigned)io->len, io->offset);
		break;
	case SCSI_IO_SYNC:
		io_uring_prep_fsync(sqe, io->fd, IORING_FSYNC_DATASYNC);
		break;
	case SCSI_IO_NONE:
		assert(0 && "a job without io");
		break;
	}
	if (io->len > AT_ONCE_MAX)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	io_uring_sqe_set_data(sqe, job);
}

bool scsi_ring_put(struct scsi_ring *ring, struct scsi_job *job)
{
	if (job->io.len > INT32_MAX || ring->put == RING_ENTRIES ||
	    ring->in_flight + ring->put >= IN_FLIGHT_MAX)
		return false;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	if (!sqe)
		return false;
	prepare(sqe, job);
	ring->entries[ring->put++] = (struct entry){.job = job, .sqe = sqe};
	return true;
}

/* The kernel has taken the first `count` places of its queue. */
static void entries_taken(struct scsi_ring *ring, unsigned count)
{
	unsigned void_ones = count < ring->void_ones ? count : ring->void_ones;

	ring->void_ones -= void_ones;
	count -= void_ones;
	assert(count <= ring->put);
	ring->in_flight += count;
	ring->put -= count;
	for (unsigned i = 0; i < ring->put; i++)
		ring->entries[i] = ring->entries[i + count];
}

/* Their places in the queue stay, and do nothing when the kernel comes to them. */
static struct scsi_job *entries_give_back(struct scsi_ring *ring)
{
	struct scsi_job *first = NULL;

	ring->void_ones += ring->put;
	while (ring->put > 0) {
		struct entry *entry = &ring->entries[--ring->put];

		io_uring_prep_nop(entry->sqe);
		io_uring_sqe_set_data(entry->sqe, NULL);
		entry->job->next = first;
		first = entry->job;
	}
	return first;
}

struct scsi_job *scsi_ring_submit(struct scsi_ring *ring)
{
	while (ring->put > 0) {
		int taken = io_uring_submit(&ring->uring);

		if (taken == -EINTR)
			continue;
		if (taken <= 0)
			return entries_give_back(ring);
		entries_taken(ring, (unsigned)taken);
	}
	return NULL;
}

/* NULL for a place whose job was given back. */
static struct scsi_job *finish(struct scsi_ring *ring, struct io_uring_cqe *cqe)
{
	struct scsi_job *job = io_uring_cqe_get_data(cqe);

	if (job) {
		job->io.result = cqe->res;
		ring->in_flight--;
	}
	io_uring_cqe_seen(&ring->uring, cqe);
	return job;
}

struct scsi_job *scsi_ring_take(struct scsi_ring *ring)
{
	struct scsi_job *job = NULL;
	struct io_uring_cqe *cqe;

	while (!job && ring->in_flight > 0 && io_uring_peek_cqe(&ring->uring, &cqe) == 0)
		job = finish(ring, cqe);
	return job;
}

struct scsi_job *scsi_ring_wait(struct scsi_ring *ring)
{
	struct scsi_job *job = NULL;
	struct io_uring_cqe *cqe;

	while (!job && ring->in_flight > 0)
		if (io_uring_wait_cqe(&ring->uring, &cqe) == 0)
			job = finish(ring, cqe);
	return job;
}

#else

int scsi_ring_create(int event_fd, struct scsi_ring **ret_ring)
{
	(void)event_fd;
	(void)ret_ring;
	return -ENOSYS;
}

void scsi_ring_free(struct scsi_ring **ring)
{
	(void)ring;
}

bool scsi_ring_put(struct scsi_ring *ring, struct scsi_job *job)
{
	(void)ring;
	(void)job;
	return false;
}

struct scsi_job *scsi_ring_submit(struct scsi_ring *ring)
{
	(void)ring;
	return NULL;
}

struct scsi_job *scsi_ring_take(struct scsi_ring *ring)
{
	(void)ring;
	return NULL;
}

struct scsi_job *scsi_ring_wait(struct scsi_ring *ring)
{
	(void)ring;
	return NULL;
}

#endif
