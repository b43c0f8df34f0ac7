/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine.c - What a helper gives up before it meets anybody's bytes. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "syscalls.h"

/* Every right that Landlock knew when this was written, by the version of its
 * interface that brought it. */
static const uint64_t landlock_rights[] = {
	[0] = 0,
	[1] = (UINT64_C(1) << 13) - 1,
	/* REFER, commit b91c3e4ea756 */
	[2] = (UINT64_C(1) << 14) - 1,
	/* TRUNCATE, commit b9f5ce27c8f8 */
	[3] = (UINT64_C(1) << 15) - 1,
	[4] = (UINT64_C(1) << 15) - 1,
	/* IOCTL_DEV, commit b25f7415eb41 */
	[5] = (UINT64_C(1) << 16) - 1,
};

#define LANDLOCK_KNOWN \
	(sizeof(landlock_rights) / sizeof(landlock_rights[0]) - 1)

/* The wrapper of libcap would set it in this way, too; this is all there is. */
static int set_caps(uint64_t keep)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(keep >> (32 * i));
		data[i].permitted = data[i].effective;
	}
	return (int)syscall(SYS_capset, &head, data);
}

uint64_t confine_held(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t held = 0;

	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		held |= (uint64_t)data[i].permitted << (32 * i);
	return held;
}

const char *confine_child(uid_t uid)
{
	/* The kernel may know more capabilities than this was built with. */
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return "empty the capability bounding set";
	if (setgroups(0, NULL) < 0)
		return "drop supplementary groups";
	if (setresgid(uid, uid, uid) < 0)
		return "set group";
	if (setresuid(uid, uid, uid) < 0)
		return "set user";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	/* After the change of user, which would have cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return "set parent-death signal";
	return NULL;
}

/* Also a core that root has made by force has nothing but what is in files
 * then: no memory of its own, none that is shared (core(5)). Children have it
 * from their parents, through exec too. Where there is no such file, no core is
 * ever made (CONFIG_ELF_CORE). */
static void empty_cores(void)
{
	const int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

static const char *forbid_core(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return "forbid core files";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return "become not dumpable";
	return NULL;
}

const char *confine_keep(uint64_t keep)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return "clear ambient capabilities";
	if (set_caps(keep) < 0)
		return "drop capabilities";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	/* What is not dumpable may not, unless it is root of the machine. */
	empty_cores();
	return forbid_core();
}

static const char *forbid_files(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
				 LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {0};
	int fd, rc;

	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP
			       ? NULL
			       : "ask for Landlock";
	attr.handled_access_fs =
		landlock_rights[(size_t)abi < LANDLOCK_KNOWN ? (size_t)abi
							     : LANDLOCK_KNOWN];
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
			  sizeof(attr.handled_access_fs), 0);
	if (fd < 0)
		return "make a Landlock ruleset";
	rc = syscalls_allow_proc(fd);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc < 0 ? "restrict files (Landlock)" : NULL;
}

const char *confine_worker(unsigned int files)
{
	const struct rlimit log_size = {LOG_FILE_MAX, LOG_FILE_MAX};
	struct rlimit descriptors;
	const char *failed;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	if (getrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return "ask for the limit of open files";
	if (descriptors.rlim_max > files)
		descriptors.rlim_max = files;
	descriptors.rlim_cur = descriptors.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return "limit open files";
	if (setrlimit(RLIMIT_FSIZE, &log_size) < 0)
		return "limit the size of files";
	failed = forbid_core();
	if (!failed)
		failed = forbid_files();
	if (!failed && set_caps(0) < 0)
		failed = "drop capabilities";
	return failed ? failed : syscalls_restrict();
}
