#include "base/clock.h"
#include "filters/arc_internal.h"
#include "filters/signer.h"

#define TIME_MOST	UINT64_C(999999999999)	/* RFC 6376 3.5: 12 digits */

/* --- instances --- */

/* 1*2DIGIT (RFC 8617 3.9); the most that is allowed is the caller's. */
static int
read_position(struct span s, unsigned *i)
{
	uint64_t value;

	if (s.len > 2 || span_uint(s, 99, &value) < 0 || value == 0)
		return -1;
	*i = (unsigned)value;
	return 0;
}

int
arc_read_instance(const struct tags *tags, unsigned *i, struct err *err)
{
	const struct tag *tag = tags_find(tags, "i");

	if (tag == NULL)
		return err_set(err, ERR_SYNTAX, "no i=");
	if (read_position(tag->value, i) < 0)
		return err_set(err, ERR_SYNTAX, "i= is no instance number");
	return 0;
}

/* White space, folds and comments (RFC 5322 3.2.2). -1: a comment is open. */
static int
skip_cfws(struct span *s)
{
	unsigned depth = 0;

	for (; s->len > 0; s->p++, s->len--) {
		if (*s->p == '(') {
			depth++;
		} else if (depth > 0) {
			if (*s->p == ')')
				depth--;
			else if (*s->p == '\\' && s->len > 1) {
				s->p++;
				s->len--;
			}
		} else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r' &&
		    *s->p != '\n') {
			break;
		}
	}
	return depth == 0 ? 0 : -1;
}

/* White space, then `c`. */
static int
take_mark(struct span *s, char c)
{
	if (skip_cfws(s) < 0 || s->len == 0 || *s->p != c)
		return -1;
	*s = span_n(s->p + 1, s->len - 1);
	return 0;
}

int
arc_read_results(struct span value, unsigned *i, struct span *payload,
    struct err *err)
{
	struct span s = value, digits;

	if (take_mark(&s, 'i') < 0 || take_mark(&s, '=') < 0 ||
	    skip_cfws(&s) < 0)
		return err_set(err, ERR_SYNTAX, "no i= in front");
	for (digits = span_n(s.p, 0); digits.len < s.len &&
	    s.p[digits.len] >= '0' && s.p[digits.len] <= '9'; digits.len++)
		;
	if (read_position(digits, i) < 0)
		return err_set(err, ERR_SYNTAX, "i= is no instance number");
	s = span_n(s.p + digits.len, s.len - digits.len);
	if (take_mark(&s, ';') < 0)
		return err_set(err, ERR_SYNTAX, "no \";\" behind i=");
	*payload = s;
	return 0;
}

/* --- what seals and signatures have in common --- */

static const struct tag *
need(const struct tags *tags, const char *name, struct err *err)
{
	const struct tag *tag = tags_find(tags, name);

	if (tag == NULL)
		err_set(err, ERR_SYNTAX, "no %s=", name);
	return tag;
}

/* A tag that may be missing: *value is kept then. */
static int
read_time(const struct tags *tags, const char *name, uint64_t *value,
    struct err *err)
{
	const struct tag *tag = tags_find(tags, name);

	if (tag == NULL || span_uint(tag->value, TIME_MOST, value) == 0)
		return 0;
	return err_set(err, ERR_SYNTAX, "%s= is no time", name);
}

static int
read_name(struct arena *a, const struct tag *tag, const char **out,
    struct err *err)
{
	*out = signer_name(a, tag->value);
	if (*out == NULL)
		return err_set(err, ERR_SYNTAX, "%.*s= is no domain name",
		    SPAN_ARG(tag->name));
	return 0;
}

static int
read_key_name(struct arena *a, struct arc_sig *sig, const struct tag *d,
    const struct tag *s, struct err *err)
{
	if (read_name(a, d, &sig->domain, err) < 0 ||
	    read_name(a, s, &sig->selector, err) < 0)
		return -1;
	sig->key_name = signer_key(a, sig->selector, sig->domain);
	if (sig->key_name == NULL)
		return err_set(err, ERR_SYNTAX,
		    "s= and d= are too long together");
	return 0;
}

static int
read_sig(struct arena *a, struct arc_sig *sig, struct err *err)
{
	const struct tags *tags = &sig->tags;
	const struct tag *alg, *b, *d, *s;
	uint64_t t = 0;

	if ((alg = need(tags, "a", err)) == NULL ||
	    (b = need(tags, "b", err)) == NULL ||
	    (d = need(tags, "d", err)) == NULL ||
	    (s = need(tags, "s", err)) == NULL ||
	    read_time(tags, "t", &t, err) < 0)
		return -1;
	if (sigkey_algorithm_parse(alg->value, &sig->algorithm) < 0)
		return err_set(err, ERR_SYNTAX,
		    "a= is neither rsa-sha256 nor ed25519-sha256");
	if (tags_base64(a, b->value, &sig->signature) < 0 ||
	    sig->signature.len == 0)
		return err_set(err, ERR_SYNTAX, "b= is no signature");
	sig->cut = b->raw;
	return read_key_name(a, sig, d, s, err);
}

/* RFC 8617 4.1.3; cv= belongs to the structure. */
int
arc_read_seal(struct arena *a, struct arc_sig *seal, struct err *err)
{
	if (tags_find(&seal->tags, "h") != NULL)
		return err_set(err, ERR_SYNTAX, "h= is not allowed");
	return read_sig(a, seal, err);
}

/* --- signatures (RFC 8617 4.1.2, RFC 6376 3.5) --- */

static int
read_c(const struct tag *c, struct arc_message *m, struct err *err)
{
	m->has_canon = c != NULL;
	if (c != NULL && canon_parse(c->value, &m->header, &m->body) < 0)
		return err_set(err, ERR_SYNTAX,
		    "c= is no known canonical form");
	return 0;
}

static int
read_h(const struct tag *h, struct arc_message *m, struct err *err)
{
	struct span rest = h->value, name;
	size_t n = 0;

	m->names = h->value;
	while (tags_item(&rest, &name)) {
		if (++n > ARC_NAMES_MOST)
			return err_set(err, ERR_SYNTAX,
			    "h= has more than %d names", ARC_NAMES_MOST);
		if (span_is_nocase(name, "ARC-Seal"))
			return err_set(err, ERR_SYNTAX, "h= has ARC-Seal");
	}
	return 0;
}

static int
read_bh(struct arena *a, const struct tag *bh, struct arc_message *m,
    struct err *err)
{
	if (tags_base64(a, bh->value, &m->hash) < 0 ||
	    m->hash.len != SIGKEY_DIGEST)
		return err_set(err, ERR_SYNTAX, "bh= is no SHA-256 hash");
	return 0;
}

static int
read_life(const struct tags *tags, struct err *err)
{
	uint64_t t = 0, x = UINT64_MAX;

	if (read_time(tags, "t", &t, err) < 0 ||
	    read_time(tags, "x", &x, err) < 0)
		return -1;
	if (x <= t)
		return err_set(err, ERR_SYNTAX, "x= is not later than t=");
	if (x < (uint64_t)(clock_wall() / CLOCK_S))
		return err_set(err, ERR_SYNTAX, "it has expired (x=)");
	return 0;
}

int
arc_read_message(struct arena *a, const struct arc_sig *from,
    struct arc_message *out, struct err *err)
{
	const struct tags *tags = &from->tags;
	const struct tag *h, *bh, *l, *q;

	*out = (struct arc_message){ .sig = *from, .limit = ARC_NO_LIMIT };
	l = tags_find(tags, "l");
	q = tags_find(tags, "q");
	if (read_sig(a, &out->sig, err) < 0 ||
	    (h = need(tags, "h", err)) == NULL ||
	    (bh = need(tags, "bh", err)) == NULL ||
	    read_h(h, out, err) < 0 || read_bh(a, bh, out, err) < 0 ||
	    read_c(tags_find(tags, "c"), out, err) < 0 ||
	    read_life(tags, err) < 0)
		return -1;
	if (l != NULL && span_uint(l->value, INT64_MAX, &out->limit) < 0)
		return err_set(err, ERR_SYNTAX, "l= is no length");
	if (q != NULL && !tags_has(q->value, "dns/txt"))
		return err_set(err, ERR_SYNTAX, "q= has no dns/txt");
	return 0;
}
