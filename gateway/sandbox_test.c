#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/store.h"
#include "gateway/sandbox.h"
#include "tests/kit/t.h"

/*
 * Each case runs in a sandboxed child; its exit code is the errno it met, or
 * 0. The folders are made before.
 */
static char top[64];

static const char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static int
try_open(const char *name, int flags)
{
	int fd = open(path_of(name), flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
act_spool(void)
{
	return try_open("own", O_TMPFILE | O_RDWR);
}

static int
act_maildir(void)
{
	char from[128], to[128];
	int e = try_open("own/tmp/1", O_CREAT | O_EXCL | O_WRONLY);

	if (e != 0)
		return e;
	snprintf(from, sizeof(from), "%s/own/tmp/1", top);
	snprintf(to, sizeof(to), "%s/own/new/1", top);
	return rename(from, to) == 0 ? 0 : errno;
}

static int
act_write_elsewhere(void)
{
	return try_open("other/x", O_CREAT | O_WRONLY);
}

static int
act_read_elsewhere(void)
{
	return try_open("other/secret", O_RDONLY);
}

static int
act_read_file(void)
{
	return try_open("other/ca.pem", O_RDONLY);
}

static int
act_append_log(void)
{
	return try_open("log/forepost.log", O_CREAT | O_APPEND | O_WRONLY);
}

static int
act_make_in_log(void)
{
	return try_open("log/other.log", O_CREAT | O_APPEND | O_WRONLY);
}

static int
act_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int
act_run(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
act_raw_socket(void)
{
	return socket(AF_PACKET, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int
act_tcp(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int
act_kill(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static void *
thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int
act_thread(void)
{
	pthread_t t;
	int ran = 0;
	int e = pthread_create(&t, NULL, thread, &ran);

	if (e != 0)
		return e;
	pthread_join(t, NULL);
	return ran ? 0 : EINVAL;
}

/* The store is opened before, as the workers do. */
static struct store *store;

static void
open_store(void)
{
	struct arena *a = arena_create("sandbox test");
	struct store_options options = { .kind = STORE_LMDB,
	    .path = arena_strdup(a, path_of("own/store")),
	    .size = STORE_SIZE_MIN };
	struct err err;

	loop_create();
	store = store_open(a, &options, &err);
	if (store == NULL) {
		fprintf(stderr, "%s\n", err.text);
		_exit(255);
	}
}

static MAY_YIELD void
use_store(void *arg)
{
	const struct span key = SPAN_LIT("key");
	struct buf status = {0};
	struct json_out o = { .to = &status };
	int64_t sum;
	struct err err;
	bool was_there;

	if (store_put(store, key, SPAN_LIT("1"), CLOCK_S, &err) < 0 ||
	    store_add(store, key, 1, CLOCK_S, &sum, &err) < 0 ||
	    store_delete(store, key, &was_there, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	else
		*(int *)arg = 0;
	/* The keeper looks four times a second what there is to do. */
	(void)fiber_sleep(CLOCK_S / 2, &err);
	store_status(store, &o);
	buf_put(&status, "", 1);
	if (strstr(status.p, "\"trouble\":") != NULL) {
		fprintf(stderr, "%s", status.p);
		*(int *)arg = EIO;
	}
	store_stop(store);
	buf_free(&status);
}

static int
act_store(void)
{
	int result = EIO;

	fiber_spawn("use of the store", use_store, &result);
	while (fiber_count() > 0)
		loop_turn(true);
	return result;
}

/* Exit code, or minus the signal. */
static int
in_sandbox(int (*act)(void))
{
	char own[80], log[80], file[80];
	const char *folders[] = { own };
	const char *files[] = { file };
	const struct sandbox_paths paths = {
		.folders = folders, .nfolders = 1,
		.files = files, .nfiles = 1, .log_folder = log
	};
	struct err err;
	int status;
	pid_t pid;

	snprintf(own, sizeof(own), "%s/own", top);
	snprintf(log, sizeof(log), "%s/log", top);
	snprintf(file, sizeof(file), "%s/other/ca.pem", top);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (act == act_store)
			open_store();
		if (sandbox_enter(&paths, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			_exit(255);
		}
		_exit(act());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
act_abort(void)
{
	abort();
}

static void
make_folders(void)
{
	static const char *const folders[] = { "own", "own/tmp", "own/new",
	    "other", "log" };
	static const char *const files[] = { "other/secret",
	    "other/ca.pem", "log/forepost.log" };

	snprintf(top, sizeof(top), "/tmp/forepost-sandbox-test-%d", getpid());
	mkdir(top, 0700);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(path_of(folders[i]), 0700);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		close(open(path_of(files[i]), O_CREAT | O_WRONLY, 0600));
}

static void
remove_folders(void)
{
	static const char *const all[] = { "own/store/data.mdb",
	    "own/store/lock.mdb", "own/store/keeper", "own/store/checkpoint",
	    "own/store", "own/new/1", "own/tmp", "own/new",
	    "own", "other/secret", "other/ca.pem", "other/x", "other",
	    "log/forepost.log", "log/other.log", "log", "" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		remove(path_of(all[i]));
}

int
main(void)
{
	static const struct {
		const char *name;
		int (*act)(void);
		int want;
	} cases[] = {
		{ "an unnamed file in the spool", act_spool, 0 },
		{ "from tmp to new in a Maildir", act_maildir, 0 },
		{ "writing elsewhere", act_write_elsewhere, EACCES },
		{ "reading elsewhere", act_read_elsewhere, EACCES },
		{ "reading a file that is named", act_read_file, 0 },
		{ "opening the log again", act_append_log, 0 },
		{ "another file beside the log", act_make_in_log, EACCES },
		{ "making a process", act_fork, EPERM },
		{ "running a program", act_run, EPERM },
		{ "a raw socket", act_raw_socket, EPERM },
		{ "a TCP socket", act_tcp, 0 },
		{ "signalling another process", act_kill, EPERM },
		{ "a thread", act_thread, 0 },
		{ "the store in LMDB", act_store, 0 },
		{ "abort() still aborts", act_abort, -SIGABRT },
	};
	bool is_whole = strstr(sandbox_text(), "seccomp") != NULL;

	make_folders();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* A sanitizer build keeps to the capabilities. */
		if (!is_whole && cases[i].want > 0)
			continue;
		T_INT(cases[i].name, in_sandbox(cases[i].act), cases[i].want);
	}
	remove_folders();
	return t_done();
}
