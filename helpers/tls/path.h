/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.h - The way from a server's certificate to one of the roots.
 *
 * wolfSSL verifies every certificate that a server sends, with a root or with
 * any certificate that it has verified before. That is not enough: each issuer
 * has to be a root, or sent by this very server.
 *
 * Without lists of revoked certificates issuers are found by their names. With
 * lists it has to be known which key has signed what: a CA that was revoked may
 * have a successor of the same name. So each signature is verified again there,
 * and an issuer is who has signed.
 */
#ifndef MSB_PATH_H
#define MSB_PATH_H

#include "engine.h"

/**
 * path_read_roots() - Read the names of the roots, and the lists
 * @env:	environment; its roots and lists are set
 *
 * Return: false if there is no memory
 */
bool path_read_roots(struct intercept_env *env)
	__attribute__((warn_unused_result));

/**
 * path_check() - Whether there is a way
 * @env:	environment
 * @der:	what the server sent, its own certificate first
 * @n:		how many
 * @name:	whom the server was spoken to for; length 0: @ip
 * @ip:		its address
 *
 * Return: CAUSE_NONE, or what is wrong
 */
enum alert_cause path_check(struct intercept_env *env,
			    const WOLFSSL_BUFFER_INFO *der, int n,
			    struct dname name, struct ip ip)
	__attribute__((warn_unused_result));

#endif
