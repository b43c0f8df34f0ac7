/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exit_info.c - Whether a sandbox was terminated, when, and why. */
#include "exit_info.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "supervisor.h"

/* Room that is set aside: the longest line of an event log fits. */
#define ROOM 4096

int exit_open(const struct state *s, const char *name)
{
	const int dir = state_directory(s, name);
	int fd = -1, code;

	if (dir < 0)
		return -1;
	fd = openat(dir, STATE_EXIT,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	code = errno;
	/* A file system that cannot is asked for room when it is needed. */
	if (fd >= 0)
		(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ROOM);
	close(dir);
	errno = code;
	return fd;
}

static void take_member(struct arena *a, const struct jval_member *m,
			struct exit_info *to)
{
	const enum jval_type type = jval_type(m->value);
	size_t len;

	if (strcmp(m->key, "time") == 0 &&
	    (type == JVAL_REAL || type == JVAL_INT))
		to->time = jval_number(m->value);
	if (strcmp(m->key, "reason") == 0 && type == JVAL_TEXT)
		to->reason = arena_strdup(a, jval_text(m->value, &len));
}

/* Whatever is in the file, that there is something says that it was. */
static void take_line(struct arena *a, const char *text, size_t len,
		      struct exit_info *to)
{
	struct diags d = {
		.arena = a,
		.file = STATE_EXIT,
		.text = text,
		.len = len,
	};
	struct jval_member m = {0};
	struct jval *v = jval_read(&d);

	while (v && jval_type(v) == JVAL_OBJECT && jval_next(v, &m))
		take_member(a, &m, to);
	jval_free(v);
}

bool exit_read(const struct state *s, struct arena *a, const char *name,
	       struct exit_info *ret)
{
	struct exit_info info = {.reason = "why is not known"};
	char said[CHANNEL_TEXT_MAX];
	struct live_error ignored;
	const char *text;
	size_t len;
	int channel;

	text = state_read(s, a, name, STATE_EXIT, &len, &ignored);
	if (text && len) {
		take_line(a, text, len, &info);
		*ret = info;
		return true;
	}
	channel = supervisor_watch(s, name, said);
	if (channel < 0)
		return false;
	close(channel);
	if (!*said)
		return false;
	info.reason = arena_strdup(a, said);
	*ret = info;
	return true;
}

const char *exit_time(const struct exit_info *info, char room[EXIT_TIME_MAX])
{
	const time_t when = (time_t)info->time;
	struct tm tm;

	room[0] = '\0';
	if (when > 0 && gmtime_r(&when, &tm))
		strftime(room, EXIT_TIME_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return room;
}
