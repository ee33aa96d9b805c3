#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "filters/arc_internal.h"

/* OpenSSL's hashing fails only for want of memory. */
static void
must(bool done)
{
	if (!done)
		mem_exhausted(0, "a hash");
}

static EVP_MD_CTX *
md_new(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	return md;
}

static void
md_put(EVP_MD_CTX *md, struct span s)
{
	must(EVP_DigestUpdate(md, s.p, s.len) == 1);
}

static void
md_end(EVP_MD_CTX *md, uint8_t digest[SIGKEY_DIGEST])
{
	must(EVP_DigestFinal_ex(md, digest, NULL) == 1);
}

static void
md_free(void *md)
{
	EVP_MD_CTX_free(md);
}

/* --- the body --- */

static void
add_body(struct arc *c, enum canon how, uint64_t limit)
{
	struct arc_hash *h = &c->bodies[c->nbodies++];

	canon_body_begin(&h->canon, how);
	h->limit = limit;
	h->md = md_new();
	arena_defer(c->arena, md_free, h->md);
}

void
arc_hash_begin(struct arc *c)
{
	const struct arc_message *m = &c->newest;

	c->bodies = arena_new_n(c->arena, ARC_BODIES, struct arc_hash);
	add_body(c, m->has_canon ? m->body : CANON_RELAXED, m->limit);
	if (!m->has_canon)
		add_body(c, CANON_SIMPLE, m->limit);
}

static void
hash_part(struct arc_hash *h, struct span s)
{
	uint64_t left = h->limit > h->length ? h->limit - h->length : 0;

	h->length += s.len;
	if (s.len > left)
		s.len = (size_t)left;
	if (s.len > 0)
		md_put(h->md, s);
}

void
arc_hash_body(struct arc *c, struct span piece)
{
	struct span in, out;

	for (size_t i = 0; i < c->nbodies; i++) {
		in = piece;
		while (canon_body_next(&c->bodies[i].canon, &in, &out))
			hash_part(&c->bodies[i], out);
	}
}

void
arc_hash_end(struct arc *c)
{
	struct span out;

	for (size_t i = 0; i < c->nbodies; i++) {
		while (canon_body_end(&c->bodies[i].canon, &out))
			hash_part(&c->bodies[i], out);
		md_end(c->bodies[i].md, c->bodies[i].digest);
	}
}

const struct arc_hash *
arc_hash_find(const struct arc *c, enum canon how, uint64_t limit)
{
	for (size_t i = 0; i < c->nbodies; i++)
		if (c->bodies[i].canon.how == how &&
		    c->bodies[i].limit == limit)
			return &c->bodies[i];
	return NULL;
}

/* --- the header --- */

static void
hash_field(EVP_MD_CTX *md, struct buf *b, struct span field, enum canon how)
{
	buf_clear(b);
	canon_field(b, field, how);
	md_put(md, buf_text(b));
}

static void
hash_own_field(EVP_MD_CTX *md, struct buf *b, const struct arc_sig *sig,
    enum canon how)
{
	buf_clear(b);
	canon_signature(b, sig->field->whole, sig->cut, how);
	md_put(md, buf_text(b));
}

static int
spend(uint64_t *work, uint64_t n)
{
	if (*work < n)
		return -1;
	*work -= n;
	return 0;
}

/* The lowest field of that name that was not taken yet. */
static const struct field *
take_lowest(const struct fields *header, struct span name, bool *taken)
{
	for (size_t i = header->n; i-- > 0; )
		if (!taken[i] && span_eq_nocase(header->list[i].name, name)) {
			taken[i] = true;
			return &header->list[i];
		}
	return NULL;
}

/* RFC 6376 3.7 and 5.4.2: the fields that h= names, each time from below. */
static int
hash_named(const struct fields *header, const struct arc_message *m,
    enum canon how, EVP_MD_CTX *md, struct buf *b, bool *taken,
    uint64_t *work)
{
	struct span rest = m->names, name;
	const struct field *f;

	taken[m->sig.field - header->list] = true;
	while (tags_item(&rest, &name)) {
		/* An empty name is in none of the fields that have one. */
		if (name.len == 0)
			continue;
		if (spend(work, header->n) < 0)
			return -1;
		f = take_lowest(header, name, taken);
		if (f == NULL)
			continue;
		if (spend(work, f->whole.len) < 0)
			return -1;
		hash_field(md, b, f->whole, how);
	}
	if (spend(work, m->sig.field->whole.len) < 0)
		return -1;
	hash_own_field(md, b, &m->sig, how);
	return 0;
}

int
arc_hash_message(struct arc *c, const struct arc_message *m, enum canon how,
    uint64_t *work, uint8_t digest[SIGKEY_DIGEST])
{
	bool *taken = mem_zalloc(c->header->n, "arc");
	EVP_MD_CTX *md = md_new();
	struct buf b = { 0 };
	int r;

	r = hash_named(c->header, m, how, md, &b, taken, work);
	if (r == 0)
		md_end(md, digest);
	buf_free(&b);
	EVP_MD_CTX_free(md);
	free(taken);
	return r;
}

/*
 * RFC 8617 5.1.1: each seal is made over all sets up to its own, in their
 * order, always in relaxed form. So one hash runs through them all.
 */
void
arc_hash_seals(struct arc *c, uint8_t (*digests)[SIGKEY_DIGEST])
{
	EVP_MD_CTX *all = md_new(), *one = md_new();
	struct buf b = { 0 };
	const struct arc_set *s;

	for (unsigned i = 0; i < c->n; i++) {
		s = &c->sets[i];
		hash_field(all, &b, s->results->whole, CANON_RELAXED);
		hash_field(all, &b, s->message.field->whole, CANON_RELAXED);
		must(EVP_MD_CTX_copy_ex(one, all) == 1);
		hash_own_field(one, &b, &s->seal, CANON_RELAXED);
		md_end(one, digests[i]);
		hash_field(all, &b, s->seal.field->whole, CANON_RELAXED);
	}
	buf_free(&b);
	EVP_MD_CTX_free(all);
	EVP_MD_CTX_free(one);
}
