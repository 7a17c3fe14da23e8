/*
 * The screen, from top to bottom: what is played and the clock, who holds each LUN, the latest
 * note, the lanes, what happened last and what is under way, and counts with the meaning of the
 * signs.
 */
#include "tools/lab/live_internal.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_MIN  20
#define ROWS_MIN     8
#define LOG_MIN	     5 /* rows that lanes leave to the log, where there are so many */
#define FOOT_ROWS    2
#define CLOCK_COLUMN 9
#define WHAT_COLUMN  36
#define KEY_MIN	     6
#define TYPE_COLUMN  6 /* "holds " goes without saying: only the type stands there */

/* One drawing: where the next row goes, and where the columns of the lanes are. */
struct sheet {
	const struct live *live;
	struct canvas *canvas;
	unsigned columns, rows, row;
	unsigned key_column, type_column, strip_column;
	unsigned how_column; /* of the log */
};

static void draw_title(struct sheet *s, uint64_t now_ns)
{
	const struct live *live = s->live;
	const char *state = live->target_dead ? " TARGET DEAD " : "target up";
	char clock[48];
	unsigned column;

	snprintf(clock, sizeof(clock), "%7.1f s  ", (double)now_ns / 1e9);
	canvas_text(s->canvas, s->row, 0, CANVAS_BOLD, "%s",
		    live->head.comment[0] != '\0' ? live->head.comment : live->head.target);
	column = (unsigned)(strlen(clock) + strlen(state));
	column = s->columns > column ? s->columns - column : 0;
	if (column > 0)
		canvas_put(s->canvas, s->row, column - 1, ' ', CANVAS_PLAIN);
	column = canvas_text(s->canvas, s->row, column, CANVAS_PLAIN, "%s", clock);
	canvas_text(s->canvas, s->row++, column, live->target_dead ? CANVAS_ALARM : CANVAS_GREEN,
		    "%s", state);
}

static const char *type_in_words(uint8_t type)
{
	static const char *const names[] = {"",
					    "Write Exclusive",
					    "type 2",
					    "Exclusive Access",
					    "type 4",
					    "Write Exclusive, Registrants Only",
					    "Exclusive Access, Registrants Only",
					    "Write Exclusive, All Registrants",
					    "Exclusive Access, All Registrants"};
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "a type that is none";
}

static void draw_holders(struct sheet *s)
{
	for (size_t i = 0; i < s->live->lu_count; i++) {
		const struct known_lu *lu = &s->live->lus[i].known;
		unsigned column = canvas_text(s->canvas, s->row, 0, CANVAS_DIM, "LUN %-3u ",
					      (unsigned)lu->lun);
		char who[LIVE_WHO_MAX];

		if (lu->type != 0 && lu->holder != HISTORY_NO_NEXUS)
			canvas_text(s->canvas, s->row, column, CANVAS_GREEN,
				    "%s holds %s, key 0x%" PRIx64,
				    live_who(s->live, lu->holder, who), type_in_words(lu->type),
				    lu->places[lu->holder].key);
		else if (lu->type != 0)
			canvas_text(s->canvas, s->row, column, CANVAS_GREEN, "%s hold %s",
				    known_all_registrants(lu->type) ? "all registrants" : "others",
				    type_in_words(lu->type));
		else if (lu->spc2_owner != HISTORY_NO_NEXUS)
			canvas_text(s->canvas, s->row, column, CANVAS_GREEN,
				    "%s holds it by RESERVE of SPC-2",
				    live_who(s->live, lu->spc2_owner, who));
		else
			canvas_text(s->canvas, s->row, column, CANVAS_PLAIN, "not reserved");
		s->row++;
	}
}

static void draw_rule(struct sheet *s)
{
	for (unsigned column = 0; column < s->columns; column++)
		canvas_put(s->canvas, s->row, column, CANVAS_RULE, CANVAS_DIM);
	s->row++;
}

/* In as many rows as it needs, two at the most. */
static void draw_caption(struct sheet *s)
{
	const char *text = s->live->caption;
	size_t len = strlen(text), first = len;

	if (len == 0)
		return;
	if (len > s->columns) {
		first = s->columns;
		while (first > 0 && text[first] != ' ')
			first--;
		if (first == 0)
			first = s->columns;
	}
	canvas_text(s->canvas, s->row++, 0, CANVAS_YELLOW, "%.*s", (int)first, text);
	if (first < len)
		canvas_text(s->canvas, s->row++, 0, CANVAS_YELLOW, "%s",
			    text + first + (text[first] == ' '));
}

/* ---- lanes ---- */

static void place_columns(struct sheet *s)
{
	const struct live *live = s->live;
	unsigned who_width = 6, key_width = KEY_MIN;
	char text[LIVE_WHO_MAX];

	for (uint32_t n = 0; n < live->field.nexus_count; n++) {
		unsigned len = (unsigned)strlen(live_who(live, n, text));
		who_width = len > who_width ? len : who_width;
		for (size_t i = 0; i < live->lu_count; i++) {
			len = (unsigned)snprintf(text, sizeof(text), "0x%" PRIx64,
						 live->lus[i].known.places[n].key);
			key_width = len > key_width ? len : key_width;
		}
	}
	if (live->lu_count > 1)
		who_width += 4; /* the LUN */
	s->key_column = who_width + 1;
	s->type_column = s->key_column + key_width + 1;
	s->strip_column = s->type_column + TYPE_COLUMN;
	s->how_column = CLOCK_COLUMN + s->key_column + WHAT_COLUMN;
}

static void draw_strip(struct sheet *s, const struct live_lane *lane)
{
	uint64_t width = s->columns > s->strip_column ? s->columns - s->strip_column : 0;
	uint64_t shown = s->live->columns;

	shown = shown > width ? width : shown;
	shown = shown > LIVE_STRIP_MAX ? LIVE_STRIP_MAX : shown;
	for (uint64_t i = 0; i < shown; i++) {
		const struct live_cell *cell =
			&lane->cells[(s->live->columns - shown + i) % LIVE_STRIP_MAX];
		if (cell->code != 0)
			canvas_put(s->canvas, s->row, s->strip_column + (unsigned)i, cell->code,
				   (enum canvas_style)cell->style);
	}
}

static void draw_lane(struct sheet *s, uint32_t nexus, const struct live_lu *lu)
{
	char who[LIVE_WHO_MAX];
	unsigned column =
		canvas_text(s->canvas, s->row, 0, s->live->up[nexus] ? CANVAS_BOLD : CANVAS_DIM,
			    "%s", live_who(s->live, nexus, who));
	const struct known_lu *known = &lu->known;

	if (s->live->lu_count > 1)
		canvas_text(s->canvas, s->row, column, CANVAS_DIM, " L%u", (unsigned)known->lun);
	if (known->places[nexus].key != 0)
		canvas_text(s->canvas, s->row, s->key_column, CANVAS_CYAN, "0x%" PRIx64,
			    known->places[nexus].key);
	else if (!s->live->up[nexus])
		canvas_text(s->canvas, s->row, s->key_column, CANVAS_DIM, "away");
	if (known_holds(known, nexus))
		canvas_text(s->canvas, s->row, s->type_column, CANVAS_GREEN, "%s",
			    live_type(known->type));
	else if (known->spc2_owner == nexus)
		canvas_text(s->canvas, s->row, s->type_column, CANVAS_GREEN, "SPC-2");
	draw_strip(s, &lu->lanes[nexus]);
	s->row++;
}

static void draw_lanes(struct sheet *s)
{
	const struct live *live = s->live;
	size_t lanes = live->field.nexus_count * live->lu_count, shown = 0;
	size_t room = s->rows > s->row + FOOT_ROWS + LOG_MIN + 1
			      ? s->rows - s->row - FOOT_ROWS - LOG_MIN - 1
			      : 1;

	if (lanes > room)
		room = room > 1 ? room - 1 : 1; /* for the line that tells of the others */
	place_columns(s);
	for (uint32_t n = 0; n < live->field.nexus_count; n++)
		for (size_t i = 0; i < live->lu_count && shown < room; i++, shown++)
			draw_lane(s, n, &live->lus[i]);
	if (shown < lanes)
		canvas_text(s->canvas, s->row++, 0, CANVAS_DIM, "... and %zu more", lanes - shown);
}

/* ---- what happened, and what is under way ---- */

static void draw_entry(struct sheet *s, const struct live_entry *e)
{
	unsigned column, end;

	column = canvas_text(s->canvas, s->row, 0, CANVAS_DIM, "%8.3f ", (double)e->at_ns / 1e9);
	if (e->who[0] != '\0')
		column = canvas_text(s->canvas, s->row, column, CANVAS_PLAIN, "%-*s ",
				     (int)s->key_column - 1, e->who);
	column = canvas_text(s->canvas, s->row, column, e->how[0] == '\0' ? e->style : CANVAS_PLAIN,
			     "%s", e->what);
	if (e->how[0] != '\0') {
		/* In a column of its own, or else as far to the left as it needs: the outcome
		 * matters more than the end of a long command. */
		end = (unsigned)strlen(e->how) + 2;
		end = s->columns > end ? s->columns - end : 0;
		column = column < s->how_column ? s->how_column : column;
		column = column < end || end < s->columns / 2 ? column : end;
		column = canvas_text(s->canvas, s->row, column, CANVAS_PLAIN, "  ");
		column = canvas_text(s->canvas, s->row, column, e->style, "%s", e->how);
		for (; column < s->columns; column++)
			canvas_put(s->canvas, s->row, column, ' ', CANVAS_PLAIN);
	}
	s->row++;
}

static void draw_open(struct sheet *s, const struct live_open *open)
{
	struct live_entry entry = {.at_ns = open->at_ns, .how = "...", .style = CANVAS_DIM};

	live_who(s->live, open->nexus, entry.who);
	history_command_text(&open->command, entry.what, sizeof(entry.what));
	draw_entry(s, &entry);
}

static void draw_log(struct sheet *s)
{
	const struct live *live = s->live;
	unsigned end = s->rows > FOOT_ROWS ? s->rows - FOOT_ROWS : 0;
	unsigned room = end > s->row ? end - s->row : 0;
	unsigned opens = live->slice_ns == 0 ? HASH_COUNT(live->open) : 0;
	uint64_t kept = live->logged < LIVE_LOG_MAX ? live->logged : LIVE_LOG_MAX, lines;

	opens = opens > room / 2 ? room / 2 : opens;
	lines = kept < room - opens ? kept : room - opens;
	for (uint64_t i = live->logged - lines; i < live->logged; i++)
		draw_entry(s, &live->log[i % LIVE_LOG_MAX]);
	for (const struct live_open *open = live->open; open && opens > 0; opens--) {
		draw_open(s, open);
		open = open->hh.next;
	}
	s->row = end;
}

static void draw_foot(struct sheet *s)
{
	const struct live_counts *c = &s->live->counts;
	unsigned column = canvas_text(s->canvas, s->row, 0, CANVAS_DIM, "%s", "letters: GOOD  ");

	canvas_put(s->canvas, s->row, column++, CANVAS_REFUSED, CANVAS_RED);
	column = canvas_text(s->canvas, s->row, column, CANVAS_DIM, " conflict  ");
	column = canvas_text(s->canvas, s->row, column, CANVAS_YELLOW, "!");
	column = canvas_text(s->canvas, s->row, column, CANVAS_DIM, " told something  ");
	column = canvas_text(s->canvas, s->row, column, CANVAS_MAGENTA, "?");
	column = canvas_text(s->canvas, s->row, column, CANVAS_DIM, " no answer  ");
	canvas_put(s->canvas, s->row, column++, CANVAS_LINE_HOLDS, CANVAS_GREEN);
	column = canvas_text(s->canvas, s->row, column, CANVAS_DIM, " holds  ");
	canvas_put(s->canvas, s->row, column++, CANVAS_LINE_KEY, CANVAS_CYAN);
	canvas_text(s->canvas, s->row++, column, CANVAS_DIM, " registered");
	canvas_text(s->canvas, s->row++, 0, CANVAS_PLAIN,
		    "%" PRIu64 " GOOD  %" PRIu64 " conflicts  %" PRIu64 " attentions  %" PRIu64
		    " lost  %" PRIu64 " preempted  %" PRIu64 " crashes%s",
		    c->good, c->conflicts, c->attentions, c->unknown, c->preempts, c->crashes,
		    s->live->no_memory ? "  (out of memory: not whole)" : "");
}

void live_draw(const struct live *live, uint64_t now_ns, const struct live_look *look, FILE *out)
{
	struct sheet s = {
		.live = live,
		.columns = look->columns < COLUMNS_MIN ? COLUMNS_MIN : look->columns,
		.rows = look->rows < ROWS_MIN ? ROWS_MIN : look->rows,
	};

	s.columns = s.columns > CANVAS_COLUMNS_MAX ? CANVAS_COLUMNS_MAX : s.columns;
	s.rows = s.rows > CANVAS_ROWS_MAX ? CANVAS_ROWS_MAX : s.rows;
	s.canvas = canvas_create(look->columns, look->rows);
	if (!s.canvas)
		return;
	draw_title(&s, now_ns);
	draw_holders(&s);
	draw_caption(&s);
	draw_rule(&s);
	draw_lanes(&s);
	draw_rule(&s);
	draw_log(&s);
	draw_foot(&s);
	canvas_write(s.canvas, look->colour, look->utf8, look->line_end, out);
	canvas_free(&s.canvas);
}
