/*
 * What every unit test program's main() does: one Check suite, run in forked cases, closing on
 * Check's own line.
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/* Where temporary files go: $TMPDIR, if it is short, or /tmp. At most 31 bytes. */
const char *suite_folder(void);

/* Runs all tests that `fill` adds; the exit status for main(): 0 when all passed. */
int suite_run(const char *name, void (*fill)(TCase *tcase));

#endif
