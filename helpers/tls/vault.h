/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vault.h - The secrets of a sandbox and their values, as the worker has them.
 *
 * Theory of Operation
 *
 * What a secret is (its name, its placeholder, who may have it, and where) and
 * what its value is change at different times. A configuration whose secrets
 * are defined as before comes with values that may be new: they take the places
 * of the old ones when it is in force, all at once, and no flow is touched. A
 * gate reads a value while it writes it and keeps nothing of it, so whatever
 * request is passed on afterwards has the new one, also on a connection that is
 * open. Where the definitions differ there is another vault, and flows that
 * were read by the old one end.
 *
 * Values are in memory that is locked, in no core file, and zeroed before it is
 * given back.
 */
#ifndef MSB_VAULT_H
#define MSB_VAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "gate.h"

struct vault;
struct worker;

/**
 * vault_prepare() - Get ready for the secrets of @w->next
 *
 * Where they are defined as those of @w->now, @w->next_vault is @w->vault; it
 * is NULL where there are none. The descriptor that the values came by is
 * closed.
 *
 * Return: false if it cannot be: @w->next.given.refused says why, and nothing
 * of a value
 */
bool vault_prepare(struct worker *w) __attribute__((warn_unused_result));

/** vault_drop_next() - Forget them */
void vault_drop_next(struct worker *w);

/** vault_commit() - They are in force; no flow of another vault is left */
void vault_commit(struct worker *w);

/** vault_env() - What gates are begun with; NULL if @v is */
const struct gate_env *vault_env(const struct vault *v);

/** vault_secrets() - Its secrets; none if @v is NULL */
struct secrets vault_secrets(const struct vault *v);

#endif
