#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"
#include "gateway/control.h"
#include "tests/kit/t.h"

enum { TOPIC_SLOW = 1, TOPIC_SLOWER };

static char path[64];

/* --- requests as the supervisor might run them --- */

static void
run(void *arg, struct control_client *client, struct span request)
{
	int *requests = arg;

	(*requests)++;
	if (span_is(request, "hello"))
		control_answer(client, 0, SPAN_LIT("hello yourself\n"));
	else if (span_is(request, "slow"))
		control_park(client, TOPIC_SLOW);
	else if (span_is(request, "large")) {
		struct buf b = {0};

		for (int i = 0; i < 200000; i++)
			buf_puts(&b, "0123456789");
		control_answer(client, 0, buf_text(&b));
		buf_free(&b);
	} else
		control_answer(client, 2, SPAN_LIT("what?\n"));
}

/* An administrator in a thread. */
struct asking {
	pthread_t	 thread;
	const char	*request;
	int		 ret, code;
	struct buf	 text;
	struct err	 err;
	bool		 is_done;
};

static void *
ask(void *arg)
{
	struct asking *a = arg;

	a->ret = control_ask(path, a->request, 30, &a->code, &a->text,
	    &a->err);
	buf_put(&a->text, "", 1);
	__atomic_store_n(&a->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void
turn(struct control *c, int64_t now, int *requests)
{
	struct pollfd fds[CONTROL_POLLFDS];

	poll(fds, control_poll(c, fds), 20);
	control_turn(c, now, run, requests);
}

static void
test_answers(struct control *c)
{
	static const struct {
		const char *name, *request;
		int code;
		const char *text;
	} cases[] = {
		{ "an answer", "hello", 0, "hello yourself\n" },
		{ "a refusal", "nonsense", 2, "what?\n" },
		{ "too long", "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789", 2, "the request is too long\n" },
	};
	int requests = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asking a = { .request = cases[i].request };

		pthread_create(&a.thread, NULL, ask, &a);
		while (!__atomic_load_n(&a.is_done, __ATOMIC_ACQUIRE))
			turn(c, 0, &requests);
		pthread_join(a.thread, NULL);
		T_INT(cases[i].name, a.code, cases[i].code);
		T_STR(cases[i].name, a.ret == 0 ? a.text.p : a.err.text,
		    cases[i].text);
		buf_free(&a.text);
	}
	T_INT("the long one was not run", requests, 2);
}

static void
test_large(struct control *c)
{
	struct asking a = { .request = "large" };
	int requests = 0;

	pthread_create(&a.thread, NULL, ask, &a);
	while (!__atomic_load_n(&a.is_done, __ATOMIC_ACQUIRE))
		turn(c, 0, &requests);
	pthread_join(a.thread, NULL);
	T_INT("a large answer arrives whole", a.text.len, 2000001);
	buf_free(&a.text);
}

static void
test_parked(struct control *c)
{
	struct asking a[3] = {{ .request = "slow" }, { .request = "slow" },
	    { .request = "hello" }};
	int requests = 0;

	for (int i = 0; i < 3; i++)
		pthread_create(&a[i].thread, NULL, ask, &a[i]);
	while (requests < 3 ||
	    !__atomic_load_n(&a[2].is_done, __ATOMIC_ACQUIRE))
		turn(c, requests, &requests);
	T_OK("others are served meanwhile",
	    !__atomic_load_n(&a[0].is_done, __ATOMIC_ACQUIRE));
	control_answer_all(c, TOPIC_SLOWER, 1, SPAN_LIT("wrong topic\n"));
	T_OK("moved", control_move(c, TOPIC_SLOW, TOPIC_SLOWER));
	T_OK("none left", !control_move(c, TOPIC_SLOW, TOPIC_SLOWER));
	control_turn(c, 100 * CONTROL_PATIENCE, run, &requests);
	control_answer_all(c, TOPIC_SLOWER, 1, SPAN_LIT("at last\n"));
	for (int i = 0; i < 3; i++) {
		while (!__atomic_load_n(&a[i].is_done, __ATOMIC_ACQUIRE))
			turn(c, 0, &requests);
		pthread_join(a[i].thread, NULL);
		if (i < 2)
			T_STR("parked requests are patient", a[i].text.p,
			    "at last\n");
		buf_free(&a[i].text);
	}
}

static int
connect_raw(const char *text)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(un.sun_path, path);
	T_INT("connect", connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	T_INT("send", send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

static void
test_bad_clients(struct control *c)
{
	int requests = 0;
	char byte;
	int fd;

	fd = connect_raw("hel");
	turn(c, 0, &requests);
	turn(c, CONTROL_PATIENCE + 1, &requests);
	T_INT("one that stalls is dropped", recv(fd, &byte, 1, 0), 0);
	close(fd);

	fd = connect_raw("slow\n");
	turn(c, 0, &requests);
	turn(c, 0, &requests);
	close(fd);
	turn(c, 0, &requests);
	control_answer_all(c, TOPIC_SLOW, 0, SPAN_LIT("nobody is there\n"));
	T_INT("one that left while parked", requests, 1);

	fd = connect_raw("large\n");
	turn(c, 0, &requests);
	turn(c, 0, &requests);
	turn(c, CONTROL_PATIENCE + 1, &requests);
	close(fd);		/* never read */

	for (int i = 0; i < 3 * CONTROL_CLIENTS; i++) {
		fd = connect_raw("hello\n");
		turn(c, 0, &requests);
		turn(c, 0, &requests);
		close(fd);
	}
	T_INT("places are used again", requests, 2 + 3 * CONTROL_CLIENTS);
}

int
main(void)
{
	struct control *c;
	struct err err;
	struct stat st = {0};
	struct buf text = {0};
	char want[240];
	int code;

	snprintf(path, sizeof(path), "/tmp/forepost-control-%d/sock",
	    getpid());
	T_INT("nobody runs", control_ask(path, "hello", 1, &code, &text,
	    &err), -1);
	snprintf(want, sizeof(want), "control socket %s: No such file or "
	    "directory (is Forepost running?)", path);
	T_STR("says so", err.text, want);

	c = control_open(path, &err);
	T_OK("open makes the folder", c != NULL);
	T_INT("the file", stat(path, &st), 0);
	T_INT("is for owner and group", st.st_mode & 0777, 0660);
	T_OK("a second gateway is noticed", control_open(path, &err) == NULL);
	test_answers(c);
	test_large(c);
	test_parked(c);
	test_bad_clients(c);
	control_close(&c, true);
	T_OK("the file goes", access(path, F_OK) < 0);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	return t_done();
}
