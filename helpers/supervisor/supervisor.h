/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor.h - msb-supervised's one context struct.
 *
 * The supervisor of a helper keeps what must outlive its worker: the sockets
 * and the configuration. It makes a worker of its sockets, and another one when
 * that dies; it makes the sockets of the host's namespace that a worker asks
 * for, if the policy allows them; and it takes msb-netc's requests. It never
 * reads a byte that a guest or its peers have sent.
 *
 * A sandbox has one for each helper that it needs; what a helper needs of its
 * supervisor is in struct helper.
 */
#ifndef MSB_SUPERVISOR_H
#define MSB_SUPERVISOR_H

#include <sys/stat.h>

#include "channel.h"
#include "log.h"
#include "loop.h"
#include "monitor.h"
#include "relay_sockets.h"
#include "values.h"

/** SUPERVISOR_CLIENTS - Connections to the control socket at one time */
#define SUPERVISOR_CLIENTS 8

/** SUPERVISOR_EXPECTED - Answers of the worker that may be outstanding */
#define SUPERVISOR_EXPECTED 16

/** SUPERVISOR_STOP_MS - Time that a worker has to end by itself */
#define SUPERVISOR_STOP_MS 1000

/** SUPERVISOR_FILES - Descriptors that it may have open */
#define SUPERVISOR_FILES 12288

_Static_assert(SUPERVISOR_FILES > 2 * RELAY_LISTENERS_MAX + 256,
	       "room for the sockets of two configurations, and its own");

/**
 * struct client - A connection of msb-netc
 * @watch:	its channel; fd -1: this place is free
 * @holds:	it has asked for HOLD
 * @watches:	it has asked for WATCH, and was not told TERMINATE yet
 */
struct client {
	struct loop_watch watch;
	bool holds;
	bool watches;
};

/**
 * enum expect - What an answer of the worker is about
 * @EXPECT_START:	a step of its start: it must be OK, and nobody waits
 * @EXPECT_READY:	a client waits for READY's answer
 * @EXPECT_COMMIT:	a client waits for COMMIT's answer
 * @EXPECT_ABORT:	nobody waits
 * @EXPECT_HOLD:	a client waits for HOLD's answer
 * @EXPECT_STATUS:	a client waits for the status
 * @EXPECT_ROTATE:	as @EXPECT_READY, for values that were read again
 */
enum expect {
	EXPECT_START,
	EXPECT_READY,
	EXPECT_COMMIT,
	EXPECT_ABORT,
	EXPECT_HOLD,
	EXPECT_STATUS,
	EXPECT_ROTATE,
};

/**
 * struct expected - An answer that is outstanding
 * @what:	about what
 * @client:	who waits for it; NULL: nobody, or nobody any more
 */
struct expected {
	enum expect what;
	struct client *client;
};

/** SUPERVISED_FDS - Descriptors that a helper may be given by number */
#define SUPERVISED_FDS 8

struct tls_conf;

/**
 * struct supervised - A configuration with its sockets
 * @there:	whether there is one
 * @arena:	holds the configuration and what belongs to it
 * @file:	descriptor of the file that it was read from; -1: there is none
 * @sockets:	its sockets, if it is msb-relayd's
 * @tls:	what was read, if it is msb-tlsd's
 * @fd:		its descriptors by their number, if it is another's; -1: not
 *		there
 * @pin:	keeps the values of its secrets from being paged out
 */
struct supervised {
	bool there;
	struct arena arena;
	int file;
	struct relay_sockets sockets;
	const struct tls_conf *tls;
	int fd[SUPERVISED_FDS];
	struct values_pin pin;
};

/** SUPERVISED_NONE - No configuration */
#define SUPERVISED_NONE \
	((struct supervised){ \
		.file = -1, \
		.fd = {[0 ... SUPERVISED_FDS - 1] = -1}, \
	})

struct supervisor;

/**
 * struct helper - A helper, as its supervisor sees it
 * @name:	its program, and its user's name
 * @uid:	its user's number, where the system has no such user
 * @caps:	what its supervisor keeps: bit n is capability n
 * @may_caps:	what it keeps if it has it
 * @lists:	whether a descriptor that comes with STATUS is for it to write
 *		to
 * @resolv:	whether it has the host's resolv.conf
 * @terminates: whether it may have the sandbox terminated
 * @lock:	octets of memory that its processes may lock, each
 * @descriptors: words for what it is given by number, or NULL
 * @n_descriptors: how many there are
 * @n_kept:	so many of them, the first, stay from one configuration to the
 *		next
 * @optional:	bits: those that it may go without
 * @may_connect: whether it may have a socket of the host's namespace, to that
 *		port of the loopback, for a flow to the gateway's address of
 *		that family; NULL: it asks for none
 * @read:	read a configuration from a file into @next, and take over what
 *		@now has of its sockets; false, with a reason, if it is none
 * @put:	put the sockets of a message in their places; NULL, or why not
 * @check:	whether all are there; false: the reason says which is missing
 * @send:	send it to a worker that has @held, or nothing (NULL), with
 *		READY at the end; 0, or -1 and errno
 * @close:	close the sockets that @kept, which may be NULL, does not have
 * @become:	in a child that will be the worker; NULL, or what failed
 */
struct helper {
	const char *name;
	uid_t uid;
	uint64_t caps;
	uint64_t may_caps;
	bool lists;
	bool resolv;
	bool terminates;
	size_t lock;
	const char *const *descriptors;
	unsigned int n_descriptors;
	unsigned int n_kept;
	unsigned int optional;
	bool (*may_connect)(const struct supervised *s, int proto,
			    enum ip_family family, uint16_t port);
	bool (*read)(const struct helper *h, struct supervised *next, int fd,
		     const struct supervised *now,
		     char ret_reason[CONF_REASON_MAX]);
	const char *(*put)(const struct helper *h, struct supervised *next,
			   const struct channel_msg *m, int fds[CHANNEL_MAX]);
	bool (*check)(const struct helper *h, const struct supervised *next,
		      char ret_reason[CONF_REASON_MAX]);
	int (*send)(const struct helper *h, int channel,
		    const struct supervised *s, const struct supervised *held);
	void (*close)(const struct helper *h, struct supervised *s,
		      const struct supervised *kept);
	const char *(*become)(const struct supervisor *s);
};

/** helper_find() - The helper of a name, or NULL */
const struct helper *helper_find(const char *name);

/**
 * struct termination - The end of the sandbox's traffic
 * @reason:	why; "": it was not terminated
 * @links:	socket of the gateway's namespace; -1: this helper has no say
 * @down:	its links are down
 * @written:	why is in the file
 * @tried:	what did not work was said
 * @queue:	for @timer
 * @timer:	what did not work is to be tried again
 */
struct termination {
	char reason[CHANNEL_TEXT_MAX];
	int links;
	bool down;
	bool written;
	bool tried;
	struct loop_queue queue;
	struct loop_timer timer;
};

/**
 * struct rotation - Values that are read again
 * @owner:	stands for whoever prepares them
 * @wanted:	they are to be read
 * @changed:	so many are others than before
 */
struct rotation {
	struct client owner;
	bool wanted;
	uint64_t changed;
};

/**
 * struct supervisor - msb-supervised
 * @loop:	the loop
 * @log:	event log
 * @name:	the sandbox's name
 * @netns:	descriptor of the gateway's network namespace
 * @helper:	what it supervises
 * @program:	descriptor of its program
 * @uid:	user that the worker runs as
 * @exit_fd:	file for why the sandbox was terminated, or -1
 * @listener:	control socket; its fd is -1 if there is none
 * @signals:	signalfd for SIGTERM and SIGHUP
 * @clients:	connections of msb-netc
 * @now:	configuration in force
 * @next:	configuration being prepared
 * @owner:	who prepares @next; NULL: nobody
 * @told:	why @next was refused, to be told when READY comes; or ""
 * @ready:	READY has come for @next: a worker that starts gets it too
 * @worker:	the worker
 * @channel:	to the worker; fd -1: there is none
 * @broker:	likewise
 * @child_fds:	the worker's ends of both, while it is being started
 * @expected:	answers outstanding, in order
 * @n_expected:	how many
 * @stopping:	whether it is to end
 * @stopper:	who waits for that; may be NULL
 * @stop_queue:	for @stop_timer
 * @stop_timer:	the worker has not ended by itself
 * @connected:	sockets that were made for the worker
 * @forbidden:	sockets that were asked for and not allowed
 * @resolv:	resolv.conf and hosts(5), as they were when they were looked at
 *		last
 * @resolv_queue: for @resolv_timer
 * @resolv_timer: it is to be looked at; not set if nobody wants to know
 * @stale:	resolv.conf has changed, and the worker was not told yet
 * @termination: the end of the sandbox's traffic
 * @rotation:	values of secrets that are read again
 */
struct supervisor {
	struct loop loop;
	struct log log;
	const char *name;
	int netns;
	const struct helper *helper;
	int program;
	uid_t uid;
	int exit_fd;
	struct loop_watch listener;
	struct loop_watch signals;
	struct client clients[SUPERVISOR_CLIENTS];
	struct supervised now;
	struct supervised next;
	const struct client *owner;
	char told[CONF_REASON_MAX];
	bool ready;
	struct monitor worker;
	struct loop_watch channel;
	struct loop_watch broker;
	int child_fds[2];
	struct expected expected[SUPERVISOR_EXPECTED];
	size_t n_expected;
	bool stopping;
	struct client *stopper;
	struct loop_queue stop_queue;
	struct loop_timer stop_timer;
	uint64_t connected;
	uint64_t forbidden;
	struct stat resolv[2];
	struct loop_queue resolv_queue;
	struct loop_timer resolv_timer;
	bool stale;
	struct termination termination;
	struct rotation rotation;
};

/* control.c - requests of msb-netc. */

/** supervisor_clients_init() - No client yet */
void supervisor_clients_init(struct supervisor *s);

/** supervisor_client_add() - Take requests from a channel, which is ours then
 *
 * Return: false, and the channel is closed, if there are too many
 */
bool supervisor_client_add(struct supervisor *s, int fd);

/** supervisor_accept() - A connection waits at the control socket */
void supervisor_accept(struct loop *l, struct loop_watch *w, uint32_t events);

/** supervisor_reply() - Answer a client; NULL: nobody is there to be answered
 */
void supervisor_reply(struct client *c, enum channel_type type,
		      const char *text);

/** supervisor_adopt() - Put what is prepared in force, here */
void supervisor_adopt(struct supervisor *s);

/** supervisor_drop_next() - Forget what is being prepared */
void supervisor_drop_next(struct supervisor *s);

/** supervisor_stop() - End the worker, then this process */
void supervisor_stop(struct supervisor *s, struct client *stopper);

/** supervisor_clients_close() - Close all */
void supervisor_clients_close(struct supervisor *s);

/* worker.c - the worker's life. */

/** worker_init() - Prepare; it is not started yet */
void worker_init(struct supervisor *s);

/** worker_start() - Start it for the first time; false if that fails */
bool worker_start(struct supervisor *s) __attribute__((warn_unused_result));

/** worker_is_there() - Whether it can be asked for anything */
bool worker_is_there(const struct supervisor *s);

/** worker_is_stuck() - Whether it is there, and was asked too much already */
bool worker_is_stuck(const struct supervisor *s);

/**
 * worker_ask() - Send a request and remember who waits for the answer
 *
 * Return: false if there is no worker that could answer, or if it was asked too
 * much already
 */
bool worker_ask(struct supervisor *s, enum channel_type type, enum expect what,
		struct client *client);

/**
 * worker_tell() - As worker_ask(), of what a worker has to know
 *
 * One that cannot be asked is ended: the next one begins with the configuration
 * in force, and knows of no other.
 */
bool worker_tell(struct supervisor *s, enum channel_type type, enum expect what,
		 struct client *client);

/** worker_ask_status() - As worker_ask(), for STATUS; @list: a file for it to
 * write to, or -1
 */
bool worker_ask_status(struct supervisor *s, struct client *client, int list);

/** worker_prepare() - Send it @s->next, with READY at the end; as worker_ask()
 */
bool worker_prepare(struct supervisor *s, enum expect what,
		    struct client *client);

/** worker_forget() - A client waits for no answer any more */
void worker_forget(struct supervisor *s, const struct client *client);

/** worker_close() - Close the channels to it */
void worker_close(struct supervisor *s);

/* resolv.c - the host's resolv.conf. */

/** RESOLV_MS - How often it is looked at */
#define RESOLV_MS 2000

/** resolv_watch() - Tell the worker whenever it changes, RESOLV_MS later at
 * most
 */
void resolv_watch(struct supervisor *s);

/** resolv_prepare() - Take a copy of it, and of what hosts(5) has, for a
 * configuration that is being prepared
 */
void resolv_prepare(struct supervised *next);

/** resolv_settle() - Tell the worker of a change, if this is the time for it */
void resolv_settle(struct supervisor *s);

/* rotate.c - the values of secrets, read again. */

/** rotate_init() - Prepare */
void rotate_init(struct supervisor *s);

/** rotate() - Read them again, now or when nothing else is being prepared */
void rotate(struct supervisor *s);

/** rotate_settle() - Do so, if this is the time for it */
void rotate_settle(struct supervisor *s);

/** rotate_answered() - The worker has them: NULL, or why it refused */
void rotate_answered(struct supervisor *s, const char *refused);

/* terminate.c - the end of a sandbox's traffic. */

/** terminate_init() - Get ready for it, while there is the power to; NULL, or
 * what failed
 */
const char *terminate_init(struct supervisor *s);

/** terminate() - End it; the first reason counts */
void terminate(struct supervisor *s, const char *text);

/** terminate_watch() - Tell a client, now or when it happens */
void terminate_watch(struct supervisor *s, struct client *c);

/* broker.c - sockets of the host's namespace. */

/** broker_ready() - The worker asks for a socket */
void broker_ready(struct loop *l, struct loop_watch *w, uint32_t events);

#endif
