/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_json.h - The file that msb-dnsd reads. */
#ifndef MSB_DNS_JSON_H
#define MSB_DNS_JSON_H

#include "plan.h"
#include "str.h"

/** DNS_JSON_VERSION - Version of the format */
#define DNS_JSON_VERSION 1u

/**
 * dns_json() - Print dns.json
 * @s:	receives the text
 * @p:	plan; DNS is served by msb-dnsd
 */
void dns_json(struct str *s, const struct plan *p);

#endif
