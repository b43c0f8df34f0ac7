/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_channel.c - Any packet as a message: refused, or sound; nothing leaks.
 *
 * The first byte is the number of descriptors that come with the packet, the
 * rest is the packet.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* More than a message may carry. */
#define FDS (CHANNEL_MAX + 16)

static void send_packet(int fd, const uint8_t *data, size_t size, size_t n_fds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)data, size};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		control.head.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &fd,
			       sizeof(fd));
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	MUST(sendmsg(fd, &m, MSG_DONTWAIT) == (ssize_t)size);
}

static void check_message(const struct channel_msg *m, const int *fds,
			  size_t n_fds)
{
	MUST(m->type > CHANNEL_NONE && m->type < CHANNEL_TYPE_COUNT);
	MUST(strcmp(channel_type_name(m->type), "unknown") != 0);
	MUST(m->count == n_fds && m->count <= CHANNEL_MAX);
	MUST(strlen(m->text) < sizeof(m->text));
	for (size_t i = 0; i < n_fds; i++)
		MUST(fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
}

/* The number that the next descriptor gets. */
static int next_fd(void)
{
	const int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t n_fds = size ? data[0] % FDS : 0;
	struct channel_msg m;
	int pair[2], fds[CHANNEL_MAX], free_fd, rc;

	/* An empty packet is how the end of a channel looks. */
	if (size < 2 || size > 4096)
		return 0;
	MUST(channel_pair(pair) == 0);
	free_fd = next_fd();
	send_packet(pair[0], data + 1, size - 1, n_fds);
	rc = channel_receive(pair[1], &m, fds);
	MUST(rc == 1 || rc == -1);
	if (rc == 1) {
		check_message(&m, fds, n_fds);
		channel_close_fds(&m, fds);
	}
	MUST(next_fd() == free_fd);
	close(pair[0]);
	MUST(channel_receive(pair[1], &m, fds) == 0);
	close(pair[1]);
	return 0;
}
