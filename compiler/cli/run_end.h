/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_end.h - The end of what runs in a namespace. */
#ifndef MSB_RUN_END_H
#define MSB_RUN_END_H

/**
 * run_end_all() - Kill every process that is in a network namespace
 * @netns:	descriptor of the namespace, which this process is not in
 *
 * Until there is none, for a second at most: one that was just begun is seen
 * the next time. Who has left the namespace is not known any more.
 */
void run_end_all(int netns);

#endif
