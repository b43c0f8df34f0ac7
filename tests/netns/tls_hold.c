/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold.c - Thousands of connections at once, of which each byte is checked.
 *
 *	tls_hold serve ADDRESS PORT [CERTIFICATE KEY]
 *	tls_hold hold ADDRESS PORT NAME COUNT BYTES [CA]
 *
 * Theory of Operation
 *
 * The client opens COUNT connections; a little goes each way on each. It prints
 * "held COUNT" and waits for a line. Then all of them carry BYTES each way at
 * the same time: a quarter is read slowly by the client, a quarter written
 * slowly, and a quarter read slowly by the server. When a client has said
 * everything it ends its direction, and the server answers with its own end
 * when it has said everything too. It prints "moved TOTAL" if every byte was in
 * its place, and every end where it belongs.
 *
 * Without a certificate nothing is encrypted: a ClientHello with NAME comes
 * first, and then what nobody on the way looks at. TLS is OpenSSL's here, on
 * both sides.
 *
 * What is said is a function of the connection's number, the direction and the
 * offset, so that neither side has to remember it.
 */
#include "tls_hold.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

void hold_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("tls_hold: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

int64_t hold_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static socklen_t make_address(const char *text, const char *port,
			      struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	const in_port_t number = htons((uint16_t)strtoul(port, NULL, 10));

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = number;
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		hold_fail("%s is no address", text);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = number;
	return sizeof(*in6);
}

static _Noreturn void serve(struct hold_program *p,
			    const struct sockaddr_storage *a, socklen_t len)
{
	const int on = 1;
	const int fd = socket(a->ss_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event e = {.events = EPOLLIN};
	int64_t next = hold_now_ms() + HOLD_TICK_MS;
	unsigned int i = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)a, len) < 0 ||
	    listen(fd, 4096) < 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		hold_fail("listen: %s", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		hold_turn(p, &next);
		for (;;) {
			const int new = accept4(fd, NULL, NULL,
						SOCK_NONBLOCK | SOCK_CLOEXEC);
			struct hold_conn *c;

			if (new < 0)
				break;
			for (i = 0; i < p->n_conns; i++)
				if (p->conns[i].state == HOLD_DONE)
					break;
			if (i == p->n_conns)
				hold_fail("no room");
			c = &p->conns[i];
			memset(c, 0, sizeof(*c));
			c->state = HOLD_HANDSHAKE;
			hold_add(p, c, new, EPOLLIN);
			if (c->ssl)
				SSL_set_accept_state(c->ssl);
		}
	}
}

int main(int argc, char **argv)
{
	static struct hold_program p;
	struct rlimit files;
	struct sockaddr_storage a;
	socklen_t len;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	hold_begin(&p);
	if (argc < 4)
		return 2;
	len = make_address(argv[2], argv[3], &a);
	if ((argc == 4 || argc == 6) && !strcmp(argv[1], "serve")) {
		p.serves = true;
		p.n_conns = 16384;
		if (argc == 6)
			p.tls = hold_tls(argv[4], argv[5], NULL);
	} else if ((argc == 7 || argc == 8) && !strcmp(argv[1], "hold")) {
		p.n_conns = (unsigned int)strtoul(argv[5], NULL, 10);
		if (argc == 8)
			p.tls = hold_tls(NULL, NULL, argv[7]);
	} else {
		return 2;
	}
	p.conns = calloc(p.n_conns ? p.n_conns : 1, sizeof(*p.conns));
	if (!p.conns)
		hold_fail("no memory");
	if (!p.serves)
		return hold_client(&p, &a, len, argv[4],
				   (uint32_t)strtoul(argv[6], NULL, 10));
	for (unsigned int i = 0; i < p.n_conns; i++)
		p.conns[i].state = HOLD_DONE;
	serve(&p, &a, len);
}
