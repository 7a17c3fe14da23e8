/*
 * Events of the trace as JSON: what the control socket sends of them.
 */
#ifndef TOOLS_HOLDFASTD_TRACE_JSON_H
#define TOOLS_HOLDFASTD_TRACE_JSON_H

#include <jansson.h>

#include "target/trace.h"

/* NULL: no memory. `ring` knows who it is about. */
json_t *trace_event_json(const struct trace_ring *ring, const struct trace_event *event);

#endif
