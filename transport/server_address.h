/*
 * Socket addresses of the server: numeric text to and from sockets' own form.
 */
#ifndef TRANSPORT_SERVER_ADDRESS_H
#define TRANSPORT_SERVER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SERVER_ADDRESS_TEXT_LEN 64 /* bytes of "[IPv6]:port", with the NUL */

union server_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* "ADDR:PORT", "[ADDR6]:PORT", "ADDR" or "[ADDR6]" (port 3260); numeric only. False: none of these.
 */
bool server_address_parse(const char *text, union server_address *ret_address);

/* "192.0.2.1:3260", "[2001:db8::1]:3260". */
void server_address_text(const union server_address *address,
			 char ret_text[SERVER_ADDRESS_TEXT_LEN]);

bool server_address_is_wildcard(const union server_address *address);
uint16_t server_address_port(const union server_address *address); /* host byte order */
void server_address_set_port(union server_address *address, uint16_t port);
socklen_t server_address_len(const union server_address *address);

#endif
