#include "base/clock.h"
#include "filters/arc_internal.h"
#include "filters/signature_keys.h"

/* A record as a key for one algorithm, read once. */
struct reading {
	bool			 is_read, is_good;
	struct sigkey		 key;
	struct err		 err;
};

struct arc_keys {
	struct signature_keys	*records;
	struct reading		*readings;	/* two for each record */
};

/* In the order of need. Without one of its keys the chain is broken, so no
 * more are asked for: each check before the one that needs the missing key
 * has what it needs. */
void
arc_keys_ask(struct arc *c)
{
	struct arc_keys *keys = arena_new(c->arena, struct arc_keys);

	keys->records = signature_keys_create(c->arena, c->n + 1, true);
	keys->readings = arena_new_n(c->arena, 2 * (c->n + 1),
	    struct reading);
	c->keys = keys;
	signature_keys_want(keys->records, c->newest.sig.key_name);
	for (unsigned i = c->n; i > 0; i--)
		signature_keys_want(keys->records,
		    c->sets[i - 1].seal.key_name);
	signature_keys_start(keys->records, clock_now() + c->options.timeout);
}

MAY_YIELD int
arc_keys_wait(struct arc *c, struct err *err)
{
	return signature_keys_wait(c->keys->records, err);
}

/* The first record that is a key; else the error of the first. */
static void
read_records(struct arena *a, const struct dns_answer *answer,
    enum sigkey_algorithm algorithm, struct reading *r)
{
	struct err ignored;
	size_t i;

	for (i = 0; i < answer->n && i < ARC_RECORDS_MOST; i++)
		if (sigkey_parse(a, answer->records[i].data, algorithm,
		    &r->key, i == 0 ? &r->err : &ignored) == 0) {
			r->is_good = true;
			return;
		}
}

enum arc_key_state
arc_keys_get(struct arc *c, const struct arc_sig *sig,
    const struct sigkey **key, struct err *err)
{
	const struct dns_answer *answer;
	struct reading *r;
	size_t i;

	if (!signature_keys_find(c->keys->records, sig->key_name, &i)) {
		err_set(err, ERR_UNAVAIL, "the key was not looked up");
		return ARC_KEY_UNSURE;
	}
	answer = signature_keys_get(c->keys->records, i);
	if (answer->outcome == DNS_FAIL) {
		err_set(err, ERR_UNAVAIL, "key lookup failed: %s",
		    answer->why);
		return ARC_KEY_UNSURE;
	}
	if (answer->outcome != DNS_OK || answer->n == 0) {
		err_set(err, ERR_SYNTAX, "there is no key %s",
		    sig->key_name);
		return ARC_KEY_BAD;
	}
	r = &c->keys->readings[2 * i + (size_t)sig->algorithm];
	if (!r->is_read)
		read_records(c->arena, answer, sig->algorithm, r);
	r->is_read = true;
	*key = &r->key;
	if (!r->is_good)
		*err = r->err;
	return r->is_good ? ARC_KEY_GOOD : ARC_KEY_BAD;
}
