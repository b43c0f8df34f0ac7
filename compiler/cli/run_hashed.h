/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_hashed.h - Directories of certificates, with some more in them. */
#ifndef MSB_RUN_HASHED_H
#define MSB_RUN_HASHED_H

#include "ca.h"

/**
 * run_hashed_cover() - Cover the directories in which OpenSSL looks for CAs
 * @in:		directory of a file system that only the command sees
 * @ca:		what is to be in them, too
 *
 * Return: 0; -1 on failure, which was said
 */
int run_hashed_cover(const char *in, const struct ca_text *ca);

#endif
