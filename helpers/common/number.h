/* SPDX-License-Identifier: GPL-2.0-or-later */
/* number.h - Numbers on a helper's command line. */
#ifndef MSB_NUMBER_H
#define MSB_NUMBER_H

/** number_fd() - An open descriptor's number; -1 if @text is none */
int number_fd(const char *text);

#endif
