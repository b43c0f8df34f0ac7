/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user.h - Which user a helper's worker becomes. */
#ifndef MSB_USER_H
#define MSB_USER_H

#include <sys/types.h>

/**
 * user_of() - The user of a helper
 * @name:	its name, which is the user's too
 * @otherwise:	the number where /etc/passwd has no such user
 *
 * The file is read directly: other sources of users may be behind a network.
 */
uid_t user_of(const char *name, uid_t otherwise);

#endif
