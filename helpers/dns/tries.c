/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tries.c - Queries in flight, and their tries. */
#include <stddef.h>
#include <string.h>

#include "query.h"

/* The longest pause between two tries of a query, as a power of two of the
 * first one. */
#define RETRY_SHIFT_MAX 3

static void fire_retry(struct loop *l, struct loop_timer *t);
static void fire_deadline(struct loop *l, struct loop_timer *t);

static bool is_stream(unsigned int port)
{
	return port >= PORT_STREAM;
}

struct query *query_new(struct resolver *r)
{
	struct query *q = r->free;

	if (q)
		r->free = q->next;
	else if (r->used < QUERIES)
		q = &r->query[r->used++];
	else
		return NULL;
	memset(q, 0, offsetof(struct query, q));
	q->resolver = r;
	q->retry.fire = fire_retry;
	q->deadline.fire = fire_deadline;
	r->in_flight++;
	return q;
}

static void free_query(struct resolver *r, struct query *q)
{
	q->n_tries = 0;
	q->client = (struct client){0};
	q->next = r->free;
	r->free = q;
	r->in_flight--;
}

struct query *query_find(const struct resolver *r, const struct cache_key *key)
{
	struct query *q = r->bucket[key->hash % QUERY_BUCKETS];

	while (q && !cache_key_equal(&q->key, key))
		q = q->next;
	return q;
}

void query_wait(struct query *leader, struct query *q)
{
	q->leader = leader;
	q->waiting = leader->waiting;
	leader->waiting = q;
}

void query_port_shut(struct resolver *r, unsigned int port)
{
	struct port *p = &r->port[port];

	if (p->state != PORT_CLOSED)
		r->io->close(r, port);
	*p = (struct port){.tries = p->tries};
}

static void end_try(struct resolver *r, struct try *t)
{
	struct port *p = &r->port[t->port];
	struct try **at = &p->tries;

	if (!t->query)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->query = NULL;
	/* A stream is for one query. */
	if (is_stream(t->port) || (!p->tries && p->uses >= PORT_USES))
		query_port_shut(r, t->port);
}

static void end_tries(struct resolver *r, struct query *q)
{
	for (size_t i = 0; i < q->n_tries; i++) {
		struct try *t = &q->tries[i];
		const uint64_t age = r->loop->now - t->sent;

		if (!t->query)
			continue;
		if (t->sent && !is_stream(t->port) &&
		    age >= server_hedge(&r->server[t->server]))
			server_silent(&r->server[t->server], r->loop->now);
		end_try(r, t);
	}
}

void query_drop(struct resolver *r, struct query *q)
{
	end_tries(r, q);
	loop_unset(&r->retries, &q->retry);
	loop_unset(&r->deadlines, &q->deadline);
	if (q->shared) {
		struct query **at = &r->bucket[q->key.hash % QUERY_BUCKETS];

		while (*at && *at != q)
			at = &(*at)->next;
		if (*at)
			*at = q->next;
	}
	while (q->waiting) {
		struct query *w = q->waiting;

		q->waiting = w->waiting;
		free_query(r, w);
	}
	free_query(r, q);
}

/* Tell all who wait that there is no answer. */
static void fail(struct resolver *r, struct query *q, enum packet_ede ede,
		 const char *text)
{
	for (struct query *w = q; w; w = w->waiting) {
		const struct asker to = {&w->client, &w->q, w->asked};

		reply_failed(r, &to, ede, text);
	}
	query_drop(r, q);
}

static void transmit(struct resolver *r, struct try *t)
{
	struct query *q = t->query;
	struct port *p = &r->port[t->port];

	t->sent = r->loop->now;
	p->uses++;
	packet_set16(q->wire, t->id);
	if (!r->io->send(r, t->port, q->wire, q->len))
		resolver_failed(r, t->port);
}

/* An identifier that no other try on the same socket has. */
static uint16_t choose_id(struct resolver *r, const struct port *p)
{
	const struct try *t;
	uint16_t id;

	do {
		id = (uint16_t)r->io->random(r);
		for (t = p->tries; t && t->id != id;)
			t = t->next;
	} while (t);
	return id;
}

/* A socket of a server, open or about to be; PORT_COUNT if there is none. */
static unsigned int choose_port(struct resolver *r, unsigned int server)
{
	const unsigned int first = r->io->random(r) % SERVER_PORTS;
	unsigned int opening = PORT_COUNT;
	bool wanted = false;

	for (unsigned int i = 0; i < SERVER_PORTS; i++) {
		const unsigned int n =
			server * SERVER_PORTS + (first + i) % SERVER_PORTS;
		struct port *p = &r->port[n];

		if (p->uses >= PORT_USES && p->tries)
			continue;
		if (p->uses >= PORT_USES)
			query_port_shut(r, n);
		if (p->state == PORT_CLOSED && !wanted) {
			wanted = true;
			p->state = PORT_OPENING;
			r->io->open(r, n);
		}
		if (p->state == PORT_OPEN)
			return n;
		if (p->state == PORT_OPENING)
			opening = n;
	}
	return opening;
}

static unsigned int choose_stream(struct resolver *r)
{
	for (unsigned int n = PORT_STREAM; n < PORT_COUNT; n++)
		if (r->port[n].state == PORT_CLOSED && !r->port[n].tries)
			return n;
	return PORT_COUNT;
}

static struct try *begin_try(struct resolver *r, struct query *q,
			     unsigned int server, unsigned int port)
{
	struct port *p = &r->port[port];
	struct try *t = &q->tries[q->n_tries++];

	*t = (struct try){
		.query = q,
		.server = (uint8_t)server,
		.port = (uint16_t)port,
		.id = choose_id(r, p),
		.next = p->tries,
	};
	p->tries = t;
	r->server[server].used = r->loop->now;
	return t;
}

static bool any_try(const struct query *q)
{
	for (size_t i = 0; i < q->n_tries; i++)
		if (q->tries[i].query)
			return true;
	return false;
}

static void next_try(struct resolver *r, struct query *q)
{
	const uint64_t now = r->loop->now;

	while (q->n_tries < QUERY_TRIES) {
		const size_t i = server_choose(r->server + q->first, q->servers,
					       now, q->tried, q->failed,
					       q->last);
		const unsigned int server = q->first + (unsigned int)i;
		unsigned int port, shift = q->n_tries;
		struct try *t;

		if (i == q->servers)
			break;
		if (!(q->tried & 1u << i))
			loop_set(r->loop, &r->deadlines, &q->deadline,
				 r->conf->timeout_ms);
		q->tried |= 1u << i;
		q->last = (uint8_t)i;
		port = choose_port(r, server);
		if (port == PORT_COUNT) {
			q->failed |= 1u << i;
			continue;
		}
		if (shift > RETRY_SHIFT_MAX)
			shift = RETRY_SHIFT_MAX;
		loop_set(r->loop, &r->retries, &q->retry,
			 (uint64_t)server_hedge(&r->server[server]) << shift);
		t = begin_try(r, q, server, port);
		if (r->port[port].state == PORT_OPEN)
			transmit(r, t);
		return;
	}
	if (!any_try(q))
		fail(r, q, EDE_NO_REACHABLE, "no name server answers");
}

/* Ask the same server over TCP. */
static void ask_stream(struct resolver *r, struct query *q, unsigned int server)
{
	const unsigned int port = choose_stream(r);

	end_tries(r, q);
	loop_unset(&r->retries, &q->retry);
	/* The tries before it are over: their places are free again. */
	q->n_tries = 0;
	if (port == PORT_COUNT) {
		r->count.full++;
		fail(r, q, EDE_NETWORK, "too many TCP connections");
		return;
	}
	loop_set(r->loop, &r->deadlines, &q->deadline, r->conf->timeout_ms);
	begin_try(r, q, server, port);
	r->port[port].state = PORT_OPENING;
	r->io->open(r, port);
}

void query_ask(struct resolver *r, struct query *q)
{
	if (q->shared) {
		struct query **b = &r->bucket[q->key.hash % QUERY_BUCKETS];

		q->next = *b;
		*b = q;
	}
	next_try(r, q);
}

void query_again(struct resolver *r, struct query *q)
{
	end_tries(r, q);
	q->n_tries = 0;
	q->tried = 0;
	q->failed = 0;
	q->last = 0;
	next_try(r, q);
}

static void fire_retry(struct loop *l, struct loop_timer *t)
{
	struct query *q = loop_owner(t, struct query, retry);

	(void)l;
	next_try(q->resolver, q);
}

static void fire_deadline(struct loop *l, struct loop_timer *t)
{
	struct query *q = loop_owner(t, struct query, deadline);

	(void)l;
	fail(q->resolver, q, EDE_NO_REACHABLE,
	     "no name server answers in time");
}

void resolver_opened(struct resolver *r, unsigned int port)
{
	struct port *p = &r->port[port];
	bool more = true;

	if (p->state != PORT_OPENING)
		return;
	p->state = PORT_OPEN;
	/* What is sent may fail, and change the list. */
	while (more && p->state == PORT_OPEN) {
		more = false;
		for (struct try *t = p->tries; t; t = t->next) {
			if (t->sent)
				continue;
			transmit(r, t);
			more = true;
			break;
		}
	}
}

void resolver_failed(struct resolver *r, unsigned int port)
{
	struct port *p = &r->port[port];

	query_port_shut(r, port);
	if (p->tries && !is_stream(port))
		server_failed(&r->server[p->tries->server], r->loop->now);
	while (p->tries) {
		struct try *t = p->tries;
		struct query *q = t->query;

		q->failed |= 1u << (t->server - q->first);
		end_try(r, t);
		if (!any_try(q))
			next_try(r, q);
	}
}

/* Whoever waits at a socket where somebody guesses asks over TCP. */
static void leave_port(struct resolver *r, unsigned int port)
{
	struct port *p = &r->port[port];

	while (p->tries)
		ask_stream(r, p->tries->query, p->tries->server);
	query_port_shut(r, port);
}

static void wrong_answer(struct resolver *r, unsigned int port)
{
	if (is_stream(port))
		resolver_failed(r, port);
	else if (++r->port[port].wrong > PORT_WRONG)
		leave_port(r, port);
}

/* What is screened goes to all who wait for it. */
static void settle(struct resolver *r, struct query *q, struct packet *p,
		   struct packet_question *answered)
{
	struct cache_entry *entry = NULL;
	struct answer a;

	answer_screen(r->conf, p, answered, q->pinned, &a);
	if (a.fate == ANSWER_PASS && q->shared)
		entry = cache_put(&r->cache, &q->key, p->data, p->len,
				  r->loop->now, a.keep);
	if (a.fate == ANSWER_REBIND || a.fate == ANSWER_ALIAS)
		r->io->denied(r, packet_dname(&q->q.name), &a.denied,
			      a.fate == ANSWER_REBIND ? "rebind" : "alias");
	for (struct query *w = q; w; w = w->waiting) {
		const struct asker to = {&w->client, &w->q, w->asked};

		switch (a.fate) {
		case ANSWER_PASS:
			reply_answer(r, &to, p, answered, &a, entry);
			break;
		case ANSWER_REBIND:
			reply_denied(r, &to, "address is not public");
			break;
		case ANSWER_ALIAS:
			reply_denied(r, &to, "alias is denied");
			break;
		case ANSWER_BROKEN:
			reply_failed(r, &to, EDE_OTHER, "answer is malformed");
			break;
		}
	}
	query_drop(r, q);
}

/* Whether the question is the one that was sent; @ret_spelling: octet by
 * octet. */
static bool same_question(const struct query *q, const uint8_t *data,
			  const struct packet_question *got, bool *ret_spelling)
{
	*ret_spelling = got->end == q->q.end &&
			memcmp(data + PACKET_HEADER, q->wire + PACKET_HEADER,
			       got->end - PACKET_HEADER) == 0;
	return *ret_spelling ||
	       (got->type == q->q.type && got->class == q->q.class &&
		dname_equal(packet_dname(&got->name),
			    packet_dname(&q->q.name)));
}

void resolver_answered(struct resolver *r, unsigned int port, uint8_t *data,
		       size_t len, size_t cap)
{
	struct packet p = {data, len, cap};
	struct packet_question got;
	unsigned int server;
	struct server *s;
	struct try *t;
	struct query *q;
	uint64_t ms;
	bool spelling;

	if (r->port[port].state != PORT_OPEN)
		return;
	if (packet_question_read(data, len, true, &got) != PACKET_GOOD) {
		wrong_answer(r, port);
		return;
	}
	for (t = r->port[port].tries; t && (t->id != got.id || !t->sent);)
		t = t->next;
	if (!t) {
		wrong_answer(r, port);
		return;
	}
	q = t->query;
	server = t->server;
	s = &r->server[server];
	ms = r->loop->now - t->sent;
	if (!same_question(q, data, &got, &spelling)) {
		if (is_stream(port))
			resolver_failed(r, port);
		else
			ask_stream(r, q, server);
		return;
	}
	end_try(r, t);
	if (!is_stream(port)) {
		if (spelling)
			s->case_kept = true;
		else if (server_keeps_case(s) && ++s->case_fails)
			got.flags |= PACKET_TC;
		server_answered(s, ms);
		if (got.flags & PACKET_TC) {
			ask_stream(r, q, server);
			return;
		}
	}
	settle(r, q, &p, &got);
}
