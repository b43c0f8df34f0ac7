/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number.c - Numbers on a helper's command line. */
#include "number.h"

#include <fcntl.h>
#include <string.h>

/* Digits of the largest number of a descriptor that is taken. */
#define DIGITS 7

int number_fd(const char *text)
{
	const size_t len = strspn(text, "0123456789");
	int fd = 0;

	if (!len || len > DIGITS || text[len])
		return -1;
	for (size_t i = 0; i < len; i++)
		fd = fd * 10 + (text[i] - '0');
	/* Nothing is executed from here on that should have it. */
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
}
