/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_json.h - The file that msb-tlsd reads. */
#ifndef MSB_TLS_JSON_H
#define MSB_TLS_JSON_H

#include "plan.h"
#include "str.h"

/** TLS_JSON_VERSION - Version of the format */
#define TLS_JSON_VERSION 1u

/** tls_json_intercepts() - Whether some flow's TLS is to be ended */
bool tls_json_intercepts(const struct config_tls *tls);

/**
 * tls_json() - Print tls.json
 * @s:	receives the text
 * @p:	plan
 */
void tls_json(struct str *s, const struct plan *p);

#endif
