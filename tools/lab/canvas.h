/*
 * A rectangle of characters that is drawn upon and then written out as text, with or without the
 * escape sequences of colours. What does not fit is cut; nothing that is drawn can leave the
 * rectangle or change the terminal.
 */
#ifndef LAB_CANVAS_H
#define LAB_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CANVAS_COLUMNS_MAX 400
#define CANVAS_ROWS_MAX	   200

enum canvas_style {
	CANVAS_PLAIN = 0,
	CANVAS_DIM,
	CANVAS_BOLD,
	CANVAS_GREEN,
	CANVAS_RED,
	CANVAS_YELLOW,
	CANVAS_MAGENTA,
	CANVAS_CYAN,
	CANVAS_ALARM, /* white on red */
	CANVAS_STYLE_COUNT,
};

/* What is no ASCII, and has an ASCII character that stands for it. */
enum canvas_glyph {
	CANVAS_RULE = 128,
	CANVAS_LINE,	    /* logged in, not registered */
	CANVAS_LINE_KEY,    /* registered */
	CANVAS_LINE_HOLDS,  /* holds */
	CANVAS_LINE_ABSENT, /* registered, not logged in */
	CANVAS_STEM,	    /* of an arrow */
	CANVAS_HEAD_DOWN,
	CANVAS_HEAD_UP,
	CANVAS_CRASH,
	CANVAS_REVIVED,
	CANVAS_REFUSED,
	CANVAS_GLYPH_END,
};

struct canvas;

/* At most CANVAS_COLUMNS_MAX and CANVAS_ROWS_MAX. NULL: no memory. */
struct canvas *canvas_create(unsigned columns, unsigned rows);
void canvas_free(struct canvas **canvas);
unsigned canvas_columns(const struct canvas *canvas);

/* `code`: a printable ASCII character or a glyph; anything else becomes a `?`. */
void canvas_put(struct canvas *canvas, unsigned row, unsigned column, unsigned code,
		enum canvas_style style);
/* Returns the column behind it. */
unsigned canvas_text(struct canvas *canvas, unsigned row, unsigned column, enum canvas_style style,
		     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Row by row, blanks at the end of a row left out, each with line_end behind it. */
void canvas_write(const struct canvas *canvas, bool colour, bool utf8, const char *line_end,
		  FILE *out);

#endif
