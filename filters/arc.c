#include <assert.h>
#include <string.h>

#include "filters/arc_internal.h"

#define CHECKS_A_TURN	8	/* signatures, before others get their turn */

/* What one signature says of the chain. */
enum finding { GOOD, BROKEN, UNSURE };

struct arc *
arc_begin(struct arena *a, const struct arc_options *options)
{
	struct arc *c = arena_new(a, struct arc);

	c->arena = a;
	c->options = *options;
	c->is_decided = true;
	c->answer.outcome = ARC_NONE;
	c->answer.reason = "no ARC sets";
	return c;
}

void
arc_fail(struct arc *c, const struct err *err)
{
	c->is_decided = true;
	c->answer.outcome = ARC_FAIL;
	c->answer.reason = arena_strdup(c->arena, err->text);
}

/* --- the header: everything that can be said without keys --- */

static int
read_sets(struct arc *c, struct err *err)
{
	struct arc_sig *seal;
	unsigned i;

	for (i = c->n; i > 0; i--) {
		seal = &c->sets[i - 1].seal;
		if (arc_read_seal(c->arena, seal, err) < 0)
			return err_prefix(err, "i=%u: ARC-Seal", i);
		if (i == c->n)
			c->answer.sealer = seal->domain;
	}
	if (arc_read_message(c->arena, &c->sets[c->n - 1].message, &c->newest,
	    err) < 0)
		return err_prefix(err, "i=%u: ARC-Message-Signature", c->n);
	return 0;
}

void
arc_header(struct arc *c, const struct fields *header)
{
	struct err err;
	int r;

	assert(c->header == NULL);
	c->header = header;
	if (arc_sets_fields(header) == 0)
		return;
	r = arc_sets_find(c, &err);
	c->answer.sets = c->n;
	if (r < 0 || read_sets(c, &err) < 0) {
		arc_fail(c, &err);
		return;
	}
	c->is_decided = false;
	arc_hash_begin(c);
	arc_keys_ask(c);
}

void
arc_body(struct arc *c, struct span piece)
{
	if (!c->is_decided)
		signed_body_add(c->body, piece);
}

/* --- the signatures --- */

static enum finding
get_key(struct arc *c, const struct arc_sig *sig, const struct sigkey **key,
    struct err *err)
{
	switch (arc_keys_get(c, sig, key, err)) {
	case ARC_KEY_GOOD:
		return GOOD;
	case ARC_KEY_BAD:
		return BROKEN;
	case ARC_KEY_UNSURE:
		break;
	}
	return UNSURE;
}

static bool
is_body_same(const struct body_digest *body, const struct arc_message *m)
{
	return (body->length == ARC_NO_LIMIT || body->total >= body->length) &&
	    memcmp(body->digest, m->hash.p, SIGKEY_DIGEST) == 0;
}

/* In one canonical form. */
static enum finding
check_form(struct arc *c, const struct arc_message *m, enum canon header,
    enum canon body, struct err *err)
{
	const struct body_digest *hash = arc_hash_find(c, body, m->limit);
	uint8_t digest[DIGEST_SIZE];
	const struct sigkey *key;
	enum finding found;

	if (hash == NULL) {
		err_set(err, ERR_UNAVAIL, "its form was not hashed");
		return UNSURE;
	}
	if (!is_body_same(hash, m)) {
		err_set(err, ERR_SYNTAX, "the body was changed");
		return BROKEN;
	}
	found = get_key(c, &m->sig, &key, err);
	if (found != GOOD)
		return found;
	arc_hash_message(c, m, header, digest);
	if (sigkey_verify(key, digest, m->sig.signature))
		return GOOD;
	err_set(err, ERR_SYNTAX, "the signature does not match");
	return BROKEN;
}

/* Without c= it should be simple (RFC 6376 3.5), but what signs for ARC means
 * relaxed: both are tried. */
static enum finding
check_message(struct arc *c, const struct arc_message *m, struct err *err)
{
	enum finding found;

	if (m->has_canon)
		return check_form(c, m, m->header, m->body, err);
	found = check_form(c, m, CANON_RELAXED, CANON_RELAXED, err);
	if (found == BROKEN)
		found = check_form(c, m, CANON_SIMPLE, CANON_SIMPLE, err);
	return found;
}

static enum finding
check_seal(struct arc *c, const struct arc_sig *seal,
    const uint8_t digest[DIGEST_SIZE], struct err *err)
{
	const struct sigkey *key;
	enum finding found = get_key(c, seal, &key, err);

	if (found != GOOD || sigkey_verify(key, digest, seal->signature))
		return found;
	err_set(err, ERR_SYNTAX, "the signature does not match");
	return BROKEN;
}

/* Notes what was found; true: the chain is broken. */
static bool
is_broken(struct arc *c, enum finding found, const char *what, unsigned i,
    struct err *err)
{
	if (found == GOOD)
		return false;
	err_prefix(err, "i=%u: %s", i, what);
	if (found == BROKEN) {
		arc_fail(c, err);
		return true;
	}
	if (c->answer.outcome != ARC_TEMPERROR)
		c->answer.reason = arena_strdup(c->arena, err->text);
	c->answer.outcome = ARC_TEMPERROR;
	return false;
}

/* RFC 8617 5.2 step 5. Whatever is not known already makes it unknown. */
static MAY_YIELD int
oldest_pass(struct arc *c)
{
	uint64_t left = ARC_OLDER_WORK, work;
	struct arc_message m;
	enum finding found;
	struct err err;
	unsigned i;

	for (i = c->n - 1; i > 0; i--) {
		if (i % CHECKS_A_TURN == 0)
			fiber_yield();
		if (arc_read_message(c->arena, &c->sets[i - 1].message, &m,
		    &err) < 0)
			return (int)i + 1;
		work = arc_hash_work(c, &m);
		if (work > left)
			return ARC_OLDEST_UNKNOWN;
		left -= work;
		found = check_message(c, &m, &err);
		if (found != GOOD)
			return found == BROKEN ? (int)i + 1 :
			    ARC_OLDEST_UNKNOWN;
	}
	return 0;
}

static void
say_passed(struct arc *c)
{
	const struct arc_message *m = &c->newest;
	const struct body_digest *body = arc_hash_find(c,
	    m->has_canon ? m->body : CANON_RELAXED, m->limit);

	c->answer.outcome = ARC_PASS;
	c->answer.reason = arena_printf(c->arena, "%u %s, all whole", c->n,
	    c->n == 1 ? "set" : "sets");
	c->answer.is_partial = body->total > body->length;
	c->answer.seals = arena_new_n(c->arena, c->n, struct arc_seal);
	for (unsigned i = 0; i < c->n; i++)
		c->answer.seals[i] = (struct arc_seal){
			.domain = c->sets[i].seal.domain,
			.selector = c->sets[i].seal.selector,
			.results = c->sets[i].payload,
		};
}

/* RFC 8617 5.2 steps 4 to 7. Where a key cannot be had now the rest is looked
 * at nevertheless: only what may pass another time is a temporary error. */
static MAY_YIELD void
decide(struct arc *c)
{
	uint8_t (*digests)[DIGEST_SIZE] = arena_alloc(c->arena,
	    c->n * sizeof(*digests));
	struct err err;
	unsigned i;

	signed_body_end(c->body);
	if (is_broken(c, check_message(c, &c->newest, &err),
	    "ARC-Message-Signature", c->n, &err))
		return;
	arc_hash_seals(c, digests);
	for (i = c->n; i > 0; i--) {
		if (i % CHECKS_A_TURN == 0)
			fiber_yield();
		if (is_broken(c, check_seal(c, &c->sets[i - 1].seal,
		    digests[i - 1], &err), "ARC-Seal", i, &err))
			return;
	}
	c->is_decided = true;
	if (c->answer.outcome == ARC_TEMPERROR)
		return;
	say_passed(c);
	c->answer.oldest_pass = oldest_pass(c);
}

MAY_YIELD int
arc_finish(struct arc *c, struct arc_answer *answer, struct err *err)
{
	if (!c->is_decided) {
		if (arc_keys_wait(c, err) < 0)
			return -1;
		decide(c);
	}
	*answer = c->answer;
	return 0;
}

const char *
arc_outcome_name(enum arc_outcome outcome)
{
	switch (outcome) {
	case ARC_NONE:
		return "none";
	case ARC_PASS:
		return "pass";
	case ARC_FAIL:
		return "fail";
	case ARC_TEMPERROR:
		break;
	}
	return "temperror";
}

const char *
arc_status(enum arc_outcome outcome)
{
	return arc_outcome_name(outcome == ARC_TEMPERROR ? ARC_FAIL : outcome);
}
