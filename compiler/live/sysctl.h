/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.h - Kernel settings of the namespace that the process is in. */
#ifndef MSB_SYSCTL_H
#define MSB_SYSCTL_H

#include "live_error.h"

/** SYSCTL_MAX - Room for a setting's value, with NUL */
#define SYSCTL_MAX 64

/**
 * sysctl_open() - Open the directory of all settings
 *
 * Whatever namespace the process goes to, below it are the settings of that
 * one.
 *
 * Return: descriptor; -1 and errno on failure
 */
int sysctl_open(void);

/**
 * sysctl_read() - Read a setting
 * @dir:	of sysctl_open()
 * @key:	path below /proc/sys
 * @ret:	value, without the line feed; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int sysctl_read(int dir, const char *key, char ret[SYSCTL_MAX],
		struct live_error *e);

/** sysctl_write() - Write a setting; 0, -1 on failure */
int sysctl_write(int dir, const char *key, const char *value,
		 struct live_error *e);

#endif
