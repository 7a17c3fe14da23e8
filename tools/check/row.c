#include "tools/check/row.h"

#include <string.h>

#include "tools/check/rows_internal.h"

static const struct {
	const char *name, *words;
} works[CHECK_WORK_COUNT] = {
	[CHECK_WORK_LOGIN] = {"login", "log in, INQUIRY, log out"},
	[CHECK_WORK_READ] = {"read", "write 256 KiB, read them in pieces of 64 KiB, compare"},
	[CHECK_WORK_WRITE] = {"write", "write 4 KiB twice, read them, compare"},
	[CHECK_WORK_BIG] = {"big", "write 1 MiB in one command, read it, compare"},
	[CHECK_WORK_PARALLEL] = {"parallel", "32 commands at a time, writes and reads, compare"},
	[CHECK_WORK_LOOP] = {"loop", "small writes and reads for 3 s, over lost connections"},
	[CHECK_WORK_DISCOVER] = {"discover", "SendTargets in a discovery session"},
	[CHECK_WORK_IDLE] = {"idle", "stay logged in for 2 s without a command, then read"},
	[CHECK_WORK_PING] = {"ping", "a NOP-Out with data, and wait for the echo"},
	[CHECK_WORK_ABORT] = {"abort", "a read, and ABORT TASK for it when it is late"},
	[CHECK_WORK_RESET] = {"reset", "a read, and LOGICAL UNIT RESET when it is late"},
	[CHECK_WORK_RESERVE] = {"reserve",
				"register, reserve, read keys, print keys=N (how many), read the "
				"reservation, read keys, release, unregister"},
	[CHECK_WORK_PREFETCH] = {"prefetch", "PRE-FETCH"},
	[CHECK_WORK_UNMAP] = {"unmap", "UNMAP and WRITE SAME"},
	[CHECK_WORK_FLUSH] = {"flush", "write, SYNCHRONIZE CACHE"},
	[CHECK_WORK_EXTENTS] = {"extents", "GET LBA STATUS, then read"},
	[CHECK_WORK_TWO] = {"two", "two connections in one session, commands on both"},
	[CHECK_WORK_TEXT] = {"text", "SendTargets in a normal session"},
};

const char *check_work_name(enum check_work work)
{
	return works[work].name;
}

const char *check_work_words(enum check_work work)
{
	return works[work].words;
}

const struct check_rows *const check_rows[CHECK_ROW_GROUPS] = {
	&check_rows_a1, &check_rows_a2,	 &check_rows_a3,  &check_rows_a4,
	&check_rows_a5, &check_rows_a6,	 &check_rows_a7,  &check_rows_a8,
	&check_rows_a9, &check_rows_a10, &check_rows_a11, &check_rows_a12,
};

const struct check_run *check_runs_find(const char *id, size_t *ret_count)
{
	for (size_t g = 0; g < CHECK_ROW_GROUPS; g++) {
		const struct check_rows *rows = check_rows[g];
		size_t i = 0, count = 0;
		while (i < rows->count && strcmp(rows->runs[i].id, id) != 0)
			i++;
		while (i + count < rows->count && strcmp(rows->runs[i + count].id, id) == 0)
			count++;
		if (count == 0)
			continue;
		*ret_count = count;
		return &rows->runs[i];
	}
	return NULL;
}
