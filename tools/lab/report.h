/*
 * A history and its verdict as one HTML page that needs nothing else. The page itself is in
 * tools/lab/report/; what is here writes its data and puts the pieces together.
 */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include "tools/lab/judge.h"

/* `verdict` may be NULL: not judged. 0, -ENOMEM, or the stream's negative errno. */
int report_write(FILE *out, const struct history *history, const struct judge_report *verdict);
/* Only the JSON that the page carries. It holds no "<", so nothing in it can end the element that
 * it is in. */
int report_write_data(FILE *out, const struct history *history, const struct judge_report *verdict);

#endif
