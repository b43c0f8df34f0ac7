/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_value.c - Readers of the single values that a document holds. */
#include "config_value.h"

#include <string.h>

#include "secret_limit.h"

#define DIGITS "0123456789"

bool config_is_digits(const char *text)
{
	size_t digits = 0;

	while (*text) {
		size_t n;

		if (text[0] == '0' && (text[1] | 0x20) == 'x')
			n = 2 + strspn(text + 2, DIGITS "abcdefABCDEF");
		else
			n = strspn(text, DIGITS);
		if (text[n] && text[n] != '.')
			return false;
		digits += n;
		text += n + (text[n] == '.');
	}
	return digits > 0;
}

bool config_parse_port(struct field_ctx *c, const char *text, size_t len,
		       const char *hint, uint16_t *ret)
{
	ARENA(s);
	const char *quoted = field_quote(&s, arena_strndup(&s, text, len));
	unsigned int port = 0;

	if (!len || strspn(text, DIGITS) < len)
		return field_error(c, DIAG_NUMBER_FORMAT, hint,
				   "%s is no port: ports are written with the "
				   "digits 0 to 9 alone",
				   quoted);
	if (text[0] == '0' && len > 1)
		return field_error(c, DIAG_NUMBER_FORMAT,
				   "write it without the leading zero",
				   "port %s has a leading zero", quoted);
	for (size_t i = 0; i < len && port <= UINT16_MAX; i++)
		port = port * 10 + (unsigned int)(text[i] - '0');
	if (port > UINT16_MAX)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "port %.*s is above 65535; 1 to 65535 are "
				   "allowed",
				   len < 24 ? (int)len : 24, text);
	if (!port)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "port 0 is below 1; 1 to 65535 are allowed");
	*ret = (uint16_t)port;
	return true;
}

bool config_read_ports(struct field_ctx *c, const char *text, void *to)
{
	const char *hint = "for example \"443\" or \"8000-9000\"";
	const char *dash = strchr(text, '-');
	struct config_ports ports;

	/* A dash in front is a sign, and for the port's reader to refuse. */
	if (!dash || dash == text) {
		if (!config_parse_port(c, text, strlen(text), hint, &ports.lo))
			return false;
		ports.hi = ports.lo;
	} else if (!config_parse_port(c, text, (size_t)(dash - text), hint,
				      &ports.lo) ||
		   !config_parse_port(c, dash + 1, strlen(dash + 1), hint,
				      &ports.hi)) {
		return false;
	}
	if (ports.lo > ports.hi) {
		ARENA(s);

		return field_error(
			c, DIAG_PORT_RANGE,
			arena_printf(&s, "write \"%u-%u\"", ports.hi, ports.lo),
			"the range %u-%u ends before it starts", ports.lo,
			ports.hi);
	}
	*(struct config_ports *)to = ports;
	return true;
}

bool config_read_port_key(struct field_ctx *c, const char *text, void *to)
{
	struct config_binding *b = to;
	uint16_t port;

	if (!config_parse_port(c, text, strlen(text),
			       "a key is one port: {\"8080\": 80}", &port))
		return false;
	*b = (struct config_binding){
		.bind = ip4(127, 0, 0, 1),
		.host_port = port,
		.proto = CONFIG_TCP,
		.pointer = field_pointer(c->a, c->at),
	};
	return true;
}

bool config_parse_name(struct field_ctx *c, const char *text, size_t skip,
		       struct dname *ret)
{
	const char *wrong = dname_from_config(c->a, text + skip, ret);
	const char *hint = NULL;
	struct ip ip;
	ARENA(s);

	if (!wrong)
		return true;
	if (ip_parse(text, &ip))
		hint = "this is an address; a rule's Destination can be one";
	else if (strstr(text, "://"))
		hint = "write the host's name alone, without scheme and path";
	else if (strchr(text, ':'))
		hint = "write the name alone, without a port";
	else if (strchr(text + skip, '*'))
		hint = "\"*\" is no part of a name";
	else if (strpbrk(text, " \t\r\n"))
		hint = "remove the blanks";
	return field_error(c, DIAG_DOMAIN_NAME, hint, "%s %s",
			   field_quote(&s, text), wrong);
}

/* A name in a list of names that no connection to the address will carry. */
static void warn_digits(struct field_ctx *c, const char *text,
			const struct dname *name)
{
	char buf[DNAME_TEXT_MAX];
	ARENA(s);

	if (config_is_digits(dname_format(*name, buf)))
		field_report(c, DIAG_WARNING, DIAG_NEVER_MATCHES,
			     "to deny an address, write a rule with it as its "
			     "Destination",
			     "%s is read as a domain name, not as an address",
			     field_quote(&s, text));
}

bool config_read_domain(struct field_ctx *c, const char *text, void *to)
{
	ARENA(s);

	if (text[0] == '.' || !strncmp(text, "*.", 2))
		return field_error(
			c, DIAG_DOMAIN_NAME,
			"DenyDomainSuffixes takes names with everything below "
			"them",
			"%s is no exact name", field_quote(&s, text));
	if (!config_parse_name(c, text, 0, to))
		return false;
	warn_digits(c, text, to);
	return true;
}

bool config_read_suffix(struct field_ctx *c, const char *text, void *to)
{
	size_t skip = text[0] == '.';
	ARENA(s);

	if (!strncmp(text, "*.", 2))
		return field_error(
			c, DIAG_DOMAIN_NAME,
			arena_printf(&s, "write %s", field_quote(&s, text + 1)),
			"%s is no suffix", field_quote(&s, text));
	if (!config_parse_name(c, text, skip, to))
		return false;
	warn_digits(c, text + skip, to);
	return true;
}

bool config_read_pattern(struct field_ctx *c, const char *text, void *to)
{
	struct config_pattern pattern = {.wildcard = !strncmp(text, "*.", 2)};
	size_t skip = pattern.wildcard ? 2 : 0;
	const char *name = text + skip;
	struct ip ip;
	ARENA(s);

	if (text[0] == '.')
		return field_error(
			c, DIAG_DOMAIN_NAME,
			arena_printf(
				&s, "write %s for every subdomain",
				field_quote(&s, arena_printf(&s, "*%s", text))),
			"%s is neither a name nor \"*.NAME\"",
			field_quote(&s, text));
	if (!strcmp(text, "*"))
		return field_error(c, DIAG_DOMAIN_NAME,
				   "name the domains: \"*.example.com\"",
				   "\"*\" alone is no pattern");
	if (ip_parse(name, &ip) || config_is_digits(name))
		return field_error(c, DIAG_DOMAIN_NAME, NULL,
				   "%s is no name; patterns are compared with "
				   "the name in the TLS handshake, which is "
				   "never an address",
				   field_quote(&s, text));
	if (!config_parse_name(c, text, skip, &pattern.name))
		return false;
	*(struct config_pattern *)to = pattern;
	return true;
}

struct ip config_unmap(struct field_ctx *c, struct ip ip)
{
	char buf[IP_TEXT_MAX], plain[IP_TEXT_MAX];

	if (!ip_is_mapped(ip))
		return ip;
	field_report(c, DIAG_WARNING, DIAG_MAPPED, NULL, "%s is read as %s",
		     ip_format(ip, buf), ip_format(ip_unmap(ip), plain));
	return ip_unmap(ip);
}

/** struct endpoint - A name server's text, taken apart */
struct endpoint {
	const char *host;
	const char *port;
	bool bracketed;
};

/* Split HOST, HOST:PORT, [ADDRESS]:PORT; two colons or more without brackets
 * are an IPv6 address. */
static bool split_endpoint(struct arena *a, const char *text,
			   struct endpoint *ret)
{
	const char *colon = strchr(text, ':');

	*ret = (struct endpoint){.host = text};
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || end[1] != ':')
			return false;
		ret->host =
			arena_strndup(a, text + 1, (size_t)(end - text - 1));
		ret->port = end + 2;
		ret->bracketed = true;
	} else if (colon && !strchr(colon + 1, ':')) {
		ret->host = arena_strndup(a, text, (size_t)(colon - text));
		ret->port = colon + 1;
	}
	return true;
}

bool config_read_nameserver(struct field_ctx *c, const char *text, void *to)
{
	static const char *const forms =
		"write ADDRESS, ADDRESS:PORT, [IPV6]:PORT, NAME or NAME:PORT";
	struct config_nameserver ns = {.port = 53};
	char host[DNAME_TEXT_MAX];
	struct endpoint end;
	struct dname name;
	ARENA(s);

	if (!split_endpoint(&s, text, &end))
		return field_error(c, DIAG_ADDRESS, forms,
				   "%s is no name server",
				   field_quote(&s, text));
	if (end.port &&
	    !config_parse_port(c, end.port, strlen(end.port), forms, &ns.port))
		return false;
	if (ip_parse(end.host, &ns.ip)) {
		if (end.bracketed && ns.ip.family != IP_V6)
			return field_error(c, DIAG_ADDRESS, forms,
					   "only IPv6 addresses are written in "
					   "brackets");
		ns.ip = config_unmap(c, ns.ip);
	} else if (end.bracketed || strchr(end.host, ':') ||
		   config_is_digits(end.host)) {
		return field_error(c, DIAG_ADDRESS, forms,
				   "%s is no IP address",
				   field_quote(&s, end.host));
	} else {
		if (!config_parse_name(c, end.host, 0, &name))
			return false;
		ns.host = arena_strdup(c->a, dname_format(name, host));
	}
	*(struct config_nameserver *)to = ns;
	return true;
}

bool config_read_bind(struct field_ctx *c, const char *text, void *to)
{
	const char *hint = "the host's address to listen on: \"127.0.0.1\" for "
			   "the host alone, \"0.0.0.0\" for everybody";
	struct ip ip;
	ARENA(s);

	if (!ip_parse(text, &ip))
		return field_error(c, DIAG_ADDRESS, hint, "%s is no IP address",
				   field_quote(&s, text));
	*(struct ip *)to = config_unmap(c, ip);
	return true;
}

bool config_prefix_error(struct field_ctx *c, const char *text)
{
	const char *slash = strchr(text, '/');
	const char *hint = "for example \"10.0.0.0/8\" or \"2001:db8::/32\"";
	unsigned int bits;
	struct ip ip;
	ARENA(s);

	if (!slash) {
		if (ip_parse(text, &ip))
			hint = arena_printf(&s, "add a length: \"%s/%u\"", text,
					    ip.family == IP_V4 ? 16 : 48);
		return field_error(
			c, DIAG_ADDRESS, hint,
			"%s is no prefix: ADDRESS/LENGTH is expected",
			field_quote(&s, text));
	}
	if (strpbrk(text, "ghijklmnopqrstuvwxyz"))
		hint = "write a host's name alone, without scheme and path";
	if (!ip_parse(arena_strndup(&s, text, (size_t)(slash - text)), &ip))
		return field_error(c, DIAG_ADDRESS, hint,
				   "%s is no prefix: there is no IP address "
				   "before the \"/\"",
				   field_quote(&s, text));
	bits = ip_bits(ip.family);
	if (strchr(slash, '.'))
		hint = "write the mask as a number of bits";
	return field_error(c, DIAG_ADDRESS, hint,
			   "%s is no prefix: the length of an %s prefix is 0 "
			   "to %u, without leading zeros",
			   field_quote(&s, text),
			   ip.family == IP_V4 ? "IPv4" : "IPv6", bits);
}

/* Longest prefix that holds one slot, by family. */
static bool read_pool(struct field_ctx *c, const char *text,
		      enum ip_family family, int longest, struct ip_range *to)
{
	char buf[IP_TEXT_MAX];
	struct ip_range pool;
	bool masked;

	if (!ip_parse_prefix(text, &pool, &masked))
		return config_prefix_error(c, text);
	if (pool.family != family)
		return field_error(c, DIAG_POOL,
				   family == IP_V4 ? "for example "
						     "\"172.16.0.0/12\""
						   : "for example "
						     "\"fd42:6d73:62::/48\"",
				   "this pool must be an %s prefix",
				   family == IP_V4 ? "IPv4" : "IPv6");
	if (ip_range_prefix_len(pool) > longest)
		return field_error(c, DIAG_POOL, NULL,
				   "a sandbox takes a /%d of the pool, so a "
				   "pool's length is at most %d, not %d",
				   longest, longest, ip_range_prefix_len(pool));
	if (masked)
		field_report(c, DIAG_WARNING, DIAG_HOST_BITS, NULL,
			     "host bits are set; read as %s",
			     ip_range_format(pool, buf));
	*to = pool;
	return true;
}

bool config_read_pool4(struct field_ctx *c, const char *text, void *to)
{
	return read_pool(c, text, IP_V4, 30, to);
}

bool config_read_pool6(struct field_ctx *c, const char *text, void *to)
{
	return read_pool(c, text, IP_V6, 64, to);
}

bool config_read_env(struct field_ctx *c, const char *text, void *to)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	size_t n = strspn(text, letters);
	ARENA(s);

	while (text[n] && (strchr(letters, text[n]) || strchr(DIGITS, text[n])))
		n = n ? n + 1 : strlen(text) + 1;
	if (!n || n != strlen(text))
		return field_error(c, DIAG_TEXT, "for example \"API_KEY\"",
				   "%s is no environment variable's name: "
				   "letters, digits and \"_\", no digit first",
				   field_quote(&s, text));
	return field_copy(c, text, to);
}

bool config_read_path(struct field_ctx *c, const char *text, void *to)
{
	ARENA(s);

	if (text[0] != '/')
		return field_error(c, DIAG_TEXT,
				   "whoever reads it again later may be in "
				   "another directory",
				   "%s is no absolute path",
				   field_quote(&s, text));
	return field_copy(c, text, to);
}

bool config_read_placeholder(struct field_ctx *c, const char *text, void *to)
{
	static const char hint[] = "for example \"$MSB_API_KEY\"";

	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~')
			return field_error(
				c, DIAG_TEXT, hint,
				"a placeholder is made of printable ASCII "
				"characters without blanks");
		if (*p == '%' || *p == '\\')
			return field_error(
				c, DIAG_TEXT, hint,
				"a placeholder has neither \"%%\" nor \"\\\", "
				"which begin escapes");
	}
	if (strlen(text) < SECRET_PLACEHOLDER_MIN)
		return field_error(c, DIAG_TEXT, hint,
				   "a placeholder has at least %d characters, "
				   "so that nothing looks like it by chance",
				   SECRET_PLACEHOLDER_MIN);
	if (strlen(text) > SECRET_PLACEHOLDER_MAX)
		return field_error(c, DIAG_TEXT, hint,
				   "a placeholder has at most %d characters",
				   SECRET_PLACEHOLDER_MAX);
	return field_copy(c, text, to);
}
