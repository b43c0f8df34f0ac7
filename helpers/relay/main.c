/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - msb-relayd: relays between a sandbox and its host's loopback.
 *
 * It is started by msb-supervised, in the gateway's network namespace, as a
 * user of its own, with two channels to its supervisor; everything else comes
 * through these.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "confine.h"
#include "host_socket.h"
#include "relay.h"

#define PROGRAM "msb-relayd"

/* Two sockets and two pipes for each connection, two sockets for each UDP flow;
 * while another configuration is prepared, twice the listeners; a few for
 * itself. */
#define FILES \
	(6 * RELAY_CONNECTIONS_MAX + 2 * RELAY_FLOWS_MAX + \
	 2 * (RELAY_LISTENERS_MAX + RELAY_GATEWAY_COUNT) + 64)

/* Memory that costs nothing until it is used. */
static bool make_tables(struct relay *r)
{
	r->tcp = calloc(RELAY_CONNECTIONS_MAX, sizeof(*r->tcp));
	r->udp = calloc(RELAY_FLOWS_MAX, sizeof(*r->udp));
	r->udp_hash = calloc(RELAY_FLOWS_MAX, sizeof(*r->udp_hash));
	r->datagram = malloc(RELAY_DATAGRAM);
	return r->tcp && r->udp && r->udp_hash && r->datagram;
}

static bool set_up(struct relay *r, const struct args *args)
{
	const char *failed;

	log_open(&r->log, STDERR_FILENO, PROGRAM, args->name);
	if (loop_open(&r->loop, r) < 0) {
		log_failure(&r->log, "make an epoll instance");
		return false;
	}
	r->loop.idle = relay_tcp_run;
	r->ready_last = &r->ready;
	r->pool_timer.fire = relay_tcp_rest;
	loop_add_queue(&r->loop, &r->pool_queue);
	loop_add_queue(&r->loop, &r->connecting);
	loop_add_queue(&r->loop, &r->idle);
	loop_add_queue(&r->loop, &r->idle_both);
	r->broker = args->broker;
	r->channel = (struct loop_watch){args->channel, relay_control};
	r->spare = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->spare < 0 || !make_tables(r) ||
	    getrandom(&r->seed, sizeof(r->seed), 0) != sizeof(r->seed) ||
	    channel_set_timeout(r->broker, HOST_SOCKET_MS) < 0 ||
	    loop_add(&r->loop, &r->channel, EPOLLIN) < 0) {
		log_failure(&r->log, "set up");
		return false;
	}
	/* A socket whose peer is gone, and a log that is full, say so in errno.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	conf_warm_up();
	failed = confine_worker(FILES);
	if (failed)
		log_failure(&r->log, failed);
	return !failed;
}

static void tear_down(struct relay *r)
{
	if (r->now.conf) {
		relay_tcp_close_all(r);
		relay_udp_close_all(r);
		relay_ports_unwatch(r, &r->now);
		if (r->next.conf)
			relay_sockets_close(&r->next.sockets, &r->now.sockets);
		relay_sockets_close(&r->now.sockets, NULL);
	}
	arena_free(&r->next.arena);
	arena_free(&r->now.arena);
	splice_pool_close(&r->pool);
	loop_close(&r->loop);
	free(r->tcp);
	free(r->udp);
	free(r->udp_hash);
	free(r->datagram);
}

int main(int argc, char **argv)
{
	struct relay r = {0};
	struct args args;
	bool ok;
	int rc;

	rc = args_read(argc, argv, PROGRAM, true, &args);
	if (rc >= 0)
		return rc;
	ok = set_up(&r, &args);
	if (ok && loop_run(&r.loop) < 0) {
		log_failure(&r.log, "wait for events");
		ok = false;
	}
	tear_down(&r);
	return ok ? 0 : 3;
}
