/*
 * The plain form: a line for each event, and below it what has become of registrations and
 * reservations where they have changed.
 */
#include "tools/lab/live_internal.h"

#include <inttypes.h>
#include <string.h>

#define NAMED_MAX 6 /* registrants that a line names */

static void print_registrants(const struct live *live, const struct known_lu *lu, FILE *out)
{
	uint32_t registrants = 0;
	char who[LIVE_WHO_MAX];

	for (uint32_t n = 0; n < live->field.nexus_count; n++) {
		if (lu->places[n].key == 0 || ++registrants > NAMED_MAX)
			continue;
		fprintf(out, "%s%s 0x%" PRIx64, registrants == 1 ? "registered: " : ", ",
			live_who(live, n, who), lu->places[n].key);
	}
	if (registrants > NAMED_MAX)
		fprintf(out, " and %" PRIu32 " more", registrants - NAMED_MAX);
	if (registrants == 0)
		fputs("nobody is registered", out);
}

static void print_state(const struct live *live, const struct live_lu *lu, FILE *out)
{
	const struct known_lu *known = &lu->known;
	char who[LIVE_WHO_MAX];

	fprintf(out, "%16s", "");
	if (live->lu_count > 1)
		fprintf(out, "LUN %u: ", (unsigned)known->lun);
	print_registrants(live, known, out);
	if (known->type != 0)
		fprintf(out, "; %s held by %s", live_type(known->type),
			known_all_registrants(known->type)  ? "all of them"
			: known->holder == HISTORY_NO_NEXUS ? "somebody"
							    : live_who(live, known->holder, who));
	if (known->spc2_owner != HISTORY_NO_NEXUS)
		fprintf(out, "; SPC-2: %s", live_who(live, known->spc2_owner, who));
	fputc('\n', out);
}

/* Notes and names are of others' making, and must not reach into the terminal. */
static void print_clean(const char *text, int width, FILE *out)
{
	for (; *text || width > 0; width--) {
		char c = *text != '\0' ? *text++ : ' ';
		fputc(c >= ' ' && c <= '~' ? c : '?', out);
	}
}

static void print_entry(const struct live *live, const struct live_entry *e, FILE *out)
{
	fprintf(out, "%9.3f s  ", (double)e->at_ns / 1e9);
	if (e->who[0] == '\0')
		fputs("-- ", out);
	else
		print_clean(e->who, 10, out);
	if (e->who[0] != '\0')
		fputc(' ', out);
	print_clean(e->what, e->how[0] != '\0' ? 40 : 0, out);
	if (e->how[0] != '\0') {
		fputs("  ", out);
		print_clean(e->how, 0, out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < live->lu_count && e->changed; i++)
		print_state(live, &live->lus[i], out);
}

void live_print(struct live *live, FILE *out)
{
	if (live->logged - live->printed > LIVE_LOG_MAX)
		live->printed = live->logged - LIVE_LOG_MAX;
	for (; live->printed < live->logged; live->printed++)
		print_entry(live, &live->log[live->printed % LIVE_LOG_MAX], out);
}
