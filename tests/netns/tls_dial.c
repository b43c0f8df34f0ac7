/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_dial.c - Connects as msb-tlsd's monitor does, and says what came of it.
 *
 *	tls_dial TLS.JSON ADDRESS PORT
 *
 * Prints "connected" and the socket's own address, or errno's words.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"

/* Who does not answer in a network of one machine never does. */
#define PATIENCE_MS 700

static int outcome(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(errno);
	int code = 0;

	if (poll(&p, 1, PATIENCE_MS) == 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return errno;
	return code;
}

int main(int argc, char **argv)
{
	char reason[CONF_REASON_MAX] = "", text[IP_TEXT_MAX];
	const struct tls_conf *conf;
	struct address to;
	int fd, code;
	ARENA(a);

	if (argc != 4 || !ip_parse(argv[2], &to.ip))
		return 2;
	to.port = (uint16_t)strtoul(argv[3], NULL, 10);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	conf = fd < 0 ? NULL : tls_conf_read(&a, fd, reason);
	if (!conf) {
		fprintf(stderr, "%s: %s\n", argv[1], reason);
		return 2;
	}
	close(fd);
	fd = dial(conf, &to, false);
	code = fd < 0 ? errno : outcome(fd);
	if (code)
		printf("%s\n", strerror(code));
	else
		printf("connected %s\n", ip_format(address_local(fd).ip, text));
	if (fd >= 0)
		close(fd);
	return 0;
}
