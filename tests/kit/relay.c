#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "gateway/outcome.h"
#include "tests/kit/relay.h"

#define TRACE	"Received: by the test\r\n"

void
relay_begin(struct relay *r, size_t nservers)
{
	const char *tmp = getenv("TMPDIR");
	struct err err;
	size_t i;

	memset(r, 0, sizeof(*r));
	snprintf(r->folder, sizeof(r->folder), "%.40s/relay-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(r->folder) == NULL) {
		perror(r->folder);
		exit(1);
	}
	snprintf(r->log_path, sizeof(r->log_path), "%s/log", r->folder);
	if (log_open(r->log_path, "test", &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	for (i = 0; i < nservers; i++) {
		char text[ADDR_TEXT];

		r->servers[i].offers = "PIPELINING\n8BITMIME\nSIZE 1000000";
		mail_server_begin(&r->servers[i]);
		snprintf(r->url_text[i], ADDR_TEXT, "smtp://%s",
		    addr_text(&r->servers[i].addr, text));
		r->urls[i] = (struct backend_url){
			.text = r->url_text[i], .proto = PROTO_SMTP,
			.addr = r->servers[i].addr, .weight = 1,
		};
	}
	r->conf = (struct backend_conf){
		.name = "inside", .urls = r->urls, .nurls = nservers,
		.connect_timeout = 20 * CLOCK_S,
		.reply_timeout = 20 * CLOCK_S,
		.data_timeout = 20 * CLOCK_S,
		.max_idle = 10, .idle_time = 10 * CLOCK_S, .max_uses = 1000,
		.max_age = 60 * CLOCK_S, .retry_time = 10 * CLOCK_S,
	};
	r->settings = (struct settings){
		.hostname = "gw.example", .backends = &r->conf,
		.nbackends = 1,
	};
}

void
relay_patience(struct relay *r, int64_t us)
{
	r->conf.connect_timeout = r->conf.reply_timeout =
	    r->conf.data_timeout = us;
}

void
relay_start(struct relay *r)
{
	struct err err;

	r->backends = backends_create(&r->settings, &err);
	if (r->backends == NULL) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

void
relay_end(struct relay *r)
{
	size_t i;

	backends_destroy(&r->backends);
	for (i = 0; i < RELAY_SERVERS; i++)
		if (r->servers[i].addr.len > 0)
			mail_server_end(&r->servers[i]);
	while (fiber_count() > 0)
		loop_turn(true);
	log_close();
	unlink(r->log_path);
	rmdir(r->folder);
}

/* --- one mail --- */

static void __attribute__((format(printf, 2, 3)))
add(struct mailing *m, const char *fmt, ...)
{
	size_t n = strlen(m->outcome);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->outcome + n, sizeof(m->outcome) - n, fmt, ap);
	va_end(ap);
}

static void
add_answer(struct mailing *m, const char *what, int ret,
    const struct reply *answer)
{
	struct reply r = ret < 0 ? reply_err(&m->err) : *answer;

	add(m, "%s%s%s %d%s%s", m->outcome[0] != '\0' ? ", " : "", what,
	    ret < 0 ? " failed" : "", r.code, r.enhanced[0] ? " " : "",
	    r.enhanced);
	if (ret == 0)
		add(m, " %.100s", r.text);
}

static void
fill_envelope(struct arena *a, struct envelope *e, const struct mailing *m)
{
	size_t i, n = m->nrcpts > 0 ? m->nrcpts : 1;

	e->sender.text = span_z("from@there.example");
	e->needs = m->needs;
	e->body = m->body;
	e->prdr = m->prdr;
	e->rcpts = arena_new_n(a, n, struct rcpt);
	for (i = 0; i < n; i++)
		e->rcpts[i].addr.text = span_z(arena_printf(a,
		    "to%zu@here.example", i + 1));
}

static struct spool *
fill_spool(struct arena *a, const struct mailing *m)
{
	const char *text = m->text != NULL ? m->text :
	    "Subject: hi\r\n\r\nbody\r\n";
	size_t i, n = m->repeats > 0 ? m->repeats : 1;
	struct spool *s = spool_open(a, m->relay->folder);
	struct err err;

	spool_memory(m->memory > 0 ? m->memory : 1 << 24);
	for (i = 0; i < n; i++)
		spool_write(s, span_z(text), &err);
	spool_end(s, &err);
	return s;
}

static MAY_YIELD void
ask_rcpts(struct mailing *m, struct backend_tx *tx, struct envelope *e)
{
	size_t i, n = m->nrcpts > 0 ? m->nrcpts : 1;
	struct reply answer;
	int ret;

	for (i = 0; i < n; i++) {
		struct rcpt rcpt = e->rcpts[i];

		ret = backend_rcpt(tx, &rcpt, &answer, &m->err);
		add_answer(m, "rcpt", ret, &answer);
		if (ret == 0 && reply_is_ok(&answer))
			e->rcpts[e->nrcpts++] = rcpt;
	}
	m->accepted = e->nrcpts;
}

static MAY_YIELD void
send_message(struct mailing *m, struct backend_tx *tx, struct arena *a)
{
	struct backend_message message = {
		.trace = SPAN_LIT(TRACE), .spool = fill_spool(a, m),
		.has_dots = m->has_dots, .ends_in_crlf = !m->no_crlf,
		.is_binary = m->is_binary,
	};
	const struct reply **answers;
	struct outcome o = {0};
	struct reply r = reply_none();
	int ret = backend_send(tx, &message, &answers, &m->err);

	m->codes[0] = '\0';
	for (size_t i = 0; ret == 0 && i < m->accepted; i++) {
		size_t n = strlen(m->codes);

		outcome_add(&o, answers[i]);
		snprintf(m->codes + n, sizeof(m->codes) - n, "%s%d",
		    i > 0 ? " " : "", answers[i]->code);
	}
	if (ret == 0)
		r = outcome_reply(&o);
	add_answer(m, "message", ret, &r);
	m->ok = o.ok;
	if (ret == 0 && outcome_is_mixed(&o))
		add(m, ", mixed %zu+%zu+%zu", o.ok, o.temp, o.perm);
}

static void
mail_fiber(void *arg)
{
	struct mailing *m = arg;
	struct arena *a = arena_create("test mail");
	struct client client = { .helo = "client.example", .esmtp = true };
	struct envelope envelope = {0};
	struct backend_tx *tx;
	struct err err;

	addr_parse_ip(span_z(m->client != NULL ? m->client : "192.0.2.9"),
	    1234, &client.addr, &err);
	fill_envelope(a, &envelope, m);
	tx = backend_begin(a, backends_at(m->relay->backends, 0), &client,
	    &envelope, "test");
	ask_rcpts(m, tx, &envelope);
	if (m->hold > 0)
		fiber_sleep(m->hold, &err);
	if (m->accepted > 0 && !m->no_message)
		send_message(m, tx, a);
	snprintf(m->where, sizeof(m->where), "%s", backend_where(tx));
	arena_destroy(&a);
	m->done = true;
}

void
relay_spawn(struct relay *r, struct mailing *m)
{
	m->relay = r;
	m->done = false;
	m->err.kind = 0;
	m->err.text[0] = m->outcome[0] = '\0';
	m->fiber = fiber_spawn("mail", mail_fiber, m);
}

void
relay_wait(struct mailing *m)
{
	while (!m->done)
		loop_turn(true);
}

const char *
relay_try(struct relay *r, struct mailing *m)
{
	relay_spawn(r, m);
	relay_wait(m);
	return m->outcome;
}

static void
wake_up(void *arg)
{
	struct err err;
	int64_t *us = arg;

	fiber_sleep(*us, &err);
	*us = 0;
}

void
relay_sleep(int64_t us)
{
	fiber_spawn("sleep", wake_up, &us);
	while (us != 0)
		loop_turn(true);
}

/* --- the log --- */

const char *
relay_log(struct relay *r)
{
	static char text[32768];
	size_t n = 0;
	FILE *f;

	log_flush();
	f = fopen(r->log_path, "r");
	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

size_t
relay_logged(struct relay *r, const char *text)
{
	const char *p = relay_log(r);
	size_t n = 0;

	while ((p = strstr(p, text)) != NULL) {
		p += strlen(text);
		n++;
	}
	return n;
}
