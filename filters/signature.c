#include <string.h>

#include "filters/opendkim.h"
#include "filters/signature.h"
#include "filters/signature_field.h"
#include "filters/signature_keys.h"
#include "filters/signed_body.h"
#include "filters/signed_header.h"

#define PREFIX_LEAST	8	/* characters of b=: RFC 6008 4 */

struct work {
	struct signature_field	 field;
	bool			 is_valid;	/* as far as the field goes */
	uint8_t			 header_digest[DIGEST_SIZE];
	const struct body_digest *body;		/* the library: only for l= */
	size_t			 key;		/* number of the lookup */
};

struct signature_check {
	struct arena		*arena;
	struct signature_options options;
	struct signature_answer	 answer;
	struct work		*works;		/* beside answer.list */
	struct signed_body	*body;		/* NULL: no signatures */
	struct signature_keys	*keys;
	struct opendkim		*opendkim;	/* NULL: our own engine */
	struct opendkim_verdict	*verdicts;	/* of those that are valid */
};

static const struct {
	const char	*name;
	int		 rank;		/* the best of all is reported */
} results[] = {
	[SIGNATURE_NONE]	= { "none", 0 },
	[SIGNATURE_PERMERROR]	= { "permerror", 1 },
	[SIGNATURE_NEUTRAL]	= { "neutral", 2 },
	[SIGNATURE_FAIL]	= { "fail", 3 },
	[SIGNATURE_POLICY]	= { "policy", 4 },
	[SIGNATURE_TEMPERROR]	= { "temperror", 5 },	/* it might pass yet */
	[SIGNATURE_PASS]	= { "pass", 6 },
};

const char *
signature_result_name(enum signature_result result)
{
	return results[result].name;
}

int
signature_open(enum signature_engine engine, struct err *err)
{
	return engine == SIGNATURE_LIBOPENDKIM ? opendkim_open(err) : 0;
}

void
signature_close(void)
{
	opendkim_close();
}

static void
decide(struct signature *s, enum signature_result result, const char *reason)
{
	s->result = result;
	s->reason = reason;
}

/* --- the header --- */

static void
set_defaults(struct signature_options *o)
{
	if (o->most == 0)
		o->most = SIGNATURE_MOST;
	if (o->timeout == 0)
		o->timeout = SIGNATURE_TIMEOUT;
}

static int
check_times(const struct signature_field *f, struct err *err)
{
	int64_t now = clock_wall() / CLOCK_S;

	if (f->signed_at > now + SIGNATURE_DRIFT)
		return err_set(err, ERR_SYNTAX, "t= lies in the future");
	if (f->expires >= 0 && f->expires < now - SIGNATURE_DRIFT)
		return err_set(err, ERR_SYNTAX, "the signature has expired");
	return 0;
}

static void
copy_facts(struct signature *s, const struct signature_field *f)
{
	s->domain = f->domain;
	s->selector = f->selector;
	s->identity = f->identity;
	s->algorithm = f->algorithm_name;
	s->has_length = f->has_length;
	s->length = f->length;
	s->signed_at = f->signed_at;
	s->expires = f->expires;
}

static size_t
same_octets(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* Enough of b= to tell it from the others, if they differ at all. */
static void
find_prefixes(struct signature_check *c)
{
	for (size_t i = 0; i < c->answer.n; i++) {
		const char *b = c->works[i].field.text, *other;
		size_t len = PREFIX_LEAST, same;

		if (b == NULL)
			continue;
		for (size_t k = 0; k < c->answer.n; k++) {
			other = c->works[k].field.text;
			if (other == NULL || strcmp(b, other) == 0)
				continue;
			same = same_octets(b, other);
			if (len <= same)
				len = same + 1;
		}
		c->answer.list[i].prefix = arena_printf(c->arena, "%.*s",
		    (int)len, b);
	}
}

static void
read_field(struct signature_check *c, const struct field *field, size_t i)
{
	struct work *w = &c->works[i];
	struct signature *s = &c->answer.list[i];
	struct err err;

	w->is_valid = signature_field_parse(c->arena, field, &w->field,
	    &err) == 0 && check_times(&w->field, &err) == 0;
	copy_facts(s, &w->field);
	if (w->is_valid)
		w->key = signature_keys_want(c->keys, w->field.key_name);
	else
		decide(s, SIGNATURE_PERMERROR,
		    arena_strdup(c->arena, err.text));
}

/* What the signatures were made over, as far as it is known now. */
static void
begin_own(struct signature_check *c, const struct fields *header)
{
	for (size_t i = 0; i < c->answer.n; i++) {
		struct work *w = &c->works[i];
		const struct signature_field *f = &w->field;
		struct signed_header what = { f->field, f->names, f->cut,
		    f->header_form };

		if (!w->is_valid)
			continue;
		signed_header_digest(header, &what, w->header_digest);
		w->body = signed_body_want(c->body, f->body_form,
		    f->has_length ? f->length : UINT64_MAX);
	}
}

/* It tells not how much of the body there is behind l=. */
static void
begin_libopendkim(struct signature_check *c, const struct fields *header)
{
	size_t n = 0;

	c->verdicts = arena_new_n(c->arena, c->answer.n,
	    struct opendkim_verdict);
	for (size_t i = 0; i < c->answer.n; i++) {
		struct work *w = &c->works[i];

		if (w->is_valid && w->field.field->whole.len > OPENDKIM_FIELD) {
			w->is_valid = false;
			decide(&c->answer.list[i], SIGNATURE_PERMERROR,
			    "the field is too long for libopendkim");
		}
		if (!w->is_valid)
			continue;
		if (w->field.has_length)
			w->body = signed_body_want(c->body,
			    w->field.body_form, 0);
		c->verdicts[n++].field = &w->field;
	}
	c->opendkim = opendkim_begin(c->arena, header, c->verdicts, n);
}

struct signature_check *
signature_begin(struct arena *a, const struct signature_options *options,
    const struct fields *header)
{
	struct signature_check *c = arena_new(a, struct signature_check);
	size_t n = fields_count(header, "DKIM-Signature");
	const struct field *f = NULL;

	c->arena = a;
	c->options = *options;
	set_defaults(&c->options);
	if (n == 0)
		return c;
	c->answer.n = n < c->options.most ? n : c->options.most;
	c->answer.ignored = n - c->answer.n;
	c->answer.list = arena_new_n(a, c->answer.n, struct signature);
	c->works = arena_new_n(a, c->answer.n, struct work);
	c->body = signed_body_create(a);
	c->keys = signature_keys_create(a, c->answer.n, false);
	for (size_t i = 0; i < c->answer.n; i++) {
		f = fields_find(header, "DKIM-Signature", f);
		read_field(c, f, i);
	}
	signature_keys_start(c->keys, clock_now() + c->options.timeout);
	find_prefixes(c);
	if (c->options.engine == SIGNATURE_LIBOPENDKIM)
		begin_libopendkim(c, header);
	else
		begin_own(c, header);
	return c;
}

const struct signature_answer *
signature_said(const struct signature_check *c)
{
	return &c->answer;
}

void
signature_body(struct signature_check *c, struct span octets)
{
	if (c->body != NULL)
		signed_body_add(c->body, octets);
	if (c->opendkim != NULL)
		opendkim_body(c->opendkim, octets);
}

/* --- the end --- */

/* RFC 6376 6.1.3. With a key that is good for it. */
static void
verify(struct signature *s, const struct work *w, const struct sigkey *key)
{
	if (memcmp(w->body->digest, w->field.body_digest, DIGEST_SIZE) != 0)
		decide(s, SIGNATURE_FAIL, "the body was changed");
	else if (!sigkey_verify(key, w->header_digest, w->field.signature))
		decide(s, SIGNATURE_FAIL,
		    "the header was changed, or the key is another one");
	else
		decide(s, SIGNATURE_PASS, NULL);
}

static int
check_key(const struct signature_field *f, const struct sigkey *key,
    struct err *err)
{
	if (key->is_strict && strcmp(f->identity_domain, f->domain) != 0)
		return err_set(err, ERR_SYNTAX,
		    "the key is not for subdomains, as in i=");
	return 0;
}

/* A record that does not do is passed over, if there is another (RFC 6376
 * 6.1.2); what is reported is the one that says most. */
static void
try_records(struct signature_check *c, const struct work *w,
    struct signature *s, const struct dns_answer *answer)
{
	struct signature found = *s;
	struct sigkey key;
	struct err err;

	for (size_t k = 0; k < answer->n && k < SIGNATURE_KEYS; k++) {
		if (sigkey_parse(c->arena, answer->records[k].data,
		    w->field.algorithm, &key, &err) < 0 ||
		    check_key(&w->field, &key, &err) < 0)
			decide(&found, SIGNATURE_PERMERROR,
			    arena_strdup(c->arena, err.text));
		else
			verify(&found, w, &key);
		found.bits = key.bits;
		found.is_test = key.is_test;
		if (k == 0 || results[found.result].rank >
		    results[s->result].rank)
			*s = found;
		if (s->result == SIGNATURE_PASS)
			return;
	}
}

static void
judge_own(struct signature_check *c, size_t i)
{
	const struct work *w = &c->works[i];
	const struct dns_answer *answer = signature_keys_get(c->keys, w->key);
	struct signature *s = &c->answer.list[i];

	if (s->has_length && w->body->total < s->length)
		decide(s, SIGNATURE_PERMERROR, "l= is more than the body has");
	else if (answer->outcome == DNS_FAIL)
		decide(s, SIGNATURE_TEMPERROR, arena_printf(c->arena,
		    "key lookup: %s", answer->why));
	else if (answer->outcome != DNS_OK || answer->n == 0)
		decide(s, SIGNATURE_PERMERROR, "there is no key record");
	else
		try_records(c, w, s, answer);
}

static void
judge_libopendkim(struct signature_check *c)
{
	struct opendkim_verdict *v = c->verdicts;

	for (size_t i = 0; i < c->answer.n; i++)
		if (c->works[i].is_valid)
			(v++)->key = signature_keys_get(c->keys,
			    c->works[i].key);
	opendkim_finish(c->opendkim);
	v = c->verdicts;
	for (size_t i = 0; i < c->answer.n; i++) {
		struct signature *s = &c->answer.list[i];

		if (!c->works[i].is_valid)
			continue;
		decide(s, v->result, v->reason);
		s->bits = v->bits;
		s->is_test = v->is_test;
		v++;
	}
}

static void
sum_up(struct signature_check *c, size_t i)
{
	struct signature *s = &c->answer.list[i];
	const struct work *w = &c->works[i];

	if (w->is_valid && s->has_length && w->body->total > s->length) {
		s->is_partial = true;
		if (s->result == SIGNATURE_PASS)
			s->reason = "the body goes on behind what l= covers";
	}
	if (results[s->result].rank > results[c->answer.best].rank)
		c->answer.best = s->result;
}

MAY_YIELD int
signature_finish(struct signature_check *c, struct signature_answer *answer,
    struct err *err)
{
	if (c->keys != NULL && signature_keys_wait(c->keys, err) < 0)
		return -1;
	if (c->body != NULL)
		signed_body_end(c->body);
	if (c->opendkim != NULL)
		judge_libopendkim(c);
	for (size_t i = 0; i < c->answer.n; i++) {
		if (c->opendkim == NULL && c->works[i].is_valid)
			judge_own(c, i);
		sum_up(c, i);
	}
	*answer = c->answer;
	return 0;
}
