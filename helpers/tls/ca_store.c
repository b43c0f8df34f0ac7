/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca_store.c - The directory that a generated CA is kept in. */
#include "ca_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "pem.h"

#define CURRENT "ca"
#define ASIDE	"ca.new"
#define OLD	"ca.old"
#define CERT	"ca.pem"
#define KEY	"ca.key"

static bool remove_one(int dir, const char *name)
{
	const int fd = openat(dir, name,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT;
	unlinkat(fd, CERT, 0);
	unlinkat(fd, KEY, 0);
	close(fd);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static bool write_file(int dir, const char *name, const char *text, size_t len)
{
	const int fd = openat(
		dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, text, len);
	/* Some file systems tell only now that they are full. */
	return close(fd) == 0 && ok;
}

static bool write_cert(int dir, const struct authority *a)
{
	char text[PEM_ROOM(AUTHORITY_DER_MAX)];

	return write_file(dir, CERT, text,
			  pem_write(text, PEM_CERTIFICATE, a->der, a->der_len));
}

/* The key's text is only ever in memory that is wiped with the CA. */
static bool write_key(int dir, struct authority *a)
{
	const size_t len = key_export(&a->key, a->key.der);

	_Static_assert(sizeof(a->key.text) >= PEM_ROOM(KEY_DER_MAX),
		       "there is room for the text");
	if (!len)
		errno = 0;
	return len && write_file(dir, KEY, a->key.text,
				 pem_write(a->key.text, "PRIVATE KEY",
					   a->key.der, len));
}

static const char *fill(int dir, struct authority *a, int64_t now)
{
	if (!authority_make(a, now)) {
		errno = 0;
		return "make a CA";
	}
	if (!write_key(dir, a))
		return "write " CURRENT "/" KEY;
	if (!write_cert(dir, a))
		return "write " CURRENT "/" CERT;
	if (fsync(dir) < 0)
		return "write " CURRENT;
	return NULL;
}

/* A whole CA, aside. */
static const char *make_aside(int dir, int64_t now)
{
	struct authority *a;
	const char *failed;
	int fd, code;

	if (!remove_one(dir, ASIDE))
		return "remove " ASIDE;
	if (mkdirat(dir, ASIDE, 0700) < 0)
		return "make " ASIDE;
	a = authority_new();
	fd = openat(dir, ASIDE,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	failed = !a || fd < 0 ? "make " ASIDE : fill(fd, a, now);
	code = errno;
	if (fd >= 0)
		close(fd);
	authority_free(a);
	if (failed)
		(void)!remove_one(dir, ASIDE);
	errno = code;
	return failed;
}

static int lock(int dir)
{
	/* A descriptor of its own: the caller's may be locked by others. */
	const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return -1;
	}
	return fd;
}

static void unlock(int fd)
{
	const int code = errno;

	close(fd);
	errno = code;
}

static const char *publish(int dir)
{
	if (renameat2(dir, ASIDE, dir, CURRENT, RENAME_NOREPLACE) < 0)
		return "rename " ASIDE;
	return fsync(dir) < 0 ? "write " CURRENT : NULL;
}

const char *ca_store_ensure(int dir, int64_t now)
{
	const char *failed;
	const int held = lock(dir);

	if (held < 0)
		return "lock the directory";
	if (faccessat(dir, CURRENT, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		unlock(held);
		return NULL;
	}
	failed = errno == ENOENT ? make_aside(dir, now) : "look for " CURRENT;
	if (!failed)
		failed = publish(dir);
	unlock(held);
	return failed;
}

static const char *exchange(int dir)
{
	if (renameat2(dir, ASIDE, dir, CURRENT, RENAME_EXCHANGE) < 0)
		return errno == ENOENT ? publish(dir) : "rename " ASIDE;
	/* The new one is in force; what is aside now is the old one. */
	if (!remove_one(dir, OLD) || renameat(dir, ASIDE, dir, OLD) < 0 ||
	    fsync(dir) < 0)
		return "keep " OLD;
	return NULL;
}

const char *ca_store_rotate(int dir, int64_t now)
{
	const char *failed;
	const int held = lock(dir);

	if (held < 0)
		return "lock the directory";
	failed = make_aside(dir, now);
	if (!failed)
		failed = exchange(dir);
	unlock(held);
	return failed;
}
