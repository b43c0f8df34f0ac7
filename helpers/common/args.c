/* SPDX-License-Identifier: GPL-2.0-or-later */
/* args.c - The command line that a supervisor starts a helper with. */
#include "args.h"

#include <getopt.h>
#include <stdio.h>

#include "number.h"

static const struct option options[] = {
	{"channel-fd", required_argument, NULL, 'c'},
	{"broker-fd", required_argument, NULL, 'b'},
	{"name", required_argument, NULL, 'n'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static int usage(const char *program, bool broker)
{
	fprintf(stderr,
		"usage: %s --channel-fd N %s--name NAME\n"
		"It is started by msb-supervised.\n",
		program, broker ? "--broker-fd N " : "");
	return 2;
}

int args_read(int argc, char **argv, const char *program, bool broker,
	      struct args *ret)
{
	int opt;

	*ret = (struct args){.channel = -1, .broker = -1};
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			ret->channel = number_fd(optarg);
			break;
		case 'b':
			ret->broker = number_fd(optarg);
			break;
		case 'n':
			ret->name = optarg;
			break;
		case 'V':
			printf("%s %s\n", program, MSB_VERSION);
			return 0;
		default:
			return usage(program, broker);
		}
	}
	if (ret->channel < 0 || (ret->broker >= 0) != broker || !ret->name ||
	    optind != argc)
		return usage(program, broker);
	return -1;
}
