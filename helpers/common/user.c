/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user.c - Which user a helper's worker becomes. */
#include "user.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

uid_t user_of(const char *name, uid_t otherwise)
{
	FILE *f = fopen("/etc/passwd", "re");
	uid_t uid = otherwise;
	const struct passwd *p;

	if (!f)
		return uid;
	while ((p = fgetpwent(f)))
		if (!strcmp(p->pw_name, name) && p->pw_uid)
			uid = p->pw_uid;
	fclose(f);
	return uid;
}
