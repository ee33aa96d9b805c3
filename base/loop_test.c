#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "tests/kit/t.h"

static char dir[] = "/tmp/loop_test.XXXXXX";
static char path[64];

/* Nothing happens but that a log can be written again. */
static void
test_stuck_log(void)
{
	static char text[65536];
	uint64_t turns;
	struct err err;
	int fd, i;

	T_INT("fifo", mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	T_INT("log", log_open(path, "forepost", &err), 0);
	for (i = 0; i < 10000 && !log_is_stuck(); i++) {
		log_event(LOG_LABEL_INFO, NULL, "line");
		log_flush();
	}
	T_OK("a log that nobody reads", log_is_stuck());
	turns = loop_turns();
	for (i = 0; i < 5; i++)
		loop_turn(true);
	T_INT("an idle loop wakes up to try again", loop_turns() - turns, 5);
	T_OK("in vain", log_is_stuck());
	T_OK("the reader is back", read(fd, text, sizeof(text)) > 0);
	for (i = 0; i < 5 && log_is_stuck(); i++)
		loop_turn(true);
	T_OK("the loop wrote the rest by itself", !log_is_stuck());
	log_close();
	close(fd);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	alarm(30);	/* an idle loop sleeps for longer */
	loop_create();
	test_stuck_log();
	loop_destroy();
	unlink(path);
	rmdir(dir);
	return t_done();
}
