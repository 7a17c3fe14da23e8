/*
 * The benchmark's initiator: as little work a command as can be, so that what is measured is the
 * target. One thread; what arrived with one recv is answered with one sendmsg; payload that comes
 * is counted and thrown away, payload that goes is the same buffer each time.
 *
 * It speaks no more iSCSI than that needs, and stops with a message at the first thing it did not
 * expect: a figure of a run that went wrong is worth nothing.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define LOAD_BHS	  48
#define LOAD_DIGEST	  4
#define LOAD_SESSIONS_MAX 16384
#define LOAD_DEPTH_MAX	  256
#define LOAD_PIDS_MAX	  16
#define LOAD_BLOCK	  512u
#define LOAD_TRANSFER_MAX (1u << 20)
#define LOAD_INPUT	  (256u * 1024)
#define LOAD_BATCH_PDUS	  256
#define LOAD_REGISTER_LEN 24 /* bytes of its parameter list */

enum load_op {
	LOAD_INVALID = 0,
	LOAD_READ,
	LOAD_WRITE,
	LOAD_TEST_UNIT_READY,
	LOAD_REGISTER, /* PERSISTENT RESERVE OUT with APTPL: another key each time */
	LOAD_IDLE,     /* logs in, says so, and does nothing */
};

struct load_options {
	const char *address, *target;
	uint16_t port;
	uint8_t lun;
	enum load_op op;
	bool sequential, header_digest, data_digest;
	uint32_t size; /* bytes a command */
	uint32_t depth, sessions;
	double seconds, warmup;
	uint64_t span; /* bytes of the LUN that are used */
	int pids[LOAD_PIDS_MAX];
	unsigned pid_count;
};

/* ---- latency (histogram.c) ------------------------------------------------------------------- */

#define LOAD_HISTOGRAM_MANTISSA 6 /* bits: a bucket is at most 1.6 % wide */
#define LOAD_HISTOGRAM_BUCKETS	(64 << LOAD_HISTOGRAM_MANTISSA)

struct load_histogram {
	uint64_t count;
	uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
};
void load_histogram_add(struct load_histogram *histogram, uint64_t ns);
/* The value that `part` (0..1) of all are not above, in microseconds. */
double load_histogram_percentile(const struct load_histogram *histogram, double part);

/* ---- one session (session.c, login.c) -------------------------------------------------------- */

struct load_slot {
	uint64_t begun_ns;
	uint32_t lba;
	uint32_t came; /* bytes of Data-In */
};

/* PDUs that leave with one sendmsg. */
struct load_batch {
	uint8_t heads[LOAD_BATCH_PDUS][LOAD_BHS + LOAD_DIGEST];
	uint8_t digests[LOAD_BATCH_PDUS][LOAD_DIGEST];
	struct iovec iov[3 * LOAD_BATCH_PDUS];
	unsigned pdus, count;
};

struct load_session {
	const struct load_options *options;
	int fd;
	uint32_t number;

	/* As it was agreed. */
	bool initial_r2t, immediate_data, header_digest, data_digest;
	uint32_t send_segment_max, first_burst;

	uint32_t cmd_sn, max_cmd_sn, exp_stat_sn;
	struct load_slot slots[LOAD_DEPTH_MAX];
	uint32_t idle[LOAD_DEPTH_MAX], idle_count;
	uint64_t random;
	uint32_t next_lba, next_key;

	size_t have;	  /* bytes of a header at the front of `kept` */
	size_t throwaway; /* bytes of payload still to come */
	uint8_t kept[LOAD_BHS + LOAD_DIGEST];
	uint64_t commands; /* ended, since the start */
};

/* What all sessions share: nothing of it is kept between two calls, but the histogram. */
struct load_shared {
	uint8_t input[LOAD_INPUT];
	uint8_t payload[LOAD_TRANSFER_MAX];
	struct load_batch batch;
	struct load_histogram latency;
	bool measuring; /* count what ends */
	bool issuing;	/* start a new command for each that ended */
};

/* Connects and logs in; ends the program when that does not work. */
void load_login(struct load_session *session);

/* Starts as many commands as depth and command window let it, and sends them. */
void load_session_issue(struct load_session *session, struct load_shared *shared, uint64_t now_ns);

/* Takes what has come, waiting for it if `wait`; answers. */
void load_session_receive(struct load_session *session, struct load_shared *shared, bool wait);

/* Runs TEST UNIT READY until it is GOOD: unit attentions are told once. */
void load_session_settle(struct load_session *session);

uint64_t load_now_ns(void);
_Noreturn void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
