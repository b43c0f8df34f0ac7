/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold.c - Thousands of connections at once, of which each byte is checked.
 *
 *	tls_hold serve ADDRESS PORT [CERTIFICATE KEY]
 *	tls_hold hold ADDRESS PORT NAME COUNT BYTES [CA]
 *
 * Theory of Operation
 *
 *	The client opens COUNT connections; a little goes each way on each. It
 *	prints "held COUNT" and waits for a line. Then all of them carry BYTES
 *	each way at the same time: a quarter is read slowly by the client, a
 *	quarter written slowly, and a quarter read slowly by the server. When a
 *	client has said everything it ends its direction, and the server answers
 *	with its own end when it has said everything too. It prints "moved
 *TOTAL" if every byte was in its place, and every end where it belongs.
 *
 *	Without a certificate nothing is encrypted: a ClientHello with NAME
 *comes first, and then what nobody on the way looks at. TLS is OpenSSL's here,
 *on both sides.
 *
 * What is said is a function of the connection's number, the direction and the
 * offset, so that neither side has to remember it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What goes each way before a connection counts as held. */
#define FIRST 200

/* Connections that are being opened at the same time. */
#define OPENING 128

/* How a slow side reads and writes: so many bytes in each tick. */
#define SLOW	2048
#define TICK_MS 20

#define CHUNK	16384
#define PATTERN 65536

enum state {
	STATE_CONNECT,
	STATE_HANDSHAKE,
	STATE_OPEN,
	STATE_DONE,
};

struct conn {
	int fd;
	SSL *ssl;
	enum state state;
	uint32_t interest;
	uint8_t prefix[1024];
	uint32_t prefix_len;
	uint32_t prefix_done;
	uint32_t id;
	uint32_t size;
	uint64_t sent;
	uint64_t received;
	bool slow_read;
	bool slow_write;
	bool said_end;
	bool heard_end;
	bool held;
};

struct program {
	bool serves;
	int epoll;
	SSL_CTX *tls;
	struct conn *conns;
	unsigned int n_conns;
	bool go;
	uint8_t pattern[2 * PATTERN];
};

static _Noreturn __attribute__((format(printf, 1, 2))) void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("tls_hold: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Where the pattern has what is at @offset; at least PATTERN bytes follow. */
static const uint8_t *pattern_at(const struct program *p, uint32_t id,
				 bool server, uint64_t offset)
{
	const uint64_t start = id * 7919u + (server ? 31337u : 0u);

	/* Another place after each round: a round that is lost is seen. */
	return p->pattern +
	       ((start + offset + offset / PATTERN * 257) % PATTERN);
}

/* How much of the pattern can be looked at in one go at @offset. */
static size_t pattern_run(uint64_t offset, size_t len)
{
	const size_t left = PATTERN - offset % PATTERN;

	return len < left ? len : left;
}

static void watch(struct program *p, struct conn *c, uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = c};

	if (interest == c->interest)
		return;
	if (epoll_ctl(p->epoll, EPOLL_CTL_MOD, c->fd, &e) < 0)
		fail("epoll: %s", strerror(errno));
	c->interest = interest;
}

static void broken(const struct program *p, const struct conn *c,
		   const char *what)
{
	fail("%s: connection %u: %s, %" PRIu64 " sent, %" PRIu64
	     " received of %u (%s)",
	     p->serves ? "server" : "client", c->id, what, c->sent, c->received,
	     c->size, strerror(errno));
}

/* Bytes, 0 if none can be had now, -1 at the end. */
static ssize_t conn_read(const struct program *p, struct conn *c, void *to,
			 size_t len)
{
	ssize_t n;

	errno = 0;
	if (!c->ssl) {
		n = recv(c->fd, to, len, 0);
		if (n < 0 && errno != EAGAIN)
			broken(p, c, "read");
		return n < 0 ? 0 : n == 0 ? -1 : n;
	}
	ERR_clear_error();
	n = SSL_read(c->ssl, to, (int)len);
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -1;
	}
	ERR_print_errors_fp(stderr);
	broken(p, c, "TLS read");
	return -1;
}

static ssize_t conn_write(const struct program *p, struct conn *c,
			  const void *from, size_t len)
{
	ssize_t n;

	errno = 0;
	if (!c->ssl) {
		n = send(c->fd, from, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			broken(p, c, "write");
		return n < 0 ? 0 : n;
	}
	ERR_clear_error();
	n = SSL_write(c->ssl, from, (int)len);
	if (n > 0)
		return n;
	switch (SSL_get_error(c->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	}
	ERR_print_errors_fp(stderr);
	broken(p, c, "TLS write");
	return -1;
}

static void conn_end(struct conn *c)
{
	if (c->said_end)
		return;
	c->said_end = true;
	if (c->ssl)
		SSL_shutdown(c->ssl);
	else
		shutdown(c->fd, SHUT_WR);
}

static void conn_close(struct conn *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	c->state = STATE_DONE;
}

/* What may be sent now: a little, until it is to begin. */
static uint64_t out_limit(const struct program *p, const struct conn *c)
{
	if (p->serves)
		return c->received == 0				 ? 0
		       : c->received > FIRST || c->size == FIRST ? c->size
								 : FIRST;
	return p->go ? c->size : FIRST;
}

/* The server learns from the first bytes who it is talking to: behind the
 * ClientHello, if nothing is encrypted. True once it knows.
 */
static bool server_prefix(struct program *p, struct conn *c)
{
	for (;;) {
		uint32_t want = 5;
		ssize_t n;

		if (c->ssl)
			want = 8;
		else if (c->prefix_len >= 5)
			want = 5u +
			       (uint32_t)(c->prefix[3] << 8 | c->prefix[4]) + 8;
		if (want > sizeof(c->prefix))
			broken(p, c, "what comes first is too long");
		if (c->prefix_len == want && want > 5) {
			memcpy(&c->id, c->prefix + want - 8, 4);
			memcpy(&c->size, c->prefix + want - 4, 4);
			c->prefix_done = 1;
			c->slow_read = c->id % 4 == 3;
			return true;
		}
		n = conn_read(p, c, c->prefix + c->prefix_len,
			      want - c->prefix_len);
		if (n <= 0) {
			if (n < 0)
				conn_close(c);
			return false;
		}
		c->prefix_len += (uint32_t)n;
	}
}

static void receive(struct program *p, struct conn *c, size_t budget)
{
	uint8_t buffer[CHUNK];

	while (!c->heard_end && budget > 0) {
		const ssize_t n = conn_read(p, c, buffer,
					    budget < CHUNK ? budget : CHUNK);
		size_t at = 0;

		if (n == 0)
			return;
		if (n < 0) {
			c->heard_end = true;
			if (c->received != c->size)
				broken(p, c, "ends too early");
			return;
		}
		if (c->received + (size_t)n > c->size)
			broken(p, c, "more than was said");
		while (at < (size_t)n) {
			const size_t run =
				pattern_run(c->received, (size_t)n - at);

			if (memcmp(buffer + at,
				   pattern_at(p, c->id, !p->serves,
					      c->received),
				   run) != 0)
				broken(p, c, "bytes are not what was said");
			c->received += run;
			at += run;
		}
		budget -= (size_t)n;
	}
}

static void transmit(struct program *p, struct conn *c, size_t budget)
{
	const uint64_t limit = out_limit(p, c);

	while (c->prefix_done < c->prefix_len && !p->serves) {
		const ssize_t n = conn_write(p, c, c->prefix + c->prefix_done,
					     c->prefix_len - c->prefix_done);

		if (n <= 0)
			return;
		c->prefix_done += (uint32_t)n;
	}
	while (c->sent < limit && budget > 0) {
		const uint64_t left = limit - c->sent;
		size_t len = budget < CHUNK ? budget : CHUNK;
		ssize_t n;

		len = pattern_run(c->sent, left < len ? left : len);
		n = conn_write(p, c, pattern_at(p, c->id, p->serves, c->sent),
			       len);
		if (n <= 0)
			return;
		c->sent += (uint64_t)n;
		budget -= (size_t)n;
	}
}

/* After something was done: what is waited for, and whether it is over. */
static void settle(struct program *p, struct conn *c)
{
	uint32_t interest = 0;

	if (c->state != STATE_OPEN)
		return;
	if (!p->serves && c->sent == c->size)
		conn_end(c);
	if (p->serves && c->heard_end && c->sent == c->size) {
		conn_end(c);
		conn_close(c);
		return;
	}
	if (!p->serves && c->heard_end) {
		if (c->sent != c->size)
			broken(p, c, "the server ends too early");
		conn_close(c);
		return;
	}
	/* The pace of what is slow counts once it is to begin. */
	if (!(c->slow_read && c->received >= FIRST) && !c->heard_end)
		interest |= EPOLLIN;
	if (!(c->slow_write && c->sent >= FIRST) &&
	    (c->sent < out_limit(p, c) ||
	     (!p->serves && c->prefix_done < c->prefix_len)))
		interest |= EPOLLOUT;
	watch(p, c, interest);
}

static void handshake(struct program *p, struct conn *c)
{
	int n;

	if (!c->ssl) {
		c->state = STATE_OPEN;
		return;
	}
	ERR_clear_error();
	n = SSL_do_handshake(c->ssl);
	if (n == 1) {
		c->state = STATE_OPEN;
		return;
	}
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		watch(p, c, EPOLLIN);
		return;
	case SSL_ERROR_WANT_WRITE:
		watch(p, c, EPOLLOUT);
		return;
	}
	ERR_print_errors_fp(stderr);
	broken(p, c, "handshake");
}

static void conn_run(struct program *p, struct conn *c, uint32_t events)
{
	if (c->state == STATE_CONNECT) {
		int error = 0;
		socklen_t len = sizeof(error);

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		errno = error;
		if (error)
			broken(p, c, "connect");
		c->state = STATE_HANDSHAKE;
	}
	if (c->state == STATE_HANDSHAKE)
		handshake(p, c);
	if (c->state != STATE_OPEN)
		return;
	if (p->serves && !c->prefix_done && !server_prefix(p, c)) {
		if (c->state == STATE_OPEN)
			watch(p, c, EPOLLIN);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
	    !(c->slow_read && c->received >= FIRST))
		receive(p, c, SIZE_MAX);
	if (!(c->slow_write && c->sent >= FIRST))
		transmit(p, c, SIZE_MAX);
	settle(p, c);
}

static void tick(struct program *p)
{
	for (unsigned int i = 0; i < p->n_conns; i++) {
		struct conn *c = &p->conns[i];

		if (c->state != STATE_OPEN || (p->serves && !c->prefix_done))
			continue;
		if (c->slow_read && c->received >= FIRST)
			receive(p, c, SLOW);
		if (c->slow_write && c->sent >= FIRST)
			transmit(p, c, SLOW);
		settle(p, c);
	}
}

static void turn(struct program *p, int64_t *next)
{
	struct epoll_event events[256];
	const int64_t left = *next - now_ms();
	const int n =
		epoll_wait(p->epoll, events, 256, left < 0 ? 0 : (int)left);

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			conn_run(p, events[i].data.ptr, events[i].events);
	if (now_ms() >= *next) {
		tick(p);
		*next = now_ms() + TICK_MS;
	}
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
		fail("%s is no address", text);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = number;
	return sizeof(*in6);
}

static void conn_add(struct program *p, struct conn *c, int fd,
		     uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = c};
	const int on = 1;

	c->fd = fd;
	c->interest = interest;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (p->tls) {
		c->ssl = SSL_new(p->tls);
		if (!c->ssl || !SSL_set_fd(c->ssl, fd))
			fail("no memory");
	}
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("epoll: %s", strerror(errno));
}

/* A ClientHello with a name, as a browser's without all that is not needed. */
static uint32_t make_hello(uint8_t *to, const char *name)
{
	const size_t n = strlen(name);
	uint8_t *at = to;
	const uint8_t tail[] = {0, 43, 0, 3, 2, 3, 4, 0, 10, 0, 4, 0, 2, 0, 29};
	const size_t extensions = 9 + n + sizeof(tail), body = 43 + extensions;

	if (n > 253)
		fail("%s is too long", name);
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

static void open_one(struct program *p, unsigned int i,
		     const struct sockaddr_storage *a, socklen_t len,
		     const char *name, uint32_t size)
{
	struct conn *c = &p->conns[i];
	const int fd = socket(a->ss_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->id = i;
	c->size = size;
	c->slow_read = i % 4 == 1;
	c->slow_write = i % 4 == 2;
	if (fd < 0 || (connect(fd, (const struct sockaddr *)a, len) < 0 &&
		       errno != EINPROGRESS))
		broken(p, c, "connect");
	conn_add(p, c, fd, EPOLLOUT);
	if (c->ssl) {
		SSL_set_connect_state(c->ssl);
		if (!SSL_set_tlsext_host_name(c->ssl, name) ||
		    !SSL_set1_host(c->ssl, name))
			fail("no memory");
	} else {
		c->prefix_len = make_hello(c->prefix, name);
	}
	memcpy(c->prefix + c->prefix_len, &c->id, 4);
	memcpy(c->prefix + c->prefix_len + 4, &c->size, 4);
	c->prefix_len += 8;
}

static int hold(struct program *p, const struct sockaddr_storage *a,
		socklen_t len, const char *name, uint32_t size)
{
	unsigned int begun = 0, held = 0, done = 0;
	int64_t next = now_ms() + TICK_MS, since = now_ms();
	uint64_t total = 0;
	char line[16];

	while (held < p->n_conns) {
		while (begun < p->n_conns && begun - held < OPENING)
			open_one(p, begun++, a, len, name, size);
		turn(p, &next);
		for (unsigned int i = 0; i < begun; i++) {
			struct conn *c = &p->conns[i];

			if (!c->held && c->received >= FIRST &&
			    c->sent >= FIRST) {
				c->held = true;
				held++;
				since = now_ms();
			}
		}
		if (now_ms() - since > 20000)
			fail("%u of %u connections, and no more in 20 s", held,
			     p->n_conns);
	}
	printf("held %u\n", held);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	p->go = true;
	since = now_ms();
	for (unsigned int i = 0; i < p->n_conns; i++)
		settle(p, &p->conns[i]);
	while (done < p->n_conns) {
		uint64_t sum = 0;

		turn(p, &next);
		done = 0;
		for (unsigned int i = 0; i < p->n_conns; i++) {
			done += p->conns[i].state == STATE_DONE;
			sum += p->conns[i].received + p->conns[i].sent;
		}
		if (sum != total)
			since = now_ms();
		total = sum;
		if (now_ms() - since > 20000) {
			for (unsigned int i = 0; i < p->n_conns; i++)
				if (p->conns[i].state != STATE_DONE)
					broken(p, &p->conns[i],
					       "nothing in 20 s");
		}
	}
	printf("moved %" PRIu64 "\n", total);
	return 0;
}

static _Noreturn void serve(struct program *p, const struct sockaddr_storage *a,
			    socklen_t len)
{
	const int on = 1;
	const int fd = socket(a->ss_family,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event e = {.events = EPOLLIN};
	int64_t next = now_ms() + TICK_MS;
	unsigned int i = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)a, len) < 0 ||
	    listen(fd, 4096) < 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail("listen: %s", strerror(errno));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		turn(p, &next);
		for (;;) {
			const int new = accept4(fd, NULL, NULL,
						SOCK_NONBLOCK | SOCK_CLOEXEC);
			struct conn *c;

			if (new < 0)
				break;
			for (i = 0; i < p->n_conns; i++)
				if (p->conns[i].state == STATE_DONE)
					break;
			if (i == p->n_conns)
				fail("no room");
			c = &p->conns[i];
			memset(c, 0, sizeof(*c));
			c->state = STATE_HANDSHAKE;
			conn_add(p, c, new, EPOLLIN);
			if (c->ssl)
				SSL_set_accept_state(c->ssl);
		}
	}
}

static SSL_CTX *make_tls(const char *certificate, const char *key,
			 const char *ca)
{
	SSL_CTX *made = SSL_CTX_new(TLS_method());

	if (!made ||
	    (certificate &&
	     (SSL_CTX_use_certificate_chain_file(made, certificate) != 1 ||
	      SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) != 1)) ||
	    (ca && SSL_CTX_load_verify_locations(made, ca, NULL) != 1)) {
		ERR_print_errors_fp(stderr);
		fail("TLS cannot be set up");
	}
	if (ca)
		SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				       SSL_MODE_RELEASE_BUFFERS);
	return made;
}

int main(int argc, char **argv)
{
	static struct program p;
	struct rlimit files;
	struct sockaddr_storage a;
	socklen_t len;
	uint32_t seed = 1;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < PATTERN; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		p.pattern[i] = p.pattern[i + PATTERN] = (uint8_t)seed;
	}
	p.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (argc < 4)
		return 2;
	len = make_address(argv[2], argv[3], &a);
	if ((argc == 4 || argc == 6) && !strcmp(argv[1], "serve")) {
		p.serves = true;
		p.n_conns = 16384;
		if (argc == 6)
			p.tls = make_tls(argv[4], argv[5], NULL);
	} else if ((argc == 7 || argc == 8) && !strcmp(argv[1], "hold")) {
		p.n_conns = (unsigned int)strtoul(argv[5], NULL, 10);
		if (argc == 8)
			p.tls = make_tls(NULL, NULL, argv[7]);
	} else {
		return 2;
	}
	p.conns = calloc(p.n_conns ? p.n_conns : 1, sizeof(*p.conns));
	if (!p.conns)
		fail("no memory");
	if (!p.serves)
		return hold(&p, &a, len, argv[4],
			    (uint32_t)strtoul(argv[6], NULL, 10));
	for (unsigned int i = 0; i < p.n_conns; i++)
		p.conns[i].state = STATE_DONE;
	serve(&p, &a, len);
}
