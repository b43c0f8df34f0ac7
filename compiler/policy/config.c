/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.c - One NetworkConfig document, read by its tables. */
#include "config.h"

#include "config_table.h"

bool config_read(struct arena *a, struct diags *d, struct config *ret)
{
	struct field_ctx c = {.a = a, .d = d};
	struct jval *v = jval_read(d);
	struct config config = {0};

	if (v)
		field_decode(&c, &config_objects[CONFIG_NETWORK], v, &config);
	jval_free(v);
	if (diags_failed(d))
		return false;
	*ret = config;
	return true;
}

enum config_violation config_on_violation(const struct config *c,
					  const struct config_secret *s)
{
	if (s && s->on_violation)
		return s->on_violation;
	return c->on_secret_violation ? c->on_secret_violation
				      : CONFIG_BLOCK_AND_LOG;
}

const char *config_violation_word(enum config_violation v)
{
	const struct field_word *w = config_violation_words;

	while (w->word && w->value != v)
		w++;
	return w->word;
}
