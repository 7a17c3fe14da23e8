/*
 * One connection, sans-IO: bytes in, bytes out, time handed in. The libev server drives it; so does
 * a unit test, a fuzzer, or a simulated network.
 */
#ifndef TRANSPORT_CONN_H
#define TRANSPORT_CONN_H

#include <sys/uio.h>

#include "transport/node.h"

struct iscsi_conn;

struct iscsi_conn_host {
	/*
	 * There is something new to do: output to send, input wanted again, or the connection
	 * finished. Called from completions and from other connections' work, never from within
	 * iscsi_conn_received/sent/tick/eof of the same connection. It only takes a note; the host
	 * then asks the functions below.
	 */
	void (*wake)(void *host_context);
};

/*
 * `local_address` is getsockname's as text ("192.0.2.1:3260", "[2001:db8::1]:3260"), for
 * SendTargets through a wildcard portal; `peer` the other side's, for people. Both copied. NULL: no
 * memory, or limits.connections_max reached.
 */
struct iscsi_conn *iscsi_conn_create(struct iscsi_node *node, struct iscsi_portal *portal,
				     const char *local_address, const char *peer,
				     const struct iscsi_conn_host *host, void *host_context,
				     uint64_t now_ms);

/* Whatever it was doing is cleaned up; a session that loses its last connection is lost. Tasks that
 * still drain keep what they need alive. */
void iscsi_conn_free(struct iscsi_conn **conn);

/* Where the next received bytes go: fills iov[0..1], returns how many entries (0: read nothing for
 * now). The memory is shared by the node's connections: no other one may be asked or told anything
 * between this and iscsi_conn_received. */
int iscsi_conn_input(struct iscsi_conn *conn, struct iovec iov[2]);
/* n bytes (>= 1) have been put there. */
void iscsi_conn_received(struct iscsi_conn *conn, size_t n, uint64_t now_ms);
/* The peer closed its side, or the socket failed. */
void iscsi_conn_eof(struct iscsi_conn *conn, uint64_t now_ms);

/* Bytes to send: fills up to max (>= 3) entries, returns how many (0: nothing to send). */
int iscsi_conn_output(struct iscsi_conn *conn, struct iovec *iov, int max);
/* n bytes of those were taken by the socket. */
void iscsi_conn_sent(struct iscsi_conn *conn, size_t n, uint64_t now_ms);
/* None were: it has no room now, or says that some of them are not there (EFAULT). What lies in a
 * store is copied, and output asked for anew is other memory. */
void iscsi_conn_not_sent(struct iscsi_conn *conn, uint64_t now_ms);

/* When iscsi_conn_tick is to be called next, in the clock of now_ms; UINT64_MAX: never. */
uint64_t iscsi_conn_deadline(const struct iscsi_conn *conn);
void iscsi_conn_tick(struct iscsi_conn *conn, uint64_t now_ms);

/* It is to be closed with a reset (fault.h). */
bool iscsi_conn_wants_reset(const struct iscsi_conn *conn);

/* The connection is over: when its output is sent (nothing left in iscsi_conn_output), close the
 * socket and free it. */
bool iscsi_conn_finished(const struct iscsi_conn *conn);

#endif
