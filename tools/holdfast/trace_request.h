/*
 * What the options of `trace` and `capture` ask the daemon for.
 */
#ifndef TOOLS_HOLDFAST_TRACE_REQUEST_H
#define TOOLS_HOLDFAST_TRACE_REQUEST_H

#include "tools/holdfast/command.h"

/* Adds the filters to a request. False after the person was told what is wrong. */
bool trace_request_filters(const struct arguments *arguments, json_t *request);

#endif
