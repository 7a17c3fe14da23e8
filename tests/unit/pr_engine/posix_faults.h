/*
 * The system calls that change a disk, doubled: each of them can fail in turn, or all from one on,
 * as when the process dies. Nothing fails unless it is asked to.
 */
#ifndef TESTS_UNIT_PR_ENGINE_POSIX_FAULTS_H
#define TESTS_UNIT_PR_ENGINE_POSIX_FAULTS_H

#include <stdbool.h>

struct posix_faults {
	unsigned made;	     /* fsync, renameat, linkat, unlinkat, ftruncate, pwrite so far */
	unsigned fail_from;  /* number of the first that fails; 0: none */
	unsigned fail_count; /* how many fail from there on */
	int error;
	unsigned short_writes;	  /* pwrite writes at most one byte so many times */
	unsigned interrupted;	  /* pwrite gives EINTR so many times */
	unsigned directory_syncs; /* fsync calls that were about a directory */
	unsigned file_syncs;
	unsigned cache_drops;	    /* posix_fadvise(DONTNEED) of a whole file */
	unsigned syncs_before_drop; /* file_syncs when the last of them came */
	unsigned reads_before_drop; /* pread calls when the last of them came */
	unsigned reads;
};

extern struct posix_faults posix_faults;

/* Forgets all counts; `count` calls fail from the one with number `from` on, 0: none. */
void posix_faults_set(unsigned from, unsigned count, int error);

#endif
