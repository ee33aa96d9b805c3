#include "conf/list.h"
#include "gateway/recorded_internal.h"

/*
 * A line of the journal, from left to right. Members that nobody here knows
 * are skipped: later releases may add some.
 */
struct reader {
	struct arena	*arena;
	struct json_in	 in;
	struct err	*err;
};

/* --- what members have in common --- */

static int
next(struct reader *r, struct json_value *v)
{
	return json_next(&r->in, v, r->err);
}

/* 1: a member or item; 0: the object or array ends. */
static int
inside(struct reader *r, struct json_value *v)
{
	if (next(r, v) < 0)
		return -1;
	return v->kind != JSON_IN_CLOSE;
}

/* The JSON of an array or object that `v` has opened. */
static int
raw(struct reader *r, const struct json_value *v, struct span *text)
{
	const char *begin = r->in.p - 1;

	if (json_skip(&r->in, v, r->err) < 0)
		return -1;
	*text = span_n(begin, (size_t)(r->in.p - begin));
	return 0;
}

/* Where members that are texts go; others of the same name are not read. */
struct place_of {
	const char	*key;
	struct span	*text;
};

static bool
take_text(const struct place_of *places, size_t n, const struct json_value *v)
{
	size_t i;

	for (i = 0; i < n && v->key.len > 0; i++)
		if (places[i].key[0] == v->key.p[0] &&
		    span_is(v->key, places[i].key)) {
			if (v->kind == JSON_IN_STRING ||
			    v->kind == JSON_IN_NUMBER)
				*places[i].text = v->text;
			return v->kind == JSON_IN_STRING ||
			    v->kind == JSON_IN_NUMBER;
		}
	return false;
}
#define TAKE_TEXT(places, v) \
	take_text((places), sizeof(places) / sizeof((places)[0]), (v))

/* An object whose members are kept as they are. */
static int
read_facts(struct reader *r, const struct json_value *opened,
    struct recorded_facts *facts)
{
	struct json_value v;
	struct recorded_fact *f;
	int more;

	if (opened->kind != JSON_IN_OBJECT)
		return json_skip(&r->in, opened, r->err);
	while ((more = inside(r, &v)) > 0) {
		facts->list = list_room(r->arena, facts->list, facts->n,
		    sizeof(*facts->list));
		f = &facts->list[facts->n++];
		f->name = v.key;
		f->kind = v.kind;
		f->text = v.text;
		if ((v.kind == JSON_IN_OBJECT || v.kind == JSON_IN_ARRAY) &&
		    raw(r, &v, &f->text) < 0)
			return -1;
	}
	return more;
}

/* Each item of an array of objects; others are skipped. */
static int
read_items(struct reader *r, const struct json_value *opened,
    int (*read)(struct reader *r, void *to), void *to)
{
	struct json_value v;
	int more;

	if (opened->kind != JSON_IN_ARRAY)
		return json_skip(&r->in, opened, r->err);
	while ((more = inside(r, &v)) > 0)
		if (v.kind == JSON_IN_OBJECT ? read(r, to) < 0 :
		    json_skip(&r->in, &v, r->err) < 0)
			return -1;
	return more;
}

/* --- a phase --- */

static bool
take_verdict(struct recorded_verdict *to, const struct json_value *v)
{
	const struct place_of places[] = { { "action", &to->action },
	    { "rule", &to->rule }, { "at", &to->at },
	    { "enhanced", &to->enhanced }, { "text", &to->text } };
	int64_t code;

	if (span_is(v->key, "code") && v->kind == JSON_IN_NUMBER) {
		if (json_in_decimal(v->text, 0, &code) == 0 && code >= 0 &&
		    code <= 999)
			to->code = (int)code;
		return true;
	}
	return TAKE_TEXT(places, v);
}

static int
read_verdict(struct reader *r, const struct json_value *opened,
    struct recorded_verdict *to)
{
	struct json_value v;
	int more;

	if (opened->kind != JSON_IN_OBJECT)
		return json_skip(&r->in, opened, r->err);
	while ((more = inside(r, &v)) > 0)
		if (!take_verdict(to, &v) &&
		    json_skip(&r->in, &v, r->err) < 0)
			return -1;
	return more;
}

static int
read_hit(struct reader *r, void *to)
{
	struct recorded_phase *p = to;
	struct recorded_hit hit = {0};
	const struct place_of places[] = { { "rule", &hit.rule },
	    { "at", &hit.at }, { "action", &hit.action },
	    { "text", &hit.text }, { "name", &hit.name },
	    { "score", &hit.score } };
	struct json_value v;
	int more;

	while ((more = inside(r, &v)) > 0) {
		if (span_is(v.key, "observed"))
			hit.is_observed = v.kind == JSON_IN_TRUE;
		if (!TAKE_TEXT(places, &v) &&
		    json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	p->hits = list_room(r->arena, p->hits, p->nhits, sizeof(hit));
	p->hits[p->nhits++] = hit;
	return more;
}

static int
read_set(struct reader *r, void *to)
{
	struct recorded_phase *p = to;
	struct recorded_set set = { .told = SET_UNTOLD };
	const struct place_of places[] = { { "set", &set.set },
	    { "fact", &set.fact }, { "member", &set.member } };
	struct json_value v;
	int more;

	while ((more = inside(r, &v)) > 0) {
		if (span_is(v.key, "in"))
			set.told = v.kind == JSON_IN_TRUE ? SET_HAS :
			    v.kind == JSON_IN_FALSE ? SET_HAS_NOT :
			    SET_UNTOLD;
		if (!TAKE_TEXT(places, &v) &&
		    json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	p->sets = list_room(r->arena, p->sets, p->nsets, sizeof(set));
	p->sets[p->nsets++] = set;
	return more;
}

/* 1: it was a member of a phase; 0: it is somebody else's. */
static int
read_phase_member(struct reader *r, const struct json_value *v,
    struct recorded_phase *p)
{
	int rc;

	if (span_is(v->key, "would"))
		rc = read_verdict(r, v, &p->would);
	else if (span_is(v->key, "hits"))
		rc = read_items(r, v, read_hit, p);
	else if (span_is(v->key, "sets"))
		rc = read_items(r, v, read_set, p);
	else if (span_is(v->key, "read"))
		rc = read_facts(r, v, &p->read);
	else if (span_is(v->key, "limits"))
		rc = read_facts(r, v, &p->limits);
	else if (span_is(v->key, "milters"))
		rc = read_facts(r, v, &p->milters);
	else if (span_is(v->key, "untold") && v->kind == JSON_IN_ARRAY)
		rc = raw(r, v, &p->untold);
	else if (take_verdict(&p->verdict, v)) {
		p->is_there |= span_is(v->key, "action");
		return 1;
	} else
		return 0;
	return rc < 0 ? -1 : 1;
}

static int
read_phase(struct reader *r, void *to)
{
	struct recorded *rec = to;
	struct recorded_phase p = {0};
	struct json_value v;
	struct span name = {0};
	int more, rc;

	while ((more = inside(r, &v)) > 0) {
		if (span_is(v.key, "phase") && v.kind == JSON_IN_STRING)
			name = v.text;
		rc = read_phase_member(r, &v, &p);
		if (rc < 0 || (rc == 0 && json_skip(&r->in, &v, r->err) < 0))
			return -1;
	}
	for (size_t i = 0; i < PHASES; i++)
		if (i != PHASE_RCPT && name.len > 0 &&
		    span_is(name, phase_name((enum phase)i)))
			rec->phases[i] = p;
	return more;
}

/* --- a recipient --- */

static int
read_to(struct reader *r, const struct json_value *v,
    struct recorded_fact *to)
{
	to->name = SPAN_LIT("rcpt");
	to->kind = v->kind;
	to->text = v->text;
	if (v->kind == JSON_IN_OBJECT || v->kind == JSON_IN_ARRAY)
		return raw(r, v, &to->text);
	return 0;
}

static int
read_rcpt_member(struct reader *r, const struct json_value *v,
    struct recorded_rcpt *rcpt)
{
	const struct place_of places[] = { { "reply", &rcpt->reply },
	    { "outcome", &rcpt->outcome }, { "backend", &rcpt->backend },
	    { "final", &rcpt->final } };
	int rc;

	if (span_is(v->key, "to"))
		return read_to(r, v, &rcpt->to);
	if (span_is(v->key, "facts"))
		return read_facts(r, v, &rcpt->facts);
	rc = read_phase_member(r, v, &rcpt->phase);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return TAKE_TEXT(places, v) ? 0 : json_skip(&r->in, v, r->err);
}

static int
read_rcpt(struct reader *r, void *to)
{
	struct recorded *rec = to;
	struct recorded_rcpt *rcpt;
	struct json_value v;
	int more;

	rec->rcpts = list_room(r->arena, rec->rcpts, rec->nrcpts,
	    sizeof(*rec->rcpts));
	rcpt = &rec->rcpts[rec->nrcpts++];
	while ((more = inside(r, &v)) > 0)
		if (read_rcpt_member(r, &v, rcpt) < 0)
			return -1;
	return more;
}

/* --- the whole --- */

/* With either of them addresses in all texts are hidden. */
static int
read_hidden(struct reader *r, const struct json_value *opened,
    struct recorded *rec)
{
	struct json_value v;
	int more;

	if (opened->kind != JSON_IN_ARRAY)
		return json_skip(&r->in, opened, r->err);
	while ((more = inside(r, &v)) > 0) {
		rec->is_veiled |= v.kind == JSON_IN_STRING &&
		    !span_is(v.text, "subject");
		if (json_skip(&r->in, &v, r->err) < 0)
			return -1;
	}
	return more;
}

static int
read_member(struct reader *r, const struct json_value *v,
    struct recorded *rec, struct span *version)
{
	const struct place_of places[] = { { "v", version },
	    { "time", &rec->time }, { "session", &rec->session },
	    { "id", &rec->id }, { "kind", &rec->kind },
	    { "listener", &rec->listener }, { "rules", &rec->rules },
	    { "outcome", &rec->outcome }, { "reply", &rec->reply },
	    { "rule", &rec->rule }, { "at", &rec->at },
	    { "action", &rec->action }, { "by", &rec->by },
	    { "score", &rec->score }, { "backend", &rec->backend },
	    { "size", &rec->size }, { "tls", &rec->tls },
	    { "why", &rec->why } };

	if (TAKE_TEXT(places, v))
		return 0;
	if (span_is(v->key, "hidden"))
		return read_hidden(r, v, rec);
	if (span_is(v->key, "facts"))
		return read_facts(r, v, &rec->facts);
	if (span_is(v->key, "phases"))
		return read_items(r, v, read_phase, rec);
	if (span_is(v->key, "rcpts"))
		return read_items(r, v, read_rcpt, rec);
	if (span_is(v->key, "milters") && v->kind == JSON_IN_ARRAY)
		return raw(r, v, &rec->milters);
	if (span_is(v->key, "us") && v->kind == JSON_IN_OBJECT)
		return raw(r, v, &rec->us);
	if (span_is(v->key, "cut"))
		rec->is_cut = v->kind == JSON_IN_TRUE;
	return json_skip(&r->in, v, r->err);
}

static int
read_record(struct reader *r, struct recorded *rec)
{
	struct span version = {0};
	struct json_value v;
	int more;

	if (next(r, &v) < 0)
		return -1;
	if (v.kind != JSON_IN_OBJECT)
		return err_set(r->err, ERR_SYNTAX, "no record of a journal: "
		    "expected an object");
	while ((more = inside(r, &v)) > 0)
		if (read_member(r, &v, rec, &version) < 0)
			return -1;
	if (more < 0 || next(r, &v) < 0)
		return -1;
	if (version.len == 0 || rec->session.len == 0 || rec->kind.len == 0)
		return err_set(r->err, ERR_SYNTAX, "no record of a journal: "
		    "\"v\", \"session\" or \"kind\" is missing");
	if (!span_is(version, "1"))
		return err_set(r->err, ERR_SYNTAX, "version %.*s of the "
		    "journal: expected 1", version.len > 20 ? 20 :
		    (int)version.len, version.p);
	return 0;
}

int
recorded_read(struct arena *a, struct span line, struct recorded **out,
    struct err *err)
{
	struct recorded *rec = arena_new(a, struct recorded);
	struct reader r = { .arena = a, .err = err };

	if (line.len > RECORDED_LINE_MOST)
		return err_set(err, ERR_SYNTAX, "a line of more than %d KiB",
		    RECORDED_LINE_MOST / 1024);
	json_begin(&r.in, a, line);
	if (read_record(&r, rec) < 0)
		return -1;
	recorded_follows(a, rec);
	*out = rec;
	return 0;
}

bool
recorded_refuses(const struct recorded_verdict *v)
{
	return span_is(v->action, "reject") || span_is(v->action, "defer") ||
	    span_is(v->action, "disconnect");
}
