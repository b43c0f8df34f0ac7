/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_load.c - Load for the benchmark of TLS: an HTTPS server and its clients.
 *
 *	tls_load serve ADDRESS PORT CERTIFICATE KEY
 *	tls_load serve-many ADDRESS PORT CERTIFICATE KEY
 *	tls_load connect ADDRESS PORT NAME SECONDS CLIENTS
 *	tls_load request ADDRESS PORT NAME SECONDS CLIENTS
 *	tls_load bulk ADDRESS PORT NAME SECONDS CLIENTS
 *	tls_load idle ADDRESS PORT NAME COUNT
 *
 * "connect": a new connection and one request each: connections a second, and
 *the median and 99th percentile of the time from the SYN to the answer, in
 * microseconds. "request": requests on kept connections, likewise. "bulk": MB a
 * second of bodies. "idle": opens so many, asks once on each, prints "held
 *COUNT" and waits for a line. "serve-many" is for that: it has a process for
 *each connection. Handshakes are full ones, and TLS is OpenSSL's on both sides.
 *GET /N is answered with N bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (64u << 10)

/* What one GET of "bulk" asks for: more than it has the time for. */
#define BULK (UINT64_C(1) << 40)

/* Times that a client remembers. */
#define SAMPLES 200000u

/* Connections that a server serves at the same time: one process each. */
#define SERVERS 24

/* What a client has counted, where its parent sees it. */
struct counts {
	uint64_t done;
	uint64_t bytes;
	uint32_t n_samples;
	uint32_t samples[SAMPLES];
};

static char buffer[CHUNK];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "tls_load: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
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
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1) {
		errno = EINVAL;
		fail(text);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = number;
	return sizeof(*in6);
}

static SSL_CTX *make_tls(void)
{
	SSL_CTX *made = SSL_CTX_new(TLS_method());

	if (!made)
		fail("no memory");
	SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(made, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(made, 0);
	return made;
}

/* The end of a head in @data; NULL if it is not there. */
static char *head_end(const char *data, size_t len)
{
	char *found = memmem(data, len, "\r\n\r\n", 4);

	return found ? found + 4 : NULL;
}

/* Requests of one connection, in turn, until the client is gone. */
static void answer(SSL *ssl)
{
	char request[4096];
	size_t have = 0;

	if (SSL_accept(ssl) != 1)
		return;
	for (;;) {
		const int n = SSL_read(ssl, request + have,
				       (int)(sizeof(request) - 1 - have));
		size_t left;
		char head[128], *end;
		int len;
		bool last;

		if (n <= 0)
			return;
		have += (size_t)n;
		request[have] = '\0';
		end = head_end(request, have);
		if (!end)
			continue;
		if (strncmp(request, "GET /", 5) != 0)
			return;
		last = memmem(request, have, "close", 5);
		left = strtoul(request + 5, NULL, 10);
		len = snprintf(head, sizeof(head),
			       "HTTP/1.1 200 OK\r\nContent-Type: "
			       "application/octet-stream\r\n"
			       "Content-Length: %zu\r\n%s\r\n",
			       left, last ? "Connection: close\r\n" : "");
		/* A small answer is one record. */
		if (left <= 1024) {
			char whole[2048];

			memcpy(whole, head, (size_t)len);
			memset(whole + len, 'x', left);
			if (SSL_write(ssl, whole, len + (int)left) <= 0)
				return;
			left = 0;
		} else if (SSL_write(ssl, head, len) <= 0) {
			return;
		}
		while (left > 0) {
			const int part = (int)(left < CHUNK ? left : CHUNK);

			if (SSL_write(ssl, buffer, part) <= 0)
				return;
			left -= (size_t)part;
		}
		if (last) {
			SSL_shutdown(ssl);
			return;
		}
		have = 0;
	}
}

static _Noreturn void serve(SSL_CTX *tls, const struct sockaddr_storage *a,
			    socklen_t len, bool many)
{
	const int on = 1;
	const int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)a, len) < 0 ||
	    listen(fd, 4096) < 0)
		fail("listen");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; !many && i < SERVERS && fork() != 0;)
		i++;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		const int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		SSL *ssl;

		if (new < 0)
			continue;
		if (many && fork() != 0) {
			close(new);
			continue;
		}
		if (many)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		ssl = SSL_new(tls);
		if (!ssl || !SSL_set_fd(ssl, new))
			fail("no memory");
		answer(ssl);
		SSL_free(ssl);
		close(new);
		if (many)
			exit(0);
	}
}

/* Who a client speaks to. */
struct target {
	SSL_CTX *tls;
	struct sockaddr_storage address;
	socklen_t len;
	const char *name;
};

static SSL *dial(const struct target *t)
{
	const int on = 1;
	const int fd =
		socket(t->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl;

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&t->address, t->len) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ssl = SSL_new(t->tls);
	if (!ssl || !SSL_set_fd(ssl, fd) ||
	    !SSL_set_tlsext_host_name(ssl, t->name))
		fail("no memory");
	if (SSL_connect(ssl) != 1)
		fail("handshake");
	return ssl;
}

static void hang_up(SSL *ssl)
{
	const int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	close(fd);
}

/* One GET; how long its body was. */
static size_t get(SSL *ssl, const char *name, size_t count, bool last)
{
	char text[512], *end = NULL, *length;
	size_t have = 0, want, got;
	const int len = snprintf(
		text, sizeof(text), "GET /%zu HTTP/1.1\r\nHost: %s\r\n%s\r\n",
		count, name, last ? "Connection: close\r\n" : "");

	if (SSL_write(ssl, text, len) <= 0)
		fail("request");
	while (!end) {
		const int n = SSL_read(ssl, buffer + have,
				       (int)(sizeof(buffer) - 1 - have));

		if (n <= 0)
			fail("answer");
		have += (size_t)n;
		buffer[have] = '\0';
		end = head_end(buffer, have);
	}
	length = strcasestr(buffer, "content-length:");
	if (!length || strtoul(length + 15, NULL, 10) != count)
		fail("not the answer");
	want = count;
	got = have - (size_t)(end - buffer);
	while (got < want) {
		const int n = SSL_read(ssl, buffer, sizeof(buffer));

		if (n <= 0)
			fail("body");
		got += (size_t)n;
	}
	return got;
}

static void note(struct counts *c, double since)
{
	if (c->n_samples < SAMPLES)
		c->samples[c->n_samples++] = (uint32_t)((now() - since) * 1e6);
	c->done++;
}

static void run_connect(const struct target *t, struct counts *c, double end)
{
	while (now() < end) {
		const double since = now();
		SSL *ssl = dial(t);

		get(ssl, t->name, 1, true);
		note(c, since);
		hang_up(ssl);
	}
}

static void run_request(const struct target *t, struct counts *c, double end)
{
	SSL *ssl = dial(t);

	while (now() < end) {
		const double since = now();

		get(ssl, t->name, 100, false);
		note(c, since);
	}
	hang_up(ssl);
}

static void run_bulk(const struct target *t, struct counts *c, double end)
{
	char text[512];
	SSL *ssl = dial(t);
	const int len = snprintf(
		text, sizeof(text),
		"GET /%" PRIu64 " HTTP/1.1\r\nHost: %s\r\n\r\n", BULK, t->name);

	if (SSL_write(ssl, text, len) <= 0)
		fail("request");
	while (now() < end) {
		const int n = SSL_read(ssl, buffer, sizeof(buffer));

		if (n <= 0)
			fail("body");
		c->bytes += (uint64_t)n;
	}
	hang_up(ssl);
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int run(const struct target *t,
	       void (*what)(const struct target *, struct counts *, double),
	       double seconds, unsigned long clients)
{
	const size_t size = clients * sizeof(struct counts);
	struct counts *counts = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t done = 0, bytes = 0;
	uint32_t *all, n = 0;
	const double start = now();
	double took;
	int status, failed = 0;

	if (counts == MAP_FAILED)
		fail("share memory");
	for (unsigned long i = 0; i < clients; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			what(t, &counts[i], start + seconds);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	took = now() - start;
	all = calloc(clients * SAMPLES, sizeof(*all));
	if (!all)
		fail("no memory");
	for (unsigned long i = 0; i < clients; i++) {
		done += counts[i].done;
		bytes += counts[i].bytes;
		memcpy(all + n, counts[i].samples,
		       counts[i].n_samples * sizeof(*all));
		n += counts[i].n_samples;
	}
	qsort(all, n, sizeof(*all), compare);
	printf("%.1f %.1f %u %u\n", (double)done / took,
	       (double)bytes / 1e6 / took, n ? all[n / 2] : 0,
	       n ? all[(size_t)n * 99 / 100] : 0);
	return failed != 0;
}

static int idle(const struct target *t, unsigned long count)
{
	SSL **held = calloc(count, sizeof(SSL *));
	char line[16];

	if (!held)
		fail("no memory");
	for (unsigned long i = 0; i < count; i++) {
		held[i] = dial(t);
		get(held[i], t->name, 1, false);
	}
	printf("held %lu\n", count);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct target *, struct counts *, double);
	} kinds[] = {
		{"connect", run_connect},
		{"request", run_request},
		{"bulk", run_bulk},
	};
	struct rlimit files;
	struct target t;

	if (argc < 6)
		return 2;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	t.tls = make_tls();
	t.len = make_address(argv[2], argv[3], &t.address);
	t.name = argv[4];
	if (argc == 6 && !strncmp(argv[1], "serve", 5)) {
		if (SSL_CTX_use_certificate_chain_file(t.tls, argv[4]) != 1 ||
		    SSL_CTX_use_PrivateKey_file(t.tls, argv[5],
						SSL_FILETYPE_PEM) != 1)
			fail(argv[4]);
		serve(t.tls, &t.address, t.len,
		      strcmp(argv[1], "serve-many") == 0);
	}
	if (argc == 6 && !strcmp(argv[1], "idle"))
		return idle(&t, strtoul(argv[5], NULL, 10));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (argc == 7 && !strcmp(argv[1], kinds[i].name))
			return run(&t, kinds[i].run, strtod(argv[5], NULL),
				   strtoul(argv[6], NULL, 10));
	return 2;
}
