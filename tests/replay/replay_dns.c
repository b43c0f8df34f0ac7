/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay_dns.c - Runs a replay script against the resolver of msb-dnsd.
 *
 * The language is in README.md.
 */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_message.h"
#include "resolver.h"
#include "str.h"

/* Outputs that wait to be expected. */
#define OUTPUTS 64

/** struct message - A message that the resolver has sent */
struct message {
	unsigned int port;
	struct client client;
	size_t len;
	uint8_t data[PACKET_MAX];
};

/** struct denial - A line that would be in the log */
struct denial {
	char name[DNAME_TEXT_MAX];
	char pointer[64];
	const char *how;
};

/**
 * struct replay - A script under way
 * @l:		clock and timers
 * @r:		resolver
 * @a:		configurations
 * @resolv:	resolv.conf
 * @exact:	names of "deny"
 * @n_exact:	how many
 * @suffix:	names of "suffix"
 * @n_suffix:	how many
 * @sent:	queries to servers
 * @n_sent:	how many
 * @current:	the one that statements are about
 * @answers:	answers to the guest
 * @n_answers:	how many
 * @denials:	denials
 * @n_denials:	how many
 * @pins:	pins that were asked for
 * @has_pins:	whether there are any, unexpected still
 * @unopened:	sockets cannot be had
 * @opening:	sockets that are wanted
 * @n_opening:	how many
 * @seed:	of what passes for chance
 * @dropped:	the guest's last message was no message
 */
struct replay {
	struct loop l;
	struct resolver r;
	struct arena a;
	struct str resolv;
	struct dname exact[64];
	size_t n_exact;
	struct dname suffix[64];
	size_t n_suffix;
	struct message *sent[OUTPUTS];
	size_t n_sent;
	struct message *current;
	struct message *answers[OUTPUTS];
	size_t n_answers;
	struct denial denials[OUTPUTS];
	size_t n_denials;
	struct pin_batch pins;
	bool has_pins;
	bool unopened;
	unsigned int opening[OUTPUTS];
	size_t n_opening;
	uint32_t seed;
	bool dropped;
};

static const char *script;
static unsigned int line;

void die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", script, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static struct message *keep(struct message **list, size_t *n,
			    const uint8_t *data, size_t len)
{
	struct message *m = calloc(1, sizeof(*m));

	if (!m || *n == OUTPUTS)
		die("too many messages");
	memcpy(m->data, data, len);
	m->len = len;
	list[(*n)++] = m;
	return m;
}

static struct message *take(struct message **list, size_t *n)
{
	struct message *m = list[0];

	memmove(list, list + 1, --*n * sizeof(*list));
	return m;
}

static void io_open(struct resolver *r, unsigned int port)
{
	struct replay *p = r->context;

	if (p->n_opening == OUTPUTS)
		die("too many sockets");
	p->opening[p->n_opening++] = port;
}

static void io_close(struct resolver *r, unsigned int port)
{
	(void)r;
	(void)port;
}

static bool io_send(struct resolver *r, unsigned int port, const uint8_t *data,
		    size_t len)
{
	struct replay *p = r->context;

	keep(p->sent, &p->n_sent, data, len)->port = port;
	return true;
}

static void io_answer(struct resolver *r, const struct client *client,
		      const uint8_t *data, size_t len)
{
	struct replay *p = r->context;

	keep(p->answers, &p->n_answers, data, len)->client = *client;
}

static void io_commit(struct resolver *r, const struct pin_batch *pins)
{
	struct replay *p = r->context;

	if (p->has_pins)
		die("pins are asked for while others are on their way");
	p->pins = *pins;
	p->has_pins = true;
}

static uint32_t io_random(struct resolver *r)
{
	struct replay *p = r->context;

	p->seed = p->seed * 1664525 + 1013904223;
	return p->seed >> 8 ^ p->seed << 16;
}

static void io_denied(struct resolver *r, struct dname name,
		      const struct dns_verdict *why, const char *how)
{
	struct replay *p = r->context;
	struct denial *d = &p->denials[p->n_denials++ % OUTPUTS];

	dname_format(name, d->name);
	d->how = how;
	if (why->has_index)
		snprintf(d->pointer, sizeof(d->pointer), "%s/%u", why->pointer,
			 why->index);
	else
		snprintf(d->pointer, sizeof(d->pointer), "%s", why->pointer);
}

static const struct resolver_io io = {
	.open = io_open,
	.close = io_close,
	.send = io_send,
	.answer = io_answer,
	.commit = io_commit,
	.random = io_random,
	.denied = io_denied,
};

/* What a wake-up does after its events: sockets come, pins are committed. */
static void settle(struct replay *p)
{
	while (p->n_opening) {
		const unsigned int port = p->opening[--p->n_opening];

		if (p->unopened)
			resolver_failed(&p->r, port);
		else
			resolver_opened(&p->r, port);
	}
	resolver_flush(&p->r);
}

static void pass_time(struct replay *p, uint64_t ms)
{
	const uint64_t end = p->l.now + ms;

	for (;;) {
		struct loop_timer *first = NULL;
		struct loop_queue *of = NULL;

		for (struct loop_queue *q = p->l.queues; q; q = q->next) {
			if (q->first && (!first || q->first->at < first->at)) {
				first = q->first;
				of = q;
			}
		}
		if (!first || first->at > end)
			break;
		if (first->at > p->l.now)
			p->l.now = first->at;
		loop_unset(of, first);
		first->fire(&p->l, first);
		settle(p);
	}
	p->l.now = end;
}

static struct ip parse_ip(const char *text)
{
	struct ip ip = {0};

	if (!ip_parse(text, &ip))
		die("%s is no address", text);
	return ip;
}

static void do_config(struct replay *p, const struct words *w)
{
	const struct config_names exact = {p->exact, p->n_exact},
				  suffix = {p->suffix, p->n_suffix};
	char reason[CONF_REASON_MAX];
	struct dns_servers servers;
	struct dns_conf *c;
	const void *names;
	size_t len;
	STR(s);

	str_puts(&s,
		 "{\"Version\":1,\"Name\":\"t\",\"Gateway4\":"
		 "\"172.16.0.1\",\"Gateway6\":\"fd42:6d73:62::1\","
		 "\"Guest4\":\"172.16.0.2\",\"Guest6\":\"fd42:6d73:62::2\"");
	for (size_t i = 1; i < w->n; i++)
		str_printf(&s, "%s%s", i == 1 ? "," : " ", w->v[i]);
	str_puts(&s, "}");
	c = dns_conf_decode(&p->a, str_text(&s), s.len, reason);
	if (!c)
		die("%s", reason);
	names = names_build(&p->a, &exact, &suffix, &len);
	if (names_open(names, len, &c->walk.names))
		die("the table of names is broken");
	dns_conf_servers(c, str_text(&p->resolv), &servers);
	resolver_configure(&p->r, c, &servers);
}

static void do_names(struct replay *p, const struct words *w)
{
	const bool deny = strcmp(w->v[0], "deny") == 0;

	for (size_t i = 1; i < w->n; i++) {
		struct dname name;

		if (dname_from_presentation(&p->a, w->v[i], &name))
			die("%s is no name", w->v[i]);
		if (deny)
			p->exact[p->n_exact++] = name;
		else
			p->suffix[p->n_suffix++] = name;
	}
}

static void do_resolv(struct replay *p, const struct words *w)
{
	for (size_t i = 1; i < w->n; i++)
		str_printf(&p->resolv, "%s%c", w->v[i],
			   i + 1 < w->n ? ' ' : '\n');
}

static void do_forget(struct replay *p, const struct words *w)
{
	(void)w;
	str_free(&p->resolv);
}

static void do_servers(struct replay *p, const struct words *w)
{
	struct dns_servers servers;

	(void)w;
	dns_conf_servers(p->r.conf, str_text(&p->resolv), &servers);
	resolver_servers(&p->r, &servers);
}

static void do_now(struct replay *p, const struct words *w)
{
	pass_time(p, strtoull(w->v[1], NULL, 10));
}

static void guest_sends(struct replay *p, const struct words *w,
			const uint8_t *data, size_t len)
{
	const char *to = words_get(w, "to"), *from = words_get(w, "from");
	const uint16_t key = (uint16_t)strtoul(w->v[1], NULL, 10);
	const struct client client = {
		.connection = words_has(w, "tcp") ? key : 0,
		.from = {parse_ip(from ? from : "172.16.0.2"), key},
		.to = parse_ip(to ? to : "172.16.0.1"),
	};
	/* An exact copy: a read past the end is then seen. */
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		die("no memory");
	memcpy(copy, data, len);
	p->dropped = !resolver_query(&p->r, &client, copy, len);
	free(copy);
}

static void do_ask(struct replay *p, const struct words *w)
{
	uint8_t data[1024];

	guest_sends(p, w, data, message_query(w, data, sizeof(data)));
}

static void do_raw(struct replay *p, const struct words *w)
{
	uint8_t data[1024];
	size_t n = 0;

	for (const char *at = w->v[2]; at[0] && at[1]; at += 2) {
		const char hex[] = {at[0], at[1], '\0'};

		data[n++] = (uint8_t)strtoul(hex, NULL, 16);
	}
	guest_sends(p, w, data, n);
}

static void do_dropped(struct replay *p, const struct words *w)
{
	(void)w;
	if (!p->dropped)
		die("the message was taken for one");
}

static void do_sent(struct replay *p, const struct words *w)
{
	const char *to = words_get(w, "to");
	struct packet_question q;
	char name[DNAME_TEXT_MAX], is[IP_TEXT_MAX + 8], ip[IP_TEXT_MAX];
	const struct address *server;
	int index;

	free(p->current);
	if (!p->n_sent)
		die("nothing was sent");
	p->current = take(p->sent, &p->n_sent);
	if (packet_question_read(p->current->data, p->current->len, false,
				 &q) != PACKET_GOOD)
		die("what was sent is malformed");
	if (strcmp(dname_format(packet_dname(&q.name), name), w->v[2 - 1]))
		die("%s was asked", name);
	if (q.type != ldns_get_rr_type_by_name(w->v[2]))
		die("type %u was asked", q.type);
	if ((p->current->port >= PORT_STREAM) != words_has(w, "tcp"))
		die("over %s", words_has(w, "tcp") ? "UDP" : "TCP");
	if (q.edns != words_has(w, "edns") ||
	    q.dnssec_ok != words_has(w, "do") ||
	    ((q.flags & PACKET_CD) != 0) != words_has(w, "cd"))
		die("with other flags");
	server = resolver_port_server(&p->r, p->current->port, &index);
	snprintf(is, sizeof(is), "%s#%u", ip_format(server->ip, ip),
		 server->port);
	if (server->port == 53)
		*strchr(is, '#') = '\0';
	if (to && strcmp(to, is))
		die("to %s", is);
}

static void do_reply(struct replay *p, const struct words *w)
{
	static uint8_t data[PACKET_MAX];
	size_t len;

	if (!p->current)
		die("no query was sent");
	len = message_reply(w, p->current->data, p->current->len, data,
			    sizeof(data));
	resolver_answered(&p->r, p->current->port, data, len, sizeof(data));
}

static void do_refuse(struct replay *p, const struct words *w)
{
	(void)w;
	if (!p->current)
		die("no query was sent");
	resolver_failed(&p->r, p->current->port);
}

static void do_unopened(struct replay *p, const struct words *w)
{
	p->unopened = strcmp(w->v[0], "unopened") == 0;
}

static void do_answer(struct replay *p, const struct words *w)
{
	struct message *m;

	if (!p->n_answers)
		die("there is no answer");
	m = take(p->answers, &p->n_answers);
	if (m->client.from.port != strtoul(w->v[1], NULL, 10) ||
	    packet_get16(m->data) != m->client.from.port)
		die("%u is answered, with identifier %u", m->client.from.port,
		    packet_get16(m->data));
	message_check(w, m->data, m->len);
	free(m);
}

static void do_pins(struct replay *p, const struct words *w)
{
	const struct pin_batch *b = &p->pins;
	size_t at = 1;

	if (!p->has_pins)
		die("no pins are asked for");
	for (uint32_t i = 0; i < b->head.names; i++) {
		const struct dname name = {b->name[i].wire, b->name[i].len};
		char text[DNAME_TEXT_MAX], life[32];

		if (at >= w->n || strcmp(dname_format(name, text), w->v[at++]))
			die("pins of %s", text);
		for (uint32_t j = 0; j < b->head.addresses; j++) {
			const struct pin_address *a = &b->address[j];
			char ip[IP_TEXT_MAX];

			if (a->name != i)
				continue;
			ip_format(ip_from_bytes((enum ip_family)a->family,
						a->bytes),
				  ip);
			if (at >= w->n || strcmp(ip, w->v[at++]))
				die("pin %s of %s", ip, text);
			snprintf(life, sizeof(life), "life=%u", a->life);
		}
		if (at >= w->n || strcmp(life, w->v[at++]))
			die("%s of %s", life, text);
	}
	if (at != w->n)
		die("no pins of %s", w->v[at]);
	p->has_pins = false;
}

static void do_pinned(struct replay *p, const struct words *w)
{
	const char *epoch = words_get(w, "epoch");
	const struct pin_reply reply = {
		.done = strcmp(w->v[0], "pinned") == 0,
		.epoch = epoch ? strtoull(epoch, NULL, 10) : p->r.epoch,
	};

	if (p->has_pins)
		die("the pins were not expected yet");
	resolver_committed(&p->r, &reply);
}

static void do_log(struct replay *p, const struct words *w)
{
	const struct denial *d = &p->denials[0];

	if (!p->n_denials)
		die("nothing is logged");
	if (strcmp(d->name, w->v[1]) || strcmp(d->pointer, w->v[2]) ||
	    strcmp(d->how, w->v[3]))
		die("logged: %s %s %s", d->name, d->pointer, d->how);
	memmove(p->denials, p->denials + 1,
		--p->n_denials * sizeof(p->denials[0]));
}

static void do_nothing(struct replay *p, const struct words *w)
{
	(void)w;
	p->n_denials = 0;
	if (p->n_sent)
		die("%zu queries were sent", p->n_sent);
	if (p->n_answers)
		die("%zu answers were given", p->n_answers);
	if (p->has_pins)
		die("pins were asked for");
}

static const struct {
	const char *word;
	size_t least;
	void (*run)(struct replay *p, const struct words *w);
} statements[] = {
	{"config", 2, do_config},   {"deny", 2, do_names},
	{"suffix", 2, do_names},    {"resolv", 2, do_resolv},
	{"forget", 1, do_forget},   {"servers", 1, do_servers},
	{"now", 2, do_now},	    {"ask", 4, do_ask},
	{"raw", 3, do_raw},	    {"dropped", 1, do_dropped},
	{"sent", 3, do_sent},	    {"reply", 2, do_reply},
	{"refuse", 1, do_refuse},   {"unopened", 1, do_unopened},
	{"opened", 1, do_unopened}, {"answer", 3, do_answer},
	{"pins", 2, do_pins},	    {"pinned", 1, do_pinned},
	{"unpinned", 1, do_pinned}, {"log", 4, do_log},
	{"nothing", 1, do_nothing},
};

static void run(struct replay *p, char *text)
{
	struct words w = {0};
	char *save = NULL;

	for (char *word = strtok_r(text, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		if (w.n == WORDS_MAX)
			die("too many words");
		w.v[w.n++] = word;
	}
	if (!w.n)
		return;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]);
	     i++) {
		if (strcmp(statements[i].word, w.v[0]) != 0)
			continue;
		if (w.n < statements[i].least)
			die("%s needs more words", w.v[0]);
		statements[i].run(p, &w);
		settle(p);
		return;
	}
	die("%s is no statement", w.v[0]);
}

static void run_file(struct replay *p, FILE *f)
{
	char buf[4096], text[16384] = "";
	unsigned int read = 0;

	while (fgets(buf, sizeof(buf), f)) {
		read++;
		if (buf[0] == '#')
			continue;
		if (buf[0] != ' ' && buf[0] != '\t') {
			run(p, text);
			text[0] = '\0';
			line = read;
		}
		if (strlen(text) + strlen(buf) >= sizeof(text))
			die("the statement is too long");
		strcat(text, buf);
	}
	run(p, text);
	do_nothing(p, NULL);
}

int main(int argc, char **argv)
{
	struct replay *p = calloc(1, sizeof(*p));
	FILE *f;

	if (argc != 2 || !p)
		return 2;
	script = argv[1];
	f = fopen(script, "re");
	p->seed = 1;
	p->l.now = 1000000;
	if (!f || !resolver_open(&p->r, &io, &p->l, p)) {
		perror(script);
		return 2;
	}
	run_file(p, f);
	fclose(f);
	resolver_close(&p->r);
	arena_free(&p->a);
	str_free(&p->resolv);
	free(p->current);
	free(p);
	return 0;
}
