#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tls.h"
#include "conf/reading.h"

static void
check_no_folder(struct reading *r, struct place at, const char *name,
    const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		diagnostic(r->d, at, NULL, "%s: %s is a folder", name, path);
}

static void
check_readable(struct reading *r, struct place at, const char *name,
    const char *path)
{
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		diagnostic(r->d, at, NULL, "%s: cannot open %s: %s", name,
		    path, strerror(errno));
	else
		close(fd);
}

static void
check_folder(struct reading *r, struct place at, const char *name,
    const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		diagnostic(r->d, at, NULL, "%s: cannot find %s: %s", name,
		    path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		diagnostic(r->d, at, NULL, "%s: %s is not a folder", name,
		    path);
}

/* That of LMDB is made with the first start, if its own folder is there. */
static void
check_store(struct reading *r)
{
	struct place at = origin_place(&r->top, SCOPE_STORE, "address");
	const char *path = r->s->store.path, *slash;
	struct stat st;

	if (r->s->store.text == NULL || r->s->store.kind != STORE_LMDB)
		return;
	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			diagnostic(r->d, at, NULL, "%s is not a folder",
			    path);
		return;
	}
	slash = strrchr(path, '/');
	check_folder(r, at, "address", slash == path ? "/" :
	    arena_copy(r->a, span_n(path, (size_t)(slash - path))));
}

static void
check_journal_folder(struct reading *r)
{
	struct place at = origin_place(&r->top, SCOPE_JOURNAL, "file");
	const char *path = r->s->journal_file, *slash;

	if (path == NULL)
		return;
	check_no_folder(r, at, "file", path);
	slash = strrchr(path, '/');
	check_folder(r, at, "file", slash == path ? "/" :
	    arena_copy(r->a, span_n(path, (size_t)(slash - path))));
}

/* One that holds a secret in its first line. */
static void
check_secret(struct reading *r, enum scope scope, const char *name,
    const char *path)
{
	struct place at = origin_place(&r->top, scope, name);
	struct stat st;

	if (path == NULL)
		return;
	check_readable(r, at, name, path);
	check_no_folder(r, at, name, path);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH))
		diagnostic_warn(r->d, at, arena_printf(r->a, "chmod o= %s",
		    path), "%s: everybody on this machine can read %s", name,
		    path);
}

static void
check_process_files(struct reading *r)
{
	const struct settings *s = r->s;
	const struct origin *o = &r->top;

	if (s->user != NULL && getpwnam(s->user) == NULL)
		diagnostic(r->d, origin_place(o, SCOPE_TOP, "user"), NULL,
		    "there is no user \"%s\" on this machine", s->user);
	if (s->group != NULL && getgrnam(s->group) == NULL)
		diagnostic(r->d, origin_place(o, SCOPE_TOP, "group"), NULL,
		    "there is no group \"%s\" on this machine", s->group);
	if (log_file(s->log) != NULL)
		check_no_folder(r, origin_place(o, SCOPE_TOP, "log"), "log",
		    log_file(s->log));
	check_folder(r, origin_place(o, SCOPE_TOP, "spool"), "spool",
	    s->spool);
	check_readable(r, origin_place(o, SCOPE_TOP, "rules"), "rules",
	    s->rules.path);
	check_readable(r, origin_place(o, SCOPE_RESOLVER, "trust_anchor"),
	    "trust_anchor", s->resolver_trust_anchor);
	check_store(r);
	check_journal_folder(r);
	check_secret(r, SCOPE_JOURNAL, "key_file", s->journal_key_file);
	check_secret(r, SCOPE_STORE, "password_file", s->store_password_file);
	check_secret(r, SCOPE_STATS, "token_file", s->stats_token_file);
}

static void
check_expiry(struct reading *r, struct place at, const char *certificate)
{
	int64_t when;
	char date[32];
	struct err err;
	struct tm tm;
	time_t t;

	if (tls_expiry(certificate, &when, &err) < 0 ||
	    when >= clock_wall() / CLOCK_S)
		return;
	t = (time_t)when;
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&t, &tm));
	diagnostic_warn(r->d, at, NULL, "the certificate %s expired on %s",
	    certificate, date);
}

/* Each pair by itself, so that the fault is shown where it is. */
static void
check_certificates(struct reading *r, const struct smtp_conf *c,
    const struct origin *o, enum scope scope)
{
	struct tls_server *server;
	struct tls_pair pair;
	struct err err;
	bool is_ok = true;
	size_t i;

	for (i = 0; i < c->certificates.n && i < c->keys.n; i++) {
		struct place at = origin_item(o, scope, "certificate", i);

		pair = (struct tls_pair){ c->certificates.list[i],
		    c->keys.list[i] };
		server = tls_server_create(&pair, 1, TLS_CLIENT_CERT_NONE,
		    NULL, &err);
		if (server == NULL) {
			diagnostic(r->d, at, NULL, "%s", err.text);
			is_ok = false;
			continue;
		}
		tls_server_destroy(&server);
		check_expiry(r, at, pair.certificate);
	}
	if (i == 0 || !is_ok || c->tls_client_ca == NULL)
		return;
	server = tls_server_create(&pair, 1, TLS_CLIENT_CERT_ASK,
	    c->tls_client_ca, &err);
	if (server == NULL)
		diagnostic(r->d, origin_place(o, scope, "tls_client_ca"),
		    NULL, "%s", err.text);
	tls_server_destroy(&server);
}

static void
check_backend_files(struct reading *r, const struct backend_conf *b,
    const struct origin *o)
{
	struct tls_client *client;
	struct stat st;
	struct err err;

	for (size_t i = 0; i < b->nurls; i++) {
		const char *path = b->urls[i].path;

		/* One that is not there yet is made with the first mail. */
		if (path != NULL && stat(path, &st) == 0 &&
		    !S_ISDIR(st.st_mode))
			diagnostic(r->d, origin_item(o, SCOPE_BACKEND,
			    "address", i), NULL, "%s is not a folder", path);
	}
	if (b->tls_ca == NULL)
		return;
	client = tls_client_create(TLS_VERIFY_NAME, b->tls_ca, NULL, &err);
	if (client == NULL)
		diagnostic(r->d, origin_place(o, SCOPE_BACKEND, "tls_ca"),
		    NULL, "%s", err.text);
	tls_client_destroy(&client);
}

/* It may be started later, or be down just now: no error. */
static void
check_filter_socket(struct reading *r, const struct milter_conf *m,
    const struct origin *o)
{
	struct place at = origin_place(o, SCOPE_MILTER, "address");
	const char *path;
	struct stat st;

	if (m->address.text == NULL || m->address.host != NULL ||
	    m->address.addr.u.sa.sa_family != AF_UNIX)
		return;
	path = m->address.addr.u.un.sun_path;
	if (stat(path, &st) < 0)
		diagnostic_warn(r->d, at, NULL, "address: no filter is there "
		    "now: %s: %s", path, strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		diagnostic_warn(r->d, at, NULL, "address: %s is no socket",
		    path);
}

void
check_files(struct reading *r)
{
	const struct settings *s = r->s;
	size_t i;

	check_process_files(r);
	for (i = 0; i < s->nlisteners; i++)
		check_certificates(r, &s->listeners[i].smtp,
		    &r->listeners[i], SCOPE_LISTENER);
	for (i = 0; i < s->nbackends; i++)
		check_backend_files(r, &s->backends[i], &r->backends[i]);
	for (i = 0; i < s->nmilters; i++)
		check_filter_socket(r, &s->milters[i], &r->milters[i]);
}
