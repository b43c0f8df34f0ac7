/* SPDX-License-Identifier: GPL-2.0-or-later */
/* preset.c - The policies that have a name, as documents of their own. */
#include "preset.h"

#include <assert.h>
#include <string.h>

static_assert((int)CONFIG_PRESET_NON_LOCAL == PRESET_COUNT,
	      "presets and enum config_preset disagree");

static const char *const summaries[PRESET_COUNT] = {
	"nothing passes, in either direction",
	"the public internet and DNS, nothing local",
	"everything passes, in both directions",
	"the public internet, private networks and DNS",
};

const struct preset *preset_get(enum config_preset which)
{
	assert(which != CONFIG_PRESET_UNSET);
	return &presets[which - 1];
}

const struct preset *preset_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < PRESET_COUNT; i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	return NULL;
}

const char *preset_summary(enum config_preset which)
{
	assert(which != CONFIG_PRESET_UNSET);
	return summaries[which - 1];
}
