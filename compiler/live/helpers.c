/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helpers.c - What each helper of a sandbox is given. */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca.h"
#include "secret_values.h"
#include "str.h"
#include "tables.h"
#include "tls_json.h"

#define RESOLV_CONF "/etc/resolv.conf"

_Static_assert(DNS_FD_COUNT <= HELPER_FDS && TLS_FD_COUNT <= HELPER_FDS,
	       "each has its place");

void helpers_init(struct arena *a, struct helper_sockets *s, size_t n)
{
	enum supervisor_kind kind;
	size_t i;

	listen_init(a, &s->relay, n);
	s->pin = (struct values_pin){0};
	s->given = false;
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		for (i = 0; i < HELPER_FDS; i++)
			s->fd[kind][i] = -1;
}

int helpers_open_gateway(struct helper_sockets *s, enum supervisor_kind kind,
			 struct live_error *e)
{
	switch (kind) {
	case SUPERVISOR_DNS:
		return listen_open_dns(s->fd[kind], e);
	case SUPERVISOR_RELAY:
		return listen_open_gateway(&s->relay, TABLE_STEER_PORT, e);
	case SUPERVISOR_TLS:
		return listen_open_tls(s->fd[kind], TABLE_TLS_PORT, e);
	case SUPERVISOR_KINDS:
		break;
	}
	return live_system(e, "no such helper");
}

static int open_secrets(struct helper_sockets *s, const struct compiled *c,
			struct live_error *e)
{
	int *const fd = &s->fd[SUPERVISOR_TLS][TLS_SECRETS];

	if (!c->config.n_secrets)
		return 0;
	*fd = secret_values_open(&c->config, e);
	if (*fd < 0)
		return -1;
	return values_pin(*fd, &s->pin) < 0
		       ? live_errno(e, errno,
				    "lock the values of secrets in memory")
		       : 0;
}

int helpers_open_files(struct helper_sockets *s, const struct compiled *c,
		       struct state *state, const char *helpers, bool dry,
		       struct live_error *e)
{
	const struct config_tls *tls = &c->config.tls;
	int *const fd = s->fd[SUPERVISOR_TLS];
	int ca[2];

	if (!plan_needs(&c->plan, PLAN_TLSD))
		return 0;
	if (open_secrets(s, c, e) < 0)
		return -1;
	if (!tls_json_intercepts(tls))
		return 0;
	fd[TLS_ROOTS] = ca_roots(tls, helpers, e);
	if (fd[TLS_ROOTS] < 0)
		return -1;
	if (dry && !tls->ca_cert)
		return 0;
	if (ca_open(state, tls, helpers, ca, e) < 0)
		return -1;
	fd[TLS_CA_CERT] = ca[0];
	fd[TLS_CA_KEY] = ca[1];
	return 0;
}

/* --- resolv.conf --- */

static void put_file(struct str *s)
{
	char buf[4096];
	int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	/* Half is room enough for the file, the rest is for what follows. */
	while (fd >= 0 && s->len < DNS_RESOLV_MAX / 2 &&
	       (n = read(fd, buf, sizeof(buf))) > 0)
		str_append(s, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
	str_putc(s, '\n');
}

/* The addresses of a name server that the document names. */
static int put_host(struct str *s, size_t index,
		    const struct config_nameserver *ns, struct live_error *e)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	struct addrinfo *found, *i;
	char text[NI_MAXHOST];
	const int rc = getaddrinfo(ns->host, NULL, &hints, &found);

	if (rc)
		return live_refuse(e, "/DNS/Nameservers/%zu: %s: %s", index,
				   ns->host, gai_strerror(rc));
	str_printf(s, DNS_RESOLV_NAME "%zu %s\n", index, ns->host);
	for (i = found; i; i = i->ai_next)
		if (getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof(text),
				NULL, 0, NI_NUMERICHOST) == 0 &&
		    !strchr(text, '%'))
			str_printf(s, DNS_RESOLV_HOST "%zu %s\n", index, text);
	freeaddrinfo(found);
	return 0;
}

/* A copy of the host's resolv.conf, with these addresses behind it. */
static int make_resolv(const struct config_dns *dns, struct live_error *e)
{
	size_t i;
	STR(text);
	int fd;

	put_file(&text);
	for (i = 0; i < dns->n_nameservers; i++)
		if (dns->nameservers[i].host &&
		    put_host(&text, i, &dns->nameservers[i], e) < 0)
			return -1;
	fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	if (fd >= 0 &&
	    write(fd, str_text(&text), text.len) == (ssize_t)text.len)
		return fd;
	live_errno(e, errno, "copy " RESOLV_CONF);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- handing over --- */

static int prepare_relay(int channel, const struct artefact *conf,
			 const struct listen_sockets *s, struct live_error *e)
{
	struct supervisor_fd *v;
	size_t i;
	ARENA(a);

	v = arena_array(&a, s->n + LISTEN_GATEWAY, struct supervisor_fd);
	for (i = 0; i < s->n + LISTEN_GATEWAY; i++)
		v[i] = (struct supervisor_fd){
			i, i < s->n ? s->binding[i] : s->gateway[i - s->n]};
	return supervisor_prepare(
		channel, conf,
		&(struct supervisor_fds){v, s->n + LISTEN_GATEWAY}, e);
}

/* What a helper has by number, and where in that the table of names is. */
static const struct {
	size_t n;
	size_t names;
} numbered[SUPERVISOR_KINDS] = {
	[SUPERVISOR_DNS] = {DNS_FD_COUNT, DNS_NAMES},
	[SUPERVISOR_TLS] = {TLS_FD_COUNT, TLS_NAMES},
};

int helpers_prepare(int channel, enum supervisor_kind kind,
		    const struct compiled *c, struct helper_sockets *s,
		    int names, struct live_error *e)
{
	const struct artefact *conf =
		compile_artefact(c, supervisor_config(kind));
	struct supervisor_fd v[HELPER_FDS];
	int *const fd = s->fd[kind];
	size_t i;

	if (kind == SUPERVISOR_RELAY)
		return prepare_relay(channel, conf, &s->relay, e);
	if (kind == SUPERVISOR_DNS && fd[DNS_RESOLV] < 0) {
		fd[DNS_RESOLV] = make_resolv(&c->config.dns, e);
		if (fd[DNS_RESOLV] < 0)
			return -1;
	}
	for (i = 0; i < numbered[kind].n; i++)
		v[i] = (struct supervisor_fd){
			i, i == numbered[kind].names ? names : fd[i]};
	if (supervisor_prepare(channel, conf,
			       &(struct supervisor_fds){v, numbered[kind].n},
			       e) < 0)
		return -1;
	s->given |= kind == SUPERVISOR_TLS;
	return 0;
}

void helpers_close(struct helper_sockets *s)
{
	enum supervisor_kind kind;
	size_t i;

	listen_close(&s->relay);
	if (s->fd[SUPERVISOR_TLS][TLS_SECRETS] >= 0 && !s->given)
		values_wipe(s->fd[SUPERVISOR_TLS][TLS_SECRETS]);
	values_unpin(&s->pin);
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		for (i = 0; i < HELPER_FDS; i++) {
			if (s->fd[kind][i] >= 0)
				close(s->fd[kind][i]);
			s->fd[kind][i] = -1;
		}
}
