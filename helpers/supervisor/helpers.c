/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helpers.c - Which helpers there are. */
#include <string.h>

#include "helper.h"

const struct helper *helper_find(const char *name)
{
	static const struct helper *const all[] = {&helper_dns, &helper_relay,
						   &helper_tls};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
