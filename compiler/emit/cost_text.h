/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cost_text.h - What a policy costs a packet, for people and for programs. */
#ifndef MSB_COST_TEXT_H
#define MSB_COST_TEXT_H

#include "plan.h"
#include "str.h"

/** cost_text() - The bounds of both directions, and how each was reached */
void cost_text(struct str *s, const struct plan *p);

/** cost_json() - The same as one JSON object */
void cost_json(struct str *s, const struct plan *p);

#endif
