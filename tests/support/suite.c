#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

int suite_run(const char *name, void (*fill)(TCase *tcase))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	/* A hang is a failure, but a loaded machine under a sanitizer is slow. */
	tcase_set_timeout(tcase, 120);
	fill(tcase);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *suite_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && strlen(folder) < 32 ? folder : "/tmp";
}
