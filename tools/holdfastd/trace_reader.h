/*
 * The traces of all loops as one, in the order of time: what `trace` and `capture` send.
 *
 * Each ring is read on its own loop, a piece at a time. What one loop has told is kept back while
 * another one may still tell of something older.
 */
#ifndef TOOLS_HOLDFASTD_TRACE_READER_H
#define TOOLS_HOLDFASTD_TRACE_READER_H

#include "target/trace_filter.h"
#include "tools/holdfastd/control_reply.h"
#include "tools/holdfastd/service.h"

struct trace_reader;

/* NULL: no memory. Begins behind what has happened, or at the oldest that is kept. */
struct trace_reader *trace_reader_create(struct service *service, const struct trace_filter *filter,
					 bool at_newest);
void trace_reader_free(void *reader);

/* While it lives, PDUs are kept; with a `snap_len` they come whole, up to so many bytes, and all
 * that is read is a capture. False: no memory. */
bool trace_reader_want_pdus(struct trace_reader *reader, uint32_t snap_len);
/* Does anybody capture? */
bool trace_reader_is_capturing(struct service *service);

/* Only what is there now; of it only the last so many. */
void trace_reader_stop_at_now(struct trace_reader *reader);
void trace_reader_only_last(struct trace_reader *reader, uint64_t last);

/* Appends some events, as lines or as elements of an array. False: there will be no more. */
bool trace_reader_append(struct trace_reader *reader, struct control_reply *reply);

#endif
