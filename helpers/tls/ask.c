/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask.c - What the worker asks the monitor, and the events it writes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker.h"

/** union control - Room for one descriptor beside a message */
union control {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

/* The descriptor that came with a message, or -1. */
static int take_fd(struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/*
 * Guests have taken all descriptors, and the one that came has found no place:
 * that is how dialling fails, and there is no place for another one either.
 */
static void lose_fd(struct worker *w, struct tlsd_answer *ret)
{
	event_limited(w, "descriptors");
	ret->error = EMFILE;
	ret->again = 0;
}

static bool exchange(struct worker *w, const struct tlsd_ask *ask,
		     struct tlsd_answer *ret, int *ret_fd)
{
	struct iovec iov = {ret, sizeof(*ret)};
	union control control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (send(w->judge, ask, sizeof(*ask), MSG_NOSIGNAL) != sizeof(*ask))
		return false;
	do {
		n = recvmsg(w->judge, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	*ret_fd = take_fd(&m);
	if (n == sizeof(*ret) && !(m.msg_flags & MSG_TRUNC) &&
	    ret->verdict <= TLSD_READ) {
		if (m.msg_flags & MSG_CTRUNC && *ret_fd < 0)
			lose_fd(w, ret);
		return true;
	}
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = -1;
	errno = EPROTO;
	return false;
}

/* Whether it is an answer to what was asked. */
static bool is_possible(const struct tlsd_ask *ask,
			const struct tlsd_answer *answer, int fd)
{
	const bool wanted = ask->dial && answer->verdict >= TLSD_SPLICE &&
			    !answer->error;

	switch ((enum tlsd_stage)ask->stage) {
	case TLSD_EARLY:
		if (answer->verdict > TLSD_SPLICE)
			return false;
		break;
	case TLSD_PLAIN:
		if (answer->verdict == TLSD_INTERCEPT)
			return false;
		/* fallthrough */
	case TLSD_HELLO:
		if (answer->verdict == TLSD_WAIT)
			return false;
		break;
	}
	return wanted == (fd >= 0);
}

int ask_monitor(struct worker *w, const struct tls_flow *f, bool next,
		bool dial, struct tlsd_answer *ret)
{
	struct tlsd_ask ask = {
		.next = next,
		.dial = dial,
		.attempt = f->attempt,
		.stage = f->stage,
		.family = (uint8_t)f->asked.ip.family,
		.port = f->asked.port,
		.name_len = f->name_len,
	};
	int fd = -1;

	ip_to_bytes(f->asked.ip, ask.address);
	if (f->name)
		memcpy(ask.name, f->name, f->name_len);
	*ret = (struct tlsd_answer){0};
	if (w->l.stop)
		return -1;
	if (exchange(w, &ask, ret, &fd) && is_possible(&ask, ret, fd))
		return fd;
	/* An answer that comes too late would be taken for the next one's: a
	 * worker whose monitor does not answer is of no use. */
	if (fd >= 0)
		close(fd);
	*ret = (struct tlsd_answer){0};
	worker_fail(w, "ask the monitor");
	return -1;
}

void event_flow(const struct worker *w, const char *event,
		const struct tls_flow *f, const char *key, const char *text)
{
	const struct dname sni = {f->name, f->name_len};
	char name[DNAME_TEXT_MAX], address[IP_TEXT_MAX];
	const struct log_field fields[] = {
		{"address", ip_format(f->asked.ip, address), 0},
		{"port", NULL, f->asked.port},
		{key, text, 0},
		{f->name ? "sni" : NULL,
		 f->name ? dname_format(sni, name) : NULL, 0},
		{0},
	};

	log_event(w->log, event, fields);
}

void event_limited(struct worker *w, const char *limit)
{
	const struct log_field fields[] = {{"limit", limit, 0}, {0}};

	w->count[TLS_COUNT_LIMITED]++;
	log_event(w->log, "limited", fields);
}
