/*
 * Failure injection. The programs of this folder are linked with copies of the libraries in which
 * malloc and its kin, and some system calls, are ours (FAILABLE in the Makefile): the code under
 * test meets failures, the test around it does not.
 *
 *	static void scenario(void)
 *	{
 *		... set up ...
 *		inject_on();
 *		... the attempt ...
 *		bool failed = inject_off();
 *		... an honest answer, the old state; then the same again, which must work ...
 *	}
 */
#ifndef TESTS_UNIT_FAILURE_INJECT_H
#define TESTS_UNIT_FAILURE_INJECT_H

#include <stdbool.h>

#include "tests/support/suite.h"

/*
 * Runs the scenario again and again and lets its 1st, 2nd, 3rd ... failable call fail, until a run
 * has no such call any more; and then once more the same with all calls behind that one failing as
 * well. What the libraries have allocated must be freed at the end of each run, and what was opened
 * closed. At least one call must have failed. Prints how many failures there were, as `NAME: N
 * passed, N failed`. With INJECT_TRACE in the environment each failure says where it is from before
 * it happens.
 */
void inject_each(const char *name, void (*scenario)(void));

/* The same for a scenario that may have nothing to fail: it must only go well. */
void inject_each_if_any(const char *name, void (*scenario)(void));

/* Calls count, and fail, only between these two: of memory, descriptors,
 * threads and sockets. */
void inject_on(void);
/* Or instead, with this error, those by which the libraries read and write files. */
void inject_disk_on(int error);
/* True when a call has failed since inject_on. */
bool inject_off(void);
/* Do all calls behind the first that fails, fail too? */
bool inject_is_lasting(void);

#endif
