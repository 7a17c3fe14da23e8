/* Any text as a history. */
#include "tests/fuzz/fuzz_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	use_history((const char *)data, size, false);
	return 0;
}
