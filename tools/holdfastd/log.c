#include "tools/holdfastd/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/escape.h"

#define LOG_TEXT_MAX 2048

static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody to tell it to */
		text += n;
		len -= (size_t)n;
	}
}

static void log_write(enum log_level level, const struct timespec *now, const char *text)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char line[LOG_TEXT_MAX + 64], date[32];
	struct tm tm;

	gmtime_r(&now->tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	int len = snprintf(line, sizeof(line), "%s.%03ldZ %-7s %s\n", date, now->tv_nsec / 1000000,
			   names[level], text);
	if (len > 0)
		write_all(line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

/* Errors are always written. */
static int log_admits(struct log *log, enum log_level level, const struct timespec *now)
{
	char text[64];

	if ((uint64_t)now->tv_sec != log->second) {
		if (log->dropped > 0) {
			snprintf(text, sizeof(text), "%u log lines were left out", log->dropped);
			log_write(LOG_LEVEL_WARNING, now, text);
		}
		log->second = (uint64_t)now->tv_sec;
		log->lines = 0;
		log->dropped = 0;
	}
	if (level != LOG_LEVEL_ERROR && log->lines >= LOG_LINES_PER_SECOND) {
		log->dropped++;
		return 0;
	}
	log->lines++;
	return 1;
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
	char text[LOG_TEXT_MAX], escaped[LOG_TEXT_MAX];
	struct timespec now;
	va_list arguments;

	if (level < LOG_LEVEL_ERROR || level > LOG_LEVEL_DEBUG)
		level = LOG_LEVEL_DEBUG;
	if (level > log->level)
		return;
	pthread_mutex_lock(&log->lock);
	clock_gettime(CLOCK_REALTIME, &now);
	if (log_admits(log, level, &now)) {
		va_start(arguments, format);
		vsnprintf(text, sizeof(text), format, arguments);
		va_end(arguments);
		escape_text(text, escaped, sizeof(escaped));
		log_write(level, &now, escaped);
	}
	pthread_mutex_unlock(&log->lock);
}
