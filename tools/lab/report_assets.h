/*
 * The files of tools/lab/report/, built in; tools/lab/report/embed makes their definitions.
 */
#ifndef LAB_REPORT_ASSETS_H
#define LAB_REPORT_ASSETS_H

#include <stddef.h>

extern const unsigned char report_html[], report_css[], report_js[];
extern const size_t report_html_len, report_css_len, report_js_len;

#endif
