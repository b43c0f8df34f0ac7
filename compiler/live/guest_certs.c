/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_certs.c - The certificates that a guest is to trust. */
#include "guest_certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest_trust.h"

/* Octets of all files together, and files of a directory. A distribution has a
 * quarter of a MiB, and 300 names for it. */
#define ALL_MAX	  (UINT32_C(32) << 20)
#define FILES_MAX 8192

const char *const guest_certs_bundles[] = {
	MSB_CA_BUNDLE,
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
	"/etc/ssl/certs/ca-bundle.crt",
	NULL,
};

const char *const guest_certs_dirs[] = {
	"/etc/ssl/certs",
	"/etc/pki/tls/certs",
	NULL,
};

/** struct seen - A file that was read: most have several names */
struct seen {
	dev_t dev;
	ino_t ino;
};

/** struct gathered - Certificates of the host, as they are */
struct gathered {
	struct arena arena;
	int fd;
	size_t len;
	unsigned int unreadable;
	struct seen *seen;
	size_t n_seen;
	size_t cap_seen;
};

static bool is_new(struct gathered *g, const struct stat *st)
{
	for (size_t i = 0; i < g->n_seen; i++)
		if (g->seen[i].dev == st->st_dev &&
		    g->seen[i].ino == st->st_ino)
			return false;
	g->seen = arena_grow(&g->arena, g->seen, g->n_seen, &g->cap_seen,
			     sizeof(*g->seen));
	g->seen[g->n_seen++] = (struct seen){st->st_dev, st->st_ino};
	return true;
}

/* Puts a file behind what is there. What is no file holds no certificate, and
 * of a link that leads nowhere there is nothing to say. */
static int add_file(struct gathered *g, int at, const char *name)
{
	const int from =
		openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 0;

	if (from < 0) {
		g->unreadable += errno != ENOENT;
		return 0;
	}
	if (fstat(from, &st) == 0 && S_ISREG(st.st_mode) && is_new(g, &st)) {
		do {
			n = sendfile(g->fd, from, NULL, ALL_MAX - g->len + 1);
			if (n > 0)
				g->len += (size_t)n;
		} while ((n > 0 && g->len <= ALL_MAX) ||
			 (n < 0 && errno == EINTR));
		/* A last line may lack its end. */
		if (n == 0 && write(g->fd, "\n", 1) != 1)
			n = -1;
		g->len++;
	}
	if (g->len > ALL_MAX) {
		errno = EFBIG;
		n = -1;
	}
	{
		const int code = errno;

		close(from);
		errno = code;
	}
	return n < 0 ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their names, so that the same host gives the same bytes. */
static int add_dir(struct gathered *g, const char *path)
{
	DIR *dir = opendir(path);
	const char **v = NULL;
	struct dirent *entry;
	size_t n = 0, cap = 0;
	int rc = 0;
	ARENA(a);

	if (!dir) {
		g->unreadable += errno != ENOENT;
		return 0;
	}
	while (rc == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		v = arena_grow(&a, v, n, &cap, sizeof(*v));
		v[n++] = arena_strdup(&a, entry->d_name);
		if (n > FILES_MAX) {
			errno = EFBIG;
			rc = -1;
		}
	}
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_file(g, dirfd(dir), v[i]);
	{
		const int code = errno;

		closedir(dir);
		errno = code;
	}
	return rc;
}

static int gather(struct gathered *g, struct live_error *e)
{
	const char *const *dir;

	g->fd = memfd_create("host-cas.pem", MFD_CLOEXEC);
	if (g->fd < 0)
		return live_errno(e, errno, "memory for certificates");
	if (add_file(g, AT_FDCWD, MSB_CA_BUNDLE) < 0)
		return live_errno(e, errno, "/TrustHostCAs: " MSB_CA_BUNDLE);
	for (dir = guest_certs_dirs; *dir; dir++)
		if (add_dir(g, *dir) < 0)
			return live_errno(e, errno, "/TrustHostCAs: %s", *dir);
	return 0;
}

static int read_host(struct arena *a, const char *helpers, struct ca_text *ret,
		     struct live_error *e)
{
	struct gathered g = {.fd = -1};
	int rc = gather(&g, e);

	if (rc == 0)
		rc = ca_collect(a, g.fd, helpers, ret, e);
	ret->unreadable += g.unreadable;
	if (rc == 0 && !ret->cas)
		rc = live_refuse(e, "/TrustHostCAs: this host trusts no CA: "
				    "there is none in " MSB_CA_BUNDLE
				    ", and in no directory of certificates");
	if (g.fd >= 0)
		close(g.fd);
	arena_free(&g.arena);
	return rc;
}

int guest_certs_read(struct arena *a, const struct compiled *c, int ca,
		     const char *helpers, struct guest_certs *ret,
		     struct live_error *e)
{
	struct guest_certs certs = {0};

	if (guest_intercepted(&c->plan) && ca >= 0 &&
	    ca_collect(a, ca, helpers, &certs.ca, e) < 0)
		return -1;
	if (c->config.trust_host_cas == CONFIG_TRUE &&
	    read_host(a, helpers, &certs.host, e) < 0)
		return -1;
	*ret = certs;
	return 0;
}
