#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/charset.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/settings.h"
#include "gateway/demo.h"
#include "gateway/exit_code.h"
#include "gateway/journal.h"
#include "gateway/limits.h"
#include "gateway/notify.h"
#include "gateway/series.h"
#include "gateway/stats.h"
#include "gateway/supervisor_internal.h"

#define READY_TIME	(60 * CLOCK_S)
#define SHUT_TIME	(5 * CLOCK_S)	/* only one that hangs needs more */

/* --- telling --- */

/* Each finding of a report is an event; the lines that quote the file and
 * point into it are for people at a terminal. */
static void
log_report(enum log_label label, const char *event, const char *report)
{
	struct span rest = span_z(report);
	struct logline l;

	while (rest.len > 0) {
		struct span line = span_until(&rest, '\n');

		if (line.len == 0 || line.p[0] == ' ' || line.p[0] == '\t')
			continue;
		log_begin(&l, label, "-", event);
		log_str(&l, "report", line);
		log_end(&l);
	}
}

/* A report of the configuration says where by itself. */
static void
tell_start_failed(int code, const char *report)
{
	fprintf(stderr, "%s%s", code == EXIT_CONFIG ? "" : "forepost: ",
	    report);
}

/* --- ending one --- */

static void
end_reload(struct supervisor *s, int code, struct span answer)
{
	control_answer_all(s->control, TOPIC_RELOAD, code, answer);
	buf_free(&s->warnings);		/* the answer may lie in it */
	if (control_move(s->control, TOPIC_NEXT_RELOAD, TOPIC_RELOAD))
		s->reload_again = true;
}

static void
dismiss(struct supervisor *s, struct fleet *f, void (*how)(struct proc *))
{
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->fleet == f)
			how(p);
	}
}

void
reload_fail(struct supervisor *s, int code, const char *report)
{
	struct buf text = {0};

	/* The report may lie in what goes now. */
	buf_puts(&text, report);
	if (s->next != NULL) {
		dismiss(s, s->next, proc_kill);	/* they serve nobody yet */
		fleet_destroy(&s->next);
	}
	sockets_rollback(s->sockets);
	web_crew_rollback(s->web);
	buf_put(&text, "", 1);
	if (s->fleet == NULL) {
		tell_start_failed(code, text.p);
		s->exit_code = code;
		s->state = SUPERVISOR_OVER;
	} else {
		stats_add(STAT_RELOADS_FAILED, 1);
		reload_remember(s, text.p);
		log_report(LOG_LABEL_ERROR, "reload refused", text.p);
		notify_ready("the last reload was refused, see the log");
		text.len--;
		reload_tell_refused(s, &text);
		end_reload(s, code, buf_text(&text));
	}
	buf_free(&text);
}

static bool
is_other(const char *a, const char *b)
{
	return a != b && (a == NULL || b == NULL || strcmp(a, b) != 0);
}

static void
keep_of_start(struct supervisor *s, const char *name, const char *old,
    const char **new)
{
	if (!is_other(old, *new))
		return;
	buf_printf(&s->warnings, "\"%s\" changes with the next start, not by "
	    "a reload\n", name);
	*new = old != NULL ? arena_copy(s->next->settings->arena,
	    span_z(old)) : NULL;
}

/* What is in effect goes on in the new settings, so that the next reload is
 * compared with that, and not with what this file says. */
static void
warn_of_restart_settings(struct supervisor *s)
{
	const struct settings *old = s->fleet->settings;
	struct settings *new = s->next->settings;

	keep_of_start(s, "log", old->log, &new->log);
	keep_of_start(s, "control", old->control, &new->control);
	if (old->log_format != new->log_format)
		buf_puts(&s->warnings, "\"log_format\" changes with the next "
		    "start, not by a reload\n");
	new->log_format = old->log_format;
	if (new->max_sessions > crowd_room(s->crowd))
		buf_printf(&s->warnings, "\"max_sessions\" is %" PRIu64 ": "
		    "sessions by network are counted up to %zu a worker, "
		    "until the next start\n", new->max_sessions,
		    crowd_room(s->crowd));
}

static void
log_listening(const struct supervisor *s, const char *event)
{
	struct buf where = {0}, unused = {0};
	struct logline l;

	sockets_text(s->sockets, &where);
	sockets_unused(s->sockets, &unused);
	log_begin(&l, LOG_LABEL_INFO, "-", event);
	log_int(&l, "workers", (int64_t)s->fleet->nslots);
	log_str(&l, "listening", buf_text(&where));
	if (web_crew_state(s->web).address != NULL)
		log_z(&l, "stats", web_crew_state(s->web).address);
	log_z(&l, "user", s->fleet->identity.name);
	log_end(&l);
	if (unused.len > 0) {
		log_begin(&l, LOG_LABEL_WARN, "-", "passed sockets that no "
		    "listener uses");
		log_str(&l, "names", buf_text(&unused));
		log_end(&l);
	}
	buf_free(&where);
	buf_free(&unused);
}

static void
tell_ready(const struct supervisor *s)
{
	struct buf text = {0};

	supervisor_summary(s, &text);
	buf_put(&text, "", 1);
	notify_ready(text.p);
	buf_free(&text);
}

/* In the HTTP server: the sockets for mail are not its own either, and what
 * opens tickets or makes hashes is no business of who talks to anybody. */
static void
let_go(void *arg)
{
	struct supervisor *s = arg;
	struct fleet_source *source = (struct fleet_source *)s->source;

	crew_let_go(s);
	sockets_destroy(&s->sockets, false);
	OPENSSL_cleanse(source->tickets, sizeof(source->tickets));
	OPENSSL_cleanse(source->journal, sizeof(source->journal));
}

static void
tell_done(struct supervisor *s)
{
	bool is_start = s->fleet->generation == 1;
	struct buf answer = {0};

	log_listening(s, is_start ? "started" : "reloaded");
	buf_put(&s->warnings, "", 1);
	log_report(LOG_LABEL_WARN, "configuration", s->warnings.p);
	s->warnings.len--;
	if (s->state == SUPERVISOR_RUNNING)
		tell_ready(s);
	if (is_start && s->source->demo != NULL)
		demo_tell(s->fleet->settings,
		    web_crew_state(s->web).address);
	buf_span(&answer, s->told);
	buf_span(&answer, buf_text(&s->warnings));
	end_reload(s, EXIT_GOOD, buf_text(&answer));
	buf_free(&answer);
}

/* Nobody who comes after he was told of the reload meets what was before. */
void
reload_worker_shut(struct supervisor *s)
{
	if (s->shut_by == 0)
		return;
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->state != PROC_DRAINING || !p->is_open)
			continue;
		if (clock_now() < s->shut_by)
			return;
		p->is_open = false;	/* not waited for again */
	}
	s->shut_by = 0;
	tell_done(s);
}

/* All workers are ready: from here on nothing can fail. */
static void
take_effect(struct supervisor *s)
{
	struct fleet *old = s->fleet;
	struct buf told = {0};

	dismiss(s, s->next, proc_go);
	if (old != NULL) {
		warn_of_restart_settings(s);
		reload_tell_done(s, old, s->next, &told);
		reload_remember(s, NULL);
		dismiss(s, old, proc_drain);
		fleet_destroy(&old);
		stats_add(STAT_RELOADS, 1);
	}
	s->fleet = s->next;
	s->next = NULL;
	s->told = span_z(arena_copy(s->fleet->settings->arena,
	    buf_text(&told)));
	buf_free(&told);
	supervisor_tell_state(s);
	web_crew_commit(s->web, s->fleet, let_go, s);
	s->shut_by = clock_now() + SHUT_TIME;
	reload_worker_shut(s);
}

void
reload_worker_ready(struct supervisor *s)
{
	struct err err;
	char text[sizeof(err.text) + 1];

	for (const struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->fleet == s->next && p->state != PROC_READY)
			return;
	}
	if (sockets_commit(s->sockets, &err) == 0) {
		take_effect(s);
		return;
	}
	snprintf(text, sizeof(text), "%s\n", err.text);
	reload_fail(s, EXIT_RUNTIME, text);
}

/* --- beginning one --- */

/* A demo has an address that it did not choose: without it there is one thing
 * less to try. */
static int
prepare_web(struct supervisor *s, struct err *err)
{
	if (web_crew_prepare(s->web, s->next->settings, err) == 0)
		return 0;
	if (s->source->demo == NULL)
		return -1;
	buf_printf(&s->warnings, "%s: there is no page to look at\n",
	    err->text);
	return 0;
}

static int
start_workers(struct supervisor *s, struct err *err)
{
	if (sockets_prepare(s->sockets, s->next->settings, s->next->nslots,
	    err) < 0 || prepare_web(s, err) < 0)
		return -1;
	limits_raise(s->next->settings);
	journal_prepare(s->next->settings, &s->next->identity);
	for (size_t i = 0; i < s->next->nslots; i++) {
		if (crew_spawn(s, s->next, i, err) < 0)
			return -1;
	}
	return 0;
}

/* Before there are workers, which have no files: they share them. */
static void
open_charsets(void)
{
	struct buf missing = {0};
	struct logline l;

	charset_open(&missing);
	if (missing.len > 0) {
		log_begin(&l, LOG_LABEL_WARN, "-",
		    "charsets that the system cannot convert");
		log_str(&l, "charsets", buf_text(&missing));
		log_end(&l);
	}
	buf_free(&missing);
}

/* What is opened once and stays through all reloads. */
static int
open_once(struct supervisor *s, struct err *err)
{
	const struct settings *settings = s->next->settings;

	if (log_open(settings->log, "forepost", err) < 0)
		return -1;
	log_format(settings->log_format);
	identity_own_file(&s->next->identity, log_file(settings->log));
	open_charsets();
	s->crowd = crowd_create(settings->max_sessions, STATS_SLOTS, err);
	if (s->crowd == NULL)
		return -1;
	s->control = control_open(settings->control, err);
	return s->control == NULL ? -1 : 0;
}

static void
load(struct supervisor *s, struct arena *a)
{
	const char *report = "";
	struct err err;

	s->next = fleet_create(a, s->source, &report);
	if (s->next == NULL) {
		reload_fail(s, EXIT_CONFIG, report);
		return;
	}
	buf_puts(&s->warnings, report);
	s->next->generation = s->fleet != NULL ? s->fleet->generation + 1 : 1;
	s->next->series = series_enter(s->next->settings->arena,
	    s->next->settings, s->next->rules, &s->warnings);
	s->ready_by = clock_now() + READY_TIME;
	if ((s->fleet != NULL || open_once(s, &err) == 0) &&
	    start_workers(s, &err) == 0)
		return;
	if (err.kind == ERR_CONFIG)
		reload_fail(s, EXIT_CONFIG, arena_printf(a, "%s: %s\n",
		    fleet_source_name(s->source), err.text));
	else
		reload_fail(s, EXIT_RUNTIME, arena_printf(a, "%s\n",
		    err.text));
}

bool
reload_goes_on(const struct supervisor *s)
{
	return s->next != NULL || s->shut_by != 0;
}

void
reload_begin(struct supervisor *s)
{
	struct arena *a;

	if (s->state != SUPERVISOR_RUNNING)
		return;
	if (reload_goes_on(s)) {
		s->reload_again = true;
		return;
	}
	s->reload_again = false;
	if (s->fleet != NULL)
		notify_reloading();
	a = arena_create("reload");
	load(s, a);
	arena_destroy(&a);
}

void
reload_turn(struct supervisor *s, int64_t now)
{
	if (s->next != NULL && now >= s->ready_by)
		reload_fail(s, EXIT_RUNTIME,
		    "the new workers were not ready in time\n");
	reload_worker_shut(s);
	if (!reload_goes_on(s) && s->reload_again)
		reload_begin(s);
}
