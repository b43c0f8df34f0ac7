/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_splice.c - The pump: order, ends, back-pressure, and its pipes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "splice.h"

/** struct bench - A pump with both of its peers */
struct bench {
	struct splice_pool pool;
	struct splice_pump pump;
	int peer[2];
};

static void set_up(struct bench *b)
{
	int side[2][2];

	memset(b, 0, sizeof(*b));
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(
			socketpair(AF_UNIX,
				   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   0, side[i]),
			0);
		b->peer[i] = side[i][0];
	}
	splice_init(&b->pump);
	splice_side(&b->pump, 0, side[0][1], false);
	splice_side(&b->pump, 1, side[1][1], false);
}

static void take_down(struct bench *b)
{
	splice_release(&b->pool, &b->pump);
	splice_pool_close(&b->pool);
	for (int i = 0; i < 2; i++) {
		close(b->pump.fd[i]);
		if (b->peer[i] >= 0)
			close(b->peer[i]);
	}
}

/* What epoll would have said: the bits are the same. An error is for the test
 * that is about it. */
static enum splice_state run(struct bench *b)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct pollfd p = {
			.fd = b->pump.fd[i],
			.events = (short)(SPLICE_EVENTS & ~EPOLLET),
		};

		cr_assert_geq(poll(&p, 1, 0), 0);
		splice_events(&b->pump, i, (uint32_t)(p.revents & ~POLLERR));
	}
	return splice_run(&b->pool, &b->pump);
}

static void expect_text(int fd, const char *want)
{
	char got[64] = "";

	cr_expect_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(want));
	cr_expect_str_eq(got, want);
}

Test(splice, both_ways_and_no_pipe_while_idle)
{
	struct bench b;

	set_up(&b);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	cr_assert_eq(write(b.peer[0], "there", 5), 5);
	cr_assert_eq(write(b.peer[1], "back", 4), 4);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	expect_text(b.peer[1], "there");
	expect_text(b.peer[0], "back");
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(b.pump.way[i].pipe[0], -1);
		cr_expect_eq(b.pump.way[i].held, 0);
	}
	cr_expect_eq(b.pump.way[0].moved, 5);
	cr_expect_eq(b.pump.way[1].moved, 4);
	/* A few bytes need none. */
	cr_expect_eq(b.pool.n, 0);
	take_down(&b);
}

Test(splice, much_is_spliced_until_it_is_little_again)
{
	static char data[3 * 8192], got[sizeof(data) + 1];
	struct bench b;

	set_up(&b);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(write(b.peer[0], data, sizeof(data)),
			     (ssize_t)sizeof(data));
		cr_expect_eq(run(&b), SPLICE_WAIT);
		cr_expect_eq(read(b.peer[1], got, sizeof(got)),
			     (ssize_t)sizeof(data));
		cr_expect(b.pump.way[0].bulk);
		cr_expect_not(b.pump.way[1].bulk);
		/* One is enough, and is kept. */
		cr_expect_eq(b.pump.way[0].pipe[0], -1);
		cr_expect_eq(b.pool.n, 1);
	}
	cr_assert_eq(write(b.peer[0], "few", 3), 3);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	expect_text(b.peer[1], "few");
	cr_expect_not(b.pump.way[0].bulk);
	take_down(&b);
}

static int room_of(int fd)
{
	socklen_t len = sizeof(int);
	int room = 0;

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len), 0);
	return room;
}

Test(splice, much_for_who_is_near_does_not_wait_in_masses)
{
	static char data[8192];
	struct bench b;
	int own[2];

	for (int near = 0; near < 2; near++) {
		set_up(&b);
		splice_side(&b.pump, 1, b.pump.fd[1], near);
		for (int k = 0; k < 2; k++)
			own[k] = room_of(b.pump.fd[k]);
		/* A little leaves all as it is. */
		cr_assert_eq(write(b.peer[0], data, 100), 100);
		cr_assert_eq(run(&b), SPLICE_WAIT);
		cr_assert_eq(room_of(b.pump.fd[1]), own[1]);
		cr_assert_eq(write(b.peer[0], data, sizeof(data)),
			     (ssize_t)sizeof(data));
		cr_assert_eq(run(&b), SPLICE_WAIT);
		cr_assert_eq(room_of(b.pump.fd[0]), own[0]);
		cr_assert_eq(room_of(b.pump.fd[1]),
			     near ? 2 * SPLICE_ROOM : own[1]);
		take_down(&b);
	}
}

Test(splice, less_than_was_asked_for_is_all)
{
	struct bench b;

	set_up(&b);
	cr_assert_eq(write(b.peer[0], "first", 5), 5);
	splice_events(&b.pump, 0, EPOLLIN);
	cr_expect_eq(splice_run(&b.pool, &b.pump), SPLICE_WAIT);
	cr_expect_not(b.pump.readable[0]);
	/* Where an event has told of more, it is looked for. */
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(write(b.peer[0], "more", 4), 4);
		splice_events(&b.pump, 0, EPOLLIN | EPOLLPRI);
		cr_expect(b.pump.unsure[0]);
		cr_expect_eq(splice_run(&b.pool, &b.pump), SPLICE_WAIT);
		cr_expect_not(b.pump.readable[0]);
		cr_expect_not(b.pump.unsure[0]);
	}
	cr_assert_eq(write(b.peer[0], "last", 4), 4);
	shutdown(b.peer[0], SHUT_WR);
	splice_events(&b.pump, 0, EPOLLIN | EPOLLRDHUP);
	cr_expect_eq(splice_run(&b.pool, &b.pump), SPLICE_WAIT);
	cr_expect(b.pump.way[0].shut);
	expect_text(b.peer[1], "firstmoremorelast");
	expect_text(b.peer[1], "");
	take_down(&b);
}

Test(splice, each_way_ends_by_itself)
{
	for (int first = 0; first < 2; first++) {
		struct bench b;

		set_up(&b);
		cr_assert_eq(write(b.peer[first], "last", 4), 4);
		shutdown(b.peer[first], SHUT_WR);
		cr_expect_eq(run(&b), SPLICE_WAIT);
		expect_text(b.peer[!first], "last");
		expect_text(b.peer[!first], "");
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(write(b.peer[!first], "more", 4), 4);
			cr_expect_eq(run(&b), SPLICE_WAIT);
			expect_text(b.peer[first], "more");
		}
		cr_assert_eq(write(b.peer[!first], "end", 3), 3);
		shutdown(b.peer[!first], SHUT_WR);
		cr_expect_eq(run(&b), SPLICE_DONE);
		expect_text(b.peer[first], "end");
		take_down(&b);
	}
}

Test(splice, head_goes_first)
{
	static uint8_t head[3 << 20];
	static char got[1 << 16];
	struct bench b;
	size_t at = 0;

	set_up(&b);
	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)(i % 251);
	splice_head(&b.pump, head, sizeof(head));
	cr_assert_eq(write(b.peer[0], "tail", 4), 4);
	cr_assert_eq(write(b.peer[1], "back", 4), 4);
	shutdown(b.peer[0], SHUT_WR);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	/* The other way does not wait for it. */
	expect_text(b.peer[0], "back");
	cr_assert_gt(b.pump.head_len, 0);
	while (at < sizeof(head) + 4) {
		const ssize_t n = read(b.peer[1], got, sizeof(got));

		cr_assert_gt(n, 0);
		for (ssize_t i = 0; i < n && at + (size_t)i < sizeof(head); i++)
			cr_assert_eq((uint8_t)got[i], head[at + (size_t)i]);
		at += (size_t)n;
		cr_assert_neq(run(&b), SPLICE_FAILED);
	}
	cr_expect_eq(b.pump.head_len, 0);
	expect_text(b.peer[1], "");
	cr_expect_eq(b.pump.way[0].moved, sizeof(head) + 4);
	take_down(&b);
}

Test(splice, held)
{
	static const uint8_t head[] = "head";
	struct bench b;

	set_up(&b);
	splice_head(&b.pump, head, 4);
	splice_hold(&b.pump, 0, true);
	splice_hold(&b.pump, 1, true);
	cr_assert_eq(write(b.peer[0], "there", 5), 5);
	cr_assert_eq(write(b.peer[1], "back", 4), 4);
	shutdown(b.peer[0], SHUT_WR);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	expect_text(b.peer[1], "head");
	cr_expect_eq(recv(b.peer[0], &(char){0}, 1, MSG_DONTWAIT), -1);
	cr_expect_eq(recv(b.peer[1], &(char){0}, 1, MSG_DONTWAIT), -1);
	splice_hold(&b.pump, 1, false);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	expect_text(b.peer[0], "back");
	cr_expect_eq(recv(b.peer[1], &(char){0}, 1, MSG_DONTWAIT), -1);
	splice_hold(&b.pump, 0, false);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	expect_text(b.peer[1], "there");
	expect_text(b.peer[1], "");
	take_down(&b);
}

Test(splice, head_that_nobody_takes)
{
	static const uint8_t head[] = "head";
	struct bench b;

	set_up(&b);
	splice_head(&b.pump, head, 4);
	close(b.peer[1]);
	b.peer[1] = -1;
	cr_expect_eq(run(&b), SPLICE_FAILED);
	take_down(&b);
}

/* Writes @data until nobody takes any more; how many bytes. */
static size_t flood(struct bench *b, const char *data, size_t len)
{
	size_t sent = 0;

	for (int still = 0; still < 2;) {
		const ssize_t n = write(b->peer[0], data + sent % 251, len);

		if (n > 0)
			sent += (size_t)n;
		still = n > 0 ? 0 : still + 1;
		cr_assert_eq(run(b), SPLICE_WAIT);
	}
	return sent;
}

Test(splice, a_full_sink_stops_the_source_and_nothing_is_lost)
{
	static char data[4096 + 251], got[4096];
	struct bench b;
	size_t sent, seen = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % 251);
	set_up(&b);
	sent = flood(&b, data, 4096);
	cr_expect_gt(b.pump.way[0].held, 0);
	cr_expect_not(b.pump.writable[1]);
	/* The end comes while bytes are on the way. */
	shutdown(b.peer[0], SHUT_WR);
	cr_expect_eq(run(&b), SPLICE_WAIT);
	cr_expect_not(b.pump.way[0].shut);
	for (;;) {
		n = read(b.peer[1], got, sizeof(got));
		if (n == 0)
			break;
		if (n < 0) {
			cr_assert_eq(errno, EAGAIN);
			cr_assert_neq(run(&b), SPLICE_FAILED);
			continue;
		}
		for (ssize_t i = 0; i < n; i++)
			cr_assert_eq(got[i], (char)((seen + (size_t)i) % 251));
		seen += (size_t)n;
		run(&b);
	}
	cr_expect_eq(seen, sent);
	take_down(&b);
}

Test(splice, nobody_runs_for_ever)
{
	struct bench b = {0};

	splice_init(&b.pump);
	splice_side(&b.pump, 0, open("/dev/zero", O_RDONLY | O_CLOEXEC), false);
	splice_side(&b.pump, 1, open("/dev/null", O_RDWR | O_CLOEXEC), false);
	b.pump.readable[0] = true;
	b.pump.way[0].bulk = true;
	b.peer[0] = b.peer[1] = -1;
	/* One way is enough. */
	b.pump.way[1].ended = b.pump.way[1].shut = true;
	for (unsigned int i = 1; i < 4; i++) {
		cr_expect_eq(splice_run(&b.pool, &b.pump), SPLICE_MORE);
		cr_expect_geq(b.pump.way[0].moved, i * SPLICE_ROUND);
		cr_expect_lt(b.pump.way[0].moved, 2 * i * SPLICE_ROUND);
	}
	take_down(&b);
}

Test(splice, an_error_ends_it_after_what_came_before)
{
	struct bench b;

	set_up(&b);
	cr_assert_eq(write(b.peer[0], "last", 4), 4);
	splice_events(&b.pump, 0, EPOLLIN | EPOLLERR | EPOLLHUP);
	cr_expect_eq(splice_run(&b.pool, &b.pump), SPLICE_FAILED);
	expect_text(b.peer[1], "last");
	take_down(&b);
}

Test(splice, a_sink_that_is_gone_is_an_error)
{
	for (int bulk = 0; bulk < 2; bulk++) {
		struct bench b;

		set_up(&b);
		b.pump.way[0].bulk = bulk;
		cr_assert_eq(write(b.peer[0], "lost", 4), 4);
		close(b.peer[1]);
		b.peer[1] = -1;
		cr_expect_eq(run(&b), SPLICE_FAILED);
		/* What is left in its pipe never reaches another connection. */
		cr_expect_eq(b.pump.way[0].held, bulk ? 4 : 0);
		splice_release(&b.pool, &b.pump);
		cr_expect_eq(b.pool.n, 0);
		take_down(&b);
	}
}

Test(splice, the_pool_is_bounded)
{
	struct splice_pool pool = {0};
	struct bench b[SPLICE_POOL + 2];

	for (size_t i = 0; i < SPLICE_POOL + 2; i++) {
		set_up(&b[i]);
		cr_assert_eq(pipe2(b[i].pump.way[0].pipe, O_CLOEXEC), 0);
	}
	for (size_t i = 0; i < SPLICE_POOL + 2; i++)
		splice_release(&pool, &b[i].pump);
	cr_expect_eq(pool.n, SPLICE_POOL);
	splice_pool_close(&pool);
	cr_expect_eq(pool.n, 0);
	for (size_t i = 0; i < SPLICE_POOL + 2; i++)
		take_down(&b[i]);
}

/* The congestion control of a socket. */
static void control_of(int fd, char name[16])
{
	socklen_t len = 16;

	cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len),
		     0);
}

Test(splice, what_stays_on_the_machine_is_not_paced)
{
	const int host = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char own[16], name[16];

	control_of(host, own);
	splice_options(far, false);
	control_of(far, name);
	cr_assert_str_eq(name, own);
	splice_options(near, true);
	control_of(near, name);
	cr_assert_str_eq(name, "reno");
	close(host);
	close(far);
	close(near);
}
