/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trust.c - What interceptions have in common, for one configuration. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker.h"

/**
 * struct mapped - A file's contents
 * @data:	contents; NULL: none
 * @len:	octets
 */
struct mapped {
	void *data;
	size_t len;
};

/**
 * struct trust - What interceptions have in common
 * @env:	the library's environment
 * @verify:	servers are verified
 * @roots:	certificates that they are verified with
 * @ca:		certificate that leaves are issued by
 *
 * The files stay mapped: they are read when the first flow needs them.
 */
struct trust {
	struct intercept_env *env;
	bool verify;
	struct mapped roots;
	struct mapped ca;
};

static bool map(int fd, struct mapped *ret)
{
	const off_t len = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	void *data;

	if (len <= 0)
		return false;
	data = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return false;
	*ret = (struct mapped){data, (size_t)len};
	return true;
}

static void unmap(struct mapped *m)
{
	if (m->data)
		munmap(m->data, m->len);
}

static bool is_same(const struct mapped *a, const struct mapped *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void trust_free(struct trust *e)
{
	if (!e)
		return;
	if (e->env)
		intercept_env_free(e->env);
	unmap(&e->roots);
	unmap(&e->ca);
	free(e);
}

static const char *make(struct worker *w, struct trust *e)
{
	const char *reason = "TLS cannot be set up";
	struct intercept_conf c;

	e->verify = w->next.conf->intercept->verify_upstream;
	if (!map(w->next.given.fd[TLS_ROOTS], &e->roots))
		return "the root certificates cannot be read";
	if (!map(w->next.given.fd[TLS_CA_CERT], &e->ca))
		return "the CA's certificate cannot be read";
	if (w->trust && w->trust->verify == e->verify &&
	    is_same(&w->trust->roots, &e->roots) &&
	    is_same(&w->trust->ca, &e->ca)) {
		w->next_trust = w->trust;
		return NULL;
	}
	c = (struct intercept_conf){
		.process = w->process,
		.verify = e->verify,
		.roots = e->roots.data,
		.roots_len = e->roots.len,
		.ca = e->ca.data,
		.ca_len = e->ca.len,
	};
	e->env = intercept_env_new(&c, &reason);
	if (!e->env)
		return reason;
	w->next_trust = e;
	return NULL;
}

const char *trust_prepare(struct worker *w)
{
	const char *reason;
	struct trust *e;

	w->next_trust = NULL;
	if (!w->next.conf->intercept)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return "there is no memory";
	reason = make(w, e);
	if (w->next_trust != e)
		trust_free(e);
	return reason;
}

void trust_drop_next(struct worker *w)
{
	if (w->next_trust != w->trust)
		trust_free(w->next_trust);
	w->next_trust = NULL;
}

void trust_commit(struct worker *w)
{
	if (w->trust != w->next_trust)
		trust_free(w->trust);
	w->trust = w->next_trust;
	w->next_trust = NULL;
}

struct intercept_env *trust_of(const struct trust *e)
{
	return e->env;
}
