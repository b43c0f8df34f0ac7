/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_relay_conf.c - relay.json, what it means, and the sockets of it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "relay_sockets.h"

#define HEAD \
	"{\"Version\":1,\"Name\":\"web\",\"Generation\":\"0x10\"," \
	"\"Gateway4\":\"172.16.0.1\",\"Gateway6\":\"fd00::1\"," \
	"\"Guest4\":\"172.16.0.2\",\"Guest6\":\"fd00::2\""
#define BIND(bind, proto, host, guest, serve) \
	"{\"Bind\":\"" bind "\",\"Protocol\":\"" proto \
	"\",\"HostPort\":" #host ",\"GuestPort\":" #guest \
	",\"Serve\":\"" serve "\",\"Pointer\":\"/Ports/" #host "\"}"
#define ALLOW ",\"Ingress\":{\"Default\":\"allow\"}"

static const struct relay_conf *read_conf(struct arena *a, const char *text)
{
	char reason[CONF_REASON_MAX] = "";
	const struct relay_conf *c =
		relay_conf_decode(a, text, strlen(text), reason);

	cr_assert(c, "%s", reason);
	return c;
}

static struct ip ip(const char *text)
{
	struct ip ret;

	cr_assert(ip_parse(text, &ret));
	return ret;
}

Test(relay_conf, least)
{
	ARENA(a);
	const struct relay_conf *c = read_conf(&a, HEAD ALLOW "}");

	cr_expect_str_eq(c->name, "web");
	cr_expect_eq(c->n_listeners, 0);
	cr_expect_eq(c->connections, RELAY_CONNECTIONS);
	cr_expect_eq(c->flows, RELAY_FLOWS);
	cr_expect_eq(c->connect_ms, RELAY_CONNECT_MS);
	cr_expect_eq(c->idle_ms, RELAY_IDLE_MS);
	cr_expect_eq(c->idle_both_ms, RELAY_IDLE_BOTH_MS);
	cr_expect_not(c->has_host);
	/* Nothing is published, nothing of the host is reached. */
	cr_expect_not(relay_conf_ingress(c, IPPROTO_TCP, ip("127.0.0.1"), 80));
	cr_expect_not(relay_conf_host(c, IPPROTO_TCP, IP_V4, 80));
}

Test(relay_conf, ingress_is_judged_by_peer_port_and_protocol)
{
	ARENA(a);
	const struct relay_conf *c = read_conf(
		&a, HEAD
		",\"Listeners\":[" BIND("127.0.0.1", "tcp", 8080, 80, "relay") "," BIND(
			"::", "udp", 8053, 53,
			"relay") "],"
				 "\"Ingress\":{\"Rules\":[{\"Action\":\"deny\","
				 "\"Destination\":\"127.0.0.2\"},"
				 "{\"Action\":\"allow\",\"Destination\":"
				 "\"loopback\",\"Port\":80}],"
				 "\"Default\":\"deny\"},\"Limits\":{"
				 "\"Connections\":10,\"Flows\":20}}");

	cr_expect(relay_conf_ingress(c, IPPROTO_TCP, ip("127.0.0.1"), 80));
	cr_expect(relay_conf_ingress(c, IPPROTO_TCP, ip("::1"), 80));
	cr_expect_not(relay_conf_ingress(c, IPPROTO_TCP, ip("127.0.0.2"), 80));
	cr_expect_not(relay_conf_ingress(c, IPPROTO_UDP, ip("127.0.0.1"), 80));
	cr_expect_not(relay_conf_ingress(c, IPPROTO_UDP, ip("127.0.0.1"), 53));
	cr_expect_not(relay_conf_ingress(c, IPPROTO_TCP, ip("10.0.0.1"), 80));
	cr_expect_str_eq(c->listeners[0].binding.pointer, "/Ports/8080");
	cr_expect_eq(c->connections, 10);
	cr_expect_eq(c->flows, 20);
}

Test(relay_conf, host_is_judged_by_family_too)
{
	ARENA(a);
	const struct relay_conf *c =
		read_conf(&a, HEAD ALLOW
			  ",\"HostEgress\":{\"Port\":61440,\"Rules\":["
			  "{\"Action\":\"deny\",\"Destination\":\"fd00::1\","
			  "\"Ports\":[\"1-1000\"]},"
			  "{\"Action\":\"allow\",\"Destination\":\"host\"},"
			  "{\"Action\":\"allow\",\"Direction\":\"ingress\"}],"
			  "\"Default\":\"deny\"}}");

	cr_expect(relay_conf_host(c, IPPROTO_TCP, IP_V4, 80));
	cr_expect(relay_conf_host(c, IPPROTO_UDP, IP_V4, 80));
	cr_expect_not(relay_conf_host(c, IPPROTO_TCP, IP_V6, 80));
	cr_expect(relay_conf_host(c, IPPROTO_TCP, IP_V6, 1001));
	/* Ports of name services were refused, if at all, before. */
	cr_expect(relay_conf_host(c, IPPROTO_UDP, IP_V4, 853));
	cr_expect_eq(c->host_port, 61440);
}

Test(relay_conf, refusals_say_where)
{
	static const struct {
		const char *text;
		const char *start;
	} bad[] = {
		{"", ""},
		{"[]", "a relay.json must be an object"},
		{HEAD "}", "/Ingress: relay.json needs Ingress"},
		{HEAD ",\"Ingress\":{}}",
		 "/Ingress/Default: Ingress needs Default"},
		{HEAD ALLOW ",\"Limits\":{\"Flows\":0}}", "/Limits/Flows: "},
		{HEAD ALLOW ",\"Limits\":{\"Connections\":16385}}",
		 "/Limits/Connections: 16385 is above 16384"},
		{HEAD ALLOW ",\"HostEgress\":{\"Default\":\"deny\"}}",
		 "/HostEgress/Port: HostEgress needs Port"},
		{HEAD ALLOW
		 ",\"Listeners\":[" BIND("127.0.0.1", "tcp", 1, 1, "nat") "]}",
		 "/Listeners/0/Serve: \"nat\" is not one of"},
		{HEAD ALLOW ",\"Listeners\":[" BIND("127.0.0.1", "tcp", 0, 1,
						    "relay") "]}",
		 "/Listeners/0/HostPort: 0 is below 1"},
		{HEAD ALLOW ",\"Guest4\":\"172.16.0.2\"}", "/Guest4: "},
		{HEAD ALLOW ",\"More\":1}", "/More: \"More\" is no field of"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ARENA(a);
		char reason[CONF_REASON_MAX] = "";

		cr_expect_null(relay_conf_decode(&a, bad[i].text,
						 strlen(bad[i].text), reason),
			       "case %zu", i);
		cr_expect_neq(*reason, 0, "case %zu", i);
		cr_expect_eq(
			strncmp(reason, bad[i].start, strlen(bad[i].start)), 0,
			"case %zu: %s", i, reason);
	}
}

static int make_fd(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(relay_sockets, kept_where_they_fit)
{
	ARENA(a);
	ARENA(b);
	const struct relay_conf *old = read_conf(
		&a,
		HEAD ALLOW ",\"Listeners\":[" BIND(
			"127.0.0.1", "tcp", 1, 1,
			"relay") "," BIND("127.0.0.1", "udp", 1, 1,
					  "relay") "," BIND("10.0.0.1", "tcp",
							    2, 2,
							    "reserve") "]}");
	const struct relay_conf *new = read_conf(
		&b, HEAD ALLOW
		",\"Listeners\":[" BIND("10.0.0.1", "tcp", 2, 2, "relay") "," BIND(
			"127.0.0.1", "tcp", 1, 9,
			"relay") "],\"HostEgress\":{\"Port\":1,\"Default\":"
				 "\"deny\"}}");
	struct relay_sockets none = {0}, s = {0}, t;
	struct channel_msg m = {
		.type = CHANNEL_SOCKETS, .count = 3, .index = {2, 0, 1}};
	char reason[CONF_REASON_MAX];
	int fds[CHANNEL_MAX], kept, gone;

	s = relay_sockets_begin(&a, old, &none, true);
	cr_expect_not(relay_sockets_check(&s, false, reason));
	cr_expect_str_eq(reason, "the socket of /Listeners/0 is missing");
	for (int i = 0; i < 3; i++)
		fds[i] = make_fd();
	cr_expect_null(relay_sockets_put(&s, &m, fds));
	cr_expect(relay_sockets_check(&s, true, reason));
	kept = s.fd[0];
	gone = s.fd[1];

	t = relay_sockets_begin(&b, new, &s, true);
	/* A port that is served now is another socket than a kept one. */
	cr_expect_eq(t.fd[0], -1);
	cr_expect_eq(t.fd[1], kept);
	m = (struct channel_msg){.count = 1, .index = {1}};
	fds[0] = make_fd();
	cr_expect_str_eq(relay_sockets_put(&t, &m, fds),
			 "a socket came that is there already");
	cr_expect_eq(fds[0], -1);
	m.index[0] = 8;
	fds[0] = make_fd();
	cr_expect_str_eq(relay_sockets_put(&t, &m, fds),
			 "a socket's number is too large");
	m.index[0] = 0;
	fds[0] = make_fd();
	cr_expect_null(relay_sockets_put(&t, &m, fds));
	cr_expect_not(relay_sockets_check(&t, false, reason));
	cr_expect_str_eq(
		reason,
		"the steering TCP IPv4 socket of the gateway is missing");
	relay_sockets_close(&s, &t);
	cr_expect(is_open(kept));
	cr_expect_not(is_open(gone));
	relay_sockets_close(&t, NULL);
	cr_expect_not(is_open(kept));
}
