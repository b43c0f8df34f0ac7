/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_pins.c - What is pinned, asked of the kernel for judge.h. */
#include "tls_pins.h"

#include <string.h>

#include "eval.h"
#include "pin_get.h"

_Static_assert(PIN_OTHERS_MAX < UINT32_MAX, "struct judge_pin counts them");

static int look(const struct tls_pins *p, const struct walk_pin_set *set,
		struct ip ip, struct judge_pin *ret)
{
	char comment[PIN_COMMENT_MAX];
	struct pin_names names = {0};
	const int rc = pin_get(p->fd, p->loaded->walk.table,
			       ip.family == IP_V4 ? set->set4 : set->set6, ip,
			       comment);

	if (rc <= 0)
		return rc;
	pin_comment_parse(comment, ret->wire, &names);
	ret->name = names.name;
	ret->others = names.others;
	return 1;
}

static bool is_loaded(const struct tls_pins *p, const struct walk_pin_set *set)
{
	size_t i;

	for (i = 0; i < p->loaded->walk.n_pin_sets; i++)
		if (strcmp(p->loaded->walk.pin_sets[i].set4, set->set4) == 0)
			return true;
	return false;
}

static bool selects(const struct walk_pin_set *set, struct dname name)
{
	struct policy_rule rule = {0};
	size_t i;

	for (i = 0; i < set->n_dests; i++) {
		rule.dest = set->dests[i];
		if (eval_selects(&rule, name))
			return true;
	}
	return false;
}

int tls_pins_get(void *context, const struct walk_pin_set *set, struct ip ip,
		 struct judge_pin *ret)
{
	const struct tls_pins *p = context;
	size_t i;

	if (is_loaded(p, set))
		return look(p, set, ip, ret);
	for (i = 0; i < p->loaded->walk.n_pin_sets; i++) {
		const int rc = look(p, &p->loaded->walk.pin_sets[i], ip, ret);

		if (rc < 0)
			return -1;
		/* A name that is not told is none that can be moved. */
		if (rc > 0 && ret->name.len && selects(set, ret->name))
			return 1;
	}
	return 0;
}
