/*
 * The page: its template with style, data and script in their places.
 */
#include "tools/lab/report.h"

#include <errno.h>
#include <string.h>

#include "tools/lab/report_assets.h"

struct piece {
	const char *place; /* in the template */
	const unsigned char *bytes;
	size_t len;
};

static void write_bytes(FILE *out, const unsigned char *bytes, size_t len)
{
	if (len > 0)
		fwrite(bytes, 1, len, out);
}

int report_write(FILE *out, const struct history *history, const struct judge_report *verdict)
{
	const struct piece pieces[] = {
		{"{{style}}", report_css, report_css_len},
		{"{{data}}", NULL, 0},
		{"{{script}}", report_js, report_js_len},
	};
	const unsigned char *at = report_html, *end = report_html + report_html_len;
	int error = 0;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && error == 0; i++) {
		size_t len = strlen(pieces[i].place);
		const unsigned char *place = memmem(at, (size_t)(end - at), pieces[i].place, len);
		if (!place)
			return -EINVAL;
		write_bytes(out, at, (size_t)(place - at));
		if (pieces[i].bytes)
			write_bytes(out, pieces[i].bytes, pieces[i].len);
		else
			error = report_write_data(out, history, verdict);
		at = place + len;
	}
	if (error != 0)
		return error;
	write_bytes(out, at, (size_t)(end - at));
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
