#include "tools/holdfast-lab/screen.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/lab/live.h"

#define FRAME_NS	40000000u /* between two pictures, at least */
#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT	24

/* Another page of the terminal without a cursor, and back. */
#define PAGE_ENTER "\033[?1049h\033[?25l"
#define PAGE_LEAVE "\033[?25h\033[?1049l"

struct screen {
	struct recorder *recorder;
	struct live *live;
	bool drawn; /* a terminal; else lines */
	bool utf8;
	uint64_t next_ns;
	unsigned columns, rows; /* of the last picture */
	FILE *errors;		/* what standard error said meanwhile */
	int stderr_fd;		/* where it goes */
};

bool screen_wanted(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0] != '\0') && term &&
	       strcmp(term, "dumb") != 0;
}

static void measure(unsigned *ret_columns, unsigned *ret_rows)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

	*ret_columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
	*ret_rows = known && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
}

/* One write, so that nobody sees half a picture. */
static void put_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* From the upper left corner; each line and the page are cleared behind their ends. */
static void draw(struct screen *screen, bool last)
{
	struct live_look look = {
		.colour = true, .utf8 = screen->utf8, .line_end = last ? "\r\n" : "\033[K\r\n"};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	measure(&look.columns, &look.rows);
	if (look.columns != screen->columns || look.rows != screen->rows)
		fputs(last ? "" : "\033[2J", out);
	screen->columns = look.columns;
	screen->rows = look.rows;
	look.rows = look.rows > 1 ? look.rows - 1 : 1; /* the last line end must not scroll */
	fputs(last ? "" : "\033[H", out);
	live_draw(screen->live, recorder_now_ns(screen->recorder), &look, out);
	if (fclose(out) == 0)
		put_all(text, len);
	free(text);
}

void screen_show(struct screen *screen)
{
	uint64_t now_ns = recorder_now_ns(screen->recorder);

	if (!screen->drawn || now_ns < screen->next_ns)
		return;
	draw(screen, false);
	screen->next_ns = now_ns + FRAME_NS;
}

static void on_event(void *context, const struct history_event *event)
{
	struct screen *screen = context;

	live_take(screen->live, event);
	if (screen->drawn) {
		screen_show(screen);
		return;
	}
	live_print(screen->live, stdout);
	fflush(stdout);
}

/* Messages would garble the picture, and go with it: they are shown after it. */
static void hold_errors(struct screen *screen)
{
	screen->errors = tmpfile();
	screen->stderr_fd = screen->errors ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	if (screen->stderr_fd >= 0)
		dup2(fileno(screen->errors), STDERR_FILENO);
}

static void show_errors(struct screen *screen)
{
	char buffer[4096];
	size_t n;

	if (screen->stderr_fd >= 0) {
		fflush(stderr);
		dup2(screen->stderr_fd, STDERR_FILENO);
		close(screen->stderr_fd);
		rewind(screen->errors);
		while ((n = fread(buffer, 1, sizeof(buffer), screen->errors)) > 0)
			fwrite(buffer, 1, n, stderr);
	}
	if (screen->errors)
		fclose(screen->errors);
}

struct screen *screen_begin(struct recorder *recorder, const struct history_head *head,
			    uint64_t slice_ns)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		return NULL;
	screen->live = live_create(head, slice_ns);
	if (!screen->live) {
		free(screen);
		return NULL;
	}
	screen->recorder = recorder;
	screen->stderr_fd = -1;
	screen->drawn = screen_wanted();
	setlocale(LC_CTYPE, "");
	screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	fflush(stdout);
	if (screen->drawn) {
		hold_errors(screen);
		put_all(PAGE_ENTER, strlen(PAGE_ENTER));
	}
	recorder_set_watch(recorder, on_event, screen);
	return screen;
}

void screen_end(struct screen **screen)
{
	struct screen *s = *screen;

	if (!s)
		return;
	recorder_set_watch(s->recorder, NULL, NULL);
	if (s->drawn) {
		put_all(PAGE_LEAVE, strlen(PAGE_LEAVE));
		draw(s, true);
		show_errors(s);
	}
	live_free(&s->live);
	free(s);
	*screen = NULL;
}
