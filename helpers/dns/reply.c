/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reply.c - What the guest is told. */
#include <string.h>

#include "query.h"

/* Room for a reply of ours: question, an address, SOA, OPT with a text. */
#define REPLY_MAX PACKET_UDP_MIN

/**
 * struct reply - A reply while it is made
 * @p:		packet
 * @data:	its octets
 */
struct reply {
	struct packet p;
	uint8_t data[REPLY_MAX];
};

static void begin(struct reply *reply, const struct asker *to,
		  unsigned int flags, enum packet_rcode rcode)
{
	uint8_t query[PACKET_HEADER + DNAME_WIRE_MAX + 4] = {0};

	packet_set16(query, to->q->id);
	packet_set16(query + 2, to->q->flags);
	memcpy(query + PACKET_HEADER, to->asked, to->q->end - PACKET_HEADER);
	reply->p = (struct packet){reply->data, 0, REPLY_MAX};
	packet_reply_begin(&reply->p, query, to->q, flags, rcode);
}

static void end(struct resolver *r, const struct asker *to, struct reply *reply,
		enum packet_rcode rcode, enum packet_ede ede, const char *text)
{
	packet_put_opt(&reply->p, to->q, rcode, ede, text);
	r->io->answer(r, to->client, reply->data, reply->p.len);
}

void reply_fault(struct resolver *r, const struct client *client,
		 const uint8_t *data, enum packet_fault fault,
		 const struct packet_question *q)
{
	static const enum packet_rcode rcodes[] = {
		[PACKET_GOOD] = RCODE_NOERROR,
		[PACKET_GARBAGE] = RCODE_FORMERR,
		[PACKET_NO_QUERY] = RCODE_NOTIMP,
		[PACKET_QUESTIONS] = RCODE_FORMERR,
		[PACKET_VERSION] = RCODE_BADVERS,
	};
	struct reply reply;

	reply.p = (struct packet){reply.data, 0, REPLY_MAX};
	packet_reply_begin(&reply.p, data, fault == PACKET_VERSION ? q : NULL,
			   0, rcodes[fault]);
	if (fault == PACKET_VERSION)
		packet_put_opt(&reply.p, q, rcodes[fault], EDE_NONE, "");
	r->io->answer(r, client, reply.data, reply.p.len);
}

void reply_denied(struct resolver *r, const struct asker *to, const char *text)
{
	struct reply reply;

	r->count.denied++;
	begin(&reply, to, 0, RCODE_NXDOMAIN);
	packet_put_soa(&reply.p, QUERY_DENIED_TTL);
	end(r, to, &reply, RCODE_NXDOMAIN, EDE_BLOCKED, text);
}

void reply_empty(struct resolver *r, const struct asker *to, unsigned int flags)
{
	struct reply reply;

	begin(&reply, to, flags, RCODE_NOERROR);
	packet_put_soa(&reply.p, QUERY_DENIED_TTL);
	end(r, to, &reply, RCODE_NOERROR, EDE_NONE, "");
}

void reply_failed(struct resolver *r, const struct asker *to,
		  enum packet_ede ede, const char *text)
{
	struct reply reply;

	r->count.failed++;
	begin(&reply, to, 0, RCODE_SERVFAIL);
	end(r, to, &reply, RCODE_SERVFAIL, ede, text);
}

void reply_not_implemented(struct resolver *r, const struct asker *to)
{
	struct reply reply;

	begin(&reply, to, 0, RCODE_NOTIMP);
	end(r, to, &reply, RCODE_NOTIMP, EDE_NONE, "");
}

/* Hold an answer until its addresses are pinned. */
static void hold(struct resolver *r, const struct asker *to,
		 const struct packet *p, const struct answer *a,
		 struct cache_entry *entry)
{
	struct held *held;

	if (!hold_fits(&r->hold, p->len, a->n))
		resolver_flush(r);
	if (!hold_fits(&r->hold, p->len, a->n)) {
		r->count.full++;
		reply_failed(r, to, EDE_OTHER, "too many answers at once");
		return;
	}
	held = hold_add(&r->hold, to->client, p->data, p->len,
			packet_dname(&to->q->name), a);
	held->entry = entry;
	if (entry) {
		held->key_hash = entry->key.hash;
		held->since = entry->since;
		held->until = r->loop->now +
			      (uint64_t)(a->ttl + ANSWER_GRACE + 1) * 1000;
	}
}

void reply_gateway(struct resolver *r, const struct asker *to)
{
	const struct ip ip = to->q->type == TYPE_A ? r->conf->walk.gw4
						   : r->conf->walk.gw6;
	struct answer a = {.ttl = QUERY_ALIAS_TTL, .n = 1, .v = {ip}};
	uint16_t sets[DNS_SETS_OF_NAME];
	struct reply reply;
	uint8_t bytes[16];

	ip_to_bytes(ip, bytes);
	begin(&reply, to, PACKET_AA, RCODE_NOERROR);
	packet_put_address(&reply.p, (enum packet_type)to->q->type, bytes,
			   QUERY_ALIAS_TTL);
	packet_put_opt(&reply.p, to->q, RCODE_NOERROR, EDE_NONE, "");
	if (dns_conf_sets(r->conf, packet_dname(&to->q->name), sets))
		hold(r, to, &reply.p, &a, NULL);
	else
		r->io->answer(r, to->client, reply.data, reply.p.len);
}

/* Whether the addresses of a cached answer are in the kernel already, and stay
 * there for as long as they have to. While a batch is on its way nobody knows:
 * it may take older pins away. */
static bool is_pinned(const struct resolver *r, const struct answer *a,
		      const struct cache_entry *entry)
{
	return entry && !r->hold.committing && entry->epoch == r->epoch &&
	       entry->pinned >=
		       r->loop->now + (uint64_t)(a->ttl + ANSWER_GRACE) * 1000;
}

void reply_answer(struct resolver *r, const struct asker *to, struct packet *p,
		  const struct packet_question *q, const struct answer *a,
		  struct cache_entry *entry)
{
	const size_t most = to->q->size < QUERY_ANSWER_UDP ? to->q->size
							   : QUERY_ANSWER_UDP;

	packet_set16(p->data, to->q->id);
	p->data[2] = (uint8_t)((p->data[2] & ~(PACKET_RD >> 8)) |
			       (to->q->flags & PACKET_RD) >> 8);
	memcpy(p->data + PACKET_HEADER, to->asked, to->q->end - PACKET_HEADER);
	if (!to->client->connection && p->len > most) {
		struct packet cut = {r->scratch, p->len, PACKET_MAX};

		/* Nothing is left in it that would have to be pinned. */
		memcpy(cut.data, p->data, p->len);
		packet_truncate(&cut, q);
		r->io->answer(r, to->client, cut.data, cut.len);
		return;
	}
	if (a->n && !is_pinned(r, a, entry))
		hold(r, to, p, a, entry);
	else
		r->io->answer(r, to->client, p->data, p->len);
}

void resolver_flush(struct resolver *r)
{
	const struct hold_batch *b = hold_next(&r->hold);

	if (b)
		r->io->commit(r, &b->pins);
}

/* What was held cannot leave as it is. */
static void fail_held(struct resolver *r, const struct held *held,
		      const uint8_t *data)
{
	struct packet_question q;
	const struct asker to = {&held->client, &q, data + PACKET_HEADER};

	if (packet_question_read(data, held->len, true, &q) == PACKET_GOOD)
		reply_failed(r, &to, EDE_OTHER, "addresses cannot be pinned");
}

void resolver_committed(struct resolver *r, const struct pin_reply *reply)
{
	const struct hold_batch *b;

	if (!r->hold.committing)
		return;
	b = hold_done(&r->hold);
	r->epoch = reply->epoch;
	for (size_t i = 0; i < b->n; i++) {
		const struct held *held = &b->v[i];

		if (!reply->done) {
			fail_held(r, held, b->data + held->at);
			continue;
		}
		if (held->entry && held->entry->key.hash == held->key_hash &&
		    held->entry->since == held->since) {
			held->entry->pinned = held->until;
			held->entry->epoch = reply->epoch;
		}
		r->io->answer(r, &held->client, b->data + held->at, held->len);
	}
}
