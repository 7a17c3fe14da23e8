/*
 * The test fixture makes its promises with Check's assertions. Outside a Check run these cannot
 * report; here are the two functions they come down to, so that a broken promise is a crash that
 * the fuzzer keeps.
 */
#ifndef TESTS_FUZZ_FUZZ_CHECK_H
#define TESTS_FUZZ_FUZZ_CHECK_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, msg ? msg : expr);
	abort();
}

#endif
