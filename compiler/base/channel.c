/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channel.c - Messages between msb-netc, a supervisor and its workers. */
#include "channel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that may wait to be accepted. */
#define BACKLOG 16

/* Room for the descriptors of a message, aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(CHANNEL_MAX * sizeof(int))];
};

static const char *const type_names[] = {
#define CHANNEL_NAME(id, name) [CHANNEL_##id] = (name),
	CHANNEL_TYPES(CHANNEL_NAME)
#undef CHANNEL_NAME
};

_Static_assert(sizeof(type_names) / sizeof(type_names[0]) == CHANNEL_TYPE_COUNT,
	       "every type has a name");

static bool is_type(uint32_t type)
{
	return type > CHANNEL_NONE && type < CHANNEL_TYPE_COUNT;
}

const char *channel_type_name(uint32_t type)
{
	return is_type(type) ? type_names[type] : "unknown";
}

static int close_with(int fd, int code)
{
	close(fd);
	errno = code;
	return -1;
}

int channel_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret);
}

/* A path below a state directory may be longer than a socket's address can be;
 * the way through the directory's descriptor never is. */
static int make_address(struct sockaddr_un *un, int dirfd, const char *name)
{
	int n = snprintf(un->sun_path, sizeof(un->sun_path),
			 "/proc/self/fd/%d/%s", dirfd, name);

	un->sun_family = AF_UNIX;
	if (n > 0 && (size_t)n < sizeof(un->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int channel_listen(int dirfd, const char *name)
{
	struct sockaddr_un un = {0};
	int fd;

	if (make_address(&un, dirfd, name) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* The name gets the mode of the socket: so there is no moment at which
	 * others may connect. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
	    bind(fd, (const struct sockaddr *)&un, sizeof(un)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return close_with(fd, errno);
	return fd;
}

int channel_connect(int dirfd, const char *name, unsigned int ms)
{
	struct sockaddr_un un = {0};
	int fd;

	if (make_address(&un, dirfd, name) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (channel_set_timeout(fd, ms) < 0 ||
	    connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return close_with(fd, errno);
	return fd;
}

int channel_accept(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int new;

	do {
		new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	} while (new < 0 && errno == EINTR);
	if (new < 0)
		return -1;
	if (getsockopt(new, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return close_with(new, errno);
	if (peer.uid != 0 && peer.uid != geteuid())
		return close_with(new, EPERM);
	return new;
}

int channel_set_timeout(int fd, unsigned int ms)
{
	const struct timeval t = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

int channel_send(int fd, const struct channel_msg *m, const int *fds)
{
	/* sendmsg() writes to neither; its argument is shared with recvmsg. */
	struct iovec iov = {(void *)(uintptr_t)m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control = {0};
	ssize_t n;

	if (!is_type(m->type) || m->count > CHANNEL_MAX || (m->count && !fds)) {
		errno = EINVAL;
		return -1;
	}
	if (m->count) {
		const size_t size = m->count * sizeof(int);

		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(size),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), fds, size);
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(size);
	}
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int channel_send_text(int fd, enum channel_type type, const char *fmt, ...)
{
	struct channel_msg m = {.type = type};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	return channel_send(fd, &m, NULL);
}

/* Takes the descriptors out of what was received; how many. */
static uint32_t take_fds(struct msghdr *msg, int fds[CHANNEL_MAX])
{
	uint32_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t more;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		more = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		/* There was no room for more. */
		if (more > CHANNEL_MAX - n)
			more = CHANNEL_MAX - n;
		memcpy(fds + n, CMSG_DATA(c), more * sizeof(int));
		n += (uint32_t)more;
	}
	return n;
}

int channel_receive(int fd, struct channel_msg *ret, int ret_fds[CHANNEL_MAX])
{
	struct channel_msg m;
	struct iovec iov = {&m, sizeof(m)};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	uint32_t got;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	/* A peer that went away with unread messages has closed it, too. */
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return -1;
	got = take_fds(&msg, ret_fds);
	if (n == 0 && !got)
		return 0;
	if (n != sizeof(m) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    !is_type(m.type) || m.count != got ||
	    !memchr(m.text, 0, sizeof(m.text))) {
		m.count = got;
		channel_close_fds(&m, ret_fds);
		errno = EPROTO;
		return -1;
	}
	*ret = m;
	return 1;
}

void channel_close_fds(const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	const int code = errno;

	for (uint32_t i = 0; i < m->count && i < CHANNEL_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	errno = code;
}
