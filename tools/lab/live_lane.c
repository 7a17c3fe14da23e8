/*
 * The lanes: what stands in their last column.
 */
#include "tools/lab/live_internal.h"

static struct live_cell rest_of(const struct live *live, const struct live_lu *lu, uint32_t nexus)
{
	struct live_cell cell = {.style = CANVAS_DIM};
	bool registered = lu->known.places[nexus].key != 0;

	if (known_holds(&lu->known, nexus) || lu->known.spc2_owner == nexus) {
		cell.code = CANVAS_LINE_HOLDS;
		cell.style = CANVAS_GREEN;
	} else if (registered) {
		cell.code = CANVAS_LINE_KEY;
		cell.style = CANVAS_CYAN;
	} else if (live->up[nexus]) {
		cell.code = CANVAS_LINE;
	}
	if (!live->up[nexus] && cell.code != 0)
		cell.code = CANVAS_LINE_ABSENT;
	return cell;
}

static struct live_cell *cell_now(const struct live *live, const struct live_lu *lu, uint32_t nexus)
{
	return &lu->lanes[nexus].cells[(live->columns - 1) % LIVE_STRIP_MAX];
}

void live_begin_column(struct live *live, uint64_t at_ns)
{
	if (live->columns > 0 && at_ns < live->slice_end_ns)
		return;
	live->columns++;
	live->slice_end_ns =
		live->slice_ns > 0 ? at_ns - at_ns % live->slice_ns + live->slice_ns : 0;
	for (size_t i = 0; i < live->lu_count; i++)
		for (uint32_t n = 0; n < live->field.nexus_count; n++)
			*cell_now(live, &live->lus[i], n) = (struct live_cell){.code = 0};
}

void live_end_column(struct live *live)
{
	for (size_t i = 0; i < live->lu_count; i++)
		for (uint32_t n = 0; n < live->field.nexus_count; n++)
			if (cell_now(live, &live->lus[i], n)->rank == LIVE_RANK_REST)
				*cell_now(live, &live->lus[i], n) = rest_of(live, &live->lus[i], n);
}

void live_mark(struct live *live, const struct live_lu *lu, uint32_t nexus, struct live_cell cell)
{
	if (cell.rank >= cell_now(live, lu, nexus)->rank)
		*cell_now(live, lu, nexus) = cell;
}

void live_mark_all(struct live *live, struct live_cell cell)
{
	for (size_t i = 0; i < live->lu_count; i++)
		for (uint32_t n = 0; n < live->field.nexus_count; n++)
			live_mark(live, &live->lus[i], n, cell);
}

const char *live_type(uint8_t type)
{
	static const char *const names[] = {"",	     "WE",    "type 2", "EA",	"type 4",
					    "WE-RO", "EA-RO", "WE-AR",	"EA-AR"};
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "type ?";
}
