/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.c - The state directory: what is running, and what it was made of. */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "state_dir.h"
#include "str.h"

/*
 * DIR/sandboxes/NAME/	record, owner, leases, config.json, the artefacts, and
 *			exit.json, why it was terminated
 * DIR/leases/		one symbolic link for each thing leased, to its NAME
 * DIR/unsettled/NAME	its sandbox may be left over: an index, so that nobody
 *			has to read every record
 * DIR/aside/NAME/	a sandbox's directory on its way in, or out
 * DIR/shared/		files that are named by what is in them; sandboxes have
 *			links to them
 *
 * A sandbox's directory is filled aside and renamed, and renamed before it is
 * emptied: so what has a sandbox's name always has a record. Replacing what is
 * in it is an exchange of two directories. What is aside while nobody has the
 * lock was left by a process that was killed.
 */

#define RECORD "record"
#define OWNER  "owner"

/* A record is a few short lines. */
#define RECORD_MAX 4096

/* Whoever can write to it says what root puts in force, and which CA signs. */
static int check_owner(int dir, const char *path, struct live_error *e)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return live_errno(e, errno, "state directory %s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return live_refuse(e,
				   "state directory %s belongs to user %u: it "
				   "has to be root's",
				   path, st.st_uid);
	if (st.st_mode & S_IWOTH)
		return live_refuse(e,
				   "state directory %s can be written by "
				   "everybody: it has to be root's alone",
				   path);
	return 0;
}

int state_open(struct state *s, const char *path, bool create,
	       struct live_error *e)
{
	struct state new = {path, -1, -1, -1, -1, -1, -1, -1};
	const struct {
		const char *name;
		int *fd;
	} parts[] = {
		{"sandboxes", &new.sandboxes}, {"leases", &new.leases},
		{"aside", &new.aside},	       {"unsettled", &new.unsettled},
		{"shared", &new.shared},
	};
	size_t i;

	new.dir = state_dir_open(AT_FDCWD, path, create, 0700);
	if (new.dir < 0 && errno == ENOENT && !create) {
		*s = new;
		return 0;
	}
	if (new.dir < 0)
		return live_errno(e, errno, "state directory %s", path);
	if (check_owner(new.dir, path, e) < 0) {
		close(new.dir);
		return -1;
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		*parts[i].fd =
			state_dir_open(new.dir, parts[i].name, create, 0700);
		if (*parts[i].fd >= 0 || (errno == ENOENT && !create))
			continue;
		live_errno(e, errno, "state directory %s/%s", path,
			   parts[i].name);
		state_close(&new);
		return -1;
	}
	*s = new;
	return 0;
}

void state_close(struct state *s)
{
	state_dir_close(&s->shared);
	state_dir_close(&s->unsettled);
	state_dir_close(&s->aside);
	state_dir_close(&s->leases);
	state_dir_close(&s->sandboxes);
	state_dir_close(&s->dir);
	state_dir_close(&s->lock);
}

int state_lock(struct state *s, struct live_error *e)
{
	int fd = open(STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);

	if (fd < 0)
		return live_errno(e, errno, "lock file " STATE_LOCK);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		live_errno(e, errno, "lock " STATE_LOCK);
		close(fd);
		return -1;
	}
	s->lock = fd;
	return 0;
}

int state_quiet(bool *ret_busy)
{
	/* A shared one: two who look at once do not see each other. */
	int fd = open(STATE_LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*ret_busy = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 &&
		    errno == EWOULDBLOCK;
	return fd;
}

void state_unlock(struct state *s)
{
	state_dir_close(&s->lock);
}

static int owner_lock(int dir, int flags, int operation)
{
	int fd = openat(dir, OWNER, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code;

	if (fd < 0 || flock(fd, operation) == 0)
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int make_parent(int dir, const char *path)
{
	const char *slash = strchr(path, '/');
	char parent[64];

	if (!slash)
		return 0;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	if (mkdirat(dir, parent, 0755) < 0)
		return errno == EEXIST ? 0 : -1;
	return fchmodat(dir, parent, 0755, 0);
}

static int write_record(int dir, const struct state_record *record)
{
	STR(text);

	record_print(&text, record);
	return state_dir_write(dir, RECORD, text.data, text.len);
}

int state_share(struct state *s, const struct state_file *file)
{
	int fd = openat(s->shared, file->path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT ||
	    state_dir_write(s->shared, file->path, file->text, file->len) < 0)
		return fd;
	return openat(s->shared, file->path, O_RDONLY | O_CLOEXEC);
}

static int add_file(struct state *s, int dir, const struct state_file *file)
{
	int fd;

	if (!file->shared)
		return make_parent(dir, file->path) < 0
			       ? -1
			       : state_dir_write(dir, file->path, file->text,
						 file->len);
	fd = state_share(s, file);
	if (fd < 0)
		return -1;
	close(fd);
	return linkat(s->shared, file->path, dir, file->path, 0);
}

/* Fills aside/NAME; the record is the last. Returns its descriptor; of what
 * could not be written @what is the name. */
static int fill_aside(struct state *s, const struct state_record *record,
		      const struct state_file *files, size_t n,
		      const char **what)
{
	int dir;
	size_t i;

	state_dir_remove(s->aside, record->name, 2);
	*what = "directory";
	dir = state_dir_open(s->aside, record->name, true, 0700);
	if (dir < 0)
		return -1;
	for (i = 0; i < n; i++) {
		*what = files[i].path;
		if (add_file(s, dir, &files[i]) < 0)
			goto fail;
	}
	*what = RECORD;
	if (write_record(dir, record) == 0 && fsync(dir) == 0)
		return dir;
fail:
	state_dir_close(&dir);
	return -1;
}

static int refused(const struct state *s, const char *name, const char *what,
		   struct live_error *e)
{
	return live_errno(e, errno, "write %s/sandboxes/%s: %s", s->path, name,
			  what);
}

static int unsettle(const struct state *s, const char *name)
{
	int fd = openat(s->unsettled, name,
			O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

int state_add(struct state *s, const struct state_record *record,
	      const struct state_file *files, size_t n, struct live_error *e)
{
	const char *what;
	int dir, owner = -1;

	dir = fill_aside(s, record, files, n, &what);
	if (dir < 0)
		goto fail;
	what = OWNER;
	owner = owner_lock(dir, O_RDWR | O_CREAT, LOCK_EX | LOCK_NB);
	state_dir_close(&dir);
	if (owner < 0)
		goto fail;
	what = "index";
	if (unsettle(s, record->name) == 0 &&
	    renameat(s->aside, record->name, s->sandboxes, record->name) == 0)
		return owner;
fail:
	refused(s, record->name, what, e);
	state_dir_close(&owner);
	unlinkat(s->unsettled, record->name, 0);
	state_dir_remove(s->aside, record->name, 2);
	return -1;
}

int state_directory(const struct state *s, const char *name)
{
	if (s->sandboxes < 0 || !plan_name_valid(name)) {
		errno = ENOENT;
		return -1;
	}
	return openat(s->sandboxes, name,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int state_update(struct state *s, const struct state_record *record,
		 struct live_error *e)
{
	const bool settled = record->ready && !record->run;
	int dir = state_directory(s, record->name);
	int ret = dir < 0 ? -1 : 0;

	if (ret == 0 && !settled)
		ret = unsettle(s, record->name);
	if (ret == 0)
		ret = write_record(dir, record);
	if (ret < 0)
		refused(s, record->name, RECORD, e);
	else if (settled)
		unlinkat(s->unsettled, record->name, 0);
	state_dir_close(&dir);
	return ret;
}

int state_write(struct state *s, const char *name,
		const struct state_file *file, struct live_error *e)
{
	int dir = state_directory(s, name);
	int ret = dir < 0 ? -1
			  : state_dir_write(dir, file->path, file->text,
					    file->len);

	if (ret < 0)
		refused(s, name, file->path, e);
	state_dir_close(&dir);
	return ret;
}

void state_drop(struct state *s, const char *name, const char *path)
{
	int dir = state_directory(s, name);

	if (dir >= 0)
		unlinkat(dir, path, 0);
	state_dir_close(&dir);
}

int state_stage(struct state *s, const struct state_record *record,
		const struct state_file *files, size_t n, struct live_error *e)
{
	static const char *const kept[] = {
		OWNER,
		STATE_SOCKET,
		STATE_PROCESS,
		STATE_DNS_SOCKET,
		STATE_DNS_PROCESS,
		STATE_TLS_SOCKET,
		STATE_TLS_PROCESS,
		/* A supervisor has it open. */
		STATE_EXIT,
	};
	const char *what = "directory";
	int from = state_directory(s, record->name), to = -1;
	size_t i;

	if (from >= 0)
		to = fill_aside(s, record, files, n, &what);
	for (i = 0; to >= 0 && i < sizeof(kept) / sizeof(kept[0]); i++) {
		what = kept[i];
		if (linkat(from, what, to, what, 0) < 0 && errno != ENOENT)
			state_dir_close(&to);
	}
	if (to < 0) {
		refused(s, record->name, what, e);
		state_unstage(s, record->name);
	}
	state_dir_close(&from);
	if (to < 0)
		return -1;
	state_dir_close(&to);
	return 0;
}

int state_exchange(struct state *s, const char *name, struct live_error *e)
{
	if (renameat2(s->aside, name, s->sandboxes, name, RENAME_EXCHANGE) < 0)
		return refused(s, name, "directory", e);
	return 0;
}

void state_unstage(struct state *s, const char *name)
{
	state_dir_remove(s->aside, name, 2);
}

bool state_has(const struct state *s, const char *name)
{
	int dir = state_directory(s, name);

	if (dir >= 0)
		close(dir);
	return dir >= 0;
}

bool state_owned(const struct state *s, const char *name)
{
	int dir = state_directory(s, name);
	int fd = -1;
	bool owned = false;

	if (dir < 0)
		return false;
	/* A shared try: two who look at once do not see each other. */
	fd = owner_lock(dir, O_RDONLY, LOCK_SH | LOCK_NB);
	owned = fd < 0 && errno == EWOULDBLOCK;
	if (fd >= 0)
		close(fd);
	close(dir);
	return owned;
}

const char *state_read(const struct state *s, struct arena *a, const char *name,
		       const char *path, size_t *ret_len, struct live_error *e)
{
	const char *text = NULL;

	errno = ENOENT;
	if (s->sandboxes >= 0 && plan_name_valid(name))
		text = state_dir_read(s->sandboxes, a, name, path, ret_len);
	if (!text)
		live_errno(e, errno, "read %s/sandboxes/%s/%s", s->path, name,
			   path);
	return text;
}

int state_get(const struct state *s, const char *name, struct state_record *ret,
	      struct live_error *e)
{
	const char *text;
	size_t len;
	ARENA(a);

	text = state_read(s, &a, name, RECORD, &len, e);
	if (!text)
		return -1;
	if (len > RECORD_MAX || !record_parse(text, name, ret))
		return live_system(e, "%s/sandboxes/%s/" RECORD " is damaged",
				   s->path, name);
	return 0;
}

void state_unshare(struct state *s)
{
	DIR *dir = s->shared < 0 ? NULL : state_dir_list(s->shared);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (fstatat(s->shared, entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_nlink == 1)
			unlinkat(s->shared, entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int state_remove(struct state *s, const char *name, struct live_error *e)
{
	state_dir_remove(s->aside, name, 2);
	if (renameat(s->sandboxes, name, s->aside, name) < 0 && errno != ENOENT)
		return live_errno(e, errno, "remove %s/sandboxes/%s", s->path,
				  name);
	if (state_dir_remove(s->aside, name, 2) < 0)
		return live_errno(e, errno, "remove %s/aside/%s", s->path,
				  name);
	unlinkat(s->unsettled, name, 0);
	return 0;
}
