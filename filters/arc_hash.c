#include "filters/arc_internal.h"

/* --- the body --- */

void
arc_hash_begin(struct arc *c)
{
	const struct arc_message *m = &c->newest;

	c->body = signed_body_create(c->arena);
	if (m->has_canon) {
		c->bodies[m->body] = signed_body_want(c->body, m->body,
		    m->limit);
		return;
	}
	for (enum canon how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		c->bodies[how] = signed_body_want(c->body, how, m->limit);
}

const struct body_digest *
arc_hash_find(const struct arc *c, enum canon how, uint64_t limit)
{
	const struct body_digest *d = c->bodies[how];

	return d != NULL && d->length == limit ? d : NULL;
}

/* --- the header --- */

void
arc_hash_message(const struct arc *c, const struct arc_message *m,
    enum canon how, uint8_t digest[DIGEST_SIZE])
{
	struct signed_header what = { .self = m->sig.field,
	    .names = m->names, .cut = m->sig.cut, .form = how };

	signed_header_digest(c->header, &what, digest);
}

uint64_t
arc_hash_work(const struct arc *c, const struct arc_message *m)
{
	struct span rest = m->names, name;
	uint64_t names = 0;

	while (tags_item(&rest, &name))
		names++;
	return names * c->header->n + c->header->size;
}

static void
add_field(struct digest *d, struct buf *b, const struct field *f)
{
	buf_clear(b);
	canon_field(b, f->whole, CANON_RELAXED);
	digest_add(d, buf_text(b));
}

/*
 * RFC 8617 5.1.1: each seal is made over all sets up to its own, in their
 * order, always in relaxed form. So one digest runs through them all.
 */
void
arc_hash_seals(const struct arc *c, uint8_t (*digests)[DIGEST_SIZE])
{
	struct digest *all = digest_begin(), *one;
	struct buf b = { 0 };
	const struct arc_set *s;

	for (unsigned i = 0; i < c->n; i++) {
		s = &c->sets[i];
		add_field(all, &b, s->results);
		add_field(all, &b, s->message.field);
		one = digest_copy(all);
		buf_clear(&b);
		canon_signature(&b, s->seal.field->whole, s->seal.cut,
		    CANON_RELAXED);
		digest_add(one, buf_text(&b));
		digest_end(&one, digests[i]);
		add_field(all, &b, s->seal.field);
	}
	digest_drop(&all);
	buf_free(&b);
}
