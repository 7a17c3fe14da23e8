#include "tools/lab/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct cell {
	uint8_t code, style; /* code 0: blank */
};

struct canvas {
	unsigned columns, rows;
	struct cell cells[];
};

struct canvas *canvas_create(unsigned columns, unsigned rows)
{
	struct canvas *canvas;

	if (columns > CANVAS_COLUMNS_MAX)
		columns = CANVAS_COLUMNS_MAX;
	if (rows > CANVAS_ROWS_MAX)
		rows = CANVAS_ROWS_MAX;
	canvas = calloc(1, sizeof(*canvas) + (size_t)columns * rows * sizeof(canvas->cells[0]));
	if (!canvas)
		return NULL;
	canvas->columns = columns;
	canvas->rows = rows;
	return canvas;
}

void canvas_free(struct canvas **canvas)
{
	free(*canvas);
	*canvas = NULL;
}

unsigned canvas_columns(const struct canvas *canvas)
{
	return canvas->columns;
}

void canvas_put(struct canvas *canvas, unsigned row, unsigned column, unsigned code,
		enum canvas_style style)
{
	bool known =
		(code >= ' ' && code <= '~') || (code >= CANVAS_RULE && code < CANVAS_GLYPH_END);

	if (row < canvas->rows && column < canvas->columns)
		canvas->cells[(size_t)row * canvas->columns + column] = (struct cell){
			.code = (uint8_t)(known ? code : '?'), .style = (uint8_t)style};
}

unsigned canvas_text(struct canvas *canvas, unsigned row, unsigned column, enum canvas_style style,
		     const char *format, ...)
{
	char text[CANVAS_COLUMNS_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (const char *at = text; *at; at++)
		canvas_put(canvas, row, column++, (unsigned char)*at, style);
	return column;
}

/* ---- as text ---- */

static void put_code(unsigned code, bool utf8, FILE *out)
{
	static const struct {
		const char *utf8;
		char ascii;
	} glyphs[] = {
		[CANVAS_RULE & 127] = {"─", '-'},	 [CANVAS_LINE & 127] = {"┄", '.'},
		[CANVAS_LINE_KEY & 127] = {"─", '-'},	 [CANVAS_LINE_HOLDS & 127] = {"━", '='},
		[CANVAS_LINE_ABSENT & 127] = {"·", ' '}, [CANVAS_STEM & 127] = {"│", '|'},
		[CANVAS_HEAD_DOWN & 127] = {"▼", 'v'},	 [CANVAS_HEAD_UP & 127] = {"▲", '^'},
		[CANVAS_CRASH & 127] = {"┃", '!'},	 [CANVAS_REVIVED & 127] = {"┃", '|'},
		[CANVAS_REFUSED & 127] = {"✗", 'x'},
	};

	if (code == 0)
		putc(' ', out);
	else if (code < CANVAS_RULE)
		putc((int)code, out);
	else if (utf8)
		fputs(glyphs[code & 127].utf8, out);
	else
		putc(glyphs[code & 127].ascii, out);
}

static void put_style(unsigned style, FILE *out)
{
	static const char *const parameters[CANVAS_STYLE_COUNT] = {
		[CANVAS_PLAIN] = "0",	   [CANVAS_DIM] = "0;2",    [CANVAS_BOLD] = "0;1",
		[CANVAS_GREEN] = "0;32",   [CANVAS_RED] = "0;1;31", [CANVAS_YELLOW] = "0;33",
		[CANVAS_MAGENTA] = "0;35", [CANVAS_CYAN] = "0;36",  [CANVAS_ALARM] = "0;1;37;41",
	};

	fprintf(out, "\033[%sm", parameters[style]);
}

static void write_row(const struct canvas *canvas, const struct cell *row, bool colour, bool utf8,
		      FILE *out)
{
	unsigned end = canvas->columns, style = CANVAS_PLAIN;

	while (end > 0 && (row[end - 1].code == 0 || row[end - 1].code == ' '))
		end--;
	for (unsigned column = 0; column < end; column++) {
		if (colour && row[column].style != style) {
			style = row[column].style;
			put_style(style, out);
		}
		put_code(row[column].code, utf8, out);
	}
	if (style != CANVAS_PLAIN)
		put_style(CANVAS_PLAIN, out);
}

void canvas_write(const struct canvas *canvas, bool colour, bool utf8, const char *line_end,
		  FILE *out)
{
	for (unsigned row = 0; row < canvas->rows; row++) {
		write_row(canvas, &canvas->cells[(size_t)row * canvas->columns], colour, utf8, out);
		fputs(line_end, out);
	}
}
