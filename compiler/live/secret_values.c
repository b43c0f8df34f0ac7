/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret_values.c - The values of a document's secrets, as they are now. */
#include "secret_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value_file.h"

static int of_environment(const struct config_secret *s, size_t index,
			  struct value *ret, struct live_error *e)
{
	const char *text = getenv(s->value_env), *flaw;

	if (!text)
		return live_refuse(e,
				   "/Secrets/%zu/ValueEnv: there is no "
				   "variable %s in the environment",
				   index, s->value_env);
	*ret = (struct value){(const uint8_t *)text, strlen(text)};
	flaw = value_flaw(ret->text, ret->len);
	return flaw ? live_refuse(e, "/Secrets/%zu/ValueEnv: variable %s: %s",
				  index, s->value_env, flaw)
		    : 0;
}

static int of_file(const struct config_secret *s, size_t index, uint8_t *room,
		   struct value *ret, struct live_error *e)
{
	const char *why = value_file_read(s->value_file, room, &ret->len);

	ret->text = room;
	return why ? live_refuse(e, "/Secrets/%zu/ValueFile: %s: %s", index,
				 s->value_file, why)
		   : 0;
}

/* Each value of a file has its place in @room. */
static int read_all(const struct config *c, uint8_t *room, struct value *v,
		    struct live_error *e)
{
	size_t i;

	for (i = 0; i < c->n_secrets; i++) {
		const struct config_secret *s = &c->secrets[i];

		if (s->value_file ? of_file(s, i, room + i * VALUE_FILE_ROOM,
					    &v[i], e) < 0
				  : of_environment(s, i, &v[i], e) < 0)
			return -1;
	}
	return 0;
}

int secret_values_open(const struct config *c, struct live_error *e)
{
	const size_t len = c->n_secrets * VALUE_FILE_ROOM;
	struct value v[VALUES_MAX];
	uint8_t *room;
	int fd;

	room = values_room(len);
	if (!room)
		return live_errno(e, errno,
				  "lock the values of secrets in memory (see "
				  "RLIMIT_MEMLOCK)");
	if (read_all(c, room, v, e) < 0) {
		values_room_free(room, len);
		return -1;
	}
	fd = values_write(v, c->n_secrets);
	if (fd < 0)
		live_errno(e, errno, "pass the values of secrets on");
	values_room_free(room, len);
	return fd;
}
