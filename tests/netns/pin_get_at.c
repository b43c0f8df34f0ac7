/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_get_at.c - What pin_get() says of an address, for the tests.
 *
 *	pin_get_at TABLE SET ADDRESS
 *
 * It is asked twice, with one socket: nothing may be left of the first answer.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pin_get.h"

int main(int argc, char **argv)
{
	char comment[PIN_COMMENT_MAX], again[PIN_COMMENT_MAX];
	struct ip ip, other = {IP_V4, 1};
	int fd, rc;

	if (argc != 4 || !ip_parse(argv[3], &ip))
		return 2;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return 2;
	strcpy(comment, "-");
	strcpy(again, "-");
	rc = pin_get(fd, argv[1], argv[2], ip, comment);
	if (rc < 0) {
		printf("-1 %s\n", strerror(errno));
	} else if (pin_get(fd, argv[1], argv[2], other, again) == 1 ||
		   strcmp(again, "-") != 0 ||
		   pin_get(fd, argv[1], argv[2], ip, again) != rc ||
		   strcmp(again, comment) != 0) {
		return 2;
	} else {
		printf("%d %s\n", rc, comment);
	}
	close(fd);
	return 0;
}
