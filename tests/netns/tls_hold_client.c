/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold_client.c - The side that opens the connections, and counts. */
#include "tls_hold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* Connections that are being opened at the same time. */
#define OPENING 128

/* A ClientHello with a name, as a browser's without all that is not needed. It
 * offers no TLS 1.3: what comes behind is not to wait for a server's answer. */
static uint32_t make_hello(uint8_t *to, const char *name)
{
	const size_t n = strlen(name);
	uint8_t *at = to;
	const uint8_t tail[] = {0, 10, 0, 4, 0, 2, 0, 29};
	const size_t extensions = 9 + n + sizeof(tail), body = 43 + extensions;

	if (n > 253)
		hold_fail("%s is too long", name);
	*at++ = 22;
	*at++ = 3;
	*at++ = 1;
	*at++ = (uint8_t)((body + 4) >> 8);
	*at++ = (uint8_t)(body + 4);
	*at++ = 1;
	*at++ = 0;
	*at++ = (uint8_t)(body >> 8);
	*at++ = (uint8_t)body;
	*at++ = 3;
	*at++ = 3;
	memset(at, 0x5a, 32);
	at += 32;
	*at++ = 0;
	*at++ = 0;
	*at++ = 2;
	*at++ = 0x13;
	*at++ = 1;
	*at++ = 1;
	*at++ = 0;
	*at++ = (uint8_t)(extensions >> 8);
	*at++ = (uint8_t)extensions;
	*at++ = 0;
	*at++ = 0;
	*at++ = (uint8_t)((n + 5) >> 8);
	*at++ = (uint8_t)(n + 5);
	*at++ = (uint8_t)((n + 3) >> 8);
	*at++ = (uint8_t)(n + 3);
	*at++ = 0;
	*at++ = (uint8_t)(n >> 8);
	*at++ = (uint8_t)n;
	memcpy(at, name, n);
	at += n;
	memcpy(at, tail, sizeof(tail));
	return (uint32_t)(at + sizeof(tail) - to);
}

static void open_one(struct hold_program *p, unsigned int i,
		     const struct sockaddr_storage *a, socklen_t len,
		     const char *name, uint32_t size)
{
	struct hold_conn *c = &p->conns[i];
	const int fd = socket(a->ss_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->id = i;
	c->size = size;
	c->slow_read = i % 4 == 1;
	c->slow_write = i % 4 == 2;
	if (fd < 0 || (connect(fd, (const struct sockaddr *)a, len) < 0 &&
		       errno != EINPROGRESS))
		hold_broken(p, c, "connect");
	hold_add(p, c, fd, EPOLLOUT);
	if (c->ssl) {
		SSL_set_connect_state(c->ssl);
		if (!SSL_set_tlsext_host_name(c->ssl, name) ||
		    !SSL_set1_host(c->ssl, name))
			hold_fail("no memory");
	} else {
		c->prefix_len = make_hello(c->prefix, name);
	}
	memcpy(c->prefix + c->prefix_len, &c->id, 4);
	memcpy(c->prefix + c->prefix_len + 4, &c->size, 4);
	c->prefix_len += 8;
}

int hold_client(struct hold_program *p, const struct sockaddr_storage *a,
		socklen_t len, const char *name, uint32_t size)
{
	unsigned int begun = 0, held = 0, done = 0;
	int64_t next = hold_now_ms() + HOLD_TICK_MS, since = hold_now_ms();
	uint64_t total = 0;
	char line[16];

	while (held < p->n_conns) {
		while (begun < p->n_conns && begun - held < OPENING)
			open_one(p, begun++, a, len, name, size);
		hold_turn(p, &next);
		for (unsigned int i = 0; i < begun; i++) {
			struct hold_conn *c = &p->conns[i];

			if (!c->held && c->received >= HOLD_FIRST &&
			    c->sent >= HOLD_FIRST) {
				c->held = true;
				held++;
				since = hold_now_ms();
			}
		}
		if (hold_now_ms() - since > 20000)
			hold_fail("%u of %u connections, and no more in 20 s",
				  held, p->n_conns);
	}
	printf("held %u\n", held);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	p->go = true;
	since = hold_now_ms();
	for (unsigned int i = 0; i < p->n_conns; i++)
		hold_settle(p, &p->conns[i]);
	while (done < p->n_conns) {
		uint64_t sum = 0;

		hold_turn(p, &next);
		done = 0;
		for (unsigned int i = 0; i < p->n_conns; i++) {
			done += p->conns[i].state == HOLD_DONE;
			sum += p->conns[i].received + p->conns[i].sent;
		}
		if (sum != total)
			since = hold_now_ms();
		total = sum;
		if (hold_now_ms() - since > 20000) {
			for (unsigned int i = 0; i < p->n_conns; i++)
				if (p->conns[i].state != HOLD_DONE)
					hold_broken(p, &p->conns[i],
						    "nothing in 20 s");
		}
	}
	printf("moved %" PRIu64 "\n", total);
	return 0;
}
