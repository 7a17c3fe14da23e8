/*
 * Single values from text: sizes, portal addresses, iSCSI names.
 */
#include <arpa/inet.h>
#include <string.h>

#include "config/config.h"

#define DEFAULT_PORT 3260

bool config_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMGT";
	uint64_t value = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (i == 0)
		return false;
	if (text[i] != '\0') {
		char upper = text[i] >= 'a' ? (char)(text[i] - ('a' - 'A')) : text[i];
		const char *suffix = strchr(suffixes, upper);
		if (!suffix)
			return false;
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);
		if (value > UINT64_MAX >> shift)
			return false;
		value <<= shift;
		i++;
		/* "1GiB" says the same; "1GB" would not. */
		if (text[i] == 'i' && text[i + 1] == 'B')
			i += 2;
	}
	if (text[i] != '\0')
		return false;
	*ret_bytes = value;
	return true;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
	uint32_t port = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
		port = port * 10 + (uint32_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* Finds the host in "host:port", "host", "[host6]:port", "[host6]" or "host6". */
static bool split_address(const char *text, const char **ret_host, size_t *ret_len,
			  const char **ret_port)
{
	const char *host = text, *end, *port = NULL;

	if (text[0] == '[') {
		host = text + 1;
		end = strchr(host, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		if (end[1] == ':')
			port = end + 2;
	} else {
		end = strchr(text, ':');
		if (end && !strchr(end + 1, ':'))
			port = end + 1;
		else
			end = text + strlen(text);
	}
	*ret_host = host;
	*ret_len = (size_t)(end - host);
	*ret_port = port;
	return true;
}

bool config_parse_address(const char *text, char ret_canonical[CONFIG_ADDRESS_MAX])
{
	const char *start, *port_text;
	size_t len;
	uint16_t port = DEFAULT_PORT;
	char host[INET6_ADDRSTRLEN];
	struct in_addr in;
	struct in6_addr in6;

	if (!split_address(text, &start, &len, &port_text) || len >= sizeof(host))
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	if (port_text && !parse_port(port_text, &port))
		return false;
	if (text[0] != '[' && inet_pton(AF_INET, host, &in) == 1) {
		inet_ntop(AF_INET, &in, host, sizeof(host));
		snprintf(ret_canonical, CONFIG_ADDRESS_MAX, "%s:%u", host, port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &in6) == 1) {
		inet_ntop(AF_INET6, &in6, host, sizeof(host));
		snprintf(ret_canonical, CONFIG_ADDRESS_MAX, "[%s]:%u", host, port);
		return true;
	}
	return false;
}

static bool all_of(const char *text, size_t len, const char *allowed)
{
	return strspn(text, allowed) >= len;
}

/* "iqn.yyyy-mm.reversed.domain[:anything]"; `name` is lower case and has only legal characters. */
static const char *check_iqn(const char *name)
{
	static const char digits[] = "0123456789";
	const char *date = name + 4;

	if (strlen(date) < 9 || !all_of(date, 4, digits) || date[4] != '-' ||
	    !all_of(date + 5, 2, digits) || date[7] != '.')
		return "after `iqn.` comes a date and a reversed domain: iqn.2026-11.com.example";
	int month = (date[5] - '0') * 10 + (date[6] - '0');
	if (month < 1 || month > 12)
		return "the month in its date is not 01 to 12";
	const char *domain = date + 8;
	size_t domain_len = strcspn(domain, ":");
	if (domain_len == 0 || domain[0] == '.' || domain[domain_len - 1] == '.' ||
	    strstr(domain, "..") != NULL)
		return "its reversed domain has an empty part";
	return NULL;
}

static const char *check_hex(const char *digits, size_t len_a, size_t len_b, const char *complaint)
{
	size_t len = strlen(digits);
	bool fits = (len == len_a || len == len_b) && all_of(digits, len, "0123456789abcdef");
	return fits ? NULL : complaint;
}

const char *config_parse_name(const char *text, char ret_canonical[CONFIG_NAME_MAX + 1])
{
	char name[CONFIG_NAME_MAX + 1] = "";
	const char *wrong;
	size_t len = strlen(text);

	if (len == 0 || len > CONFIG_NAME_MAX)
		return "it must have 1 to 223 characters";
	for (size_t i = 0; i <= len; i++)
		name[i] =
			text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + ('a' - 'A')) : text[i];
	if (!all_of(name, len, "abcdefghijklmnopqrstuvwxyz0123456789-.:"))
		return "only letters, digits, `-`, `.` and `:` may stand in it";
	if (strncmp(name, "iqn.", 4) == 0)
		wrong = check_iqn(name);
	else if (strncmp(name, "eui.", 4) == 0)
		wrong = check_hex(name + 4, 16, 16, "after `eui.` come 16 hexadecimal digits");
	else if (strncmp(name, "naa.", 4) == 0)
		wrong = check_hex(name + 4, 16, 32,
				  "after `naa.` come 16 or 32 hexadecimal digits");
	else
		wrong = "it must begin with `iqn.`, `eui.` or `naa.`";
	if (!wrong)
		memcpy(ret_canonical, name, len + 1);
	return wrong;
}
