/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_hashed.c - Directories of certificates, with some more in them. */
#include "run_hashed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "guest_certs.h"

/*
 * A program of OpenSSL without a file of certificates looks for a CA in such a
 * directory, by a hash of its name. What covers the directory is a new one with
 * everything of the old: links as they are, since the new one is seen in the
 * same place; for anything else, a link to where the old one can still be seen.
 */

#define PATH_ROOM 512
#define HASH_LEN  8
/* Names in one directory, and CAs of one hash. */
#define ENTRIES_MAX 8192
#define SAME_MAX    16

/** struct cover - One directory being covered */
struct cover {
	const char *path;
	char old[PATH_ROOM];
	char new[PATH_ROOM];
	int fd;
};

static int failed(const char *what, const char *path)
{
	cli_error("%s %s: %s", what, path, strerror(errno));
	return -1;
}

static int put_entry(const struct cover *c, int from, const char *name)
{
	char to[2 * PATH_ROOM];
	const ssize_t n = readlinkat(from, name, to, sizeof(to) - 1);

	if (n >= 0)
		to[n] = '\0';
	else if (errno != EINVAL || snprintf(to, sizeof(to), "%s/%s", c->old,
					     name) >= (int)sizeof(to))
		return -1;
	return symlinkat(to, c->fd, name);
}

static int put_entries(const struct cover *c)
{
	DIR *dir = opendir(c->old);
	struct dirent *entry;
	size_t n = 0;
	int rc = dir ? 0 : -1;

	while (rc == 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		errno = EFBIG;
		if (++n > ENTRIES_MAX ||
		    put_entry(c, dirfd(dir), entry->d_name) < 0)
			rc = -1;
	}
	if (rc < 0)
		failed("copy", c->path);
	if (dir)
		closedir(dir);
	return rc;
}

/* Under the first name of its hash that is free. */
static int put_ca(const struct cover *c, const char *hash, const char *text,
		  size_t len)
{
	char name[HASH_LEN + 4];
	int fd = -1;
	ssize_t n;

	for (unsigned int i = 0; i < SAME_MAX && fd < 0; i++) {
		snprintf(name, sizeof(name), "%.*s.%u", HASH_LEN, hash, i);
		fd = openat(c->fd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return failed("write", c->new);
	n = fchmod(fd, 0644) == 0 ? write(fd, text, len) : -1;
	if (n >= 0 && (size_t)n != len) {
		errno = ENOSPC;
		n = -1;
	}
	if (n < 0)
		failed("write", c->new);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* The text has one block for each hash, and nothing else. */
static int put_cas(const struct cover *c, const struct ca_text *ca)
{
	static const char end[] = "-----END CERTIFICATE-----\n";
	const char *hash = ca->hashes, *text = ca->text;

	while (*hash) {
		const size_t word = strcspn(hash, " ");
		const char *stop = strstr(text, end);

		if (!stop)
			break;
		stop += strlen(end);
		if (word == HASH_LEN &&
		    put_ca(c, hash, text, (size_t)(stop - text)) < 0)
			return -1;
		text = stop;
		hash += word;
		hash += *hash == ' ';
	}
	return 0;
}

static int bind_read_only(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return failed("mount over", to);
	return 0;
}

static int cover_dir(const char *in, unsigned int n, const char *path,
		     const struct ca_text *ca)
{
	struct cover c = {.path = path};
	int rc;

	snprintf(c.old, sizeof(c.old), "%s/system-certs-%u", in, n);
	snprintf(c.new, sizeof(c.new), "%s/certs-%u", in, n);
	if (mkdir(c.old, 0755) < 0 || mkdir(c.new, 0755) < 0 ||
	    chmod(c.old, 0755) < 0 || chmod(c.new, 0755) < 0)
		return failed("make", c.new);
	if (bind_read_only(path, c.old) < 0)
		return -1;
	c.fd = open(c.new, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.fd < 0)
		return failed("open", c.new);
	rc = put_entries(&c);
	if (rc == 0)
		rc = put_cas(&c, ca);
	close(c.fd);
	return rc < 0 ? -1 : bind_read_only(c.new, path);
}

/* Two names of one directory are covered by covering it once. */
static bool seen(struct stat *v, size_t n, const struct stat *st)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].st_dev == st->st_dev && v[i].st_ino == st->st_ino)
			return true;
	return false;
}

int run_hashed_cover(const char *in, const struct ca_text *ca)
{
	struct stat covered[8];
	unsigned int n = 0;
	const char *const *path;

	for (path = guest_certs_dirs; *path && n < 8; path++) {
		struct stat st;

		if (stat(*path, &st) < 0 || !S_ISDIR(st.st_mode) ||
		    seen(covered, n, &st))
			continue;
		if (cover_dir(in, n, *path, ca) < 0 ||
		    stat(*path, &covered[n]) < 0)
			return -1;
		n++;
	}
	return 0;
}
