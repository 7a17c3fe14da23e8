/*
 * Log lines on standard error: "2026-11-21T04:44:00.123Z info    text".
 */
#ifndef TOOLS_HOLDFASTD_LOG_H
#define TOOLS_HOLDFASTD_LOG_H

#include <pthread.h>
#include <stdint.h>

/* The values of iscsi_node_config.log and of config's log_level. */
enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

struct log {
	enum log_level level; /* what is more detailed is dropped */
	pthread_mutex_t lock; /* of the counts, and of the order of lines */
	uint64_t second;      /* that the two counts are of */
	uint32_t lines;
	uint32_t dropped; /* beyond LOG_LINES_PER_SECOND: a peer must not fill the disk */
};

#define LOG_LINES_PER_SECOND 200

__attribute__((format(printf, 3, 4))) void log_line(struct log *log, enum log_level level,
						    const char *format, ...);

#endif
