#include "transport/server_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 3260 /* RFC 7143 4.2.7.3 */

static bool port_parse(const char *text, uint16_t *ret_port)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long port = strtoul(text, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* Splits "host:port", "[host6]:port", "host", "[host6]" or a bare IPv6 address. */
static bool address_split(const char *text, char ret_host[SERVER_ADDRESS_TEXT_LEN],
			  uint16_t *ret_port)
{
	const char *host = text, *host_end, *port = NULL;

	if (text[0] == '[') {
		host = text + 1;
		host_end = strchr(host, ']');
		if (!host_end || (host_end[1] != '\0' && host_end[1] != ':'))
			return false;
		if (host_end[1] == ':')
			port = host_end + 2;
	} else {
		host_end = strchr(text, ':');
		if (host_end && strchr(host_end + 1, ':'))
			host_end = NULL; /* several colons: IPv6 without a port */
		else if (host_end)
			port = host_end + 1;
		if (!host_end)
			host_end = text + strlen(text);
	}
	size_t len = (size_t)(host_end - host);
	if (len >= SERVER_ADDRESS_TEXT_LEN)
		return false;
	memcpy(ret_host, host, len);
	ret_host[len] = '\0';
	*ret_port = DEFAULT_PORT;
	return !port || port_parse(port, ret_port);
}

bool server_address_parse(const char *text, union server_address *ret_address)
{
	char host[SERVER_ADDRESS_TEXT_LEN];
	union server_address address = {0};
	uint16_t port;

	if (!address_split(text, host, &port))
		return false;
	if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1)
		address.in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &address.in6.sin6_addr) == 1)
		address.in6.sin6_family = AF_INET6;
	else
		return false;
	server_address_set_port(&address, port);
	*ret_address = address;
	return true;
}

void server_address_text(const union server_address *address,
			 char ret_text[SERVER_ADDRESS_TEXT_LEN])
{
	bool is_in6 = address->any.sa_family == AF_INET6;
	char host[INET6_ADDRSTRLEN] = "?";

	if (is_in6)
		inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host));
	snprintf(ret_text, SERVER_ADDRESS_TEXT_LEN, is_in6 ? "[%s]:%u" : "%s:%u", host,
		 server_address_port(address));
}

bool server_address_is_wildcard(const union server_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
	return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
}

uint16_t server_address_port(const union server_address *address)
{
	return ntohs(address->any.sa_family == AF_INET6 ? address->in6.sin6_port
							: address->in.sin_port);
}

void server_address_set_port(union server_address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET6)
		address->in6.sin6_port = htons(port);
	else
		address->in.sin_port = htons(port);
}

socklen_t server_address_len(const union server_address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}
