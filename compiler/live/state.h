/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.h - The state directory: what is running, and what it was made of. */
#ifndef MSB_STATE_H
#define MSB_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "live_error.h"
#include "plan.h"

/** STATE_DEFAULT - State directory unless another one is named */
#define STATE_DEFAULT "/run/msb-netc"

/** STATE_LOCK - Held while anything of the host is changed, by any state */
#define STATE_LOCK "/run/msb-netc.lock"

/**
 * struct state - An open state directory
 * @path:	path, for messages
 * @dir:	directory; -1 if there is none
 * @sandboxes:	its sandboxes/; -1 likewise
 * @leases:	its leases/; -1 likewise
 * @aside:	its aside/; -1 likewise
 * @unsettled:	its unsettled/; -1 likewise
 * @shared:	its shared/; -1 likewise
 * @lock:	STATE_LOCK while it is held, else -1
 */
struct state {
	const char *path;
	int dir;
	int sandboxes;
	int leases;
	int aside;
	int unsettled;
	int shared;
	int lock;
};

/**
 * state_open() - Open a state directory
 * @s:		filled in on success
 * @path:	path
 * @create:	make what is missing; without it a directory that is not there
 *		is a state without sandboxes
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int state_open(struct state *s, const char *path, bool create,
	       struct live_error *e);

/** state_close() - Release a state directory, and the lock */
void state_close(struct state *s);

/**
 * state_lock() - Wait for the lock of this machine
 *
 * The kernel takes it back from a process that ends, however it ends.
 */
int state_lock(struct state *s, struct live_error *e);

/**
 * state_quiet() - Keep everybody from changing anything, if nobody does now
 * @ret_busy:	whether somebody does
 *
 * Return: descriptor to be closed soon, or -1
 */
int state_quiet(bool *ret_busy);

/** state_unlock() - Release the lock */
void state_unlock(struct state *s);

/** STATE_LINKS - Links of a sandbox in its gateway namespace */
#define STATE_LINKS 2

/**
 * struct state_record - What must be known to remove a sandbox
 * @name:	name
 * @slot:	slot
 * @ready:	whether it was made completely
 * @run:	whether it is a throw-away sandbox of "run"
 * @created:	seconds since the epoch
 * @guest:	"tap", or the guest's namespace as it was given
 * @netns:	gateway namespace
 * @uplink:	host's end of the uplink
 * @uplink_mac:	its MAC address
 * @links:	links in the gateway namespace, "" where there is none
 * @file:	name of the document, for messages
 * @forwarding:	whether IP forwarding of the host was turned on for it
 * @open:	flows that were open when its cap was changed: so much lower is
 *		the one in force, see plan_cap_open()
 */
struct state_record {
	char name[PLAN_NAME_MAX + 1];
	uint32_t slot;
	bool ready;
	bool run;
	int64_t created;
	char guest[256];
	char netns[64];
	char uplink[16];
	uint8_t uplink_mac[6];
	char links[STATE_LINKS][16];
	char file[256];
	bool forwarding;
	uint32_t open;
};

/** STATE_SOCKET, STATE_DNS_SOCKET, STATE_TLS_SOCKET - Sockets that a sandbox's
 * supervisors listen on: that of msb-relayd, of msb-dnsd, and of msb-tlsd
 */
#define STATE_SOCKET	 "supervisor.sock"
#define STATE_DNS_SOCKET "dns-supervisor.sock"
#define STATE_TLS_SOCKET "tls-supervisor.sock"

/** STATE_PROCESS, STATE_DNS_PROCESS, STATE_TLS_PROCESS - Which processes these
 * supervisors are
 */
#define STATE_PROCESS	  "supervisor"
#define STATE_DNS_PROCESS "dns-supervisor"
#define STATE_TLS_PROCESS "tls-supervisor"

/** STATE_EXIT - A sandbox's file of why it was terminated; empty: it was not */
#define STATE_EXIT "exit.json"

/** STATE_LEASES - A sandbox's file of leases: one a line */
#define STATE_LEASES "leases"

/**
 * struct state_file - A file of a sandbox
 * @path:	path below its directory
 * @text:	what is in it
 * @len:	bytes
 * @shared:	its path says what is in it, and other sandboxes may have the
 *		same
 */
struct state_file {
	const char *path;
	const char *text;
	size_t len;
	bool shared;
};

/**
 * state_add() - Enter a sandbox
 * @s:		state, locked
 * @record:	record
 * @files:	its files
 * @n:		how many
 * @e:		error
 *
 * It is there as a whole or not at all.
 *
 * Return: descriptor that owns the sandbox: while it is open, in this process
 * or a child, nobody takes the sandbox for abandoned. -1 on failure
 */
int state_add(struct state *s, const struct state_record *record,
	      const struct state_file *files, size_t n, struct live_error *e);

/** state_update() - Replace the record of a sandbox; 0, -1 on failure */
int state_update(struct state *s, const struct state_record *record,
		 struct live_error *e);

/** state_has() - Whether there is a sandbox of that name */
bool state_has(const struct state *s, const char *name);

/** state_owned() - Whether a process that is alive owns a sandbox */
bool state_owned(const struct state *s, const char *name);

/** state_get() - Read a sandbox's record; 0, -1 on failure */
int state_get(const struct state *s, const char *name, struct state_record *ret,
	      struct live_error *e);

/**
 * state_read() - Read a file of a sandbox
 * @s:		state
 * @a:		arena for the text
 * @name:	sandbox
 * @path:	path below its directory
 * @ret_len:	bytes; set on success
 * @e:		error
 *
 * Return: text with a NUL behind it, NULL on failure
 */
const char *state_read(const struct state *s, struct arena *a, const char *name,
		       const char *path, size_t *ret_len, struct live_error *e);

/**
 * state_write() - Replace one file of a sandbox, by a new one and a rename
 * @s:		state, locked
 * @name:	sandbox
 * @file:	file
 * @e:		error
 *
 * Return: 0, -1 if the old file is still there
 */
int state_write(struct state *s, const char *name,
		const struct state_file *file, struct live_error *e);

/** state_drop() - Remove one file of a sandbox; nothing is fine too */
void state_drop(struct state *s, const char *name, const char *path);

/**
 * state_stage() - Write all files of a sandbox anew, aside
 * @s:		state, locked
 * @record:	its new record
 * @files:	its new files
 * @n:		how many
 * @e:		error
 *
 * Its owner and its sockets are the same as before.
 *
 * Return: 0, -1 if nothing was written
 */
int state_stage(struct state *s, const struct state_record *record,
		const struct state_file *files, size_t n, struct live_error *e);

/**
 * state_exchange() - Exchange what is staged with what is there, at once
 *
 * A second call exchanges it back.
 *
 * Return: 0, -1 if nothing was changed
 */
int state_exchange(struct state *s, const char *name, struct live_error *e);

/** state_unstage() - Remove what is staged; nothing is fine too */
void state_unstage(struct state *s, const char *name);

/**
 * state_share() - Open a file that sandboxes share; it is made if need be
 * @s:		state, locked
 * @file:	file
 *
 * Those that are the same are one file, and take memory once.
 *
 * Return: descriptor, to be read from; -1 and errno on failure
 */
int state_share(struct state *s, const struct state_file *file);

/** state_unshare() - Forget files that no sandbox has any more */
void state_unshare(struct state *s);

/** state_remove() - Forget a sandbox; 0 also if there is none */
int state_remove(struct state *s, const char *name, struct live_error *e);

/** state_directory() - Open a sandbox's directory; -1 and errno on failure */
int state_directory(const struct state *s, const char *name);

/**
 * state_list() - Names of all sandboxes, ascending
 * @s:		state
 * @a:		arena for the list
 * @ret:	names; set on success
 * @ret_n:	how many; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int state_list(const struct state *s, struct arena *a, const char ***ret,
	       size_t *ret_n, struct live_error *e);

/**
 * state_list_unsettled() - Names of those that may be left over
 *
 * They are those that are not ready and those of "run"; the others need not be
 * looked at to find what a killed process left behind. As state_list().
 */
int state_list_unsettled(const struct state *s, struct arena *a,
			 const char ***ret, size_t *ret_n,
			 struct live_error *e);

/** state_has_other() - Whether there is a sandbox that is not @name */
bool state_has_other(const struct state *s, const char *name);

/**
 * state_sweep() - Remove what was put aside by a process that was killed
 * @s:		state, locked
 * @gone:	called for each sandbox that is no more, with the lines of its
 *		file of leases, before its files are removed
 */
void state_sweep(struct state *s,
		 void (*gone)(struct state *s, const char *name,
			      const char *leases));

#endif
