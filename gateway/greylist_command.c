#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/fiber.h"
#include "base/log_value.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "filters/greylist_admin.h"
#include "gateway/exit_code.h"
#include "gateway/greylist_command.h"
#include "gateway/stock.h"

#define DATE	24

struct work {
	const struct greylist_request	*request;
	const struct settings		*settings;
	struct arena			*arena;
	struct stock			*stock;
	struct greylist_filter		 filter;
	int				 ret;
	struct err			 err;
};

/* --- list --- */

static const char *
date_of(int64_t seconds, char out[DATE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	strftime(out, DATE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return out;
}

/* What is known of an entry: a name, and a text or a number. */
struct member {
	const char	*name;
	struct span	 text;
	int64_t		 time, number;		/* 0: neither */
};

/* Addresses come from strangers, and long ones are cut anywhere. */
static void
value_of(const struct member *m, struct buf *out)
{
	char date[DATE];

	buf_clear(out);
	if (m->time != 0)
		buf_puts(out, date_of(m->time, date));
	else if (m->number != 0)
		buf_printf(out, "%" PRId64, m->number);
	else
		utf8_put_printable(out, m->text, m->text.len, true);
}
#define MEMBERS_MAX	8

static void
put_text(const char *kind, const struct member *members, size_t n)
{
	struct buf value = {0}, shown = {0};

	printf("%s", kind);
	for (size_t i = 0; i < n; i++) {
		value_of(&members[i], &value);
		buf_clear(&shown);
		log_value_put(&shown, buf_text(&value));
		printf(" %s=%.*s", members[i].name,
		    SPAN_ARG(buf_text(&shown)));
	}
	printf("\n");
	buf_free(&value);
	buf_free(&shown);
}

static void
put_json(const char *kind, const struct member *members, size_t n)
{
	json_t *object = json_object();
	struct buf value = {0};
	char *text;

	json_object_set_new(object, "kind", json_string(kind));
	for (size_t i = 0; i < n; i++) {
		value_of(&members[i], &value);
		json_object_set_new(object, members[i].name,
		    members[i].number != 0 ? json_integer(members[i].number) :
		    json_stringn(value.p, value.len));
	}
	text = json_dumps(object, JSON_COMPACT);
	puts(text);
	free(text);
	json_decref(object);
	buf_free(&value);
}

static bool
put_entry(void *arg, const struct greylist_entry *entry)
{
	const struct work *w = arg;
	const struct greylist_record *r = &entry->record;
	bool is_waiting = entry->kind == GREYLIST_KEY_TRIPLET &&
	    r->state == GREYLIST_STATE_WAITING;
	const char *kind = entry->kind == GREYLIST_KEY_KNOWN ? "known" :
	    entry->kind == GREYLIST_KEY_PASSES ? "counted" :
	    entry->kind == GREYLIST_KEY_OWED ? "doubted" :
	    is_waiting ? "waiting" : "passed";
	struct member m[MEMBERS_MAX];
	size_t n = 0;

	m[n++] = (struct member){ "identity", .text = entry->identity };
	if (entry->kind == GREYLIST_KEY_TRIPLET) {
		m[n++] = (struct member){ "from", .text = r->sender };
		m[n++] = (struct member){ "to", .text = r->rcpt };
		m[n++] = (struct member){ "first", .time = r->first };
	}
	if (entry->kind == GREYLIST_KEY_PASSES)
		m[n++] = (struct member){ "passes", .number = entry->passes };
	else if (entry->kind == GREYLIST_KEY_OWED)
		m[n++] = (struct member){ "owes", .number = entry->owed };
	else if (is_waiting)
		m[n++] = (struct member){ "passes-from", .time = r->first +
		    w->settings->greylist_delay / CLOCK_S };
	else {
		m[n++] = (struct member){ "passed", .time = r->passed };
		m[n++] = (struct member){ "used", .time = r->used };
	}
	m[n++] = (struct member){ "until", .time = (clock_wall() +
	    entry->left) / CLOCK_S };
	(w->request->json ? put_json : put_text)(kind, m, n);
	return true;
}

static MAY_YIELD int
run_list(struct work *w, struct err *err)
{
	return greylist_list(w->stock->store, &w->filter, put_entry, w, err);
}

/* --- the others --- */

static MAY_YIELD int
run_stats(struct work *w, struct err *err)
{
	struct greylist_stats stats;

	if (greylist_stats(w->stock->store, &stats, err) < 0)
		return -1;
	printf(w->request->json ? "{\"waiting\":%" PRIu64 ",\"passed\":%"
	    PRIu64 ",\"known\":%" PRIu64 ",\"counted\":%" PRIu64
	    ",\"doubted\":%" PRIu64 ",\"unreadable\":%" PRIu64 "}\n" :
	    "waiting %" PRIu64 "\npassed %" PRIu64 "\nknown %" PRIu64
	    "\ncounted %" PRIu64 "\ndoubted %" PRIu64 "\nunreadable %"
	    PRIu64 "\n", stats.waiting, stats.passed, stats.known,
	    stats.counted, stats.doubted, stats.unreadable);
	return 0;
}

static MAY_YIELD int
run_pass(struct work *w, struct err *err)
{
	struct greylist_options options = stock_greylist(w->settings);
	uint64_t n = 0;
	int ret = greylist_pass(w->arena, w->stock->store, &options,
	    &w->filter, &n, err);

	if (ret == 0)
		printf("%" PRIu64 " pass from now on\n", n);
	return ret;
}

static MAY_YIELD int
run_forget(struct work *w, struct err *err)
{
	uint64_t n = 0;
	int ret = greylist_forget(w->stock->store, &w->filter, &n, err);

	if (ret == 0)
		printf("%" PRIu64 " forgotten\n", n);
	return ret;
}

static const struct verb {
	const char	*name;
	int		(*run)(struct work *w, struct err *err);
	bool		 takes_who, needs_who;
} verbs[] = {
	{ "list", run_list, true, false },
	{ "pass", run_pass, true, true },
	{ "forget", run_forget, true, true },
	{ "stats", run_stats, false, false },
};
#define NVERBS	(sizeof(verbs) / sizeof(*verbs))

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; name != NULL && i < NVERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* --- the store --- */

/* The gateway makes it; here it would be made for the wrong user. */
static int
check_folder(const struct settings *s, struct err *err)
{
	struct stat st;

	if (s->store.kind != STORE_LMDB || stat(s->store.path, &st) == 0)
		return 0;
	return err_set(err, ERR_UNAVAIL, "store %s: %s (the gateway makes it "
	    "when it is started)", s->store.text, strerror(errno));
}

static MAY_YIELD void
run(void *arg)
{
	struct work *w = arg;

	w->ret = find_verb(w->request->verb)->run(w, &w->err);
	stock_stop(w->stock);
}

static int
with_store(struct work *w)
{
	const char *password;

	if (stock_password(w->arena, w->settings, &password, &w->err) < 0 ||
	    check_folder(w->settings, &w->err) < 0 ||
	    stock_assume(w->settings, w->request->demo, &w->err) < 0)
		return -1;
	w->stock = stock_open(w->settings, password, &w->err);
	if (w->stock == NULL)
		return -1;
	fiber_spawn("greylist", run, w);
	while (fiber_count() > 0)
		loop_turn(true);
	stock_close(&w->stock);
	return w->ret;
}

/* --- all of it --- */

static int
tell(int code, const char *what)
{
	fprintf(stderr, "forepost: greylist: %s\n", what);
	return code;
}

static int
check_request(const struct greylist_request *r)
{
	const struct verb *verb = find_verb(r->verb);
	bool has_who = r->who != NULL || r->from != NULL || r->to != NULL;

	if (verb == NULL)
		return tell(EXIT_USAGE,
		    "one of list, pass, forget or stats is needed");
	if (has_who && !verb->takes_who)
		return tell(EXIT_USAGE, "stats counts everybody");
	if (!has_who && verb->needs_who)
		return tell(EXIT_USAGE, "who? An identity, --from or --to");
	return EXIT_GOOD;
}

int
greylist_command_run(const struct greylist_request *request,
    const struct settings *s)
{
	const struct dns_options dns = { .forward = s->resolver_forward.list,
	    .nforward = s->resolver_forward.n,
	    .trust_anchor = s->resolver_trust_anchor };
	struct work w = { .request = request, .settings = s };
	int code = check_request(request);

	if (code != EXIT_GOOD)
		return code;
	if (s->store.text == NULL)
		return tell(EXIT_CONFIG, "the configuration has no store");
	w.arena = arena_create("greylist command");
	if (greylist_filter_make(w.arena, request->who, request->from,
	    request->to, &w.filter, &w.err) < 0)
		code = tell(EXIT_USAGE, w.err.text);
	else {
		loop_create();
		if (dns_create(&dns, &w.err) < 0)
			code = tell(EXIT_RUNTIME, w.err.text);
		else {
			if (with_store(&w) < 0)
				code = tell(EXIT_RUNTIME, w.err.text);
			dns_destroy();
		}
		loop_destroy();
	}
	arena_destroy(&w.arena);
	return code;
}
