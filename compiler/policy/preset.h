/* SPDX-License-Identifier: GPL-2.0-or-later */
/* preset.h - The policies that have a name, as documents of their own. */
#ifndef MSB_PRESET_H
#define MSB_PRESET_H

#include "config.h"

/** PRESET_COUNT - How many presets there are */
#define PRESET_COUNT 4

/**
 * struct preset - One file of presets/
 * @name:	its name, which is the word in Policy
 * @text:	the document, NUL-terminated
 */
struct preset {
	const char *name;
	const char *text;
};

/** presets - All presets, in the order of enum config_preset */
extern const struct preset presets[PRESET_COUNT];

/** preset_get() - The preset for a value of Policy, which must be set */
const struct preset *preset_get(enum config_preset which);

/** preset_by_name() - The preset with a name, or NULL */
const struct preset *preset_by_name(const char *name);

/**
 * preset_summary() - One line for lists and the manual
 * @which:	preset, set
 */
const char *preset_summary(enum config_preset which);

#endif
