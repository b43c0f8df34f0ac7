/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp_load.c - Load for the relay's benchmark: a server and two clients.
 *
 *	tcp_load serve ADDRESS PORT
 *	tcp_load rate ADDRESS PORT SECONDS CLIENTS	connections a second
 *	tcp_load bulk ADDRESS PORT SECONDS		MB a second
 *
 * A client's first byte says what it wants: 'r' one byte and the end, 'b' all
 * that follows swallowed and its length told (8 bytes).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256u << 10)

/* Processes that serve. */
#define SERVERS 16

static char buffer[CHUNK];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "tcp_load: %s: %s\n", what, strerror(errno));
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

static void answer(int fd)
{
	uint64_t count = 0;
	ssize_t n = recv(fd, buffer, 1, 0);

	if (n == 1 && buffer[0] == 'b') {
		while ((n = recv(fd, buffer, CHUNK, 0)) > 0)
			count += (uint64_t)n;
		send(fd, &count, sizeof(count), MSG_NOSIGNAL);
	} else if (n == 1) {
		send(fd, buffer, 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static _Noreturn void serve(const struct sockaddr_storage *a, socklen_t len)
{
	const int on = 1;
	const int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)a, len) < 0 ||
	    listen(fd, 4096) < 0)
		fail("listen");
	/* Nobody waits behind a connection that has not spoken yet. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < SERVERS && fork() != 0;)
		i++;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		const int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (new >= 0)
			answer(new);
	}
}

static int dial(const struct sockaddr_storage *a, socklen_t len)
{
	const int fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)a, len) < 0)
		fail("connect");
	return fd;
}

static uint64_t connect_until(const struct sockaddr_storage *a, socklen_t len,
			      double end)
{
	uint64_t n = 0;

	while (now() < end) {
		const int fd = dial(a, len);
		char c = 'r';

		if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 ||
		    recv(fd, &c, 1, 0) != 1)
			fail("exchange");
		close(fd);
		n++;
	}
	return n;
}

static int rate(const struct sockaddr_storage *a, socklen_t len, double seconds,
		unsigned long clients)
{
	uint64_t *counts = mmap(NULL, clients * sizeof(*counts),
				PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		 sum = 0;
	const double start = now();
	int status, failed = 0;

	if (counts == MAP_FAILED)
		fail("share memory");
	for (unsigned long i = 0; i < clients; i++) {
		if (fork() == 0) {
			counts[i] = connect_until(a, len, start + seconds);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	for (unsigned long i = 0; i < clients; i++)
		sum += counts[i];
	printf("%.0f\n", (double)sum / (now() - start));
	return failed != 0;
}

static int bulk(const struct sockaddr_storage *a, socklen_t len, double seconds)
{
	const int fd = dial(a, len);
	const double start = now();
	uint64_t count = 0, told = 0;

	if (send(fd, "b", 1, MSG_NOSIGNAL) != 1)
		fail("send");
	while (now() < start + seconds) {
		const ssize_t n = send(fd, buffer, CHUNK, MSG_NOSIGNAL);

		if (n < 0)
			fail("send");
		count += (uint64_t)n;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, &told, sizeof(told), MSG_WAITALL) != sizeof(told) ||
	    told != count) {
		fprintf(stderr, "tcp_load: %" PRIu64 " bytes of %" PRIu64 "\n",
			told, count);
		return 1;
	}
	printf("%.0f\n", (double)count / 1e6 / (now() - start));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage a;
	socklen_t len;

	if (argc < 4)
		return 2;
	len = make_address(argv[2], argv[3], &a);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(&a, len);
	if (argc == 6 && !strcmp(argv[1], "rate"))
		return rate(&a, len, strtod(argv[4], NULL),
			    strtoul(argv[5], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "bulk"))
		return bulk(&a, len, strtod(argv[4], NULL));
	return 2;
}
