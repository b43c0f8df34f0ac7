/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_guest.c - What the command of "run" finds of its sandbox. */
#include "run_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "guest.h"
#include "guest_trust.h"
#include "run_hashed.h"

#define TRUST "trust.pem"

static int failed(const char *what, const char *path)
{
	cli_error("%s %s: %s", what, path, strerror(errno));
	return -1;
}

static int bind_over(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return failed("mount over", to);
	return 0;
}

/* --- files --- */

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int new_file(int dir, const char *name)
{
	const int fd = openat(dir, name,
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	/* Whoever the command becomes may read it. */
	if (fd >= 0 && fchmod(fd, 0644) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int put_file(int dir, const char *name, const char *text, size_t len)
{
	const int fd = new_file(dir, name);
	int rc = fd < 0 ? -1 : write_all(fd, text, len);

	if (rc < 0)
		rc = failed("write " RUN_GUEST_DIR, name);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* What the command would trust without us: the file that its system has. */
static int append_system(int to)
{
	const char *const *path = guest_certs_bundles;
	char buf[16384];
	int from = -1, rc = 0;
	ssize_t n;

	while (*path && from < 0)
		from = open(*path++, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return 0;
	while (rc == 0 && (n = read(from, buf, sizeof(buf))) != 0)
		rc = n < 0 ? -1 : write_all(to, buf, (size_t)n);
	close(from);
	return rc;
}

/* Ours, and what the system has. The host's CAs are that already. */
static int put_trust(int dir, const struct guest_certs *c)
{
	const int fd = new_file(dir, TRUST);
	int rc = fd < 0 ? -1 : 0;

	if (rc == 0)
		rc = write_all(fd, c->ca.text, c->ca.len);
	if (rc == 0 && c->host.text)
		rc = write_all(fd, c->host.text, c->host.len);
	else if (rc == 0)
		rc = append_system(fd);
	if (rc < 0)
		rc = failed("write " RUN_GUEST_DIR, TRUST);
	if (fd >= 0)
		close(fd);
	return rc;
}

static bool trusts(const struct guest_certs *c)
{
	return c->ca.text || c->host.text;
}

static int put_env(int dir, const struct sandbox *sb)
{
	const struct guest_variable *v;
	STR(s);

	str_puts(&s, "# Written by msb-netc.\n");
	for (v = guest_variables; trusts(&sb->certs) && v->name; v++)
		str_printf(&s, "%s=" RUN_GUEST_DIR "/" TRUST "\n", v->name);
	guest_secrets(&s, &sb->compiled.config);
	return put_file(dir, "env", str_text(&s), s.len);
}

static int put_files(int dir, const struct sandbox *sb)
{
	static const char *const names[] = {"hosts", "network", "resolv.conf"};
	const struct guest_certs *c = &sb->certs;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[32];
		const struct artefact *f;

		snprintf(path, sizeof(path), "guest/%s", names[i]);
		f = compile_artefact(&sb->compiled, path);
		if (put_file(dir, names[i], f->text, f->len) < 0)
			return -1;
	}
	if ((c->ca.text &&
	     put_file(dir, "ca.pem", c->ca.text, c->ca.len) < 0) ||
	    (c->host.text &&
	     put_file(dir, "host-cas.pem", c->host.text, c->host.len) < 0) ||
	    (trusts(c) && put_trust(dir, c) < 0))
		return -1;
	return put_env(dir, sb);
}

/* A file system that only the command sees, on a directory that stays empty for
 * everybody else. */
static int make_dir(const struct sandbox *sb)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int dir, rc;

	if ((mkdir(RUN_GUEST_DIR, 0755) < 0 && errno != EEXIST) ||
	    mount("msb-netc", RUN_GUEST_DIR, "tmpfs", flags,
		  "mode=0755,size=64m") < 0)
		return failed("mount", RUN_GUEST_DIR);
	dir = open(RUN_GUEST_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed("open", RUN_GUEST_DIR);
	rc = put_files(dir, sb);
	close(dir);
	if (rc == 0 && sb->certs.ca.text)
		rc = run_hashed_cover(RUN_GUEST_DIR, &sb->certs.ca);
	if (rc == 0 && mount(NULL, RUN_GUEST_DIR, NULL,
			     MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
		rc = failed("mount", RUN_GUEST_DIR);
	return rc;
}

/* --- over the system's own --- */

static int cover_names(void)
{
	static const char *const files[][2] = {
		{RUN_GUEST_DIR "/resolv.conf", "/etc/resolv.conf"},
		{RUN_GUEST_DIR "/hosts", "/etc/hosts"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (access(files[i][1], F_OK) < 0 && errno == ENOENT)
			cli_error("warning: there is no %s, so the command "
				  "does not find the sandbox's",
				  files[i][1]);
		else if (bind_over(files[i][0], files[i][1]) < 0)
			return -1;
	}
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Several names often lead to one file. */
static int cover_bundles(void)
{
	static const char trust[] = RUN_GUEST_DIR "/" TRUST;

	for (const char *const *path = guest_certs_bundles; *path; path++)
		if (access(*path, F_OK) == 0 && !same_file(*path, trust) &&
		    bind_over(trust, *path) < 0)
			return -1;
	return 0;
}

/* Where the command meets our CA, another choice of trust would only break what
 * it does. Without, the caller's own choice stands; the first variable is one
 * for programs of all kinds, which any other would hide. */
static int set_trust(const struct guest_certs *c)
{
	const struct guest_variable *v;
	const bool ours = c->ca.text != NULL;

	if (!ours && getenv(guest_variables[0].name))
		return 0;
	for (v = guest_variables; v->name; v++)
		if (setenv(v->name, RUN_GUEST_DIR "/" TRUST, ours) < 0)
			return failed("set", v->name);
	return 0;
}

/* Whatever the caller has under these names, a value among it. */
static int set_placeholders(const struct config *c)
{
	for (size_t i = 0; i < c->n_secrets; i++)
		if (setenv(c->secrets[i].name, c->secrets[i].placeholder, 1) <
		    0)
			return failed("set", c->secrets[i].name);
	return 0;
}

int run_guest_enter(const struct sandbox *sb)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("", "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return failed("make", "a mount namespace");
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		return failed("mount", "/sys");
	if (make_dir(sb) < 0 || cover_names() < 0)
		return -1;
	if (trusts(&sb->certs) &&
	    (cover_bundles() < 0 || set_trust(&sb->certs) < 0))
		return -1;
	return set_placeholders(&sb->compiled.config);
}
