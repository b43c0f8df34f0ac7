/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pages.h - Giving back what only the start of a process has read. */
#ifndef MSB_PAGES_H
#define MSB_PAGES_H

/**
 * pages_forget() - Forget the pages of program and libraries that can be read
 * again
 *
 * Linking and setting up touch most of a library once, and what is mapped of it
 * counts for each process. What is needed comes back from the page cache, at
 * the price of a fault.
 */
void pages_forget(void);

#endif
