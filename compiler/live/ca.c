/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca.c - The CA of TLS interception, and the roots that servers are verified
 * with. */
#include "ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca_exit.h"
#include "program.h"

#define PROGRAM "msb-ca"

/* Where the generated CA is, below the state directory: ca_store.h. */
#define STORE	   "ca"
#define STORE_CERT STORE "/ca.pem"
#define STORE_KEY  STORE "/ca.key"

/* Octets that a file may have. */
#define FILE_MAX   (UINT32_C(8) << 20)
#define BUNDLE_MAX (UINT32_C(64) << 20)

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- msb-ca --- */

/** struct call - One run of msb-ca */
struct call {
	const char *helpers;
	const char *what;
	const char *option;
	int dir;
	int cert;
	int key;
	int out;
};

/* What it says goes to @words; its exit status is returned, or -1. */
static int call(const struct call *c, struct str *words, struct live_error *e)
{
	const struct {
		const char *name;
		int fd;
	} given[] = {
		{"--dir-fd", c->dir},
		{"--cert-fd", c->cert},
		{"--key-fd", c->key},
	};
	const char *argv[10] = {PROGRAM, c->what};
	struct program p = {.argv = argv, .out = c->out};
	size_t n = 2;
	int fds[3];
	ARENA(a);

	p.path = program_find(&a, c->helpers, PROGRAM, e);
	if (!p.path)
		return -1;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (given[i].fd < 0)
			continue;
		argv[n++] = given[i].name;
		argv[n++] = arena_printf(&a, "%d", given[i].fd);
		fds[p.n_fds++] = given[i].fd;
	}
	argv[n] = c->option;
	p.fds = fds;
	return program_run(&p, words, e);
}

static int system_failed(const char *what, const struct str *words,
			 struct live_error *e)
{
	return live_system(e, "%s: %s", what,
			   words->len ? str_text(words) : PROGRAM " failed");
}

/* --- copies --- */

static int copy_to(int to, int from, size_t max)
{
	size_t len = 0;

	for (;;) {
		const ssize_t n = sendfile(to, from, NULL, max - len + 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		len += (size_t)n;
		if (len > max) {
			errno = EFBIG;
			return -1;
		}
	}
}

static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS);
}

static int new_copy(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* A file, opened for reading: one that can be read to its end. */
static int open_file(int at, const char *path)
{
	const int fd =
		openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return -1;
}

/* A copy of a file that stays as it is now. The octets of a key do not come
 * through this process. -1 and errno on failure. */
static int copy_file(int at, const char *path, const char *name)
{
	const int from = open_file(at, path);
	int to, code;

	if (from < 0)
		return -1;
	to = new_copy(name);
	if (to >= 0 && (copy_to(to, from, FILE_MAX) < 0 || seal(to) < 0)) {
		code = errno;
		close_fd(&to);
		errno = code;
	}
	code = errno;
	close(from);
	errno = code;
	return to;
}

/* --- a CA --- */

static int open_given(const struct config_tls *tls, int ret[CA_PARTS],
		      struct live_error *e)
{
	ret[CA_PART_CERT] = copy_file(AT_FDCWD, tls->ca_cert, "ca.pem");
	if (ret[CA_PART_CERT] < 0)
		return live_refuse(e, "/TLS/CACert: %s: %s", tls->ca_cert,
				   strerror(errno));
	ret[CA_PART_KEY] = copy_file(AT_FDCWD, tls->ca_key, "ca.key");
	if (ret[CA_PART_KEY] < 0)
		return live_refuse(e, "/TLS/CAKey: %s: %s", tls->ca_key,
				   strerror(errno));
	return 0;
}

static int ensure(const struct state *s, const char *helpers,
		  struct live_error *e)
{
	const struct call c = {helpers, "ensure", NULL, s->dir, -1, -1, -1};
	char what[512];
	STR(words);
	int rc;

	rc = call(&c, &words, e);
	if (rc <= 0)
		return rc;
	snprintf(what, sizeof(what), "make a CA in %s/" STORE, s->path);
	return system_failed(what, &words, e);
}

static int open_generated(const struct state *s, const char *helpers,
			  int ret[CA_PARTS], struct live_error *e)
{
	if (ensure(s, helpers, e) < 0)
		return -1;
	ret[CA_PART_CERT] = copy_file(s->dir, STORE_CERT, "ca.pem");
	if (ret[CA_PART_CERT] < 0)
		return live_errno(e, errno, "%s/" STORE_CERT, s->path);
	ret[CA_PART_KEY] = copy_file(s->dir, STORE_KEY, "ca.key");
	if (ret[CA_PART_KEY] < 0)
		return live_errno(e, errno, "%s/" STORE_KEY, s->path);
	return 0;
}

static int refuse_pair(const struct state *s, const struct config_tls *tls,
		       bool key, const struct str *words, struct live_error *e)
{
	if (!tls->ca_cert)
		return live_refuse(e,
				   "the CA in %s/" STORE
				   ": %s; \"msb-netc ca rotate\" makes another "
				   "one",
				   s->path, str_text(words));
	return live_refuse(e, "%s: %s: %s", key ? "/TLS/CAKey" : "/TLS/CACert",
			   key ? tls->ca_key : tls->ca_cert, str_text(words));
}

/* The certificates of a file, and nothing else: who is given them must not have
 * a key that is in it, too. */
static int without_key(int *cert, const char *helpers, struct live_error *e)
{
	struct call c = {helpers, "collect", NULL, -1, *cert, -1, -1};
	STR(words);
	int rc;

	c.out = new_copy("ca.pem");
	if (c.out < 0)
		return live_errno(e, errno, "memory for certificates");
	rc = call(&c, &words, e);
	if (rc > 0)
		rc = system_failed("copy the CA's certificate", &words, e);
	if (rc == 0 && seal(c.out) < 0)
		rc = live_errno(e, errno, "seal the CA's certificate");
	if (rc < 0) {
		close_fd(&c.out);
		return -1;
	}
	close_fd(cert);
	*cert = c.out;
	return 0;
}

int ca_open(const struct state *s, const struct config_tls *tls,
	    const char *helpers, int ret[CA_PARTS], struct live_error *e)
{
	int parts[CA_PARTS] = {-1, -1}, rc;
	struct call c = {helpers, "check", NULL, -1, -1, -1, -1};
	STR(words);

	rc = tls->ca_cert ? open_given(tls, parts, e)
			  : open_generated(s, helpers, parts, e);
	if (rc == 0) {
		c.cert = parts[CA_PART_CERT];
		c.key = parts[CA_PART_KEY];
		rc = call(&c, &words, e);
	}
	if (rc == CA_CERT || rc == CA_KEY)
		rc = refuse_pair(s, tls, rc == CA_KEY, &words, e);
	else if (rc > 0)
		rc = system_failed("check the CA", &words, e);
	if (rc == 0)
		rc = without_key(&parts[CA_PART_CERT], helpers, e);
	if (rc == 0) {
		memcpy(ret, parts, sizeof(parts));
		return 0;
	}
	close_fd(&parts[CA_PART_CERT]);
	close_fd(&parts[CA_PART_KEY]);
	return -1;
}

/* --- roots --- */

/* One of UpstreamCACerts, checked and put behind what is there. */
static int add_root(int to, size_t index, const char *path, const char *helpers,
		    struct live_error *e)
{
	struct call c = {helpers, "roots", NULL, -1, -1, -1, -1};
	int rc, code;
	STR(words);

	c.cert = copy_file(AT_FDCWD, path, "roots.pem");
	if (c.cert < 0)
		return live_refuse(e, "/TLS/UpstreamCACerts/%zu: %s: %s", index,
				   path, strerror(errno));
	rc = call(&c, &words, e);
	if (rc == CA_CERT)
		rc = live_refuse(e, "/TLS/UpstreamCACerts/%zu: %s: %s", index,
				 path, str_text(&words));
	else if (rc > 0)
		rc = system_failed("check UpstreamCACerts", &words, e);
	/* A last line may lack its end. */
	if (rc == 0 &&
	    (write(to, "\n", 1) != 1 || lseek(c.cert, 0, SEEK_SET) < 0 ||
	     copy_to(to, c.cert, FILE_MAX) < 0)) {
		code = errno;
		rc = live_errno(e, code, "copy %s", path);
	}
	close_fd(&c.cert);
	return rc;
}

static int add_bundle(int to, const struct config_tls *tls,
		      struct live_error *e)
{
	int from = open_file(AT_FDCWD, MSB_CA_BUNDLE);
	int rc = 0;

	if (from < 0 &&
	    (errno != ENOENT || (!tls->n_upstream_ca_certs &&
				 tls->verify_upstream != CONFIG_FALSE)))
		return live_errno(
			e, errno,
			"the CAs that this host trusts, " MSB_CA_BUNDLE);
	if (from >= 0 && copy_to(to, from, BUNDLE_MAX) < 0)
		rc = live_errno(e, errno, "copy " MSB_CA_BUNDLE);
	close_fd(&from);
	return rc;
}

int ca_roots(const struct config_tls *tls, const char *helpers,
	     struct live_error *e)
{
	int to = new_copy("roots.pem"), rc;

	if (to < 0)
		return live_errno(e, errno, "memory for roots");
	rc = add_bundle(to, tls, e);
	for (size_t i = 0; rc == 0 && i < tls->n_upstream_ca_certs; i++)
		rc = add_root(to, i, tls->upstream_ca_certs[i], helpers, e);
	if (rc == 0 && seal(to) < 0)
		rc = live_errno(e, errno, "seal the roots");
	if (rc == 0)
		return to;
	close_fd(&to);
	return -1;
}

/* --- CAs, for guests --- */

/* The three numbers that msb-ca says, and hashes. */
static bool read_counts(struct arena *a, const char *words, struct ca_text *ret)
{
	unsigned int *const counts[] = {&ret->cas, &ret->others,
					&ret->unreadable};
	char *end;

	if (words[strspn(words, "0123456789abcdef- ")])
		return false;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		*counts[i] = (unsigned int)strtoul(words, &end, 10);
		if (end == words || (*end && *end != ' '))
			return false;
		words = end + strspn(end, " ");
	}
	ret->hashes = arena_strdup(a, words);
	return true;
}

static int read_text(struct arena *a, int fd, struct ca_text *ret)
{
	struct stat st;
	char *text;
	size_t len = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_size > (off_t)BUNDLE_MAX) {
		errno = EFBIG;
		return -1;
	}
	text = arena_alloc(a, (size_t)st.st_size + 1, 1);
	while ((n = pread(fd, text + len, (size_t)st.st_size - len,
			  (off_t)len)) > 0)
		len += (size_t)n;
	ret->text = text;
	ret->len = len;
	return n < 0 ? -1 : 0;
}

int ca_collect(struct arena *a, int fd, const char *helpers,
	       struct ca_text *ret, struct live_error *e)
{
	struct call c = {helpers, "collect", NULL, -1, fd, -1, -1};
	struct ca_text found = {0};
	STR(words);
	int rc;

	c.out = new_copy("cas.pem");
	if (c.out < 0)
		return live_errno(e, errno, "memory for certificates");
	rc = call(&c, &words, e);
	if (rc == 0 && !read_counts(a, str_text(&words), &found))
		rc = CA_SYSTEM;
	if (rc > 0)
		rc = system_failed("collect CAs", &words, e);
	if (rc == 0 && read_text(a, c.out, &found) < 0)
		rc = live_errno(e, errno, "read certificates");
	close_fd(&c.out);
	if (rc == 0)
		*ret = found;
	return rc;
}

/* --- the generated CA, for people --- */

/* Run msb-ca on the certificate of the state directory. */
static int show(const struct state *s, const char *helpers, const char *what,
		const char *option, struct live_error *e)
{
	struct call c = {helpers, what, option, -1, -1, -1, STDOUT_FILENO};
	char words_of[512];
	STR(words);
	int rc;

	c.cert = s->dir < 0 ? -1 : copy_file(s->dir, STORE_CERT, "ca.pem");
	if (c.cert < 0 && (s->dir < 0 || errno == ENOENT))
		return live_refuse(e,
				   "there is no CA in %s yet: \"up\" makes one "
				   "when a document needs it, and \"msb-netc "
				   "ca export\" does",
				   s->path);
	snprintf(words_of, sizeof(words_of), "%s/" STORE_CERT, s->path);
	if (c.cert < 0)
		return live_errno(e, errno, "%s", words_of);
	rc = call(&c, &words, e);
	close_fd(&c.cert);
	return rc <= 0 ? rc : system_failed(words_of, &words, e);
}

static int rotate(const struct state *s, const char *helpers,
		  struct live_error *e)
{
	const struct call c = {helpers, "rotate", NULL, s->dir, -1, -1, -1};
	char what[512];
	STR(words);
	int rc;

	rc = call(&c, &words, e);
	snprintf(what, sizeof(what), "make another CA in %s", s->path);
	return rc <= 0 ? rc : system_failed(what, &words, e);
}

int ca_act(const struct state *s, enum ca_action action, const char *helpers,
	   struct live_error *e)
{
	switch (action) {
	case CA_PRINT:
		return show(s, helpers, "print", NULL, e);
	case CA_PRINT_JSON:
		return show(s, helpers, "print", "--json", e);
	case CA_EXPORT:
	case CA_EXPORT_DER:
		if (ensure(s, helpers, e) < 0)
			return -1;
		return show(s, helpers, "export",
			    action == CA_EXPORT_DER ? "--der" : NULL, e);
	case CA_ROTATE:
	case CA_ROTATE_JSON:
		if (rotate(s, helpers, e) < 0)
			return -1;
		return show(s, helpers, "print",
			    action == CA_ROTATE_JSON ? "--json" : NULL, e);
	}
	return -1;
}
