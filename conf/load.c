#include <assert.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/reading.h"
#include "conf/value.h"

#define HOSTNAME_MAX 256
#define SITE_NETWORKS 5		/* of many sessions, in one site */

/* Octets of a field. The types named last are not inherited. */
static size_t
field_size(const struct directive *row)
{
	switch (row->type) {
	case VALUE_COUNT:
	case VALUE_PERCENT:
	case VALUE_SIZE:
		return sizeof(uint64_t);
	case VALUE_DURATION:
		return sizeof(int64_t);
	case VALUE_CHOICE:
		return sizeof(unsigned);
	case VALUE_FLAG:
		return sizeof(bool);
	case VALUE_NAME:
	case VALUE_HOST:
	case VALUE_ZONE:
	case VALUE_PATH:
	case VALUE_LOG:
	case VALUE_FINGERPRINT:
		return sizeof(const char *);
	case VALUE_PATHS:
	case VALUE_NAMES:
	case VALUE_WORDS:
	case VALUE_KEYWORDS:
	case VALUE_FORWARD:
	case VALUE_HOSTS:
	case VALUE_DOMAINS:
	case VALUE_RECIPIENTS:
		return sizeof(struct names);
	case VALUE_NETWORKS:
		return sizeof(struct networks);
	case VALUE_RULES:
	case VALUE_STORE:
	case VALUE_MILTER:
	case VALUE_ADDRESS:
	case VALUE_LISTEN:
	case VALUE_URLS:
	case VALUE_SUBJECTS:
	case VALUE_PATTERNS:
		break;
	}
	assert(!"a field that is inherited");
	return 0;
}

/* What was not set, or set to something wrong (so that the cross-checks see
 * a sane value and report nothing that follows from the first error). */
static void
apply_defaults(struct reading *r, unsigned scopes, enum scope scope,
    void *object, struct origin *origin)
{
	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);
		struct mark *mark = &origin->marks[i];
		struct token value = { .kind = TOKEN_WORD };

		if (!(row->scopes & scopes) || row->fallback == NULL)
			continue;
		if (mark->at.line > 0 && !mark->is_bad)
			continue;
		value.text = span_z(row->fallback);
		assign(r, row, scope, object, mark, "/", &value, 1);
	}
}

static void
inherit(struct reading *r, struct listener_conf *listener,
    struct origin *origin)
{
	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);
		const struct mark *mark = &origin->marks[i];

		if (row->scopes != SCOPE_SMTP ||
		    (mark->at.line > 0 && !mark->is_bad))
			continue;
		memcpy(directive_field(row, SCOPE_LISTENER, listener),
		    directive_field(row, SCOPE_TOP, r->s), field_size(row));
		origin->marks[i] = r->top.marks[i];
	}
}

static void
default_tls(const struct origin *origin, enum scope scope,
    struct smtp_conf *smtp)
{
	if (!origin_has(origin, scope, "tls"))
		smtp->tls = smtp->certificates.n > 0 ? TLS_MODE_OFFER :
		    TLS_MODE_NONE;
}

/*
 * The full host name, as far as this machine knows it without asking anyone:
 * its own name, or the line of /etc/hosts (gethostent() reads nothing else)
 * that gives a full name for a short one.
 */
static const char *
system_hostname(struct arena *a)
{
	char name[HOSTNAME_MAX] = "";
	const char *full = NULL;
	struct hostent *h;

	if (gethostname(name, sizeof(name) - 1) < 0 ||
	    !value_is_domain(span_z(name)))
		return "localhost";
	if (strchr(name, '.') != NULL)
		return arena_strdup(a, name);
	sethostent(0);
	while (full == NULL && (h = gethostent()) != NULL) {
		char **alias = h->h_aliases;

		while (*alias != NULL && strcmp(*alias, name) != 0)
			alias++;
		if (*alias != NULL && strchr(h->h_name, '.') != NULL &&
		    value_is_domain(span_z(h->h_name)))
			full = arena_strdup(a, h->h_name);
	}
	endhostent();
	return full != NULL ? full : arena_strdup(a, name);
}

/* SIZE_MAX: no backend has this name. */
static size_t
find_backend(const struct settings *s, const char *name)
{
	for (size_t i = 0; name != NULL && i < s->nbackends; i++)
		if (s->backends[i].name != NULL &&
		    strcmp(name, s->backends[i].name) == 0)
			return i;
	return SIZE_MAX;
}

static void
complete_milter(struct reading *r, struct milter_conf *m,
    struct origin *origin)
{
	const struct {
		const char *name;
		enum milter_failure *field;
	} stages[] = {
		{ "failure_connect", &m->failure_connect },
		{ "failure_helo", &m->failure_helo },
		{ "failure_mail", &m->failure_mail },
		{ "failure_rcpt", &m->failure_rcpt },
		{ "failure_message", &m->failure_message },
	};

	apply_defaults(r, SCOPE_MILTER, SCOPE_MILTER, m, origin);
	for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++)
		if (!origin_has(origin, SCOPE_MILTER, stages[i].name))
			*stages[i].field = m->failure;
}

static void
complete(struct reading *r)
{
	struct settings *s = r->s;
	size_t i;

	apply_defaults(r, SCOPE_TOP | SCOPE_SINGLE, SCOPE_TOP, s, &r->top);
	if (s->hostname == NULL)
		s->hostname = system_hostname(s->arena);
	if (s->authserv_id == NULL)
		s->authserv_id = s->hostname;
	if (!origin_has(&r->top, SCOPE_TOP, "max_sessions_per_site"))
		s->max_sessions_per_site = s->max_sessions_per_network *
		    SITE_NETWORKS;
	for (i = 0; i < s->nlisteners; i++) {
		inherit(r, &s->listeners[i], &r->listeners[i]);
		default_tls(&r->listeners[i], SCOPE_LISTENER,
		    &s->listeners[i].smtp);
	}
	default_tls(&r->top, SCOPE_TOP, &s->smtp);
	for (i = 0; i < s->nbackends; i++)
		apply_defaults(r, SCOPE_BACKEND, SCOPE_BACKEND,
		    &s->backends[i], &r->backends[i]);
	for (i = 0; i < s->nroutes; i++)
		s->routes[i].backend = find_backend(s,
		    s->routes[i].backend_name);
	s->quarantine = find_backend(s, s->quarantine_name);
	for (i = 0; i < s->nlists; i++) {
		apply_defaults(r, SCOPE_DNSBL, SCOPE_DNSBL, &s->lists[i],
		    &r->lists[i]);
		s->lists[i].list.max_share = (unsigned)s->lists[i].max_share;
	}
	for (i = 0; i < s->nmilters; i++)
		complete_milter(r, &s->milters[i], &r->milters[i]);
}

/* Settings with errors, too; not if something of the file is not there. */
static struct settings *
read_all(struct arena *a, const struct source *source, const char *path,
    bool files, bool *good, const char **report)
{
	struct reading r = { .a = a, .d = diagnostics_create(a),
	    .files = files, .source = source };
	struct arena *arena = arena_create("settings");

	r.s = arena_new(arena, struct settings);
	r.s->arena = arena;
	r.s->path = path != NULL ? arena_strdup(arena, path) : NULL;
	r.top.at.source = source;
	r.top.marks = arena_new_n(a, directive_count(), struct mark);
	parse(&r);
	complete(&r);
	check_settings(&r);
	if (files)
		check_files(&r);
	*report = diagnostics_text(r.d, a);
	*good = diagnostics_errors(r.d) == 0;
	if (r.is_partial)
		conf_free(&r.s);
	return r.s;
}

static struct settings *
load(struct arena *a, const struct source *source, const char *path,
    bool files, const char **report)
{
	struct settings *s;
	bool good;

	s = read_all(a, source, path, files, &good, report);
	if (!good)
		conf_free(&s);
	return s;
}

struct settings *
conf_read(struct arena *a, const char *path, bool *good,
    const char **report)
{
	struct source *source;
	struct err err;

	if (source_read(a, path, &source, &err) == 0)
		return read_all(a, source, path, true, good, report);
	*report = arena_printf(a, "%s\n", err.text);
	*good = false;
	return NULL;
}

struct settings *
conf_load(struct arena *a, const char *path, bool files, const char **report)
{
	struct source *source;
	struct err err;

	if (source_read(a, path, &source, &err) < 0) {
		*report = arena_printf(a, "%s\n", err.text);
		return NULL;
	}
	return load(a, source, path, files, report);
}

struct settings *
conf_load_text(struct arena *a, const char *name, struct span text,
    bool files, const char **report)
{
	struct source *source = arena_new(a, struct source);

	source->name = arena_strdup(a, name);
	source->text = text;
	return load(a, source, NULL, files, report);
}

void
conf_free(struct settings **s)
{
	struct arena *arena;

	if (*s == NULL)
		return;
	arena = (*s)->arena;
	*s = NULL;
	arena_destroy(&arena);
}
