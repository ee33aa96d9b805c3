#include "filters/signed_body.h"

#define FORMS	2

struct form {
	struct canon_body	 canon;
	uint64_t		 total;
	struct body_digest	*digests;	/* none: it is not needed */
};

struct signed_body {
	struct arena	*arena;
	struct form	 forms[FORMS];
};

static void
drop_hash(void *hash)
{
	digest_drop(hash);
}

struct signed_body *
signed_body_create(struct arena *a)
{
	struct signed_body *b = arena_new(a, struct signed_body);

	b->arena = a;
	canon_body_begin(&b->forms[CANON_SIMPLE].canon, CANON_SIMPLE);
	canon_body_begin(&b->forms[CANON_RELAXED].canon, CANON_RELAXED);
	return b;
}

const struct body_digest *
signed_body_want(struct signed_body *b, enum canon form, uint64_t length)
{
	struct form *f = &b->forms[form];
	struct body_digest *d;

	for (d = f->digests; d != NULL; d = d->next)
		if (d->length == length)
			return d;
	d = arena_new(b->arena, struct body_digest);
	d->length = length;
	d->hash = digest_begin();
	arena_defer(b->arena, drop_hash, &d->hash);
	d->next = f->digests;
	f->digests = d;
	return d;
}

static void
form_add(struct form *f, struct span s)
{
	uint64_t left;

	for (struct body_digest *d = f->digests; d != NULL; d = d->next) {
		left = d->length > f->total ? d->length - f->total : 0;
		if (left > 0)
			digest_add(d->hash, span_n(s.p,
			    s.len < left ? s.len : (size_t)left));
	}
	f->total += s.len;
}

void
signed_body_add(struct signed_body *b, struct span octets)
{
	struct span in, out;

	for (size_t i = 0; i < FORMS; i++) {
		if (b->forms[i].digests == NULL)
			continue;
		in = octets;
		while (canon_body_next(&b->forms[i].canon, &in, &out))
			form_add(&b->forms[i], out);
	}
}

static void
form_end(struct form *f)
{
	struct span out;

	while (canon_body_end(&f->canon, &out))
		form_add(f, out);
	for (struct body_digest *d = f->digests; d != NULL; d = d->next) {
		d->total = f->total;
		digest_end(&d->hash, d->digest);
	}
}

void
signed_body_end(struct signed_body *b)
{
	for (size_t i = 0; i < FORMS; i++)
		form_end(&b->forms[i]);
}
