/*
 * A directory of its own for each test of the posix store. For test_store_posix*.c.
 */
#ifndef TESTS_UNIT_PR_ENGINE_STORE_DIR_H
#define TESTS_UNIT_PR_ENGINE_STORE_DIR_H

#include <limits.h>
#include <stdbool.h>

#include "pr_engine/store.h"
#include "tests/unit/pr_engine/posix_faults.h"
#include "tests/support/suite.h"

extern char store_dir[64];	  /* the directory */
extern char store_path[PATH_MAX]; /* of the journal in it; a test may choose another */

void store_dir_setup(void);
void store_dir_teardown(void);

struct pr_store *store_open(void);

/* Is there a file of store_path's name with this suffix? */
bool name_exists(const char *suffix);
/* store_path and the suffix, good until the next call. */
const char *name_of(const char *suffix);

/* The content that a fresh open of the path finds is exactly `text`; none: there is no file. */
bool path_holds(const char *text);
bool store_holds(struct pr_store *store, const char *text);

#endif
