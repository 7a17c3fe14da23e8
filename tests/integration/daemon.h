/*
 * The real daemon as a child of a test: started on port 0 in a temporary folder, known through its
 * ready line, killed or stopped, started again on the same state.
 */
#ifndef TESTS_INTEGRATION_DAEMON_H
#define TESTS_INTEGRATION_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#define DAEMON_ARGS_MAX 24

struct daemon {
	pid_t pid;	 /* 0: not running */
	char folder[64]; /* temporary; removed by daemon_finish */
	char portal[80]; /* "127.0.0.1:41234", from the ready line; kept over restarts */
	char target[256];
	char control[256];
	char ready_line[2048];
	char config[96];		   /* a file in the folder; empty: none */
	const char *args[DAEMON_ARGS_MAX]; /* further arguments, NULL-terminated */
};

/* A new folder and a running daemon in it, listening on `address` ("127.0.0.1:0"). Fails the test
 * when it does not get ready. */
void daemon_start(struct daemon *daemon, const char *address, const char *const *args);

/* The same with a configuration file of this text. `address` NULL: its own portals. */
void daemon_start_configured(struct daemon *daemon, const char *address, const char *config);

/* SIGKILL, and wait. */
void daemon_kill(struct daemon *daemon);

/* SIGTERM, and wait; returns the exit status (-1: killed by a signal or not gone in 20 s). */
int daemon_stop(struct daemon *daemon);

/* The wait alone, after a signal that the test has sent itself. */
int daemon_wait(struct daemon *daemon);

/* A new folder and no daemon, for tests that start it in their own way. */
void daemon_folder(struct daemon *daemon);

/* Starts it again, same folder, same portal. */
void daemon_restart(struct daemon *daemon);

/* Kills it if it runs, and removes the folder. */
void daemon_finish(struct daemon *daemon);

/*
 * Runs a program (argv[0] is its path) to its end and keeps up to len-1 bytes of what it printed on
 * standard output and standard error together. Returns its exit status, -1 when a signal ended it.
 */
int program_run(const char *const *argv, char *ret_output, size_t len);

/* The same; the child calls `prepare` before it becomes the program. */
int program_run_prepared(const char *const *argv, void (*prepare)(const char *const *argv),
			 char *ret_output, size_t len);

/* The daemon's and the tool's paths, from the environment (the Makefile sets it) or build/. */
const char *daemon_path(void);
const char *tool_path(void);

#endif
