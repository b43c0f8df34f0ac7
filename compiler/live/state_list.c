/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_list.c - Which sandboxes a state directory has, and has left over. */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state_dir.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(const struct state *s, int fd, const char *what,
		      struct arena *a, const char ***ret, size_t *ret_n,
		      struct live_error *e)
{
	DIR *dir = fd < 0 ? NULL : state_dir_list(fd);
	const char **v = NULL;
	struct dirent *entry;
	size_t n = 0, cap = 0;

	*ret = NULL;
	*ret_n = 0;
	if (!dir && fd >= 0)
		return live_errno(e, errno, "list %s/%s", s->path, what);
	while (dir && (entry = readdir(dir))) {
		if (!plan_name_valid(entry->d_name))
			continue;
		v = arena_grow(a, v, n, &cap, sizeof(*v));
		v[n++] = arena_strdup(a, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	*ret = v;
	*ret_n = n;
	return 0;
}

int state_list(const struct state *s, struct arena *a, const char ***ret,
	       size_t *ret_n, struct live_error *e)
{
	return list_names(s, s->sandboxes, "sandboxes", a, ret, ret_n, e);
}

int state_list_unsettled(const struct state *s, struct arena *a,
			 const char ***ret, size_t *ret_n, struct live_error *e)
{
	return list_names(s, s->unsettled, "unsettled", a, ret, ret_n, e);
}

bool state_has_other(const struct state *s, const char *name)
{
	DIR *dir = s->sandboxes < 0 ? NULL : state_dir_list(s->sandboxes);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = plan_name_valid(entry->d_name) &&
			strcmp(entry->d_name, name) != 0;
	if (dir)
		closedir(dir);
	return found;
}

void state_sweep(struct state *s,
		 void (*gone)(struct state *s, const char *name,
			      const char *leases))
{
	struct live_error ignored;
	const char **names;
	size_t i, n, len;
	ARENA(a);

	if (list_names(s, s->aside, "aside", &a, &names, &n, &ignored) < 0)
		return;
	for (i = 0; i < n; i++) {
		const char *leases = state_dir_read(s->aside, &a, names[i],
						    STATE_LEASES, &len);

		if (leases && !state_has(s, names[i]))
			gone(s, names[i], leases);
		state_dir_remove(s->aside, names[i], 2);
	}
}
