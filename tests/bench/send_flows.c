/* SPDX-License-Identifier: GPL-2.0-or-later */
/* send_flows.c - Opens UDP flows, one packet each, and says what one took. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	  64
#define FLOWS_MAX 100000

/* The time of this thread, and so of what its packets set off on the way: they
 * are forwarded before sendmmsg() returns. */
static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Lines "ADDRESS PORT"; returns how many, -1 if one is no such line. */
static int read_targets(FILE *file, struct sockaddr_in *v)
{
	char address[64], port[16];
	int n = 0;

	while (fscanf(file, "%63s %15s", address, port) == 2) {
		char *end;
		const unsigned long number = strtoul(port, &end, 10);

		if (n == FLOWS_MAX || *end || number > 65535)
			return -1;
		v[n].sin_family = AF_INET;
		v[n].sin_port = htons((uint16_t)number);
		if (inet_pton(AF_INET, address, &v[n].sin_addr) != 1)
			return -1;
		n++;
	}
	return n;
}

/* Sends one packet to each target; a new port makes each a new flow. */
static int send_all(struct sockaddr_in *v, int n)
{
	char byte = 0;
	struct iovec load = {&byte, 1};
	struct mmsghdr batch[BATCH];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i = 0, j, sent;

	if (fd < 0)
		return -1;
	while (i < n) {
		for (j = 0; j < BATCH && i + j < n; j++) {
			memset(&batch[j], 0, sizeof(batch[j]));
			batch[j].msg_hdr.msg_name = &v[i + j];
			batch[j].msg_hdr.msg_namelen = sizeof(v[i + j]);
			batch[j].msg_hdr.msg_iov = &load;
			batch[j].msg_hdr.msg_iovlen = 1;
		}
		sent = sendmmsg(fd, batch, (unsigned int)j, 0);
		if (sent <= 0) {
			close(fd);
			return -1;
		}
		i += sent;
	}
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in *v = calloc(FLOWS_MAX, sizeof(*v));
	FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
	const int n = file && v ? read_targets(file, v) : -1;
	uint64_t start;
	int ret = 1;

	if (n <= 0) {
		fputs("usage: send_flows TARGETS\n", stderr);
	} else {
		start = now();
		ret = send_all(v, n) ? 1 : 0;
		printf("%llu\n",
		       (unsigned long long)((now() - start) / (uint64_t)n));
		if (ret)
			perror("send_flows");
	}
	if (file)
		fclose(file);
	free(v);
	return ret;
}
