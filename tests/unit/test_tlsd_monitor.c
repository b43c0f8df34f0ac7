/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tlsd_monitor.c - msb-tlsd's monitor, among a supervisor, a worker and a
 * signer that are this test.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "ip.h"
#include "tls_fd.h"
#include "tlsd.h"
#include "tlsd_parts.h"

#define HEAD \
	"{\"Version\":1,\"Name\":\"web\",\"Generation\":\"0x10\"," \
	"\"Gateway4\":\"172.16.0.1\",\"Gateway6\":\"fd00::1\"," \
	"\"Guest4\":\"172.16.0.2\",\"Guest6\":\"fd00::2\"," \
	"\"DNS\":\"helper\",\"Port\":61441"

static const char some[] = HEAD
	",\"DefaultEgress\":\"deny\",\"Rules\":["
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\"}],"
	"\"Limits\":{\"Connections\":7}}";

static const char none[] = HEAD ",\"DefaultEgress\":\"deny\"}";

static const char intercepting[] = HEAD
	",\"DefaultEgress\":\"deny\",\"Rules\":["
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"}],"
	"\"Intercept\":{\"Ports\":[443]}}";

/** struct world - The monitor, and the ends of those around it */
struct world {
	pid_t pid;
	int supervisor;
	int broker;
	int worker;
	int signer;
	int judge;
};

static const char *confine_nothing(void)
{
	return NULL;
}

static void pair(int *mine, int *theirs)
{
	int ends[2];

	cr_assert_eq(channel_pair(ends), 0);
	cr_assert_eq(channel_set_timeout(ends[0], 5000), 0);
	*mine = ends[0];
	*theirs = ends[1];
}

static void begin(struct world *w)
{
	struct tlsd_children ends;
	struct log log;
	int supervisor;

	pair(&w->supervisor, &supervisor);
	pair(&w->broker, &ends.broker);
	pair(&w->worker, &ends.worker);
	pair(&w->signer, &ends.signer);
	pair(&w->judge, &ends.judge);
	w->pid = fork();
	cr_assert_geq(w->pid, 0);
	if (!w->pid) {
		close(w->supervisor);
		close(w->broker);
		close(w->worker);
		close(w->signer);
		close(w->judge);
		log_open(&log, -1, "msb-tlsd", "web");
		_exit(tlsd_monitor(&log, supervisor, &ends, confine_nothing));
	}
	close(supervisor);
	close(ends.broker);
	close(ends.worker);
	close(ends.signer);
	close(ends.judge);
}

static void end(struct world *w, int status)
{
	int got = -1;

	close(w->supervisor);
	cr_assert_eq(waitpid(w->pid, &got, 0), w->pid);
	cr_expect(WIFEXITED(got));
	cr_expect_eq(WEXITSTATUS(got), status);
	close(w->broker);
	close(w->worker);
	close(w->signer);
	close(w->judge);
}

static void say(int fd, enum channel_type type, const char *text)
{
	cr_assert_eq(channel_send_text(fd, type, "%s", text), 0);
}

static struct channel_msg hear(int fd, enum channel_type type)
{
	struct channel_msg m = {0};
	int fds[CHANNEL_MAX];

	cr_assert_eq(channel_receive(fd, &m, fds), 1, "no %s",
		     channel_type_name(type));
	cr_expect_eq(m.type, type, "%s, not %s", channel_type_name(m.type),
		     channel_type_name(type));
	channel_close_fds(&m, fds);
	return m;
}

static bool is_silent(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 50) == 0;
}

static void prepare(struct world *w, const char *text)
{
	const struct channel_msg m = {.type = CHANNEL_PREPARE, .count = 1};
	int fd = memfd_create("tls.json", MFD_CLOEXEC);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(channel_send(w->supervisor, &m, &fd), 0);
	close(fd);
	cr_expect_eq(hear(w->worker, CHANNEL_PREPARE).count, 1);
	cr_expect_eq(hear(w->signer, CHANNEL_PREPARE).count, 1);
}

/* All that there is, each a file of its own. */
static void send_descriptors(struct world *w)
{
	struct channel_msg m = {.type = CHANNEL_SOCKETS};
	int fds[CHANNEL_MAX];
	uint32_t i;

	for (i = 0; i < TLS_FD_COUNT; i++) {
		m.index[m.count] = i;
		fds[m.count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	cr_assert_eq(channel_send(w->supervisor, &m, fds), 0);
	channel_close_fds(&m, fds);
}

static void expect_sockets(int fd, const uint32_t *v, uint32_t n)
{
	const struct channel_msg m = hear(fd, CHANNEL_SOCKETS);
	uint32_t i;

	cr_assert_eq(m.count, n);
	for (i = 0; i < n; i++)
		cr_expect_eq(m.index[i], v[i]);
}

static void hand_over(struct world *w, const char *text)
{
	static const uint32_t worker[] = {TLS_TCP4, TLS_TCP6, TLS_ROOTS,
					  TLS_CA_CERT, TLS_SECRETS};
	static const uint32_t signer[] = {TLS_NAMES, TLS_CA_CERT, TLS_CA_KEY};

	prepare(w, text);
	send_descriptors(w);
	expect_sockets(w->worker, worker, 5);
	expect_sockets(w->signer, signer, 3);
}

static void get_ready(struct world *w)
{
	say(w->supervisor, CHANNEL_READY, "");
	hear(w->signer, CHANNEL_READY);
	cr_expect(is_silent(w->worker), "the signer is to be ready first");
	say(w->signer, CHANNEL_OK, "");
	hear(w->worker, CHANNEL_READY);
}

static void commit(struct world *w)
{
	say(w->supervisor, CHANNEL_COMMIT, "");
	hear(w->worker, CHANNEL_COMMIT);
	cr_expect(is_silent(w->signer), "the worker is to go over first");
	say(w->worker, CHANNEL_OK, "");
	hear(w->signer, CHANNEL_COMMIT);
	say(w->signer, CHANNEL_OK, "");
	hear(w->supervisor, CHANNEL_OK);
}

static void put_in_force(struct world *w, const char *text)
{
	hand_over(w, text);
	get_ready(w);
	say(w->worker, CHANNEL_OK, "");
	hear(w->supervisor, CHANNEL_OK);
	commit(w);
}

static struct tlsd_ask about(const char *ip, uint16_t port,
			     enum tlsd_stage stage)
{
	struct tlsd_ask ask = {.port = port, .stage = (uint8_t)stage};
	struct ip parsed;

	cr_assert(ip_parse(ip, &parsed));
	ask.family = (uint8_t)parsed.family;
	ip_to_bytes(parsed, ask.address);
	return ask;
}

/* An answer, and the socket with it; -1: none. */
static struct tlsd_answer answer(struct world *w, const struct tlsd_ask *ask,
				 int *ret_fd)
{
	struct tlsd_answer a = {0};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {&a, sizeof(a)};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};

	*ret_fd = -1;
	if (ask)
		cr_assert_eq(send(w->judge, ask, sizeof(*ask), 0),
			     sizeof(*ask));
	cr_assert_eq(recvmsg(w->judge, &m, MSG_CMSG_CLOEXEC), sizeof(a));
	if (CMSG_FIRSTHDR(&m))
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*ret_fd));
	return a;
}

static enum tlsd_verdict verdict(struct world *w, const struct tlsd_ask *ask)
{
	int fd;
	const struct tlsd_answer a = answer(w, ask, &fd);

	cr_expect_eq(fd, -1);
	return a.verdict;
}

Test(tlsd_monitor, each_gets_what_is_its_own)
{
	struct world w;

	begin(&w);
	put_in_force(&w, some);
	end(&w, 0);
}

Test(tlsd_monitor, flows_are_judged)
{
	struct tlsd_ask ask = about("198.51.100.7", 443, TLSD_PLAIN);
	struct world w;

	begin(&w);
	put_in_force(&w, some);
	cr_expect_eq(verdict(&w, &ask), TLSD_SPLICE);
	ask = about("198.51.101.7", 443, TLSD_PLAIN);
	cr_expect_eq(verdict(&w, &ask), TLSD_DENY);
	end(&w, 0);
}

/* There is no uplink here: the worker hears what went wrong. */
Test(tlsd_monitor, servers_are_dialled_by_the_uplink_alone)
{
	struct tlsd_ask ask = about("198.51.100.7", 443, TLSD_PLAIN);
	struct tlsd_answer a;
	struct world w;
	int fd;

	ask.dial = 1;
	begin(&w);
	put_in_force(&w, some);
	a = answer(&w, &ask, &fd);
	cr_expect_eq(a.verdict, TLSD_SPLICE);
	cr_expect_neq(a.error, 0);
	cr_expect_eq(a.again, 0);
	cr_expect_eq(fd, -1);
	ask.attempt = 1;
	a = answer(&w, &ask, &fd);
	cr_expect_eq(a.error, ECONNREFUSED);
	cr_expect_eq(fd, -1);
	end(&w, 0);
}

/* Both loopback addresses in turn, and the supervisor makes the sockets. */
Test(tlsd_monitor, the_gateway_is_the_host)
{
	struct channel_msg reply = {.type = CHANNEL_CONNECTED, .count = 1};
	struct tlsd_ask ask = about("fd00::1", 8443, TLSD_PLAIN);
	struct channel_msg m;
	struct tlsd_answer a;
	struct world w;
	int fd;

	ask.dial = 1;
	begin(&w);
	put_in_force(&w, some);
	cr_assert_eq(send(w.judge, &ask, sizeof(ask), 0), sizeof(ask));
	m = hear(w.broker, CHANNEL_CONNECT);
	cr_expect_eq(m.index[CHANNEL_PROTO], IPPROTO_TCP);
	cr_expect_eq(m.index[CHANNEL_GUEST_FAMILY], IP_V6);
	cr_expect_eq(m.index[CHANNEL_HOST_FAMILY], IP_V4);
	cr_expect_eq(m.index[CHANNEL_PORT], 8443);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(channel_send(w.broker, &reply, &fd), 0);
	close(fd);
	a = answer(&w, NULL, &fd);
	cr_expect_eq(a.verdict, TLSD_SPLICE);
	cr_expect_eq(a.error, 0);
	cr_expect_eq(a.again, 1);
	cr_expect_geq(fd, 0);
	close(fd);

	ask.attempt = 1;
	cr_assert_eq(send(w.judge, &ask, sizeof(ask), 0), sizeof(ask));
	m = hear(w.broker, CHANNEL_CONNECT);
	cr_expect_eq(m.index[CHANNEL_HOST_FAMILY], IP_V6);
	reply = (struct channel_msg){.type = CHANNEL_REFUSED,
				     .index = {EACCES}};
	cr_assert_eq(channel_send(w.broker, &reply, NULL), 0);
	a = answer(&w, NULL, &fd);
	cr_expect_eq(a.error, EACCES);
	cr_expect_eq(a.again, 0);
	cr_expect_eq(fd, -1);
	end(&w, 0);
}

/* To say that it is ready the worker asks for every flow. */
Test(tlsd_monitor, questions_are_answered_while_the_worker_gets_ready)
{
	struct tlsd_ask ask = about("198.51.100.7", 443, TLSD_PLAIN);
	struct world w;
	int i;

	begin(&w);
	put_in_force(&w, some);
	hand_over(&w, none);
	get_ready(&w);
	ask.next = 1;
	for (i = 0; i < 200; i++)
		cr_expect_eq(verdict(&w, &ask), TLSD_DENY);
	/* What begins now would be the next one's. */
	ask.next = 0;
	cr_expect_eq(verdict(&w, &ask), TLSD_DENY);
	say(w.worker, CHANNEL_OK, "");
	hear(w.supervisor, CHANNEL_OK);
	say(w.supervisor, CHANNEL_ABORT, "");
	hear(w.worker, CHANNEL_ABORT);
	hear(w.signer, CHANNEL_ABORT);
	say(w.worker, CHANNEL_OK, "");
	say(w.signer, CHANNEL_OK, "");
	hear(w.supervisor, CHANNEL_OK);
	cr_expect_eq(verdict(&w, &ask), TLSD_SPLICE);
	end(&w, 0);
}

Test(tlsd_monitor, what_one_refuses_is_taken_back_by_both)
{
	struct world w;
	int i;

	begin(&w);
	for (i = 0; i < 2; i++) {
		hand_over(&w, intercepting);
		say(w.supervisor, CHANNEL_READY, "");
		hear(w.signer, CHANNEL_READY);
		say(w.signer, i ? CHANNEL_OK : CHANNEL_FAILED, "no such CA");
		if (i) {
			hear(w.worker, CHANNEL_READY);
			say(w.worker, CHANNEL_FAILED, "no such roots");
		}
		hear(w.signer, CHANNEL_ABORT);
		hear(w.worker, CHANNEL_ABORT);
		say(w.worker, CHANNEL_OK, "");
		cr_expect(is_silent(w.supervisor));
		say(w.signer, CHANNEL_OK, "");
		cr_expect_str_eq(hear(w.supervisor, CHANNEL_FAILED).text,
				 i ? "no such roots" : "no such CA");
	}
	say(w.supervisor, CHANNEL_COMMIT, "");
	hear(w.supervisor, CHANNEL_FAILED);
	end(&w, 0);
}

Test(tlsd_monitor, a_configuration_that_is_none)
{
	struct channel_msg m;
	struct world w;

	begin(&w);
	prepare(&w, HEAD ",\"DefaultEgress\":\"deny\",\"Ports\":[1]}");
	say(w.supervisor, CHANNEL_READY, "");
	hear(w.worker, CHANNEL_ABORT);
	hear(w.signer, CHANNEL_ABORT);
	say(w.signer, CHANNEL_OK, "");
	say(w.worker, CHANNEL_OK, "");
	m = hear(w.supervisor, CHANNEL_FAILED);
	cr_expect(strstr(m.text, "/Ports"), "%s", m.text);
	end(&w, 0);
}

Test(tlsd_monitor, status_of_all_three)
{
	struct channel_msg m;
	struct world w;

	begin(&w);
	put_in_force(&w, some);
	say(w.supervisor, CHANNEL_STATUS, "");
	hear(w.worker, CHANNEL_STATUS);
	hear(w.signer, CHANNEL_STATUS);
	say(w.worker, CHANNEL_STATUS, "open 1 crypto none");
	say(w.signer, CHANNEL_STATUS, "signed 2 refused 3");
	m = hear(w.supervisor, CHANNEL_STATUS);
	cr_expect_str_eq(m.text, "open 1 crypto none dialled 0 undialled 0 "
				 "signed 2 refused 3 limit 7");
	end(&w, 0);
}

/* It ends, and with it the others; the supervisor starts them anew. */
/* Whether the monitor has a certain file open. */
static bool has_open(const struct world *w, int file)
{
	char path[64];
	struct stat mine, its;
	bool found = false;

	cr_assert_eq(fstat(file, &mine), 0);
	for (int fd = 0; fd < 256 && !found; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)w->pid, fd);
		found = stat(path, &its) == 0 && its.st_dev == mine.st_dev &&
			its.st_ino == mine.st_ino;
	}
	return found;
}

Test(tlsd_monitor, the_values_of_secrets_are_passed_on_and_let_go)
{
	static const uint32_t worker[] = {TLS_SECRETS};
	const struct channel_msg m = {
		.type = CHANNEL_SOCKETS,
		.count = 1,
		.index = {TLS_SECRETS},
	};
	struct world w;
	int values;

	begin(&w);
	/* It has none of it by itself. */
	values = memfd_create("values", MFD_CLOEXEC);
	prepare(&w, some);
	cr_assert_eq(channel_send(w.supervisor, &m, &values), 0);
	expect_sockets(w.worker, worker, 1);
	/* It has gone on to what came next. */
	say(w.supervisor, CHANNEL_STATUS, "");
	hear(w.worker, CHANNEL_STATUS);
	hear(w.signer, CHANNEL_STATUS);
	cr_expect_not(has_open(&w, values));
	close(values);
	end(&w, 0);
}

Test(tlsd_monitor, a_worker_has_the_sandbox_ended)
{
	struct channel_msg m;
	struct world w;

	begin(&w);
	put_in_force(&w, some);
	say(w.worker, CHANNEL_TERMINATE, "secret KEY\033[2J\nof a\x7f\xc3");
	m = hear(w.supervisor, CHANNEL_TERMINATE);
	cr_expect_str_eq(m.text, "secret KEY?[2J?of a??");
	/* Once, also while it has something else to answer. */
	say(w.supervisor, CHANNEL_STATUS, "");
	hear(w.worker, CHANNEL_STATUS);
	hear(w.signer, CHANNEL_STATUS);
	say(w.worker, CHANNEL_TERMINATE, "again");
	say(w.worker, CHANNEL_STATUS, "connections 0");
	say(w.signer, CHANNEL_STATUS, "signed 0");
	m = hear(w.supervisor, CHANNEL_STATUS);
	cr_expect_eq(strncmp(m.text, "connections 0 ", 14), 0);
	cr_expect(is_silent(w.supervisor));
	end(&w, 0);
	/* While it answers. */
	begin(&w);
	put_in_force(&w, some);
	say(w.supervisor, CHANNEL_STATUS, "");
	hear(w.worker, CHANNEL_STATUS);
	hear(w.signer, CHANNEL_STATUS);
	say(w.worker, CHANNEL_TERMINATE, "meanwhile");
	m = hear(w.supervisor, CHANNEL_TERMINATE);
	cr_expect_str_eq(m.text, "meanwhile");
	end(&w, 0);
	/* A signer has no say in this. */
	begin(&w);
	put_in_force(&w, some);
	say(w.signer, CHANNEL_TERMINATE, "no");
	cr_expect_eq(channel_receive(w.supervisor, &m, (int[CHANNEL_MAX]){0}),
		     0);
	end(&w, 3);
}

Test(tlsd_monitor, a_worker_that_is_not_ours)
{
	static const struct tlsd_ask insane = {.family = 9};
	struct tlsd_ask ask = about("198.51.100.7", 443, TLSD_PLAIN);
	int i;

	for (i = 0; i < 5; i++) {
		struct world w;

		begin(&w);
		put_in_force(&w, some);
		switch (i) {
		case 0:
			cr_expect_gt(send(w.judge, &insane, sizeof(insane), 0),
				     0);
			break;
		case 1:
			cr_expect_gt(send(w.judge, &ask, sizeof(ask) - 1, 0),
				     0);
			break;
		case 2:
			/* Nothing is prepared. */
			ask.next = 1;
			cr_expect_gt(send(w.judge, &ask, sizeof(ask), 0), 0);
			break;
		case 3:
			/* It was not asked. */
			say(w.worker, CHANNEL_OK, "");
			break;
		default:
			shutdown(w.signer, SHUT_RDWR);
			break;
		}
		cr_expect_eq(recv(w.supervisor, &ask, sizeof(ask), 0), 0);
		end(&w, 3);
	}
}
