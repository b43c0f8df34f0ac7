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
