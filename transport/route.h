/*
 * Which loop a new connection belongs to, from the first bytes that it sends (docs/threads.md).
 *
 * A session lives on one loop with all its connections, and whoever takes its place must find it
 * there. Both tell the same initiator port: name and ISID, which stand in the first Login Request
 * (RFC 7143 11.12.5, 13.5). So the connections of one initiator port all get the same number here.
 */
#ifndef TRANSPORT_ROUTE_H
#define TRANSPORT_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#define ISCSI_ROUTE_BYTES_MAX ((size_t)48 + 8192) /* more is never looked at */
#define ISCSI_ROUTE_ANYWHERE  UINT64_C(0)
#define ISCSI_ROUTE_PLACES    4096u /* into which ports fall: number modulo this */

/*
 * 0: *ret_number is that of its initiator port, or of the ISID alone when it does not say more.
 * Discovery sessions, which nobody joins, and whatever is no login may be served anywhere. Else
 * how many bytes are needed to tell, more than `len`.
 */
size_t iscsi_route(const uint8_t *bytes, size_t len, uint64_t *ret_number);

/* The number of a port, by its ISID and its canonical name. */
uint64_t iscsi_route_port(const uint8_t *isid, const char *name);

#endif
