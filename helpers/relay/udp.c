/* SPDX-License-Identifier: GPL-2.0-or-later */
/* udp.c - UDP flows: one socket each way, and an idle time. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datagram.h"
#include "relay.h"

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events);
static void server_ready(struct loop *l, struct loop_watch *w, uint32_t events);

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static struct relay_udp **bucket(struct relay *r, const struct relay_flow *f)
{
	uint64_t hash = mix(r->seed, f->listener);

	hash = mix(hash, (uint64_t)f->client.port << 16 | f->asked.port);
	hash = mix(hash, (uint64_t)f->client.ip.num);
	hash = mix(hash, (uint64_t)(f->client.ip.num >> 64));
	hash = mix(hash, (uint64_t)f->asked.ip.num);
	hash = mix(hash, (uint64_t)(f->asked.ip.num >> 64));
	return &r->udp_hash[hash % RELAY_FLOWS_MAX].first;
}

static struct relay_udp *find(struct relay *r, const struct relay_flow *f)
{
	struct relay_udp *u = *bucket(r, f);

	while (u && (u->flow.listener != f->listener ||
		     !address_equal(&u->flow.client, &f->client) ||
		     !address_equal(&u->flow.asked, &f->asked)))
		u = u->next;
	return u;
}

static struct relay_udp *take_place(struct relay *r, const struct relay_flow *f)
{
	struct relay_udp **list = bucket(r, f), *u = r->udp_free;

	if (r->udp_count >= r->now.conf->flows)
		return NULL;
	if (u)
		r->udp_free = u->next;
	else
		u = &r->udp[r->udp_top++];
	r->udp_count++;
	*u = (struct relay_udp){
		.flow = *f,
		.watch = {{-1, client_ready}, {-1, server_ready}},
		.timer.fire = relay_udp_idle,
		.family = IP_V4,
		.used = true,
		.next = *list,
	};
	*list = u;
	return u;
}

static struct loop_queue *queue(struct relay *r, const struct relay_udp *u)
{
	return u->answered ? &r->idle_both : &r->idle;
}

static void touch(struct relay *r, struct relay_udp *u)
{
	loop_set(&r->loop, queue(r, u), &u->timer,
		 u->answered ? r->now.conf->idle_both_ms
			     : r->now.conf->idle_ms);
}

static void drop_side(struct relay *r, struct relay_udp *u,
		      enum relay_side side)
{
	struct loop_watch *w = &u->watch[side];

	if (w->fd < 0)
		return;
	loop_remove(&r->loop, w);
	close(w->fd);
	w->fd = -1;
}

static void end(struct relay *r, struct relay_udp *u)
{
	struct relay_udp **at = bucket(r, &u->flow);

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	loop_unset(queue(r, u), &u->timer);
	drop_side(r, u, RELAY_CLIENT);
	drop_side(r, u, RELAY_SERVER);
	u->used = false;
	u->next = r->udp_free;
	r->udp_free = u;
	r->udp_count--;
}

void relay_udp_idle(struct loop *l, struct loop_timer *t)
{
	end(l->context, loop_owner(t, struct relay_udp, timer));
}

/* Make one side's socket, or take @fd, and watch it. */
static bool open_side(struct relay *r, struct relay_udp *u,
		      enum relay_side side, int fd)
{
	struct loop_watch *w = &u->watch[side];

	w->fd = fd;
	if (fd < 0)
		return false;
	if (loop_add(&r->loop, w, EPOLLIN) == 0)
		return true;
	close(fd);
	w->fd = -1;
	return false;
}

/* The socket towards the guest of a flow from the host's loopback. */
static bool open_guest(struct relay *r, struct relay_udp *u)
{
	const struct relay_conf *c = r->now.conf;
	const struct address guest = {
		u->flow.client.ip.family == IP_V4 ? c->guest4 : c->guest6,
		u->flow.port,
	};

	return open_side(r, u, RELAY_SERVER, datagram_socket(NULL, &guest));
}

/* The socket towards the host, and before it the one that answers the guest
 * from the address that it asked. */
static bool open_host(struct relay *r, struct relay_udp *u)
{
	if (u->watch[RELAY_CLIENT].fd < 0 &&
	    !open_side(r, u, RELAY_CLIENT,
		       datagram_socket(&u->flow.asked, &u->flow.client)))
		return false;
	return open_side(r, u, RELAY_SERVER,
			 relay_ask_host(r, IPPROTO_UDP, u->flow.asked.ip.family,
					u->family, u->flow.port));
}

/*
 * Nobody listens at the address of the host that was tried. If nobody ever
 * answered, the other one may: true, with @u->family set to it. Else the guest
 * is told, and the flow ends.
 */
static bool try_other(struct relay *r, struct relay_udp *u)
{
	drop_side(r, u, RELAY_SERVER);
	if (u->family == IP_V4 && !u->answered) {
		u->family = IP_V6;
		return true;
	}
	r->counts[RELAY_COUNT_REFUSED]++;
	relay_unreachable(r, &u->flow);
	end(r, u);
	return false;
}

/*
 * Send what is in the buffer to the host. On the loopback the answer of a port
 * where nobody listens is there when the call returns, and the datagram still
 * at hand for the other address.
 */
static void send_host(struct relay *r, struct relay_udp *u, size_t len)
{
	do {
		const struct loop_watch *w = &u->watch[RELAY_SERVER];
		int code = 0;
		socklen_t size = sizeof(code);

		if (w->fd < 0 && !open_host(r, u)) {
			if (errno == EACCES || u->watch[RELAY_CLIENT].fd < 0) {
				end(r, u);
				return;
			}
			continue;
		}
		if (send(w->fd, r->datagram, len, 0) < 0)
			code = errno;
		else if (!u->answered)
			getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &code, &size);
		if (code != ECONNREFUSED) {
			touch(r, u);
			return;
		}
	} while (try_other(r, u));
}

/* Send what is in the buffer to the server of a flow. */
static void send_on(struct relay *r, struct relay_udp *u, size_t len)
{
	if (u->flow.frozen)
		return;
	if (u->flow.listener == RELAY_HOST) {
		send_host(r, u, len);
		return;
	}
	/* The guest's "port unreachable" ends the flow; the next datagram
	 * begins another. */
	if (send(u->watch[RELAY_SERVER].fd, r->datagram, len, 0) < 0 &&
	    errno == ECONNREFUSED) {
		r->counts[RELAY_COUNT_REFUSED]++;
		end(r, u);
		return;
	}
	touch(r, u);
}

/* Send what is in the buffer back to the client of a flow. */
static void send_back(struct relay *r, struct relay_udp *u, size_t len)
{
	const struct relay_flow *f = &u->flow;

	if (f->frozen)
		return;
	if (!u->answered) {
		loop_unset(queue(r, u), &u->timer);
		u->answered = true;
	}
	touch(r, u);
	if (f->listener == RELAY_HOST)
		send(u->watch[RELAY_CLIENT].fd, r->datagram, len, 0);
	else
		datagram_answer(r->now.sockets.fd[f->listener], r->datagram,
				len, &f->client, f->asked.ip);
}

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct relay_udp *u =
		loop_owner(w, struct relay_udp, watch[RELAY_CLIENT]);
	struct relay *r = l->context;

	(void)events;
	for (int i = 0; i < RELAY_BATCH && u->used && w->fd >= 0; i++) {
		const ssize_t n = recv(w->fd, r->datagram, RELAY_DATAGRAM, 0);

		if (n >= 0) {
			send_on(r, u, (size_t)n);
		} else if (errno == ECONNREFUSED) {
			/* The guest listens no more. */
			end(r, u);
			return;
		} else {
			return;
		}
	}
}

static void server_refused(struct relay *r, struct relay_udp *u)
{
	if (u->flow.listener != RELAY_HOST) {
		r->counts[RELAY_COUNT_REFUSED]++;
		end(r, u);
		return;
	}
	while (try_other(r, u))
		if (open_host(r, u))
			return;
}

static void server_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct relay_udp *u =
		loop_owner(w, struct relay_udp, watch[RELAY_SERVER]);
	struct relay *r = l->context;

	(void)events;
	for (int i = 0; i < RELAY_BATCH; i++) {
		const ssize_t n = recv(w->fd, r->datagram, RELAY_DATAGRAM, 0);

		if (n >= 0) {
			send_back(r, u, (size_t)n);
		} else if (errno == ECONNREFUSED) {
			server_refused(r, u);
			return;
		} else {
			return;
		}
	}
}

/* The place of a new flow, or NULL if it may not be. */
static struct relay_udp *begin(struct relay *r, const struct relay_flow *f)
{
	struct relay_udp *u;

	if (!relay_judge(r->now.conf, r->now.conf, f, IPPROTO_UDP)) {
		relay_count_denied(r, f, IPPROTO_UDP);
		return NULL;
	}
	/* What the next policy denies does not begin any more. */
	if (r->prepared &&
	    !relay_judge(r->next.conf, r->now.conf, f, IPPROTO_UDP))
		return NULL;
	u = take_place(r, f);
	if (!u) {
		relay_count_limited(r, "Flows");
		return NULL;
	}
	touch(r, u);
	if (f->listener != RELAY_HOST && !open_guest(r, u)) {
		end(r, u);
		return NULL;
	}
	r->counts[RELAY_COUNT_ACCEPTED]++;
	return u;
}

static bool identify(const struct relay *r, uint32_t listener,
		     struct relay_flow *f)
{
	const struct relay_conf *c = r->now.conf;

	f->listener = listener;
	if (listener != RELAY_HOST) {
		f->port = c->listeners[listener].binding.guest_port;
		return address_is_loopback(f->asked.ip);
	}
	f->port = f->asked.port;
	return ip_equal(f->asked.ip, c->gw4) || ip_equal(f->asked.ip, c->gw6);
}

void relay_udp_receive(struct relay *r, int fd, uint32_t listener)
{
	for (int i = 0; i < RELAY_BATCH; i++) {
		struct relay_flow f = {0};
		struct relay_udp *u;
		const ssize_t n = datagram_receive(
			fd, r->datagram, RELAY_DATAGRAM, &f.client, &f.asked);

		if (n < 0)
			return;
		if (!f.client.port || !identify(r, listener, &f))
			continue;
		u = find(r, &f);
		if (!u)
			u = begin(r, &f);
		if (u)
			send_on(r, u, (size_t)n);
	}
}

void relay_udp_freeze(struct relay *r)
{
	for (size_t i = 0; i < r->udp_top; i++) {
		struct relay_udp *u = &r->udp[i];

		if (u->used)
			u->flow.frozen = !relay_judge(r->next.conf, r->now.conf,
						      &u->flow, IPPROTO_UDP);
	}
}

void relay_udp_thaw(struct relay *r)
{
	for (size_t i = 0; i < r->udp_top; i++)
		r->udp[i].flow.frozen = false;
}

void relay_udp_commit(struct relay *r, const struct relay_conf *to)
{
	for (size_t i = 0; i < r->udp_top; i++)
		if (r->udp[i].used && r->udp[i].flow.frozen)
			end(r, &r->udp[i]);
	/* The listener's index is part of the hash: all lists are made anew. */
	memset(r->udp_hash, 0, RELAY_FLOWS_MAX * sizeof(r->udp_hash[0]));
	for (size_t i = 0; i < r->udp_top; i++) {
		struct relay_udp *u = &r->udp[i], **list;

		if (!u->used)
			continue;
		relay_relocate(r->now.conf, to, &u->flow);
		list = bucket(r, &u->flow);
		u->next = *list;
		*list = u;
	}
}

void relay_udp_close_all(struct relay *r)
{
	for (size_t i = 0; i < r->udp_top; i++)
		if (r->udp[i].used)
			end(r, &r->udp[i]);
}
