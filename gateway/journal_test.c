#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gateway/journal.h"
#include "gateway/stats.h"
#include "tests/kit/t.h"

static char folder[] = "/tmp/journal-test-XXXXXX";
static char path[64];
static struct settings settings;
static struct identity identity;	/* nobody changes */
static struct ring rings[2];

static struct journal *
open_journal(struct arena *a, size_t which)
{
	return journal_open(a, &settings, &rings[which], NULL);
}

/* In the ring, for now. */
static void
note(struct journal *j, size_t which, const char *text)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\n", text);
	ring_put(&rings[which], span_z(line));
	journal_note(j);
}

static void
put_by(struct journal *j, size_t which, const char *text)
{
	note(j, which, text);
	journal_flush(j);
}

static void
put(struct journal *j, const char *text)
{
	put_by(j, 0, text);
}

static const char *
name(const char *behind)
{
	static char text[2][96];
	static unsigned n;

	n ^= 1;
	snprintf(text[n], sizeof(text[n]), "%s%s", path, behind);
	return text[n];
}

static const char *
content(const char *behind)
{
	static char text[8192];
	int fd = open(name(behind), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return fd < 0 ? "(no file)" : text;
}

static void
clean(void)
{
	static const char *const ends[] = { "", ".1", ".2", ".3" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		(void)unlink(name(ends[i]));
}

static const char *
state(const struct journal *j)
{
	static char text[256];
	struct buf b = {0};
	struct json_out o = { .to = &b };

	journal_status(j, &o, NULL);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	return text;
}

/* --- a worker's --- */

static void
test_records(void)
{
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);
	struct journal *other = open_journal(a, 1);
	struct stat st;

	umask(0);
	T_STR("an empty file is there", content(""), "");
	put(j, "{\"n\":1}");
	put_by(other, 1, "{\"n\":2}");
	put(j, "{\"n\":3}");
	T_STR("each is a line, in the order of writing", content(""),
	    "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
	T_INT("others cannot read it", stat(path, &st) == 0 ?
	    (int)(st.st_mode & 0777) & 07 : -1, 0);
	T_STR("it says that it is good", state(j),
	    "{\"state\":\"good\",\"dropped\":0}");
	T_STR("no journal is off", state(NULL),
	    "{\"state\":\"off\",\"dropped\":0}");
	journal_put(NULL, SPAN_LIT("x\n"));
	journal_note(NULL);
	journal_turn(NULL);
	journal_reopen(NULL);
	journal_close(NULL);
	journal_close(other);
	journal_close(j);
	arena_destroy(&a);
	clean();
}

/* Lines wait in the ring, and are written together. */
static void
test_batches(void)
{
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);
	static char big[RING_RECORD];
	size_t n = 0;

	note(j, 0, "1");
	note(j, 0, "2");
	T_STR("nothing is written yet", content(""), "");
	journal_put(j, SPAN_LIT("long\n"));
	T_STR("what is too long goes behind them", content(""),
	    "\n1\n2\nlong\n");
	note(j, 0, "3");
	journal_reopen(j);
	T_STR("they do not go to another file", content(""),
	    "\n1\n2\nlong\n3\n");
	note(j, 0, "4");
	journal_close(j);
	T_STR("nor are they left behind", content(""),
	    "\n1\n2\nlong\n3\n4\n");
	clean();
	j = open_journal(a, 0);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\n';
	do {
		ring_put(&rings[0], span_n(big, sizeof(big)));
		journal_note(j);
		n++;
	} while (content("")[0] == '\0');
	T_INT("so many octets do not wait any longer", n * sizeof(big),
	    JOURNAL_BATCH);
	for (n = 0; n < 100; n++) {	/* more than one writev() takes */
		note(j, 0, "a");
		ring_put(&rings[0], SPAN_LIT("b\n"));
	}
	(void)unlink(path);
	(void)mkdir(path, 0700);
	journal_turn(j);
	journal_flush(j);
	T_OK("each that is dropped is counted",
	    strstr(state(j), "\"dropped\":200") != NULL);
	(void)rmdir(path);
	journal_close(j);
	arena_destroy(&a);
	clean();
}

static void
test_renamed(void)
{
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);

	put(j, "1");
	(void)rename(path, name(".1"));
	put(j, "2");
	T_STR("until it looks, it writes to the renamed file",
	    content(".1"), "1\n2\n");
	journal_turn(j);
	put(j, "3");
	T_STR("then it has a new one", content(""), "3\n");
	T_STR("and the old one is as it was", content(".1"), "1\n2\n");
	(void)unlink(path);
	journal_reopen(j);
	put(j, "4");
	T_STR("told so, it opens it at once", content(""), "4\n");
	journal_close(j);
	arena_destroy(&a);
	clean();
}

static void
test_no_file(void)
{
	struct arena *a = arena_create("test");
	struct journal *j;

	(void)mkdir(path, 0700);
	j = open_journal(a, 0);
	put(j, "1");
	T_STR("what is a folder is told", state(j), "{\"state\":\"full\","
	    "\"dropped\":1,\"why\":\"Is a directory\"}");
	(void)rmdir(path);
	journal_turn(j);
	put(j, "2");
	T_STR("it goes on when it can", content(""), "2\n");
	T_STR("and counts what it could not", state(j),
	    "{\"state\":\"good\",\"dropped\":1}");
	journal_close(j);
	(void)unlink(path);
	(void)symlink("/dev/null", path);
	j = open_journal(a, 0);
	put(j, "1");
	T_OK("no link is followed", strstr(state(j), "\"full\"") != NULL);
	journal_close(j);
	(void)unlink(path);
	(void)mkfifo(path, 0600);
	j = open_journal(a, 0);
	put(j, "1");
	T_OK("a pipe is none", strstr(state(j), "\"full\"") != NULL);
	journal_close(j);
	arena_destroy(&a);
	clean();
}

static void
limit_files(rlim_t most)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = most;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void
test_full(void)
{
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);

	signal(SIGXFSZ, SIG_IGN);
	limit_files(12);
	put(j, "12345678");
	put(j, "abcdefgh");	/* three octets fit */
	put(j, "ABCDEFGH");
	T_STR("what does not fit is cut", content(""), "12345678\nabc");
	T_OK("and told", strstr(state(j), "\"full\",\"dropped\":2") != NULL);
	limit_files(RLIM_INFINITY);
	put(j, "next");
	T_STR("the next line is whole", content(""),
	    "12345678\nabc\nnext\n");
	T_OK("all is good again", strstr(state(j), "\"good\"") != NULL);
	limit_files(20);
	put(j, "uvwxyz");
	limit_files(RLIM_INFINITY);
	journal_turn(j);
	T_STR("half a line is ended without another", content(""),
	    "12345678\nabc\nnext\nuv\n");
	limit_files(23);
	put(j, "uvwxyz");
	journal_reopen(j);
	limit_files(RLIM_INFINITY);
	put(j, "last");
	T_STR("also if the same file was opened anew", content(""),
	    "12345678\nabc\nnext\nuv\nuv\nlast\n");
	journal_close(j);
	arena_destroy(&a);
	clean();
}

/* What cannot be opened anew is written to for as long as it has a name. */
static void
test_lost(void)
{
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);

	(void)rename(path, name(".1"));
	(void)mkdir(path, 0700);
	journal_turn(j);
	put(j, "1");
	T_OK("a moment is no failure", strstr(state(j), "\"good\"") != NULL);
	for (int i = 0; i < 3; i++) {
		journal_turn(j);
		put(j, "2");
	}
	T_STR("it says why, and goes on in the old one", state(j),
	    "{\"state\":\"full\",\"dropped\":0,\"why\":\"Is a directory\"}");
	T_STR("where it is", content(".1"), "1\n2\n2\n2\n");
	(void)unlink(name(".1"));
	journal_turn(j);
	put(j, "3");
	T_OK("what nobody can read is not written, but counted",
	    strstr(state(j), "\"dropped\":1") != NULL);
	(void)rmdir(path);
	journal_turn(j);
	put(j, "4");
	T_STR("it is back", content(""), "4\n");
	T_OK("and good", strstr(state(j), "\"good\"") != NULL);
	journal_close(j);
	arena_destroy(&a);
	clean();
}

/* Another worker has left half a line, and the disk is full for both. */
static void
test_full_for_two(void)
{
	struct arena *a = arena_create("test");
	struct journal *one = open_journal(a, 0);
	struct journal *two = open_journal(a, 1);

	signal(SIGXFSZ, SIG_IGN);
	limit_files(4);
	put(one, "12345678");
	put_by(two, 1, "abcdefgh");
	limit_files(RLIM_INFINITY);
	put_by(two, 1, "next");
	T_STR("half of one, and a line that is whole", content(""),
	    "1234\nnext\n");
	journal_close(one);
	journal_close(two);
	arena_destroy(&a);
	clean();
}

/* --- the supervisor's --- */

static void
fill(const char *behind, const char *text, off_t size)
{
	int fd = open(name(behind), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)!write(fd, text, strlen(text));
	if (size > 0)
		(void)!ftruncate(fd, size);
	close(fd);
}

static void
test_rotation(void)
{
	fill("", "new", 0);
	T_OK("a small one stays", !journal_rotate(&settings, &identity));
	fill("", "new", 100);
	fill(".1", "one", 0);
	fill(".2", "two", 0);
	T_OK("a large one is renamed", journal_rotate(&settings, &identity));
	T_STR("the one before it too", content(".2"), "one");
	T_OK("it is the first", strncmp(content(".1"), "new", 3) == 0);
	T_STR("only so many are kept", content(".3"), "(no file)");
	T_STR("there is a new one", content(""), "");
	clean();
	fill("", "new", 100);
	T_OK("without others too", journal_rotate(&settings, &identity));
	T_OK("it is gone: there is a new one",
	    unlink(path) == 0 && journal_rotate(&settings, &identity));
	T_STR("which is empty", content(""), "");
	clean();
	settings.journal_keep = 0;
	fill("", "new", 100);
	T_OK("keep 0: somebody else does it",
	    !journal_rotate(&settings, &identity));
	T_OK("and perhaps makes no new one",
	    unlink(path) == 0 && journal_rotate(&settings, &identity));
	T_STR("which is ours then", content(""), "");
	settings.journal_keep = 2;
	clean();
}

/* A worker is gone, and has left things to others. */
static void
test_mend(void)
{
	fill("", "whole\n", 0);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("a whole line stays", content(""), "whole\n");
	fill("", "whole\nhal", 0);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("half of one is ended", content(""), "whole\nhal\n");
	fill("", "", 0);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("nothing stays nothing", content(""), "");
	clean();
	journal_rescue(path, &identity, &rings[0]);
	T_STR("no file is made", content(""), "(no file)");
	journal_rescue(NULL, &identity, &rings[0]);
}

static int64_t
counted(enum stats_id which)
{
	static int64_t before[STATS_COUNT];
	int64_t now = stats_get(which), n = now - before[which];

	before[which] = now;
	return n;
}

/* What is in the files when he was killed while he wrote three lines. */
static const struct {
	const char *name, *old, *new;
	int first;		/* of his three that was begun with; -1 */
	const char *want;
	int written;
} gone[] = {
	{ "he had not begun", "", "z\n", -1, "z\none\ntwo\nthree\n", 3 },
	{ "what is equal by chance is no reason to leave it out", "",
	    "one\ntwo\n", -1, "one\ntwo\none\ntwo\nthree\n", 3 },
	{ "nothing was written", "", "z\n", 0, "z\none\ntwo\nthree\n", 3 },
	{ "one was", "", "z\none\n", 0, "z\none\ntwo\nthree\n", 3 },
	{ "one and a half", "", "z\none\ntw", 0,
	    "z\none\ntw\ntwo\nthree\n", 3 },
	{ "others were behind him", "", "z\none\ntwo\nx\ny\n", 0,
	    "z\none\ntwo\nx\ny\nthree\n", 3 },
	{ "all were", "", "one\ntwo\nthree\n", 0, "one\ntwo\nthree\n", 3 },
	{ "one is joined to a half of his", "",
	    "z\none\ntw{\"v\":1,\"x\":2}\n{\"v\":1}\n", 0,
	    "z\none\ntw{\"v\":1,\"x\":2}\n{\"v\":1}\n"
	    "{\"v\":1,\"x\":2}\ntwo\nthree\n", 3 },
	{ "the file was renamed behind it", "one\ntwo\n", "z\n", 0,
	    "z\nthree\n", 3 },
};

static void
test_gone(void)
{
	struct iovec pieces[2 * 3];
	struct arena *a = arena_create("test");
	struct journal *j = open_journal(a, 0);
	uint64_t upto;

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		fill("", gone[i].new, 0);
		fill(".1", gone[i].old, 0);
		(void)counted(STAT_JOURNAL_RECORDS);
		note(j, 0, "one");
		note(j, 0, "two");
		note(j, 0, "three");
		if (gone[i].first >= 0)
			(void)ring_begin(&rings[0], pieces, 6, &upto);
		journal_rescue(path, &identity, &rings[0]);
		T_STR(gone[i].name, content(""), gone[i].want);
		T_STR("what was renamed stays", content(".1"), gone[i].old);
		T_INT("all are counted", counted(STAT_JOURNAL_RECORDS),
		    gone[i].written);
		T_INT("nothing waits", ring_waiting(&rings[0]), 0);
		journal_rescue(path, &identity, &rings[0]);
		T_STR("once", content(""), gone[i].want);
	}
	(void)counted(STAT_JOURNAL_DROPPED);
	note(j, 0, "four");
	clean();
	(void)mkdir(path, 0700);
	journal_rescue(path, &identity, &rings[0]);
	T_INT("what cannot be written is counted",
	    counted(STAT_JOURNAL_DROPPED), 1);
	(void)rmdir(path);
	journal_close(j);
	arena_destroy(&a);
	clean();
}

#define PART "{\"v\":1,\"limits\":{\"v\":2,"
#define OTHER "{\"v\":1,\"b\":3}\n"

/* Of a line that has what looks like the beginning of one within it. */
static void
test_joined(void)
{
	struct iovec pieces[2];
	uint64_t upto;

	fill("", PART OTHER, 0);
	ring_put(&rings[0], SPAN_LIT(PART "\"w\":1}}\n"));
	(void)ring_begin(&rings[0], pieces, 2, &upto);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("the other one alone", content(""), PART OTHER
	    OTHER PART "\"w\":1}}\n");
	fill("", PART, 0);
	ring_put(&rings[0], SPAN_LIT(PART "\"w\":1}}\n"));
	(void)ring_begin(&rings[0], pieces, 2, &upto);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("none", content(""), PART "\n" PART "\"w\":1}}\n");
	clean();
}

/* The file is not what it was when its records were put. */
static void
test_other_file(void)
{
	fill("", "secret\n", 0);
	(void)link(path, name(".1"));
	ring_put(&rings[0], SPAN_LIT("one\n"));
	(void)counted(STAT_JOURNAL_DROPPED);
	journal_rescue(path, &identity, &rings[0]);
	T_STR("one with another name may be somebody's", content(".1"),
	    "secret\n");
	T_INT("that is counted", counted(STAT_JOURNAL_DROPPED), 1);
	(void)unlink(path);
	ring_put(&rings[0], SPAN_LIT("two\n"));
	journal_rescue(path, &identity, &rings[0]);
	T_STR("one that was renamed is made anew", content(""), "two\n");
	T_STR("and the old one stays", content(".1"), "secret\n");
	clean();
}

static void
test_prepared(void)
{
	struct stat st;

	umask(027);
	journal_prepare(&settings, &identity);
	T_INT("it is made, and not for others", stat(path, &st) == 0 ?
	    (int)(st.st_mode & 0777) : -1, 0640);
	fill("", "x", 0);
	journal_prepare(&settings, &identity);
	T_STR("what is there stays, and half a line is ended", content(""),
	    "x\n");
	journal_prepare(&settings, &identity);
	T_STR("once", content(""), "x\n");
	clean();
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/journal", folder);
	settings = (struct settings){ .journal_file = path,
	    .journal_max_size = 100, .journal_keep = 2 };
	test_records();
	test_renamed();
	test_no_file();
	test_full();
	test_full_for_two();
	test_lost();
	test_rotation();
	test_mend();
	test_gone();
	test_joined();
	test_other_file();
	test_batches();
	test_prepared();
	(void)rmdir(folder);
	return t_done();
}
