#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/kit/t.h"

#define STAMP_LEN	(sizeof("2026-11-22T02:20:18.000Z ") - 1)
#define WALL		(INT64_C(1795314018) * CLOCK_S)	/* that time */

static char dir[] = "/tmp/log_test.XXXXXX";
static char path[64], old_path[64];
static int64_t passed;	/* us since WALL: the clock of this test */

int64_t
clock_now(void)
{
	return CLOCK_S + passed;
}

void
clock_tick(void)
{
}

int64_t
clock_wall(void)
{
	return WALL + passed;
}

int64_t
clock_exact(void)
{
	return clock_now() * 1000;
}

/* What a file holds, as a C string; valid until the next call. */
static const char *
content(const char *name)
{
	static char text[100000];
	FILE *f = fopen(name, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

/* The same without the stamps. */
static const char *
lines(const char *name)
{
	static char text[100000];
	const char *p = content(name), *end;
	size_t n = 0, len;

	for (; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		len = (size_t)(end + 1 - p);
		if (len <= STAMP_LEN)
			continue;
		memcpy(text + n, p + STAMP_LEN, len - STAMP_LEN);
		n += len - STAMP_LEN;
	}
	text[n] = '\0';
	return text;
}

static void
open_log(const char *target)
{
	struct err err;

	if (log_open(target, "forepost", &err) < 0)
		T_STR("the log opens", err.text, "");
}

static void
begin_file(void)
{
	unlink(path);
	open_log(path);
}

static void
test_lines(void)
{
	struct logline l, inner;

	begin_file();
	log_begin(&l, LOG_LABEL_INFO, "5f3a91c2", "mail done");
	log_int(&l, "rcpts", 2);
	log_str(&l, "from", SPAN_LIT("<a@x.example>"));
	log_z(&l, "reply", "550 5.7.26");
	log_z(&l, "rule", NULL);
	log_int(&l, "zero", 0);
	log_int(&l, "least", INT64_MIN);
	log_int(&l, "most", INT64_MAX);
	log_end(&l);
	T_STR("a line waits for the flush", content(path), "");
	log_flush();
	T_STR("a line", content(path),
	    "2026-11-22T02:20:18.000Z info 5f3a91c2 mail done rcpts=2 "
	    "from=<a@x.example> reply=\"550 5.7.26\" zero=0 "
	    "least=-9223372036854775808 most=9223372036854775807\n");
	log_flush();
	T_INT("is written once", strlen(lines(path)), 129);

	begin_file();
	log_begin(&l, LOG_LABEL_INFO, NULL, "outer");
	log_begin(&inner, LOG_LABEL_INFO, "id", "inner");
	log_int(&inner, "n", 1);
	log_event(LOG_LABEL_INFO, "", "event %s %d", "with", 3);
	log_end(&inner);
	log_int(&l, "n", 2);
	log_end(&l);
	log_flush();
	T_STR("a line begun within a line", lines(path),
	    "info - event with 3\ninfo id inner n=1\ninfo - outer n=2\n");

	begin_file();
	log_event(LOG_LABEL_INFO, "id", "two\r\nlines\x7f");
	log_flush();
	T_STR("an event stays one line", lines(path),
	    "info id two\\x0D\\x0Alines\\x7F\n");
	log_close();
}

/* More than any small table of them tells apart. */
static void
test_many_names(void)
{
	static const char *const front[] = {
		"time", "label", "session", "event"
	};
	static char want[4000];
	struct logline l;
	char key[12];
	size_t n;

	begin_file();
	log_begin(&l, LOG_LABEL_INFO, "id", "many");
	n = (size_t)sprintf(want, "{\"time\":\"2026-11-22T02:20:18.000Z\","
	    "\"label\":\"info\",\"session\":\"id\",\"event\":\"many\"");
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		log_int(&l, key, i);
		n += (size_t)sprintf(want + n, ",\"k%d\":%d", i, i);
	}
	for (int i = 0; i < 4; i++) {
		log_int(&l, front[i], i);
		n += (size_t)sprintf(want + n, ",\"%s-2\":%d", front[i], i);
	}
	log_int(&l, "time-2", 5);
	log_int(&l, "k7", 6);
	log_end(&l);
	log_flush();
	sprintf(want + n, ",\"time-2-2\":5,\"k7-2\":6}\n");
	T_STR("each name once, however many", content(path), want);

	/* Where few names are there only the search is left out. */
	for (int i = 0; i < 4; i++) {
		begin_file();
		log_begin(&l, LOG_LABEL_INFO, "id", "x");
		log_int(&l, front[i], i);
		snprintf(key, sizeof(key), "%s-2", front[i]);
		log_int(&l, key, 7);
		log_end(&l);
		log_flush();
		sprintf(want, "\"event\":\"x\",\"%s\":%d,\"%s-2\":7}\n", key,
		    i, key);
		T_OK(front[i], strstr(content(path), want) != NULL);
	}
}

static void
test_json(void)
{
	struct logline l, inner;

	begin_file();
	log_format(LOG_JSON);
	log_begin(&l, LOG_LABEL_INFO, "5f3a91c2", "mail done");
	log_int(&l, "id", 1);
	log_str(&l, "from", SPAN_LIT("<\"a b\"@x.example>"));
	log_z(&l, "why", "one\r\ntwo \x1b[2J \xc2\x9b \xff");
	log_z(&l, "rule", NULL);
	log_int(&l, "least", INT64_MIN);
	log_end(&l);
	log_flush();
	T_STR("an object a line", content(path),
	    "{\"time\":\"2026-11-22T02:20:18.000Z\",\"label\":\"info\","
	    "\"session\":\"5f3a91c2\",\"event\":\"mail done\",\"id\":1,"
	    "\"from\":\"<\\\"a b\\\"@x.example>\","
	    "\"why\":\"one\\u000d\\u000atwo \\u001b[2J \\u009b "
	    "\xef\xbf\xbd\",\"least\":-9223372036854775808}\n");

	begin_file();
	log_event(LOG_LABEL_WARN, "-", "%s n=%d", "two\n\"lines\"", 3);
	log_flush();
	T_STR("the text of an event is the event", content(path),
	    "{\"time\":\"2026-11-22T02:20:18.000Z\",\"label\":\"warn\","
	    "\"event\":\"two\\u000a\\\"lines\\\" n=3\"}\n");

	begin_file();
	log_begin(&l, LOG_LABEL_INFO, NULL, "x");
	log_z(&l, "a", "\",\"b\":\"");
	log_int(&l, "b", 1);
	log_int(&l, "a", 2);
	log_begin(&inner, LOG_LABEL_INFO, NULL, "y");
	log_int(&inner, "a", 4);
	log_end(&inner);
	log_z(&l, "a", "3");
	log_z(&l, "event", "4");
	log_end(&l);
	log_flush();
	T_STR("no name comes twice", content(path),
	    "{\"time\":\"2026-11-22T02:20:18.000Z\",\"label\":\"info\","
	    "\"event\":\"y\",\"a\":4}\n"
	    "{\"time\":\"2026-11-22T02:20:18.000Z\",\"label\":\"info\","
	    "\"event\":\"x\",\"a\":\"\\\",\\\"b\\\":\\\"\",\"b\":1,\"a-2\":2,"
	    "\"a-3\":\"3\",\"event-2\":\"4\"}\n");

	test_many_names();
	log_format(LOG_TEXT);
	log_close();
}

static void
test_labels(void)
{
	struct logline l;

	begin_file();
	log_event(LOG_LABEL_DEBUG, NULL, "not seen");
	log_begin(&l, LOG_LABEL_DEBUG, NULL, "not seen");
	log_z(&l, "key", "value");
	log_int(&l, "key", 1);
	log_str(&l, "key", SPAN_LIT("value"));
	T_OK("below the level nothing is built", l.off && l.text.p == NULL);
	log_end(&l);
	log_event(LOG_LABEL_WARN, NULL, "soon");
	T_STR("warn waits for the flush", content(path), "");
	log_event(LOG_LABEL_ERROR, NULL, "now");
	T_STR("error is written at once, behind what came before",
	    lines(path), "warn - soon\nerror - now\n");

	begin_file();
	log_bug("id", "broken: %d", 7);
	T_STR("so is bug", lines(path), "bug id broken: 7\n");

	begin_file();
	log_level(LOG_LABEL_DEBUG);
	log_event(LOG_LABEL_DEBUG, NULL, "seen");
	log_level(LOG_LABEL_WARN);
	log_event(LOG_LABEL_INFO, NULL, "not seen");
	log_level(LOG_LABEL_INFO);
	log_flush();
	T_STR("the level can be moved", lines(path), "debug - seen\n");
	log_close();
}

static void
test_time(void)
{
	begin_file();
	log_event(LOG_LABEL_INFO, NULL, "a");
	passed = 7 * CLOCK_MS;
	log_event(LOG_LABEL_INFO, NULL, "b");
	passed = 2 * CLOCK_S + 987 * CLOCK_MS;
	log_event(LOG_LABEL_INFO, NULL, "c");
	passed += 13 * CLOCK_MS;
	log_event(LOG_LABEL_INFO, NULL, "d");
	log_flush();
	T_STR("the time to the millisecond", content(path),
	    "2026-11-22T02:20:18.000Z info - a\n"
	    "2026-11-22T02:20:18.007Z info - b\n"
	    "2026-11-22T02:20:20.987Z info - c\n"
	    "2026-11-22T02:20:21.000Z info - d\n");
	log_close();
	passed = 0;
}

static void
test_file(void)
{
	struct stat st;
	struct err err;

	umask(0);
	begin_file();
	stat(path, &st);
	T_INT("a log file is for owner and group", st.st_mode & 0777, 0640);
	log_event(LOG_LABEL_INFO, NULL, "before");
	rename(path, old_path);
	log_event(LOG_LABEL_INFO, NULL, "between");
	log_reopen();
	log_event(LOG_LABEL_INFO, NULL, "after");
	log_flush();
	T_STR("up to the reopening: the old file", lines(old_path),
	    "info - before\ninfo - between\n");
	T_STR("from then on: a new one", lines(path), "info - after\n");

	rename(path, old_path);
	mkdir(path, 0700);
	log_reopen();
	rmdir(path);
	T_OK("a file that cannot be made again is said so, in the old one",
	    strstr(lines(old_path), "error - log not reopened, going on with "
	    "the old one: log /tmp/log_test.") != NULL);

	begin_file();
	log_event(LOG_LABEL_INFO, NULL, "one");
	T_INT("a target that cannot be opened",
	    log_open("/nowhere/forepost.log", "forepost", &err), -1);
	T_STR("is named", err.text,
	    "log /nowhere/forepost.log: No such file or directory");
	log_event(LOG_LABEL_INFO, NULL, "two");
	log_flush();
	T_STR("and the one before stays", lines(path),
	    "info - one\ninfo - two\n");
	T_INT("a name that is no path",
	    log_open("sderr", "forepost", &err), -1);
	T_STR("is explained", err.text, "log \"sderr\": expected \"stderr\", "
	    "\"syslog\" or a path with a \"/\"");
	T_INT("so is a syslog socket without path",
	    log_open("syslog:", "forepost", &err), -1);
	log_close();

	open_log(path);
	log_event(LOG_LABEL_INFO, NULL, "three");
	log_close();
	T_STR("an old file is appended to, and closing writes", lines(path),
	    "info - one\ninfo - two\ninfo - three\n");
}

static void
test_names(void)
{
	static const char *const others[] = {
		"stderr", "syslog", "syslog:/run/log",
		"syslog:tcp://192.0.2.1:601", NULL
	};

	for (size_t i = 0; others[i] != NULL; i++)
		T_STR("a target that is no file", log_file(others[i]), NULL);
	T_STR("one that is", log_file("/var/log/fp"), "/var/log/fp");
}

static void
test_fork(void)
{
	pid_t pid;

	begin_file();
	log_event(LOG_LABEL_INFO, NULL, "parent");
	pid = fork();
	if (pid == 0) {
		log_event(LOG_LABEL_INFO, NULL, "child");
		log_flush();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	log_flush();
	T_STR("a child does not write its parent's lines", lines(path),
	    "info - child\ninfo - parent\n");
	log_close();
}

static void
test_no_space(void)
{
	struct rlimit old, low;
	uint64_t before = log_dropped();

	open_log("/dev/full");
	log_event(LOG_LABEL_INFO, NULL, "lost");
	log_event(LOG_LABEL_INFO, NULL, "lost");
	log_flush();
	T_INT("lines without space are counted", log_dropped() - before, 2);
	log_flush();
	T_INT("once", log_dropped() - before, 2);
	begin_file();
	log_event(LOG_LABEL_INFO, NULL, "good");
	log_flush();
	T_STR("the next target learns of them", lines(path),
	    "info - good\nwarn - log lines dropped count=2\n");
	log_event(LOG_LABEL_INFO, NULL, "better");
	log_flush();
	T_STR("once too", lines(path), "info - good\n"
	    "warn - log lines dropped count=2\ninfo - better\n");

	/* A file that ends in half a line: the space was used up there. */
	begin_file();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){ STAMP_LEN + 10, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &low);
	log_event(LOG_LABEL_INFO, NULL, "first");
	log_event(LOG_LABEL_INFO, NULL, "second");
	log_flush();
	setrlimit(RLIMIT_FSIZE, &old);
	log_event(LOG_LABEL_INFO, NULL, "third");
	log_flush();
	log_flush();
	T_STR("a line is not joined to the half of another", lines(path),
	    "info - fir\ninfo - third\nwarn - log lines dropped count=2\n");
	T_INT("both are counted", log_dropped() - before, 4);
	log_close();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(old_path, sizeof(old_path), "%s/log.1", dir);
	test_lines();
	test_json();
	test_labels();
	test_time();
	test_file();
	test_names();
	test_fork();
	test_no_space();
	unlink(path);
	unlink(old_path);
	rmdir(dir);
	return t_done();
}
