/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rotate.c - The values of secrets, read again while the sandbox runs.
 *
 * Somebody has changed a file that a value is in, and said so by SIGHUP. The
 * configuration in force is prepared once more, with a new file of values, as
 * if msb-netc had done it: new requests have the new values from COMMIT on, and
 * no flow is touched. Values that came from msb-netc's environment stay. If a
 * file cannot be read, or has what can be no value, all stay as they were: some
 * belong together.
 *
 * msb-netc is not made to wait: a configuration that it prepares comes first,
 * and this is begun again behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"
#include "tls_conf.h"
#include "tls_fd.h"
#include "value_file.h"

void rotate_init(struct supervisor *s)
{
	s->rotation.owner.watch.fd = -1;
}

static void say_failed(struct supervisor *s, const char *secret,
		       const char *reason)
{
	const struct log_field fields[] = {
		{secret ? "secret" : "reason", secret ? secret : reason, 0},
		{secret ? "reason" : NULL, reason, 0},
		{0},
	};

	log_event(&s->log, "rotation-failed", fields);
}

static void say_rotated(struct supervisor *s)
{
	const struct log_field fields[] = {
		{"changed", NULL, s->rotation.changed}, {0}};

	log_event(&s->log, "rotated", fields);
}

/* --- reading --- */

static bool is_equal(const struct value *a, const struct value *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Those that are in files, in the place of @v's. False: it was said why not. */
static bool read_files(struct supervisor *s, uint8_t *room, struct value *v)
{
	const struct tls_conf *c = s->now.tls;
	bool good = true;

	s->rotation.changed = 0;
	for (size_t i = 0; i < c->secrets.n; i++) {
		struct value new = {.text = room + i * VALUE_FILE_ROOM};
		const char *why;

		if (!c->sources[i].file)
			continue;
		why = value_file_read(c->sources[i].file,
				      room + i * VALUE_FILE_ROOM, &new.len);
		if (why) {
			say_failed(s, c->secrets.all[i].name, why);
			good = false;
			continue;
		}
		s->rotation.changed += !is_equal(&new, &v[i]);
		v[i] = new;
	}
	return good;
}

/* A new file of values, or -1: there is nothing to be done. */
static int read_again(struct supervisor *s)
{
	const size_t n = s->now.tls->secrets.n, len = n * VALUE_FILE_ROOM;
	const char *why;
	struct values now;
	uint8_t *room;
	int fd = -1;

	why = values_read(s->now.fd[TLS_SECRETS], n, &now);
	room = why ? NULL : values_room(len);
	if (!room) {
		say_failed(s, NULL, why ? why : strerror(errno));
		if (!why)
			values_drop(&now);
		return -1;
	}
	if (read_files(s, room, now.v)) {
		if (!s->rotation.changed)
			say_rotated(s);
		else
			fd = values_write(now.v, n);
		if (s->rotation.changed && fd < 0)
			say_failed(s, NULL, strerror(errno));
	}
	values_room_free(room, len);
	values_drop(&now);
	return fd;
}

/* --- preparing --- */

/* A descriptor of its own: what has the same number would not be sent. */
static bool copy(int from, int *to)
{
	*to = from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, 0);
	return from < 0 || *to >= 0;
}

static bool make_next(struct supervisor *s, int values,
		      char reason[CONF_REASON_MAX])
{
	const struct helper *h = s->helper;
	struct supervised *next = &s->next;
	bool done;

	if (!h->read(h, next, s->now.file, &s->now, reason)) {
		values_wipe(values);
		close(values);
		return false;
	}
	next->there = true;
	next->fd[TLS_SECRETS] = values;
	done = copy(s->now.file, &next->file);
	for (unsigned int i = h->n_kept; done && i < h->n_descriptors; i++)
		if (i != TLS_SECRETS)
			done = copy(s->now.fd[i], &next->fd[i]);
	if (done)
		done = values_pin(values, &next->pin) == 0;
	if (!done)
		snprintf(reason, CONF_REASON_MAX, "%s", strerror(errno));
	return done;
}

static void put_in_force(struct supervisor *s)
{
	supervisor_adopt(s);
	say_rotated(s);
	(void)worker_tell(s, CHANNEL_COMMIT, EXPECT_COMMIT, NULL);
}

static void finish(struct supervisor *s, const char *refused)
{
	if (!refused) {
		put_in_force(s);
		return;
	}
	say_failed(s, NULL, refused);
	supervisor_drop_next(s);
}

static void begin(struct supervisor *s)
{
	char reason[CONF_REASON_MAX];
	int values;

	if (!s->now.there || !s->now.tls || !s->now.tls->secrets.n)
		return;
	values = read_again(s);
	if (values < 0)
		return;
	if (!make_next(s, values, reason)) {
		finish(s, reason);
		return;
	}
	s->owner = &s->rotation.owner;
	s->ready = true;
	/* Without a worker the next one begins with it. */
	if (!worker_prepare(s, EXPECT_ROTATE, &s->rotation.owner))
		finish(s, worker_is_there(s) ? "the helper does not answer"
					     : NULL);
}

void rotate_settle(struct supervisor *s)
{
	if (!s->rotation.wanted || s->owner || s->stopping)
		return;
	s->rotation.wanted = false;
	begin(s);
}

void rotate(struct supervisor *s)
{
	s->rotation.wanted = true;
	rotate_settle(s);
}

void rotate_answered(struct supervisor *s, const char *refused)
{
	if (s->owner == &s->rotation.owner)
		finish(s, refused);
}
