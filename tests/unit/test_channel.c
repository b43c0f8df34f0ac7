/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_channel.c - Messages and their descriptors, also those that are none. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel.h"

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

Test(channel, carries_numbers_text_and_descriptors)
{
	struct channel_msg m = {.type = CHANNEL_SOCKETS, .count = CHANNEL_MAX};
	int pair[2], pipes[CHANNEL_MAX], got[CHANNEL_MAX], open = count_fds();
	struct channel_msg back;

	cr_assert_eq(channel_pair(pair), 0);
	for (uint32_t i = 0; i < CHANNEL_MAX; i += 2) {
		cr_assert_eq(pipe2(pipes + i, O_CLOEXEC), 0);
		m.index[i] = 100 + i;
		m.index[i + 1] = 101 + i;
	}
	strcpy(m.text, "text");
	cr_assert_eq(channel_send(pair[0], &m, pipes), 0);
	cr_assert_eq(channel_receive(pair[1], &back, got), 1);
	cr_expect_eq(memcmp(&m, &back, sizeof(m)), 0);
	for (int i = 0; i < CHANNEL_MAX; i++) {
		cr_expect_neq(got[i], pipes[i]);
		cr_expect(same_file(got[i], pipes[i]));
		cr_expect_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
	}
	channel_close_fds(&back, got);
	cr_expect_eq(got[0], -1);
	channel_close_fds(&m, pipes);
	close(pair[0]);
	cr_expect_eq(channel_receive(pair[1], &back, got), 0);
	close(pair[1]);
	cr_expect_eq(count_fds(), open);
}

Test(channel, text_is_cut)
{
	struct channel_msg back;
	int pair[2], got[CHANNEL_MAX];
	char text[2 * CHANNEL_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	cr_assert_eq(channel_pair(pair), 0);
	cr_assert_eq(channel_send_text(pair[0], CHANNEL_FAILED, "%s", text), 0);
	cr_assert_eq(channel_receive(pair[1], &back, got), 1);
	cr_expect_eq(back.type, CHANNEL_FAILED);
	cr_expect_eq(strlen(back.text), CHANNEL_TEXT_MAX - 1);
	close(pair[0]);
	close(pair[1]);
}

/* Sends @len bytes at @data with @fds descriptors, whatever they are. */
static void send_raw(int fd, const void *data, size_t len, size_t n_fds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE((CHANNEL_MAX + 8) * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		control.head.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &fd,
			       sizeof(int));
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	cr_assert_eq(sendmsg(fd, &msg, 0), (ssize_t)len);
}

Test(channel, what_is_no_message_is_refused_and_leaves_nothing_open)
{
	static const struct {
		size_t len;
		size_t fds;
		uint32_t count;
		uint32_t type;
		char last;
	} bad[] = {
		{sizeof(struct channel_msg) - 1, 1, 1, CHANNEL_SOCKETS, 0},
		{sizeof(struct channel_msg) + 1, 1, 1, CHANNEL_SOCKETS, 0},
		{1, 0, 0, CHANNEL_STOP, 0},
		{sizeof(struct channel_msg), 1, 2, CHANNEL_SOCKETS, 0},
		{sizeof(struct channel_msg), 2, 1, CHANNEL_SOCKETS, 0},
		{sizeof(struct channel_msg), 0, UINT32_MAX, CHANNEL_SOCKETS, 0},
		{sizeof(struct channel_msg), CHANNEL_MAX + 4, CHANNEL_MAX,
		 CHANNEL_SOCKETS, 0},
		{sizeof(struct channel_msg), 0, 0, CHANNEL_NONE, 0},
		{sizeof(struct channel_msg), 0, 0, CHANNEL_TYPE_COUNT, 0},
		{sizeof(struct channel_msg), 3, 3, CHANNEL_SOCKETS, 'x'},
	};
	struct {
		struct channel_msg m;
		char more;
	} raw;
	struct channel_msg back;
	int pair[2], got[CHANNEL_MAX], open;

	cr_assert_eq(channel_pair(pair), 0);
	open = count_fds();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&raw, 0, sizeof(raw));
		raw.m.type = bad[i].type;
		raw.m.count = bad[i].count;
		if (bad[i].last)
			memset(raw.m.text, bad[i].last, sizeof(raw.m.text));
		send_raw(pair[0], &raw, bad[i].len, bad[i].fds);
		cr_expect_eq(channel_receive(pair[1], &back, got), -1,
			     "case %zu", i);
		cr_expect_eq(errno, EPROTO, "case %zu", i);
		cr_expect_eq(count_fds(), open, "case %zu", i);
	}
	/* The channel itself is still good. */
	cr_assert_eq(channel_send_text(pair[0], CHANNEL_OK, "%s", ""), 0);
	cr_expect_eq(channel_receive(pair[1], &back, got), 1);
	close(pair[0]);
	close(pair[1]);
}

Test(channel, what_would_be_none_is_not_sent)
{
	struct channel_msg m = {.type = CHANNEL_OK, .count = CHANNEL_MAX + 1};
	int pair[2];

	cr_assert_eq(channel_pair(pair), 0);
	cr_expect_eq(channel_send(pair[0], &m, NULL), -1);
	cr_expect_eq(errno, EINVAL);
	m.count = 1;
	cr_expect_eq(channel_send(pair[0], &m, NULL), -1);
	cr_expect_eq(errno, EINVAL);
	m = (struct channel_msg){.type = CHANNEL_TYPE_COUNT};
	cr_expect_eq(channel_send(pair[0], &m, NULL), -1);
	close(pair[1]);
	m.type = CHANNEL_OK;
	cr_expect_eq(channel_send(pair[0], &m, NULL), -1);
	cr_expect_eq(errno, EPIPE);
	close(pair[0]);
}

Test(channel, nobody_waits_past_the_timeout)
{
	struct channel_msg back;
	int pair[2], got[CHANNEL_MAX];

	cr_assert_eq(channel_pair(pair), 0);
	cr_assert_eq(channel_set_timeout(pair[1], 20), 0);
	cr_expect_eq(channel_receive(pair[1], &back, got), -1);
	cr_expect_eq(errno, EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

Test(channel, waits_no_longer_than_it_was_told)
{
	char dir[] = "/tmp/msb-channel-XXXXXX";
	int dirfd, listener, clients[64];
	size_t n = 0;

	cr_assert(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listener = channel_listen(dirfd, "sock");
	cr_assert_geq(listener, 0);
	do
		clients[n] = channel_connect(dirfd, "sock", 20);
	while (clients[n] >= 0 && ++n < 64);
	cr_assert_lt(n, 64);
	cr_assert_gt(n, 0);
	cr_expect_eq(errno, EAGAIN);
	while (n--)
		close(clients[n]);
	close(listener);
	unlinkat(dirfd, "sock", 0);
	close(dirfd);
	rmdir(dir);
}

Test(channel, listens_under_a_name_of_any_depth)
{
	char dir[] = "/tmp/msb-channel-XXXXXX";
	char deep[256];
	struct channel_msg back;
	int dirfd, sub, listener, client, server, got[CHANNEL_MAX];
	struct stat st;

	cr_assert(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(deep, 'd', 200);
	deep[200] = 0;
	cr_assert_eq(mkdirat(dirfd, deep, 0700), 0);
	sub = openat(dirfd, deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(sub, 0);
	cr_expect_eq(channel_connect(sub, "sock", 1000), -1);
	cr_expect_eq(errno, ENOENT);
	listener = channel_listen(sub, "sock");
	cr_assert_geq(listener, 0);
	cr_assert_eq(fstatat(sub, "sock", &st, 0), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	cr_expect_eq(channel_accept(listener), -1);
	cr_expect_eq(errno, EAGAIN);
	cr_expect_eq(channel_listen(sub, "sock"), -1);
	cr_expect_eq(errno, EADDRINUSE);
	client = channel_connect(sub, "sock", 1000);
	cr_assert_geq(client, 0);
	server = channel_accept(listener);
	cr_assert_geq(server, 0);
	cr_assert_eq(channel_send_text(client, CHANNEL_STOP, "%s", ""), 0);
	cr_expect_eq(channel_receive(server, &back, got), 1);
	cr_expect_eq(back.type, CHANNEL_STOP);
	close(listener);
	cr_expect_eq(channel_connect(sub, "sock", 1000), -1);
	cr_expect_eq(errno, ECONNREFUSED);
	close(client);
	close(server);
	unlinkat(sub, "sock", 0);
	close(sub);
	unlinkat(dirfd, deep, AT_REMOVEDIR);
	close(dirfd);
	rmdir(dir);
}

Test(channel, types_have_names)
{
	cr_expect_str_eq(channel_type_name(CHANNEL_PREPARE), "prepare");
	cr_expect_str_eq(channel_type_name(CHANNEL_REFUSED), "refused");
	cr_expect_str_eq(channel_type_name(CHANNEL_NONE), "unknown");
	cr_expect_str_eq(channel_type_name(UINT32_MAX), "unknown");
}
