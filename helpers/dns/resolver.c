/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolver.c - From a guest's query to its answer. */
#include "resolver.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#include "query.h"

#define QUERY_BYTES   (QUERIES * sizeof(struct query))
#define SCRATCH_BYTES PACKET_MAX

/* Octets of an OPT record without options. */
#define OPT_BARE 11

static void *map(size_t n)
{
	void *v = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return v == MAP_FAILED ? NULL : v;
}

bool resolver_open(struct resolver *r, const struct resolver_io *io,
		   struct loop *loop, void *context)
{
	struct keyed_hash hash;

	*r = (struct resolver){.io = io, .loop = loop, .context = context};
	loop_add_queue(loop, &r->deadlines);
	loop_add_queue(loop, &r->retries);
	r->query = map(QUERY_BYTES);
	r->scratch = map(SCRATCH_BYTES);
	hash.start = (uint64_t)io->random(r) << 32 | io->random(r);
	hash.factor = (uint64_t)io->random(r) << 32 | io->random(r);
	return r->query && r->scratch && hold_open(&r->hold) &&
	       cache_open(&r->cache, &hash);
}

void resolver_close(struct resolver *r)
{
	for (unsigned int port = 0; port < PORT_COUNT; port++)
		query_port_shut(r, port);
	if (r->query)
		munmap(r->query, QUERY_BYTES);
	if (r->scratch)
		munmap(r->scratch, SCRATCH_BYTES);
	hold_close(&r->hold);
	cache_close(&r->cache);
}

/* Whether a query asks one of the configuration's servers. */
static bool is_configured(const struct query *q)
{
	return q->first < DNS_SERVERS_MAX;
}

/* Call for every query that is in flight on its own account. */
static void for_each(struct resolver *r,
		     void (*fn)(struct resolver *r, struct query *q))
{
	for (size_t i = 0; i < r->used; i++) {
		struct query *q = &r->query[i];

		if (q->n_tries && !q->leader)
			fn(r, q);
	}
}

static void ask_again(struct resolver *r, struct query *q)
{
	if (!is_configured(q))
		return;
	q->servers = (uint8_t)r->servers;
	query_again(r, q);
}

void resolver_servers(struct resolver *r, const struct dns_servers *servers)
{
	bool same = servers->n == r->servers;

	for (size_t i = 0; same && i < servers->n; i++)
		same = address_equal(&servers->v[i], &r->server[i].to);
	if (same)
		return;
	cache_clear(&r->cache);
	for (unsigned int i = 0; i < DNS_SERVERS_MAX; i++)
		r->server[i] = (struct server){0};
	for (size_t i = 0; i < servers->n; i++)
		r->server[i].to = servers->v[i];
	r->servers = servers->n;
	for (unsigned int port = 0; port < DNS_SERVERS_MAX * SERVER_PORTS;
	     port++)
		query_port_shut(r, port);
	for_each(r, ask_again);
}

static void judge_again(struct resolver *r, struct query *q)
{
	uint16_t sets[DNS_SETS_OF_NAME];
	const struct dname name = packet_dname(&q->q.name);
	bool allow = true;

	for (struct query *w = q; w; w = w->waiting)
		allow &= dns_conf_query(r->conf, name,
					w->client.connection ? IPPROTO_TCP
							     : IPPROTO_UDP,
					w->client.to)
				 .allow;
	q->pinned = dns_conf_sets(r->conf, name, sets) != 0;
	if (allow)
		return;
	for (struct query *w = q; w; w = w->waiting) {
		const struct asker to = {&w->client, &w->q, w->asked};

		reply_denied(r, &to, "name is denied");
	}
	query_drop(r, q);
}

void resolver_configure(struct resolver *r, const struct dns_conf *conf,
			const struct dns_servers *servers)
{
	r->conf = conf;
	cache_clear(&r->cache);
	r->epoch++;
	for_each(r, judge_again);
	resolver_servers(r, servers);
}

const struct address *resolver_port_server(const struct resolver *r,
					   unsigned int port, int *ret_index)
{
	const struct port *p = &r->port[port];
	unsigned int server = port / SERVER_PORTS;

	if (port >= PORT_STREAM)
		server = p->tries ? p->tries->server : 0;
	*ret_index = server < DNS_SERVERS_MAX ? (int)server : -1;
	return &r->server[server].to;
}

/* The place of a resolver that the guest chose; SERVER_COUNT if all are busy.
 */
static unsigned int chosen_server(struct resolver *r, struct ip ip)
{
	const struct address to = {ip, 53};
	unsigned int best = SERVER_COUNT;

	for (unsigned int i = DNS_SERVERS_MAX; i < SERVER_COUNT; i++) {
		bool busy = false;

		if (address_equal(&r->server[i].to, &to))
			return i;
		for (unsigned int p = 0; p < SERVER_PORTS; p++)
			busy |= r->port[i * SERVER_PORTS + p].tries != NULL;
		for (unsigned int p = PORT_STREAM; p < PORT_COUNT; p++)
			busy |= r->port[p].tries &&
				r->port[p].tries->server == i;
		if (!busy && (best == SERVER_COUNT ||
			      r->server[i].used < r->server[best].used))
			best = i;
	}
	if (best == SERVER_COUNT)
		return best;
	for (unsigned int p = 0; p < SERVER_PORTS; p++)
		query_port_shut(r, best * SERVER_PORTS + p);
	r->server[best] = (struct server){.to = to};
	return best;
}

/* Letters of the name in upper or lower case, as chance has it: whoever forges
 * an answer has to guess that too (0x20). */
static void spell(struct resolver *r, uint8_t *question, size_t len)
{
	uint32_t bits = 0;
	unsigned int left = 0;

	for (size_t i = 0; i + 4 < len; i++) {
		const uint8_t c = question[i] | 0x20;

		if (c < 'a' || c > 'z')
			continue;
		if (!left) {
			bits = r->io->random(r);
			left = 32;
		}
		question[i] = (uint8_t)(c ^ (bits & 1) << 5);
		bits >>= 1;
		left--;
	}
}

/* The query as it goes to servers: what the guest asked, with our size. */
static void make_wire(struct resolver *r, struct query *q, const uint8_t *data)
{
	const struct packet_question *asked = &q->q;
	const size_t n = asked->end - PACKET_HEADER;
	size_t opt = asked->edns ? asked->opt_end - asked->opt : 0;
	uint8_t *at = q->wire + PACKET_HEADER;

	memset(q->wire, 0, PACKET_HEADER);
	packet_set16(q->wire + 2,
		     asked->flags & (PACKET_RD | PACKET_CD | PACKET_AD));
	packet_set16(q->wire + 4, 1);
	packet_set16(q->wire + 10, asked->edns);
	memcpy(at, q->asked, n);
	if (server_keeps_case(&r->server[q->first]))
		spell(r, at, n);
	at += n;
	if (opt > QUERY_MAX - asked->end)
		opt = OPT_BARE;
	if (opt) {
		memcpy(at, data + asked->opt, opt);
		packet_set16(at + 3, PACKET_EDNS_SIZE);
		if (opt == OPT_BARE)
			packet_set16(at + 9, 0);
	}
	q->len = asked->end + opt;
}

/* @key: what it is in the cache; NULL: its answer is for nobody else */
static void ask(struct resolver *r, const struct client *client,
		const struct packet_question *asked, const uint8_t *data,
		const struct cache_key *key)
{
	const bool gateway = walk_conf_is_gateway(&r->conf->walk, client->to);
	const struct asker to = {client, asked, data + PACKET_HEADER};
	uint16_t sets[DNS_SETS_OF_NAME];
	struct query *q, *leader;
	unsigned int server = 0;
	size_t n_sets;

	n_sets = dns_conf_sets(r->conf, packet_dname(&asked->name), sets);
	if (n_sets > DNS_SETS_OF_NAME) {
		reply_failed(r, &to, EDE_OTHER, "too many rules name it");
		return;
	}
	if (!gateway)
		server = chosen_server(r, client->to);
	q = server == SERVER_COUNT ? NULL : query_new(r);
	if (!q) {
		r->count.full++;
		reply_failed(r, &to, EDE_OTHER, "too many queries at once");
		return;
	}
	q->client = *client;
	q->q = *asked;
	memcpy(q->asked, data + PACKET_HEADER, asked->end - PACKET_HEADER);
	q->shared = key;
	q->pinned = n_sets != 0;
	q->first = (uint8_t)server;
	q->servers = (uint8_t)(gateway ? r->servers : 1);
	if (key)
		q->key = *key;
	leader = key ? query_find(r, key) : NULL;
	if (leader) {
		q->shared = false;
		query_wait(leader, q);
		return;
	}
	make_wire(r, q, data);
	query_ask(r, q);
}

static bool from_cache(struct resolver *r, const struct asker *to,
		       const struct cache_key *key)
{
	struct cache_entry *e = cache_find(&r->cache, key, r->loop->now);
	uint8_t data[CACHE_ANSWER_MAX];
	struct packet p = {data, 0, sizeof(data)};
	struct packet_question q;
	struct answer a;

	if (!e)
		return false;
	memcpy(data, e->data, e->len);
	p.len = e->len;
	if (packet_question_read(data, e->len, true, &q) != PACKET_GOOD)
		return false;
	if (packet_age(&p, &q, (uint32_t)((r->loop->now - e->since) / 1000),
		       INT32_MAX) &&
	    packet_question_read(data, e->len, true, &q) != PACKET_GOOD)
		return false;
	answer_screen(r->conf, &p, &q,
		      dns_conf_sets(r->conf, packet_dname(&q.name),
				    (uint16_t[DNS_SETS_OF_NAME]){0}) != 0,
		      &a);
	if (a.fate != ANSWER_PASS)
		return false;
	r->count.cached++;
	reply_answer(r, to, &p, &q, &a, e);
	return true;
}

/* What options a query has may make another answer. */
static void find_or_ask(struct resolver *r, const struct asker *to,
			const uint8_t *data)
{
	const bool gateway =
		walk_conf_is_gateway(&r->conf->walk, to->client->to);
	const struct ip nobody = {0};
	struct cache_key key;

	if (to->q->edns && to->q->opt_end - to->q->opt != OPT_BARE) {
		ask(r, to->client, to->q, data, NULL);
		return;
	}
	cache_key(&r->cache, to->q, gateway ? nobody : to->client->to, &key);
	if (!from_cache(r, to, &key))
		ask(r, to->client, to->q, data, &key);
}

static bool lacks_family(const struct dns_conf *c,
			 const struct packet_question *q)
{
	return q->class == CLASS_IN &&
	       ((q->type == TYPE_A && c->ipv4 == CONFIG_FALSE) ||
		(q->type == TYPE_AAAA && c->ipv6 == CONFIG_FALSE));
}

static bool is_gateway_name(const struct packet_question *q)
{
	return q->class == CLASS_IN &&
	       dname_equal(packet_dname(&q->name), eval_gateway_name());
}

bool resolver_query(struct resolver *r, const struct client *client,
		    const uint8_t *data, size_t len)
{
	struct packet_question q;
	const enum packet_fault fault =
		packet_question_read(data, len, false, &q);
	const struct asker to = {client, &q, data + PACKET_HEADER};
	struct dns_verdict v;

	/* The gateway's other side could reach its sockets, if the ruleset let
	 * it. */
	if (fault == PACKET_GARBAGE || !r->conf ||
	    (!ip_equal(client->from.ip, r->conf->walk.guest4) &&
	     !ip_equal(client->from.ip, r->conf->walk.guest6)))
		return false;
	r->count.queries++;
	if (fault != PACKET_GOOD) {
		reply_fault(r, client, data, fault, &q);
		return true;
	}
	v = dns_conf_query(r->conf, packet_dname(&q.name),
			   client->connection ? IPPROTO_TCP : IPPROTO_UDP,
			   client->to);
	if (!v.allow) {
		r->io->denied(r, packet_dname(&q.name), &v, "query");
		reply_denied(r, &to, "name is denied");
	} else if (q.type == TYPE_AXFR || q.type == TYPE_IXFR) {
		reply_not_implemented(r, &to);
	} else if (lacks_family(r->conf, &q)) {
		reply_empty(r, &to, 0);
	} else if (is_gateway_name(&q)) {
		if (q.type == TYPE_A || q.type == TYPE_AAAA)
			reply_gateway(r, &to);
		else
			reply_empty(r, &to, PACKET_AA);
	} else {
		find_or_ask(r, &to, data);
	}
	return true;
}
