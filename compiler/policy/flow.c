/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow.c - Reading and writing the flow language, one line a flow. */
#include "flow.h"

#include <netinet/in.h>
#include <string.h>

#include "str.h"

/** FLOW_MAX_WORDS - More words than any line can have */
#define FLOW_MAX_WORDS 8

/* Protocols that a flow can name; any other is written as a number. */
static const struct {
	const char *name;
	uint8_t proto;
	enum ip_family family;
	bool ports;
} protos[] = {
	{"tcp", IPPROTO_TCP, 0, true},
	{"udp", IPPROTO_UDP, 0, true},
	{"icmpv4", IPPROTO_ICMP, IP_V4, false},
	{"icmpv6", IPPROTO_ICMPV6, IP_V6, false},
	{"igmp", IPPROTO_IGMP, 0, false},
	{"gre", IPPROTO_GRE, 0, false},
	{"esp", IPPROTO_ESP, 0, false},
	{"ah", IPPROTO_AH, 0, false},
	{"ospf", 89, 0, false},
	{"sctp", IPPROTO_SCTP, 0, false},
	{"dccp", IPPROTO_DCCP, 0, false},
	{"udplite", IPPROTO_UDPLITE, 0, false},
};

#define N_PROTOS (sizeof(protos) / sizeof(protos[0]))

/* A decimal number from 0 to @max, without sign, blanks or leading zeros. */
static bool flow_number(const char *text, unsigned int max, unsigned int *ret)
{
	unsigned int n = 0;
	const char *p;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (unsigned int)(*p - '0');
		if (n > max)
			return false;
	}
	*ret = n;
	return true;
}

static const char *flow_proto(struct arena *a, const char *word, struct flow *f,
			      enum ip_family *ret_family)
{
	unsigned int number;
	size_t i;

	*ret_family = 0;
	for (i = 0; i < N_PROTOS; i++) {
		if (strcmp(word, protos[i].name) == 0) {
			f->proto = protos[i].proto;
			*ret_family = protos[i].family;
			return NULL;
		}
	}
	if (strcmp(word, "icmp") == 0)
		return "protocol \"icmp\" is written \"icmpv4\" or \"icmpv6\"";
	if (!flow_number(word, 255, &number))
		return arena_printf(a,
				    "\"%s\" is no protocol: write tcp, udp, "
				    "icmpv4, icmpv6, another protocol's name, "
				    "or a number from 0 to 255",
				    word);
	f->proto = (uint8_t)number;
	return NULL;
}

static const char *flow_name(struct arena *a, const char *what,
			     const char *text, struct dname *ret)
{
	const char *why = NULL, *p;

	/* Names beyond ASCII are what a policy's author would write; anything
	 * else is what a packet can hold. */
	for (p = text; *p && !((unsigned char)*p & 0x80); p++)
		;
	if (*p)
		why = dname_from_config(a, text, ret);
	else
		why = dname_from_presentation(a, text, ret);
	return why ? arena_printf(a, "%s \"%s\" %s", what, text, why) : NULL;
}

static const char *flow_pins(struct arena *a, const char *list, struct flow *f)
{
	struct dname *pins = arena_array(a, FLOW_MAX_PINS, struct dname);
	char *rest = arena_strdup(a, list);

	while (rest) {
		char *comma = strchr(rest, ',');
		const char *why;

		if (comma)
			*comma++ = '\0';
		if (f->n_pins == FLOW_MAX_PINS)
			return "a flow can have at most 64 pins";
		why = flow_name(a, "pin", rest, &pins[f->n_pins]);
		if (why)
			return why;
		f->n_pins++;
		rest = comma;
	}
	f->pins = pins;
	return NULL;
}

static const char *flow_address(struct arena *a, const char *word,
				enum ip_family want, struct flow *f)
{
	struct ip ip;

	if (!ip_parse(word, &ip))
		return arena_printf(a, "\"%s\" is no IP address", word);
	f->ip = ip_unmap(ip);
	if (want && f->ip.family != want)
		return want == IP_V4
			       ? "icmpv4 goes with an IPv4 address; icmpv6 is "
				 "the one for IPv6"
			       : "icmpv6 goes with an IPv6 address; icmpv4 is "
				 "the one for IPv4";
	return NULL;
}

/* "egress PROTO ADDRESS [PORT] [pin=...] [sni=...]", from the second word. */
static const char *flow_packet(struct arena *a, char **word, struct flow *f)
{
	enum ip_family family;
	unsigned int port;
	const char *why;

	if (!word[0] || !word[1])
		return "a flow is \"egress PROTO ADDRESS [PORT]\" or \"ingress "
		       "PROTO ADDRESS [PORT]\"";
	why = flow_proto(a, word[0], f, &family);
	if (!why)
		why = flow_address(a, word[1], family, f);
	if (why)
		return why;
	word += 2;
	if (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP) {
		if (!*word)
			return "a tcp or udp flow needs a port after the "
			       "address";
		if (!flow_number(*word, 65535, &port) || !port)
			return arena_printf(a,
					    "\"%s\" is no port: write a number "
					    "from 1 to 65535",
					    *word);
		f->has_port = true;
		f->port = (uint16_t)port;
		word++;
	}
	for (; *word && !why; word++) {
		if (strncmp(*word, "pin=", 4) == 0 && !f->n_pins) {
			why = flow_pins(a, *word + 4, f);
		} else if (strncmp(*word, "sni=", 4) == 0 && !f->sni_kind) {
			if (f->proto != IPPROTO_TCP || f->kind != FLOW_EGRESS)
				why = "only an egress tcp flow has an sni";
			else if (strcmp(*word + 4, "-") == 0)
				f->sni_kind = FLOW_SNI_NONE;
			else
				why = flow_name(a, "sni", *word + 4, &f->sni);
			if (!why && !f->sni_kind)
				f->sni_kind = FLOW_SNI_NAME;
		} else {
			why = arena_printf(a, "\"%s\" is not expected here",
					   *word);
		}
	}
	return why;
}

/* "dns NAME [udp|tcp] [@RESOLVER]", from the second word. */
static const char *flow_query(struct arena *a, char **word, struct flow *f)
{
	const char *why;
	struct ip ip;

	if (!*word)
		return "a query is \"dns NAME [udp|tcp] [@RESOLVER]\"";
	why = flow_name(a, "name", *word++, &f->qname);
	if (why)
		return why;
	f->proto = IPPROTO_UDP;
	if (*word && strcmp(*word, "tcp") == 0) {
		f->proto = IPPROTO_TCP;
		word++;
	} else if (*word && strcmp(*word, "udp") == 0) {
		word++;
	}
	if (*word && **word == '@') {
		if (!ip_parse(*word + 1, &ip))
			return arena_printf(a, "\"%s\" is no IP address",
					    *word + 1);
		f->ip = ip_unmap(ip);
		word++;
	}
	if (*word)
		return arena_printf(a, "\"%s\" is not expected here", *word);
	return NULL;
}

/* The words of a line, up to NULL. */
static const char *flow_split(struct arena *a, const char *line,
			      char *words[FLOW_MAX_WORDS + 1], size_t *ret_n)
{
	char *rest = arena_strdup(a, line), *word;
	size_t n = 0;

	while ((word = strsep(&rest, " \t\r\n"))) {
		if (!*word)
			continue;
		if (n == FLOW_MAX_WORDS)
			return "the line has too many words";
		words[n++] = word;
	}
	words[n] = NULL;
	*ret_n = n;
	return n ? NULL : "the flow is empty";
}

static enum flow_expect flow_verdict(const char *word)
{
	if (strcmp(word, "allow") == 0)
		return FLOW_EXPECT_ALLOW;
	if (strcmp(word, "deny") == 0)
		return FLOW_EXPECT_DENY;
	return FLOW_EXPECT_NOTHING;
}

static const char *flow_words(struct arena *a, char **words, struct flow *ret)
{
	struct flow f = {0};
	const char *why;

	if (strcmp(words[0], "egress") == 0) {
		f.kind = FLOW_EGRESS;
		why = flow_packet(a, words + 1, &f);
	} else if (strcmp(words[0], "ingress") == 0) {
		f.kind = FLOW_INGRESS;
		why = flow_packet(a, words + 1, &f);
	} else if (strcmp(words[0], "dns") == 0) {
		f.kind = FLOW_DNS;
		why = flow_query(a, words + 1, &f);
	} else {
		why = arena_printf(a,
				   "\"%s\" is no kind of flow: write egress, "
				   "ingress or dns",
				   words[0]);
	}
	if (!why)
		*ret = f;
	return why;
}

const char *flow_parse(struct arena *a, const char *line, struct flow *ret,
		       enum flow_expect *ret_expect)
{
	enum flow_expect expect = FLOW_EXPECT_NOTHING;
	char *words[FLOW_MAX_WORDS + 1];
	const char *why;
	size_t n;

	why = flow_split(a, line, words, &n);
	if (why)
		return why;
	if (n > 1)
		expect = flow_verdict(words[n - 1]);
	if (expect) {
		if (!ret_expect)
			return "a verdict is not expected here: the answer is";
		words[--n] = NULL;
	}
	why = flow_words(a, words, ret);
	if (!why && ret_expect)
		*ret_expect = expect;
	return why;
}

const char *flow_parse_case(struct arena *a, const char *line,
			    struct flow_case *ret)
{
	char *words[FLOW_MAX_WORDS + 1];
	struct flow_case c = {0};
	const char *why;
	size_t n;

	why = flow_split(a, line, words, &n);
	if (why)
		return why;
	if (n > 2 && flow_verdict(words[n - 2]) &&
	    (words[n - 1][0] == '/' ||
	     strncmp(words[n - 1], "always:", 7) == 0)) {
		c.pointer = words[--n];
		words[n] = NULL;
	}
	if (n > 1)
		c.expect = flow_verdict(words[n - 1]);
	if (c.expect)
		words[--n] = NULL;
	why = flow_words(a, words, &c.flow);
	if (why)
		return why;
	if (!c.expect)
		return "the line must end in the expected verdict, allow or "
		       "deny, which the pointer of what decides may follow";
	*ret = c;
	return NULL;
}

static void flow_format_proto(struct str *s, const struct flow *f)
{
	size_t i;

	for (i = 0; i < N_PROTOS; i++) {
		if (protos[i].proto == f->proto &&
		    (!protos[i].family || protos[i].family == f->ip.family)) {
			str_puts(s, protos[i].name);
			return;
		}
	}
	str_printf(s, "%u", f->proto);
}

const char *flow_format(struct arena *a, const struct flow *f)
{
	char name[DNAME_TEXT_MAX], ip[IP_TEXT_MAX];
	STR(s);
	size_t i;

	if (f->kind == FLOW_DNS) {
		str_printf(&s, "dns %s", dname_format(f->qname, name));
		if (f->proto == IPPROTO_TCP)
			str_puts(&s, " tcp");
		if (f->ip.family)
			str_printf(&s, " @%s", ip_format(f->ip, ip));
		return arena_strdup(a, str_text(&s));
	}
	str_puts(&s, f->kind == FLOW_EGRESS ? "egress " : "ingress ");
	flow_format_proto(&s, f);
	str_printf(&s, " %s", ip_format(f->ip, ip));
	if (f->has_port)
		str_printf(&s, " %u", f->port);
	for (i = 0; i < f->n_pins; i++)
		str_printf(&s, "%s%s",
			   i ? "," : " pin=", dname_format(f->pins[i], name));
	if (f->sni_kind == FLOW_SNI_NONE)
		str_puts(&s, " sni=-");
	else if (f->sni_kind == FLOW_SNI_NAME)
		str_printf(&s, " sni=%s", dname_format(f->sni, name));
	return arena_strdup(a, str_text(&s));
}
