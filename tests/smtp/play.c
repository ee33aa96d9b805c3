/*
 * play -- runs session scripts (tests/smtp/README): those named, or all
 *
 * Each is performed as it stands, with each of its waits failing, and under
 * rules that only observe. When nothing moves any more and a side still waits,
 * the script has failed (or, while waits are made to fail, time passes).
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/session.h"
#include "tests/fake/fake.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/t.h"
#include "tests/smtp/side.h"
#include "tests/smtp/stage.h"

#define MAX_FAULTS	400
#define MADE		6	/* files of rules made at random, a script */

static char	 folder[] = "/tmp/forepost-play-XXXXXX";
static char	 log_path[sizeof("/proc/self/fd/") + 11];

/* --- playing --- */

static void
play_store(const struct word *how)
{
	bool works = word_is(how, "works") || word_is(how, "read-only");

	fake_store_read_only(word_is(how, "read-only"));
	fake_store_fail(works ? 0 : 1, works ? 0 : UINT_MAX,
	    word_is(how, "full") ? ERR_CONFIG : ERR_TIMEOUT);
}

static void
play_line(const struct script_line *l)
{
	if (strcmp(l->key, "client") == 0) {
		stage.client.words = l->words;
		stage.client.n = l->n;
		stage.client.at = 0;
		stage.client.line = l->number;
		stage_settle();
		if (stage.client.at >= stage.client.n)
			return;
		if (judgement.is_fault_run)	/* a wait that fails takes its time */
			stage_pass_time(700 * CLOCK_S);
		if (stage.client.at < stage.client.n && !judgement.is_lenient)
			stage_problem();
	} else if (strcmp(l->key, "next-client") == 0)
		stage_next_client(l->n > 0 ? arena_copy(stage.arena,
		    l->words[0].text) : NULL);
	else if (strcmp(l->key, "store") == 0)
		play_store(&l->words[0]);
	else if (strcmp(l->key, "redis") == 0)
		fake_store_part(arena_copy(stage.arena, l->words[0].text),
		    arena_copy(stage.arena, l->words[1].text), l->n > 2 ?
		    arena_copy(stage.arena, l->words[2].text) : "");
	else if (strcmp(l->key, "clock") == 0)
		stage_pass_time(atoll(l->words[0].text.p + 1) * CLOCK_S);
	else if (strcmp(l->key, "worker") == 0) {
		stage.worker.state = WORKER_STOPPING;
		sessions_wake_idle(&stage.worker);
		if (word_is(&l->words[0], "cutting"))
			sessions_stop(&stage.worker);
		stage_settle();
	}
}

/* A client who has left says nothing more, but another may come. */
static bool
is_to_be_played(const struct script_line *l)
{
	return judgement.problem[0] == '\0' && (!judgement.is_fault_run ||
	    stage.client.fd >= 0 || strcmp(l->key, "next-client") == 0);
}

static struct span
read_log(void)
{
	static char text[1 << 20];
	int fd = open(log_path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return span_n(text, n > 0 ? n : 0);
}

/* Mails that somebody had got before: nobody took these now. */
static unsigned
count_known(void)
{
	const char *at = read_log().p;
	unsigned n = 0;

	while ((at = strstr(at, "mail done ")) != NULL) {
		size_t len = strcspn(at, "\n");

		n += memmem(at, len, " known=", 7) != NULL;
		at += len;
	}
	return n;
}

static void
check_log(void)
{
	const char *text = read_log().p;
	size_t i;

	for (i = 0; i < stage.script->n; i++) {
		const struct script_line *l = &stage.script->lines[i];
		bool wanted = strcmp(l->key, "log") == 0;
		regex_t regex;

		if (!wanted && strcmp(l->key, "no-log") != 0)
			continue;
		if (regcomp(&regex, arena_copy(stage.arena, l->rest),
		    REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0) {
			problem("line %u: not a regex", l->number);
			return;
		}
		if ((regexec(&regex, text, 0, NULL, 0) == 0) != wanted)
			problem("line %u: %s line of the log matches:\n%s",
			    l->number, wanted ? "no" : "a", text);
		regfree(&regex);
	}
}

/* One performance; the number of waits that it took. */
struct performance {
	const char		*path;
	struct variation	 variation;
	unsigned		 fail;		/* this wait; 0: none */
	enum fake_failure	 how;
	struct buf		*sent;		/* NULL: not wanted */
};

static unsigned
perform(const struct performance *p)
{
	unsigned waits = 0;
	struct err err;
	size_t i;

	memset(&stage, 0, sizeof(stage));
	judgement.is_fault_run = p->fail > 0;
	judgement.problem[0] = '\0';
	judgement.taken = judgement.acknowledged = 0;
	judgement.may_reject = false;
	stage.folder = folder;
	stage.variation = &p->variation;
	stage.sent = p->sent;
	stage.arena = arena_create("script");
	stage.script = script_read(stage.arena, p->path, &err);
	if (truncate(log_path, 0) < 0)
		problem("%s: %s", log_path, strerror(errno));
	if (stage.script == NULL)
		problem("%s", err.text);
	else if (stage_set()) {
		fake_fail_wait(p->fail, p->how);
		for (i = 0; i < stage.script->n; i++)
			if (is_to_be_played(&stage.script->lines[i]))
				play_line(&stage.script->lines[i]);
		waits = fake_waits();
		stage_strike();
		if (judgement_is_strict())
			check_log();
		if (judgement.acknowledged > judgement.taken +
		    count_known() &&
		    !stage_has_key("discards"))
			problem("%u messages acknowledged, %u taken",
			    judgement.acknowledged, judgement.taken);
	}
	arena_destroy(&stage.arena);
	return waits;
}

/* --- each wait fails --- */

static void
fail_each_wait(const char *name, struct performance *p, unsigned waits)
{
	static const char *const ways[] = { "timeout", "closing" };
	char label[400];
	int how;

	for (how = FAIL_BY_TIMEOUT; how <= FAIL_BY_CLOSING; how++) {
		p->how = how;
		for (p->fail = 1; p->fail <= waits && p->fail <= MAX_FAULTS;
		    p->fail++) {
			perform(p);
			if (judgement.problem[0] != '\0')
				break;
		}
		snprintf(label, sizeof(label),
		    "%s: %u waits fail by %s, one at a time", name, waits,
		    ways[how]);
		if (judgement.problem[0] != '\0')
			snprintf(label, sizeof(label), "%s: wait %u of %u "
			    "fails by %s", name, p->fail, waits, ways[how]);
		T_STR(label, judgement.problem, "");
	}
	p->fail = 0;
}

/* --- rules that only observe --- */

static unsigned	seeds;		/* used so far: each script has others */
#define SEEDS	(2 * MADE)	/* that one script uses */

static bool
has_key(const struct script *script, const char *key)
{
	for (size_t i = 0; i < script->n; i++)
		if (strcmp(script->lines[i].key, key) == 0)
			return true;
	return false;
}

/* What is under way when DNS is silent takes time, and rules wait for it. */
static bool
has_silent_dns(const struct script *script)
{
	for (size_t i = 0; i < script->n; i++) {
		const struct script_line *l = &script->lines[i];

		if (strcmp(l->key, "zone") == 0 && l->n > 1 &&
		    (word_is(&l->words[1], "timeout") ||
		    word_is(&l->words[1], "delay")))
			return true;
	}
	return false;
}

/* nasty.rules beside the script, without its slow lines if there is no DNS. */
static const char *
read_nasty(struct arena *a, const char *script, bool has_dns)
{
	const char *slash = strrchr(script, '/');
	int len = slash != NULL ? (int)(slash - script) + 1 : 0;
	FILE *f = fopen(arena_printf(a, "%.*snasty.rules", len, script), "r");
	struct buf text = {0};
	const char *copy;
	char line[200];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (has_dns || strstr(line, "# slow\n") == NULL)
			buf_puts(&text, line);
	if (f != NULL)
		fclose(f);
	copy = f != NULL ? arena_copy(a, buf_text(&text)) :
	    "there is no nasty.rules beside the script";
	buf_free(&text);
	return copy;
}

/* Its list must not be called as one of the script. */
static const char *
make_rules(struct arena *a, uint64_t seed)
{
	const struct rule_maker maker = { .seed = seed, .no_store = true,
	    .no_milter = true };
	char *text = arena_strdup(a, rule_maker_rules(a, &maker)), *at = text;

	while ((at = strstr(at, "zen")) != NULL)
		memcpy(at, "zam", 3);
	return text;
}

/* A script under one set of rules after the other. */
struct trial {
	const char		*name;
	struct arena		*arena;
	struct performance	 base;		/* without a rule */
	unsigned		 done;
};

/* All that was sent is the same as without these rules. */
static void
compare(struct trial *t, const char *what, const char *rules)
{
	struct performance p = t->base;
	struct buf sent = {0};
	char label[400];

	p.variation.rules = rules;
	p.variation.observe = true;
	p.sent = &sent;
	perform(&p);
	snprintf(label, sizeof(label), "%s%s: under %s, observing", t->name,
	    p.variation.inspect ? ", inspected" : "", what);
	if (judgement.problem[0] != '\0')
		T_STR(label, judgement.problem, "");
	else if (!span_eq(buf_text(&sent), buf_text(t->base.sent)))
		T_STR(label, arena_copy(t->arena, buf_text(&sent)),
		    arena_copy(t->arena, buf_text(t->base.sent)));
	else
		t->done++;
	buf_free(&sent);
}

static void
observe(struct trial *t, const struct script *script)
{
	bool has_dns = !has_silent_dns(script);
	struct buf sent = {0};
	char label[400];
	unsigned n = 1;

	t->base.sent = &sent;
	t->base.variation.rules = "";
	perform(&t->base);
	snprintf(label, sizeof(label), "%s%s: without rules", t->name,
	    t->base.variation.inspect ? ", inspected" : "");
	if (judgement.problem[0] != '\0')
		T_STR(label, judgement.problem, "");
	compare(t, "nasty.rules", read_nasty(t->arena, t->base.path,
	    has_dns));
	if (has_key(script, "rules")) {
		compare(t, "its own rules", NULL);
		n++;
	}
	for (unsigned i = 0; has_dns && i < MADE; i++, n++) {
		seeds++;
		compare(t, arena_printf(t->arena, "rules of seed %u", seeds),
		    make_rules(t->arena, seeds));
	}
	snprintf(label, sizeof(label), "%s%s: rules that only observe send "
	    "the same", t->name, t->base.variation.inspect ? ", inspected" :
	    "");
	T_INT(label, t->done, n);
	t->done = 0;
	buf_free(&sent);
}

/* Waits for facts of rules that only observe fail as well. */
static void
fail_under_rules(const struct trial *t, const struct script *script)
{
	struct performance p = t->base;
	char label[400];

	snprintf(label, sizeof(label), "%s: under nasty.rules", t->name);
	p.variation.rules = read_nasty(t->arena, p.path,
	    !has_silent_dns(script));
	p.variation.observe = true;
	p.sent = NULL;
	fail_each_wait(label, &p, perform(&p));
}

/* A script with rules does not go on as it should without them, but all
 * performances of it go on in the same way. */
static void
observe_all(const char *name, const char *path)
{
	struct arena *a = arena_create("observers");
	struct trial t = { .name = name, .arena = a, .base = { .path = path } };
	struct err err;
	const struct script *script = script_read(a, path, &err);

	judgement.is_lenient = has_key(script, "rules");
	observe(&t, script);
	if (!judgement.is_lenient)
		fail_under_rules(&t, script);
	if (!judgement.is_lenient && !has_key(script, "inspect")) {
		t.base.variation.inspect = true;
		observe(&t, script);
	}
	judgement.is_lenient = false;
	arena_destroy(&a);
}

/* --- scripts --- */

static void
play_script(const char *path)
{
	struct performance p = { .path = path };
	char name[300];
	unsigned waits;

	snprintf(name, sizeof(name), "%s", strrchr(path, '/') != NULL ?
	    strrchr(path, '/') + 1 : path);
	memset(judgement.five, 0, sizeof(judgement.five));
	waits = perform(&p);
	T_STR(name, judgement.problem, "");
	if (judgement.problem[0] != '\0')
		return;
	fail_each_wait(name, &p, waits);
	observe_all(name, path);
}

#define PARTS	2	/* processes that share the scripts */

/* All of tests/smtp, from the source tree or a build folder within it: those
 * that are this process's. */
static void
play_all(size_t part)
{
	glob_t found;
	size_t i;

	if (glob("tests/smtp/*.smtp", 0, NULL, &found) != 0 &&
	    glob("../tests/smtp/*.smtp", 0, NULL, &found) != 0) {
		T_OK("there are scripts in tests/smtp", false);
		return;
	}
	for (i = part; i < found.gl_pathc; i += PARTS) {
		seeds = i * SEEDS;
		play_script(found.gl_pathv[i]);
	}
	globfree(&found);
}

/* A log in memory: it is emptied tens of thousands of times, and a file system
 * may write to the disk each time. */
static int
open_log(void)
{
	struct err err;
	int fd = memfd_create("log", 0);

	if (fd < 0)
		abort();
	snprintf(log_path, sizeof(log_path), "/proc/self/fd/%d", fd);
	if (log_open(log_path, "play", &err) == 0)
		return fd;
	fprintf(stderr, "%s\n", err.text);
	exit(1);
}

/* Those named, or without names a part of all. */
static void
play(int argc, char **argv, size_t part)
{
	struct buf missing = {0};
	int fd = open_log();

	if (mkdtemp(folder) == NULL)
		abort();
	loop_create();
	charset_open(&missing);
	for (int i = 1; i < argc; i++)
		play_script(argv[i]);
	if (argc == 1)
		play_all(part);
	log_close();
	loop_destroy();
	charset_close();
	buf_free(&missing);
	close(fd);
	rmdir(folder);
}

/* A process that plays the other part, and where it says what came of it. */
static FILE *
begin_other(pid_t *pid)
{
	int ends[2];

	if (pipe(ends) < 0 || (*pid = fork()) < 0)
		abort();
	if (*pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

/* What it says is said here, and its closing line becomes a part of ours. */
static void
end_other(FILE *said, pid_t pid)
{
	unsigned passed, failed, skipped;
	bool is_whole = false;
	char *line = NULL;
	size_t size = 0;
	int status;

	while (getline(&line, &size, said) > 0) {
		is_whole = sscanf(line, "%u passed, %u failed, %u skipped",
		    &passed, &failed, &skipped) == 3;
		if (!is_whole)
			fputs(line, stdout);
	}
	free(line);
	fclose(said);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	T_INT("how the other process ends", status, is_whole && failed > 0 ?
	    0x100 : 0);
	T_OK("the other process has a closing line", is_whole);
	if (is_whole)
		t_add(passed, failed, skipped);
}

int
main(int argc, char **argv)
{
	FILE *said = NULL;
	pid_t pid = 0;
	size_t part = 0;

	if (argc == 1) {
		said = begin_other(&pid);
		part = said == NULL;
	}
	play(argc, argv, part);
	if (said != NULL)
		end_other(said, pid);
	return t_done();
}
