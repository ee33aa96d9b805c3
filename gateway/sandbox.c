#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/err.h"
#include "gateway/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static int
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = {{0}};

	/* Absent before Linux 4.3, and then there is nothing to clear. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return err_set(err, ERR_UNAVAIL, "dropping capabilities: %s",
		    strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, ERR_UNAVAIL, "no_new_privs: %s",
		    strerror(errno));
	return 0;
}

/* --- Landlock --- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READING	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define MAKING	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
    LANDLOCK_ACCESS_FS_REFER)
#define NEVER	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* What libraries read while the worker runs: certificate authorities, found
 * by their hash when a chain is verified, and time zones. */
static const char *const readable[] = {
	"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/etc/pki",
	"/usr/share/zoneinfo", "/etc/localtime", "/dev/urandom",
};

/* Paths that are not there are not needed. */
static void
allow_path(int ruleset, const char *path, __u64 access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (rule.parent_fd < 0)
		return;
	if (syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 && errno == EINVAL) {
		/* Not a folder: the rights of folders do not apply. */
		rule.allowed_access &= ~(__u64)LANDLOCK_ACCESS_FS_READ_DIR;
		(void)syscall(SYS_landlock_add_rule, ruleset,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
}

static void
restrict_files(const struct sandbox_paths *paths)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = READING | WRITING | MAKING | NEVER
	};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;

	/* Version 1 forbids moving a file between folders, which is what a
	 * Maildir delivery does. */
	if (abi < 2)
		return;
	if (abi < 3)
		attr.handled_access_fs &= ~(__u64)LANDLOCK_ACCESS_FS_TRUNCATE;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);
	if (ruleset < 0)
		return;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow_path(ruleset, readable[i], READING);
	for (size_t i = 0; i < paths->nfiles; i++)
		allow_path(ruleset, paths->files[i], READING);
	for (size_t i = 0; i < paths->nfolders; i++)
		allow_path(ruleset, paths->folders[i],
		    attr.handled_access_fs & (READING | WRITING | MAKING));
	if (paths->log_folder != NULL)
		allow_path(ruleset, paths->log_folder,
		    attr.handled_access_fs & WRITING);
	if (paths->journal_folder != NULL)
		allow_path(ruleset, paths->journal_folder,
		    attr.handled_access_fs & (WRITING |
		    LANDLOCK_ACCESS_FS_MAKE_REG));
	(void)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
}

/* --- seccomp --- */

static const char *const allowed[] = {
	/* memory and threads */
	"brk", "futex", "madvise", "mincore", "mmap", "mprotect", "mremap",
	"msync", "munmap", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list", "sysinfo",
	/* descriptors and waiting */
	"close", "close_range", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "eventfd", "eventfd2", "fcntl", "pipe", "pipe2",
	"poll", "ppoll", "pselect6", "select", "signalfd4", "timerfd_create",
	"timerfd_gettime", "timerfd_settime",
	/* sockets (which families: see below) */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	"getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
	"sendmsg", "sendto", "setsockopt", "shutdown",
	/* files */
	"access", "copy_file_range", "faccessat", "faccessat2", "fadvise64",
	"fallocate", "fchmod", "fdatasync", "flock", "fstat", "fstatfs",
	"fsync", "ftruncate", "getcwd", "getdents64", "link", "linkat",
	"lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat",
	"pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2",
	"read", "readlink", "readlinkat", "readv", "rename", "renameat",
	"renameat2", "rmdir", "sendfile", "splice", "stat", "statfs",
	"statx", "sync_file_range", "tee", "umask", "unlink", "unlinkat",
	"utimensat", "write", "writev",
	/* time, chance, signals, oneself */
	"clock_getres", "clock_gettime", "clock_nanosleep", "exit",
	"exit_group", "getegid", "geteuid", "getgid", "getgroups", "getpid",
	"getppid", "getrandom", "getresgid", "getresuid", "getrusage",
	"gettid", "gettimeofday", "getuid", "nanosleep", "restart_syscall",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
	"rt_sigtimedwait", "sigaltstack", "time", "times", "uname",
};

static int
allow(scmp_filter_ctx f, const char *name, unsigned nconditions,
    const struct scmp_arg_cmp *conditions)
{
	int nr = seccomp_syscall_resolve_name(name);

	/* Negative: this architecture has no such call. */
	if (nr < 0)
		return 0;
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, nconditions,
	    conditions);
}

/* The call with bits of one argument as given. */
static int
allow_if(scmp_filter_ctx f, const char *name, unsigned arg, uint64_t mask,
    uint64_t value)
{
	const struct scmp_arg_cmp condition = {
		.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask,
		.datum_b = value
	};

	return allow(f, name, 1, &condition);
}

static int
fill_filter(scmp_filter_ctx f)
{
	static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6 };
	static const unsigned requests[] = { FIONREAD, FIONBIO, TIOCOUTQ,
	    TCGETS };
	int ret = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		ret |= allow(f, allowed[i], 0, NULL);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		ret |= allow_if(f, "socket", 0, UINT32_MAX, families[i]);
	ret |= allow_if(f, "socketpair", 0, UINT32_MAX, AF_UNIX);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		ret |= allow_if(f, "ioctl", 1, UINT32_MAX, requests[i]);
	/* abort() signals oneself, and nobody signals another. */
	ret |= allow_if(f, "tgkill", 0, UINT32_MAX, (uint64_t)getpid());
	/* Limits may be read, not set. */
	ret |= allow_if(f, "prlimit64", 2, UINT64_MAX, 0);
	/* Threads, no processes. A filter cannot look into the arguments of
	 * clone3, and glibc uses clone where there is no clone3. */
	ret |= allow_if(f, "clone", 0, CLONE_THREAD, CLONE_THREAD);
	ret |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
	    0);
	return ret;
}

static int
restrict_calls(struct err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret;

	if (f == NULL)
		return err_set(err, ERR_UNAVAIL, "seccomp: no filter");
	ret = fill_filter(f);
	if (ret == 0)
		ret = seccomp_load(f);
	seccomp_release(f);
	if (ret < 0)
		return err_set(err, ERR_UNAVAIL, "seccomp: %s",
		    strerror(-ret));
	return 0;
}

int
sandbox_enter(const struct sandbox_paths *paths, struct err *err)
{
	if (drop_capabilities(err) < 0)
		return -1;
	if (IS_SANITIZED) {
		/* The leak checker traces its own process. */
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		return 0;
	}
	restrict_files(paths);
	return restrict_calls(err);
}

const char *
sandbox_text(void)
{
	return IS_SANITIZED ? "capabilities (sanitizers are built in)" :
	    "capabilities, Landlock, seccomp";
}
