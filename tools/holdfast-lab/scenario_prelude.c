/*
 * Prelude.lua and prelude_expect.lua as part of the program, so that no scenario depends on a file
 * being found.
 */
#include "tools/holdfast-lab/scenario_internal.h"

__asm__(".section .rodata\n"
	".global scenario_prelude\n"
	"scenario_prelude:\n"
	".incbin \"tools/holdfast-lab/prelude.lua\"\n"
	".incbin \"tools/holdfast-lab/prelude_expect.lua\"\n"
	".byte 0\n"
	".previous\n");
