/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sign.c - What the signer signs, and what it refuses; alone, then as the
 * confined process that it is. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "pem.h"
#include "sign.h"
#include "signer_calls.h"
#include "str.h"
#include "syscalls.h"
#include "tls_fd.h"
#include "tlsd_parts.h"

#define HEAD \
	"{\"Version\":1,\"Name\":\"t\",\"Gateway4\":\"172.16.0.1\"," \
	"\"Gateway6\":\"fd42:6d73:62::1\",\"Guest4\":\"172.16.0.2\"," \
	"\"Guest6\":\"fd42:6d73:62::2\",\"DNS\":\"helper\",\"Port\":61441,"

static int text_fd(const char *text)
{
	const int fd = memfd_create("text", MFD_CLOEXEC);

	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* tls.json with these rules. */
static int conf_fd(const char *rules, const char *otherwise,
		   const char *intercept)
{
	STR(s);

	str_printf(&s, HEAD "\"Rules\":[%s],\"DefaultEgress\":\"%s\"", rules,
		   otherwise);
	if (intercept)
		str_printf(&s, ",\"Intercept\":{%s}", intercept);
	str_puts(&s, "}");
	return text_fd(str_text(&s));
}

static struct tls_conf *conf(struct arena *a, const char *rules,
			     const char *otherwise, const char *intercept)
{
	char reason[CONF_REASON_MAX] = "";
	const int fd = conf_fd(rules, otherwise, intercept);
	struct tls_conf *c = tls_conf_read(a, fd, reason);

	cr_assert(c, "%s", reason);
	close(fd);
	return c;
}

static bool permits_name(const struct tls_conf *c, const char *text)
{
	struct leaf_subject s = {0};
	ARENA(a);

	cr_assert_null(dname_from_presentation(&a, text, &s.name));
	return sign_permits(c, &s);
}

static bool permits_ip(const struct tls_conf *c, const char *text)
{
	struct leaf_subject s = {0};
	struct ip ip;

	cr_assert(ip_parse(text, &ip));
	s.address_len = ip_to_bytes(ip, s.address);
	return sign_permits(c, &s);
}

#define PORT443 "\"Ports\":[443]"

Test(sign, first_rule_about_a_name)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a,
		"{\"Action\":\"deny\",\"Destination\":\"bad.example.com\"},"
		"{\"Action\":\"allow\",\"Destination\":\".example.com\"},"
		"{\"Action\":\"deny\",\"Destination\":\".example.org\"},"
		"{\"Action\":\"allow\",\"Destination\":\"www.example.org\"}",
		"deny", PORT443);

	cr_assert(!permits_name(c, "bad.example.com"));
	cr_assert(permits_name(c, "good.example.com"));
	cr_assert(permits_name(c, "very.bad.example.com"));
	cr_assert(!permits_name(c, "example.com"));
	cr_assert(!permits_name(c, "www.example.org"));
	cr_assert(!permits_name(c, "example.net"));
	/* An address may be pinned to a name that is allowed. */
	cr_assert(permits_ip(c, "198.51.100.7"));
}

Test(sign, rules_about_addresses)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a,
		"{\"Action\":\"deny\",\"Destination\":\"198.51.100.0/24\"},"
		"{\"Action\":\"deny\",\"Destination\":\"bad.example.com\"},"
		"{\"Action\":\"allow\",\"Destination\":\"public\"}",
		"deny", PORT443);

	cr_assert(!permits_ip(c, "198.51.100.7"));
	cr_assert(permits_ip(c, "203.0.113.7"));
	cr_assert(!permits_ip(c, "10.0.0.1"));
	cr_assert(permits_ip(c, "2001:db8::1"));
	cr_assert(!permits_ip(c, "169.254.62.1"), "the uplink's");
	cr_assert(permits_name(c, "example.com"));
	cr_assert(!permits_name(c, "bad.example.com"));
}

Test(sign, rules_of_other_services_do_not_count)
{
	ARENA(a);
	const struct tls_conf *c =
		conf(&a,
		     "{\"Action\":\"deny\",\"Destination\":\"a.example\","
		     "\"Ports\":[\"8443\"]},"
		     "{\"Action\":\"deny\",\"Destination\":\"b.example\","
		     "\"Protocols\":[\"udp\"]},"
		     "{\"Action\":\"allow\",\"Destination\":\"c.example\","
		     "\"Ports\":[\"80\"]},"
		     "{\"Action\":\"deny\",\"Destination\":\"c.example\"},"
		     "{\"Action\":\"allow\",\"Ports\":[\"443\",\"8443\"]}",
		     "deny", "\"Ports\":[443,8443]");

	cr_assert(permits_name(c, "a.example"), "at 443");
	cr_assert(permits_name(c, "b.example"));
	cr_assert(!permits_name(c, "c.example"));
	cr_assert(permits_name(c, "d.example"));
}

Test(sign, nothing_without_interception)
{
	ARENA(a);

	cr_assert(!permits_name(conf(&a, "", "allow", NULL), "example.com"));
	cr_assert(!permits_ip(conf(&a, "", "allow", NULL), "203.0.113.7"));
	cr_assert(!permits_name(conf(&a, "", "allow", "\"Ports\":[]"),
				"example.com"));
	cr_assert(!permits_name(conf(&a, "", "deny", PORT443), "example.com"));
	cr_assert(permits_name(conf(&a, "", "allow", PORT443), "example.com"));
}

Test(sign, nothing_that_is_in_bypass)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a, "", "allow",
		PORT443 ",\"Bypass\":[\"bank.example\",\"*.example.com\"]");

	cr_assert(!permits_name(c, "bank.example"));
	cr_assert(permits_name(c, "www.bank.example"));
	cr_assert(!permits_name(c, "a.b.example.com"));
	cr_assert(permits_name(c, "example.com"));
}

Test(sign, nothing_that_is_in_the_table_of_names)
{
	ARENA(a);
	struct tls_conf *c = conf(&a, "", "allow", PORT443);
	struct config_names exact = {0}, suffixes = {0};
	struct dname name;
	const void *table;
	size_t len;

	cr_assert_null(dname_from_config(&a, "ads.example", &name));
	exact.v = &name;
	exact.n = 1;
	table = names_build(&a, &exact, &suffixes, &len);
	cr_assert_null(names_open(table, len, &c->walk.names));
	cr_assert(!permits_name(c, "ads.example"));
	cr_assert(permits_name(c, "www.ads.example"));
}

/* --- requests --- */

/** struct fixture - A CA in two files, and requests for it */
struct fixture {
	int cert;
	int key;
	uint8_t id[TLSD_CA_ID];
};

static struct fixture make_ca(void)
{
	struct authority *a = authority_new();
	struct fixture f;
	char text[PEM_ROOM(KEY_DER_MAX)];
	uint8_t der[KEY_DER_MAX];
	size_t len;

	cr_assert(key_library() && a && authority_make(a, time(NULL)));
	pem_write(text, PEM_CERTIFICATE, a->der, a->der_len);
	f.cert = text_fd(text);
	len = key_export(&a->key, der);
	cr_assert(len);
	pem_write(text, "PRIVATE KEY", der, len);
	f.key = text_fd(text);
	memcpy(f.id, a->digest, sizeof(f.id));
	authority_free(a);
	return f;
}

static struct tlsd_sign ask_for(const struct fixture *f, const char *text)
{
	struct tlsd_sign ask = {.key = {4, 1, 2, 3}};
	struct dname name;
	ARENA(a);

	cr_assert_null(dname_from_presentation(&a, text, &name));
	memcpy(ask.name, name.wire, name.len);
	ask.name_len = name.len;
	memcpy(ask.ca, f->id, sizeof(ask.ca));
	return ask;
}

static void prepare(struct sign *s, const struct fixture *f, const char *rules,
		    const char *intercept)
{
	char reason[CONF_REASON_MAX] = "";
	const int fd = conf_fd(rules, "deny", intercept);

	s->next.conf = tls_conf_read(&s->next.given.arena, fd, reason);
	cr_assert(s->next.conf, "%s", reason);
	close(fd);
	if (!f)
		return;
	s->next.given.fd[TLS_CA_CERT] = dup(f->cert);
	s->next.given.fd[TLS_CA_KEY] = dup(f->key);
}

#define ALLOW_A "{\"Action\":\"allow\",\"Destination\":\"a.example\"}"
#define ALLOW_B "{\"Action\":\"allow\",\"Destination\":\"b.example\"}"

/* The length of the answer; what is not signed is told nothing of. */
static uint32_t answer(struct sign *s, const struct tlsd_sign *ask)
{
	static const struct tlsd_signed nothing;
	struct tlsd_signed got;

	sign_answer(s, ask, time(NULL), 1000, &got);
	if (!got.len)
		cr_assert(memcmp(&got, &nothing, sizeof(got)) == 0);
	return got.len;
}

Test(sign, requests)
{
	const struct fixture f = make_ca(), other = make_ca();
	struct tlsd_sign ask = ask_for(&f, "a.example"), odd;
	struct sign s;

	cr_assert(sign_init(&s));
	cr_assert(!answer(&s, &ask), "there is nothing yet");
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(!answer(&s, &ask), "nothing is ready");
	cr_assert(sign_ready(&s, time(NULL)), "%s", s.next.given.refused);
	sign_commit(&s);
	/* Whoever is refused does not fix the key. */
	odd = ask_for(&f, "b.example");
	odd.key[1] = 9;
	cr_assert(!answer(&s, &odd));
	cr_assert(answer(&s, &ask));
	odd = ask;
	odd.key[64] = 1;
	cr_assert(!answer(&s, &odd), "another key");
	odd = ask_for(&other, "a.example");
	cr_assert(!answer(&s, &odd), "another CA");
	odd = ask;
	odd.family = 5;
	cr_assert(!answer(&s, &odd));
	odd.family = IP_V4;
	cr_assert(!answer(&s, &odd), "a name and an address");
	odd.name_len = 0;
	cr_assert(answer(&s, &odd), "an address that may be pinned");
	odd.family = IP_V6;
	cr_assert(answer(&s, &odd));
	odd.address[10] = odd.address[11] = 0xff;
	cr_assert(!answer(&s, &odd), "IPv4-mapped");
	for (int i = 0; i < 256; i++) {
		odd = ask;
		odd.name_len = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == ask.name_len, "%d", i);
		odd = ask;
		odd.name[1] = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == 'a', "%d", i);
		odd = ask;
		odd.name[0] = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == 1, "%d", i);
	}
	sign_free(&s);
}

/* What is prepared is signed for, too, each with its own CA; afterwards only
 * what is in force. */
Test(sign, two_configurations)
{
	const struct fixture f = make_ca(), g = make_ca();
	struct tlsd_sign a = ask_for(&f, "a.example");
	struct tlsd_sign b = ask_for(&f, "b.example");
	struct tlsd_sign ga = ask_for(&g, "a.example");
	struct tlsd_sign gb = ask_for(&g, "b.example");
	struct sign s;

	cr_assert(sign_init(&s));
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	prepare(&s, &g, ALLOW_B, PORT443);
	cr_assert(!answer(&s, &gb), "not ready");
	cr_assert(sign_ready(&s, time(NULL)));
	cr_assert(answer(&s, &a) && answer(&s, &gb));
	cr_assert(!answer(&s, &b) && !answer(&s, &ga));
	sign_abort(&s);
	cr_assert(answer(&s, &a) && !answer(&s, &gb));
	prepare(&s, &g, ALLOW_B, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	cr_assert(!answer(&s, &a) && answer(&s, &gb));
	/* The CA stays if none comes. */
	prepare(&s, NULL, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)), "%s", s.next.given.refused);
	sign_commit(&s);
	cr_assert(answer(&s, &ga) && !answer(&s, &gb));
	/* Without interception there is no need for one. */
	prepare(&s, NULL, ALLOW_A, NULL);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	cr_assert(!answer(&s, &ga));
	cr_assert(s.now.ca->key.kind == KEY_NONE, "the key is gone");
	sign_free(&s);
}

Test(sign, a_ca_that_is_refused)
{
	const struct fixture f = make_ca(), g = make_ca();
	struct sign s;

	cr_assert(sign_init(&s));
	prepare(&s, NULL, ALLOW_A, PORT443);
	cr_assert(!sign_ready(&s, time(NULL)));
	cr_assert_str_eq(s.next.given.refused, "a descriptor is missing");
	sign_abort(&s);
	prepare(&s, &f, ALLOW_A, PORT443);
	close(s.next.given.fd[TLS_CA_KEY]);
	s.next.given.fd[TLS_CA_KEY] = dup(g.key);
	cr_assert(!sign_ready(&s, time(NULL)));
	cr_assert_str_eq(s.next.given.refused,
			 "the CA's key is not that of the certificate");
	sign_abort(&s);
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(!sign_ready(&s, time(NULL) + 2 * AUTHORITY_AHEAD));
	cr_assert(strstr(s.next.given.refused, "has expired on"));
	sign_free(&s);
}

Test(sign, rate)
{
	const struct fixture f = make_ca();
	const struct tlsd_sign ask = ask_for(&f, "a.example");
	struct tlsd_signed got;
	struct sign s;
	int n = 0;

	cr_assert(sign_init(&s));
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	s.tokens = 3;
	s.refilled = 5000;
	for (int i = 0; i<10; i++, n += got.len> 0)
		sign_answer(&s, &ask, time(NULL), 5000, &got);
	cr_assert_eq(n, 3);
	sign_answer(&s, &ask, time(NULL), 5003, &got);
	cr_assert(!got.len, "not a whole one yet");
	sign_answer(&s, &ask, time(NULL), 5004, &got);
	cr_assert(got.len);
	sign_answer(&s, &ask, time(NULL), 5004, &got);
	cr_assert(!got.len);
	sign_answer(&s, &ask, time(NULL), 5004 + 3600000, &got);
	cr_assert(got.len && s.tokens == SIGN_BURST - 1);
	sign_free(&s);
}

/* --- the process --- */

/** struct process - A signer that runs, and our ends */
struct process {
	pid_t pid;
	int channel;
	int signer;
};

static struct process start(void)
{
	int channel[2], signer[2];
	struct process p;

	cr_assert(channel_pair(channel) == 0 && channel_pair(signer) == 0);
	p.pid = fork();
	if (p.pid == 0) {
		const struct tlsd_ends ends = {channel[1], -1, signer[1]};
		struct log log;

		close(channel[0]);
		close(signer[0]);
		log_open(&log, STDERR_FILENO, "test", "t");
		_exit(tlsd_signer(&log, &ends, signer_confine));
	}
	close(channel[1]);
	close(signer[1]);
	p.channel = channel[0];
	p.signer = signer[0];
	cr_assert(channel_set_timeout(p.channel, 20000) == 0 &&
		  channel_set_timeout(p.signer, 20000) == 0);
	return p;
}

static int end(const struct process *p)
{
	int status;

	close(p->channel);
	close(p->signer);
	cr_assert(waitpid(p->pid, &status, 0) == p->pid);
	return status;
}

static void send_fds(const struct process *p, enum channel_type type,
		     const uint32_t *index, int *fds, uint32_t n)
{
	struct channel_msg m = {.type = type, .count = n};

	memcpy(m.index, index, n * sizeof(*index));
	cr_assert(channel_send(p->channel, &m, fds) == 0);
}

static struct channel_msg asked(const struct process *p, enum channel_type type)
{
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	cr_assert(channel_send_text(p->channel, type, "%s", "") == 0);
	cr_assert(channel_receive(p->channel, &m, fds) == 1);
	return m;
}

static uint32_t leaf_of(const struct process *p, const struct tlsd_sign *ask)
{
	struct tlsd_signed got = {0};

	cr_assert(send(p->signer, ask, sizeof(*ask), 0) == sizeof(*ask));
	cr_assert(recv(p->signer, &got, sizeof(got), 0) == sizeof(got));
	return got.len;
}

static void configure(const struct process *p, const struct fixture *f,
		      const char *rules)
{
	static const uint32_t index[] = {TLS_CA_CERT, TLS_CA_KEY};
	int fds[] = {f->cert, f->key}, fd = conf_fd(rules, "deny", PORT443);

	send_fds(p, CHANNEL_PREPARE, (const uint32_t[]){0}, &fd, 1);
	send_fds(p, CHANNEL_SOCKETS, index, fds, 2);
	close(fd);
}

Test(signer, serves)
{
	const struct fixture f = make_ca();
	const struct tlsd_sign a = ask_for(&f, "a.example");
	const struct tlsd_sign b = ask_for(&f, "b.example");
	struct process p = start();
	struct channel_msg m;

	cr_assert(!leaf_of(&p, &a));
	m = asked(&p, CHANNEL_COMMIT);
	cr_assert(m.type == CHANNEL_FAILED);
	configure(&p, &f, ALLOW_A);
	cr_assert(!leaf_of(&p, &a));
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	m = asked(&p, CHANNEL_COMMIT);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	/* Many, so that whatever the library does now and then is done. */
	for (int i = 0; i < 200; i++)
		cr_assert(leaf_of(&p, &a));
	cr_assert(!leaf_of(&p, &b));
	configure(&p, &f, ALLOW_B);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	cr_assert(leaf_of(&p, &a) && leaf_of(&p, &b));
	m = asked(&p, CHANNEL_ABORT);
	cr_assert(m.type == CHANNEL_OK && leaf_of(&p, &a) && !leaf_of(&p, &b));
	m = asked(&p, CHANNEL_STATUS);
	cr_assert_str_eq(m.text, "signed 203 refused 4");
	m = asked(&p, CHANNEL_CONNECT);
	cr_assert(m.type == CHANNEL_FAILED);
	cr_assert_eq(end(&p), 0);
}

Test(signer, refuses_what_is_no_configuration)
{
	const struct fixture f = make_ca();
	struct process p = start();
	int fd = text_fd("{\"Version\":2}"), fds[] = {f.cert, f.key};
	struct channel_msg m;

	send_fds(&p, CHANNEL_PREPARE, (const uint32_t[]){0}, &fd, 1);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_FAILED && *m.text);
	configure(&p, &f, ALLOW_A);
	/* Two for one place. */
	send_fds(&p, CHANNEL_SOCKETS,
		 (const uint32_t[]){TLS_CA_KEY, TLS_FD_COUNT}, fds, 2);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_FAILED);
	/* And it goes on. */
	configure(&p, &f, ALLOW_A);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	cr_assert_eq(end(&p), 0);
}

/* A request of another size is no request: whoever sends it is not ours. */
Test(signer, ends_when_the_worker_says_what_it_cannot)
{
	static const size_t sizes[] = {1, sizeof(struct tlsd_sign) - 1,
				       sizeof(struct tlsd_sign) + 1};
	static const uint8_t zeros[sizeof(struct tlsd_sign) + 1];

	for (size_t i = 0; i < 3; i++) {
		struct process p = start();
		int status;

		cr_assert(send(p.signer, zeros, sizes[i], 0) ==
			  (ssize_t)sizes[i]);
		status = end(&p);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
}

Test(signer, ends_with_the_worker)
{
	struct process p = start();
	int status;

	close(p.signer);
	cr_assert(waitpid(p.pid, &status, 0) == p.pid);
	cr_assert_eq(status, 0);
}

/* What it may not do ends it: here a socket, which any worker may make. */
Test(signer, has_few_system_calls)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		if (signer_confine())
			_exit(1);
		_exit(socket(AF_INET, SOCK_STREAM, 0) < 0 ? 2 : 0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	if (SYSCALLS_SANITIZED)
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	else
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
