/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proxy.c - The engine of interception between two loopback ports.
 *
 *	proxy SERVER-PORT CA-FILE [OPTION...]
 *		--roots FILE	roots; without it nothing is verified
 *		--leaf NAME	name of the leaf where there is no SNI
 *		--signer WAY	"refuse" or "dead": instead of signing
 *		--plain-wolf	wolfSSL computes all of handshakes itself
 *		--aead NAME	who computes records, as far as it can
 *		--secret PLACEHOLDER VALUE HOST INJECT	a secret; INJECT as bits
 *		--more N	so many more, that nobody may have
 *
 * It is confined as msb-tlsd's worker is: a system call that the engine must
 *not need ends it.
 *
 * A CA is made, and its certificate written to CA-FILE. Then "port N" is
 * printed, and for each connection that ends a line: "done" or "failed", "open"
 * or "shut", and why; if it is a violation, where, and the placeholder or what
 * is wrong. A line on standard input asks for numbers; its end ends
 * everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authority.h"
#include "confine.h"
#include "engine.h"
#include "hello.h"
#include "intercept.h"
#include "pem.h"
#include "splice.h"
#include "tlsd.h"

/** struct flow - One connection */
struct flow {
	struct proxy *proxy;
	struct flow *next; /* ready */
	struct flow *all;  /* until they are freed */
	bool ready;
	int guest;
	int server;
	struct hello hello;
	uint8_t message[HELLO_MAX];
	struct intercept *intercept;
};

struct proxy {
	int epoll;
	int statm;
	uint16_t server_port;
	struct intercept_env *env;
	struct dname leaf;
	struct secret secret[SECRET_MAX];
	struct secret_host host[SECRET_MAX];
	struct secrets secrets;
	struct gate_env *gate;
	struct flow *ready;
	struct flow *all;
	unsigned int open;
	unsigned long total;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- The signer ------------------------------------------------------ */

static bool sign_one(struct authority *a, const struct tlsd_sign *ask,
		     struct tlsd_signed *ret)
{
	struct leaf_subject subject = {0};
	struct der d = {.data = ret->der, .room = sizeof(ret->der)};
	int64_t until;

	if (memcmp(ask->ca, a->digest, sizeof(ask->ca)) != 0)
		return false;
	if (ask->family) {
		subject.address_len = ask->family == IP_V4 ? 4 : 16;
		memcpy(subject.address, ask->address, sizeof(ask->address));
	} else {
		subject.name = (struct dname){ask->name, ask->name_len};
	}
	if (!authority_leaf(a, &subject, ask->key, time(NULL), &d, &until))
		return false;
	ret->len = (uint32_t)d.len;
	ret->until = (uint64_t)until;
	return true;
}

static void write_ca(const struct authority *a, const char *path)
{
	char *const text = malloc(PEM_ROOM(a->der_len));
	FILE *const f = fopen(path, "we");

	if (!text || !f)
		die(path);
	pem_write(text, PEM_CERTIFICATE, a->der, a->der_len);
	fputs(text, f);
	fclose(f);
	free(text);
}

static void serve(int fd, const char *way, const char *path)
{
	struct authority *const a = authority_new();

	if (!a || !key_library() || !authority_make(a, time(NULL)))
		die("CA");
	write_ca(a, path);
	if (send(fd, "", 1, 0) != 1)
		die("send");
	if (way && !strcmp(way, "dead"))
		return;
	for (;;) {
		struct tlsd_sign ask;
		struct tlsd_signed answer = {0};

		if (recv(fd, &ask, sizeof(ask), 0) != sizeof(ask))
			break;
		if (way || !sign_one(a, &ask, &answer))
			answer.len = 0;
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	authority_free(a);
}

/* A process of its own, as the real one is; it ends with its channel. */
static int start_signer(const char *way, const char *path)
{
	char made;
	int fd[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		die("socketpair");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		close(fd[0]);
		serve(fd[1], way, path);
		_exit(0);
	}
	close(fd[1]);
	if (recv(fd[0], &made, 1, 0) != 1)
		die("signer");
	return fd[0];
}

/* ---- Flows ----------------------------------------------------------- */

static void watch(struct flow *f, int fd, unsigned int side)
{
	/* The side is in the pointer's lowest bit. */
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = (uintptr_t)f | side,
	};

	if (epoll_ctl(f->proxy->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

static void end_flow(struct flow *f, bool reset)
{
	intercept_end(f->intercept);
	if (reset) {
		splice_reset(f->guest);
		if (f->server >= 0)
			splice_reset(f->server);
	} else {
		close(f->guest);
		if (f->server >= 0)
			close(f->server);
	}
	f->proxy->open--;
	f->guest = -1;
	f->server = -1;
	f->intercept = NULL;
}

/* Those that have ended, when no event is left that points at them; or all. */
static void sweep(struct proxy *p, bool all)
{
	struct flow **at = &p->all;

	while (*at) {
		struct flow *const f = *at;

		if (all && f->guest >= 0)
			end_flow(f, false);
		if (f->guest < 0 && !f->ready) {
			*at = f->all;
			free(f);
		} else {
			at = &f->all;
		}
	}
}

static int dial(uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int one = 1;
	const int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 &&
	     errno != EINPROGRESS))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void read_hello(struct flow *f)
{
	struct proxy *const p = f->proxy;
	uint8_t octets[4096];
	ssize_t n;

	for (;;) {
		size_t used;

		n = recv(f->guest, octets, sizeof(octets), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end_flow(f, false);
			return;
		}
		used = hello_feed(&f->hello, f->message, octets, (size_t)n);
		if (f->hello.state == HELLO_DONE) {
			const struct intercept_flow i = {
				.guest = f->guest,
				.server = f->server = dial(p->server_port),
				.to = {.ip = ip4(127, 0, 0, 1),
				       .port = p->server_port},
				.hello = &f->hello,
				.message = f->message,
				.rest = octets + used,
				.rest_len = (size_t)n - used,
				.leaf = p->leaf,
				.secrets = p->gate,
			};

			f->intercept = intercept_begin(p->env, &i);
			if (!f->intercept)
				die("intercept_begin");
			watch(f, f->server, 1);
			return;
		}
		if (f->hello.state != HELLO_MORE) {
			printf("bad hello: %s\n",
			       f->hello.why ? f->hello.why : "no TLS");
			end_flow(f, true);
			return;
		}
	}
}

static void show_end(const struct flow *f, const char *what)
{
	const struct gate_violation *const v =
		intercept_violation(f->intercept);
	const char *const why = intercept_why(f->intercept);

	printf("%s %s %s", what,
	       intercept_is_open(f->intercept) ? "open" : "shut",
	       why ? why : "-");
	if (v)
		printf(": %s %s", gate_where_name(v->where),
		       v->why ? v->why
			      : (const char *)f->proxy->secret[v->found.secret]
					.placeholder);
	printf("\n");
}

static void run_flow(struct flow *f)
{
	bool open;

	if (!f->intercept && f->guest >= 0)
		read_hello(f);
	if (!f->intercept)
		return;
	switch (intercept_run(f->intercept)) {
	case INTERCEPT_WAIT:
		return;
	case INTERCEPT_MORE:
		if (!f->ready) {
			f->ready = true;
			f->next = f->proxy->ready;
			f->proxy->ready = f;
		}
		return;
	case INTERCEPT_REDIAL:
		close(f->server);
		f->server = dial(f->proxy->server_port);
		intercept_redial(f->intercept, f->server);
		watch(f, f->server, 1);
		return;
	case INTERCEPT_DONE:
		show_end(f, "done");
		end_flow(f, false);
		return;
	case INTERCEPT_FAILED:
		open = intercept_is_open(f->intercept);
		show_end(f, "failed");
		end_flow(f, open);
		return;
	}
}

static void accept_all(struct proxy *p, int listener)
{
	const int one = 1;
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct flow *const f = calloc(1, sizeof(*f));

		if (!f)
			die("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		f->proxy = p;
		f->all = p->all;
		p->all = f;
		f->guest = fd;
		f->server = -1;
		hello_begin(&f->hello);
		p->open++;
		p->total++;
		watch(f, fd, 0);
	}
}

static long resident(const struct proxy *p)
{
	long pages = 0;
	char text[128] = "";

	if (pread(p->statm, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "%*d %ld", &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

static void show(const struct proxy *p)
{
	const struct mallinfo2 m = mallinfo2();

	printf("open %u total %lu heap %zu resident %ld leaves %zu sessions %zu crypto %s\n",
	       p->open, p->total, m.uordblks + m.hblkhd, resident(p),
	       lru_count(p->env->leaves),
	       p->env->sessions ? lru_count(p->env->sessions) : 0,
	       intercept_env_crypto(p->env));
}

/* Until the end of standard input. */
static void loop(struct proxy *p, int listener)
{
	struct epoll_event events[64];
	char line[64];

	for (;;) {
		const int n =
			epoll_wait(p->epoll, events, 64, p->ready ? 0 : -1);
		struct flow *f = p->ready;

		p->ready = NULL;
		for (int k = 0; k < n; k++) {
			const uint64_t data = events[k].data.u64;
			struct flow *const at =
				(struct flow *)(uintptr_t)(data & ~3ull);

			if (data == 1) {
				accept_all(p, listener);
			} else if (data == 2) {
				if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
					return;
				show(p);
			} else {
				if (at->intercept)
					intercept_events(at->intercept,
							 data & 1,
							 events[k].events);
				run_flow(at);
			}
		}
		while (f) {
			struct flow *const next = f->next;

			f->ready = false;
			run_flow(f);
			f = next;
		}
		sweep(p, false);
		fflush(stdout);
	}
}

static void *read_file(const char *path, size_t *ret_len)
{
	FILE *const f = fopen(path, "re");
	struct stat st;
	char *text = NULL;

	if (f && fstat(fileno(f), &st) == 0)
		text = malloc((size_t)st.st_size + 1);
	if (!text)
		die(path);
	*ret_len = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	return text;
}

static int listen_any(uint16_t *ret_port)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(at);
	const int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 ||
	    listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("listen");
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* PLACEHOLDER VALUE HOST INJECT */
static void add_secret(struct proxy *p, char **words)
{
	const size_t n = p->secrets.n;

	if (n == SECRET_MAX)
		exit(2);
	p->host[n] = (struct secret_host){words[2], false};
	p->secret[n] = (struct secret){
		.name = words[0],
		.placeholder = (const uint8_t *)words[0],
		.placeholder_len = strlen(words[0]),
		.value = (const uint8_t *)words[1],
		.value_len = strlen(words[1]),
		.hosts = &p->host[n],
		.n_hosts = 1,
		.inject = (unsigned int)strtoul(words[3], NULL, 0),
	};
	p->secrets = (struct secrets){p->secret, n + 1};
}

static void add_more(struct proxy *p, struct arena *arena, unsigned long n)
{
	for (unsigned long k = 0; k < n; k++) {
		char *words[] = {
			arena_printf(arena, "$MSB_MORE_KEY_%lu", k),
			arena_strdup(arena, "nobody's"),
			arena_strdup(arena, "nobody.example.net"),
			arena_strdup(arena, "1"),
		};

		add_secret(p, words);
	}
}

/* Whatever is faster: all that this library can. False if it can nothing. */
static bool use_library(struct aead *a, const char *name)
{
	bool used = false;

	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		if (!aead_name(by) || strcmp(aead_name(by), name) != 0)
			continue;
		for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++)
			used |= aead_use(a, k, by);
	}
	return used;
}

int main(int argc, char **argv)
{
	struct proxy p = {0};
	struct arena arena = {0};
	struct intercept_conf c = {0};
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = 1};
	const char *reason = NULL;
	const char *signer = NULL;
	const char *library = NULL;
	const char *failed;
	bool plain = false;
	uint16_t port;
	int listener;

	if (argc < 3)
		return 2;
	p.server_port = (uint16_t)strtoul(argv[1], NULL, 10);
	for (int k = 3; k < argc; k++) {
		if (!strcmp(argv[k], "--roots") && k + 1 < argc) {
			c.roots = read_file(argv[++k], &c.roots_len);
			c.verify = true;
		} else if (!strcmp(argv[k], "--leaf") && k + 1 < argc) {
			if (dname_from_config(&arena, argv[++k], &p.leaf))
				return 2;
		} else if (!strcmp(argv[k], "--signer") && k + 1 < argc) {
			signer = argv[++k];
		} else if (!strcmp(argv[k], "--plain-wolf")) {
			plain = true;
		} else if (!strcmp(argv[k], "--aead") && k + 1 < argc) {
			library = argv[++k];
		} else if (!strcmp(argv[k], "--secret") && k + 4 < argc) {
			add_secret(&p, argv + k + 1);
			k += 4;
		} else if (!strcmp(argv[k], "--more") && k + 1 < argc) {
			add_more(&p, &arena, strtoul(argv[++k], NULL, 10));
		} else {
			return 2;
		}
	}
	const int channel = start_signer(signer, argv[2]);

	c.ca = read_file(argv[2], &c.ca_len);
	c.process = intercept_process_new(channel, &reason);
	if (c.process)
		p.env = intercept_env_new(&c, &reason);
	if (p.env && p.secrets.n)
		p.gate = gate_env_new(&p.secrets);
	if (p.env && p.secrets.n && !p.gate)
		reason = "there is no memory for secrets";
	if (reason) {
		fprintf(stderr, "%s\n", reason);
		return 1;
	}
	if (library && !use_library(&c.process->crypto.aead, library))
		return 2;
	if (plain)
		c.process->crypto.gcm = c.process->crypto.ecc = false;
	p.epoll = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_any(&port);
	epoll_ctl(p.epoll, EPOLL_CTL_ADD, listener, &e);
	e.data.u64 = 2;
	epoll_ctl(p.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e);
	printf("port %u crypto %s\n", port, intercept_env_crypto(p.env));
	fflush(stdout);
	p.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	tzset();
	failed = confine_worker(4096);
	if (failed)
		die(failed);
	loop(&p, listener);
	for (struct flow *f = p.all; f; f = f->all)
		f->ready = false;
	sweep(&p, true);
	gate_env_free(p.gate);
	intercept_env_free(p.env);
	intercept_process_free(c.process);
	arena_free(&arena);
	free((void *)(uintptr_t)c.roots);
	free((void *)(uintptr_t)c.ca);
	close(channel);
	return 0;
}
