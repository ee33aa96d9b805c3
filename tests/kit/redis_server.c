#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "tests/kit/redis_server.h"

#define PATIENCE	20	/* s, for it to start */

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* --- the program --- */

/* The unpacked tree of the peer; "" if there is none. */
static const char *
tree(void)
{
	static char path[1000];
	const char *peers = getenv("FOREPOST_PEERS");

	if (peers == NULL)
		return "";
	snprintf(path, sizeof(path), "%s/redis", peers);
	return access(path, R_OK) == 0 ? path : "";
}

static const char *
program(void)
{
	static char path[1100];

	if (*tree() != '\0')
		snprintf(path, sizeof(path), "%s/usr/bin/redis-server",
		    tree());
	else
		strcpy(path, "/usr/bin/redis-server");
	return path;
}

/* The libraries that were unpacked with it. */
static void
set_library_path(void)
{
	char pattern[1100];
	glob_t found;

	if (*tree() == '\0')
		return;
	snprintf(pattern, sizeof(pattern), "%s/usr/lib/*-linux-*", tree());
	if (glob(pattern, 0, NULL, &found) == 0)
		setenv("LD_LIBRARY_PATH", found.gl_pathv[0], 1);
	globfree(&found);
}

bool
redis_server_is_there(void)
{
	return access(program(), X_OK) == 0;
}

/* --- the process --- */

static int
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(bind(fd, (struct sockaddr *)&sin, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0, "port");
	close(fd);
	return ntohs(sin.sin_port);
}

void
redis_server_launch(struct redis_server *s)
{
	pid_t parent = getpid();
	char conf[60];

	s->pid = fork();
	need(s->pid >= 0, "fork");
	if (s->pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	set_library_path();
	need(chdir(s->folder) == 0, s->folder);
	snprintf(conf, sizeof(conf), "%s/redis.conf", s->folder);
	execl(program(), "redis-server", conf, (char *)NULL);
	_exit(127);
}

static redisContext *
reach(struct redis_server *s)
{
	redisContext *c;

	for (unsigned i = 0; i < PATIENCE * 50; i++) {
		c = redisConnectUnix(s->socket);
		if (c != NULL && c->err == 0)
			return c;
		redisFree(c);
		usleep(20000);
	}
	need(false, "redis-server does not start");
	return NULL;
}

void
redis_server_start(struct redis_server *s)
{
	redisReply *reply = NULL;
	redisContext *c;

	redis_server_launch(s);
	c = reach(s);
	for (unsigned i = 0; i < PATIENCE * 50; i++) {
		reply = redisCommand(c, "PING");
		if (reply == NULL || reply->type != REDIS_REPLY_ERROR ||
		    strncmp(reply->str, "LOADING", 7) != 0)
			break;
		freeReplyObject(reply);
		usleep(20000);
	}
	freeReplyObject(reply);
	redisFree(c);
}

void
redis_server_begin(struct redis_server *s, const char *options)
{
	char path[60];
	FILE *conf;

	strcpy(s->folder, "/tmp/redis-test-XXXXXX");
	need(mkdtemp(s->folder) != NULL, "folder");
	snprintf(s->socket, sizeof(s->socket), "%s/socket", s->folder);
	s->port = free_port();
	snprintf(path, sizeof(path), "%s/redis.conf", s->folder);
	conf = fopen(path, "w");
	need(conf != NULL, path);
	fprintf(conf, "bind 127.0.0.1\nport %d\nunixsocket %s\ndir %s\n"
	    "logfile %s/log\nsave \"\"\nappendonly yes\n"
	    "%s\n", s->port, s->socket, s->folder,
	    s->folder, options != NULL ? options : "");
	fclose(conf);
	redis_server_start(s);
}

void
redis_server_kill(struct redis_server *s)
{
	if (s->pid == 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void
redis_server_end(struct redis_server *s)
{
	char command[80];

	redis_server_kill(s);
	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	need(system(command) == 0, command);
}

void
redis_server_freeze(struct redis_server *s)
{
	int status;

	kill(s->pid, SIGSTOP);
	waitpid(s->pid, &status, WUNTRACED);
}

void
redis_server_thaw(struct redis_server *s)
{
	kill(s->pid, SIGCONT);
}

/* --- saying something to it --- */

const char *
redis_server_tell(struct redis_server *s, const char *format, ...)
{
	static char said[300];
	redisContext *c = reach(s);
	redisReply *reply;
	va_list ap;

	va_start(ap, format);
	reply = redisvCommand(c, format, ap);
	va_end(ap);
	if (reply == NULL)
		snprintf(said, sizeof(said), "%s", c->errstr);
	else if (reply->type == REDIS_REPLY_INTEGER)
		snprintf(said, sizeof(said), "%lld", reply->integer);
	else if (reply->type == REDIS_REPLY_NIL)
		strcpy(said, "(nil)");
	else
		snprintf(said, sizeof(said), "%s%s",
		    reply->type == REDIS_REPLY_ERROR ? "-" : "",
		    reply->str != NULL ? reply->str : "(array)");
	freeReplyObject(reply);
	redisFree(c);
	return said;
}
