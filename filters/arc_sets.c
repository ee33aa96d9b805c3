#include "filters/arc_internal.h"

enum kind { RESULTS, MESSAGE, SEAL, OTHER };

static const char *const kind_names[] = {
	[RESULTS] = "ARC-Authentication-Results",
	[MESSAGE] = "ARC-Message-Signature",
	[SEAL] = "ARC-Seal",
};

static enum kind
kind_of(const struct field *f)
{
	enum kind k = RESULTS;

	while (k < OTHER && !span_is_nocase(f->name, kind_names[k]))
		k++;
	return k;
}

size_t
arc_sets_fields(const struct fields *header)
{
	size_t n = 0;

	for (size_t i = 0; i < header->n; i++)
		n += kind_of(&header->list[i]) != OTHER;
	return n;
}

/* The instance that a field belongs to, and what is read on the way. */
static int
read_field(struct arc *c, const struct field *f, enum kind kind,
    struct arc_set *part, unsigned *i, struct err *err)
{
	struct arc_sig *sig = kind == SEAL ? &part->seal : &part->message;

	if (kind == RESULTS) {
		part->results = f;
		return arc_read_results(f->value, i, &part->payload, err);
	}
	sig->field = f;
	if (tags_parse(c->arena, f->value, &sig->tags, err) < 0)
		return -1;
	return arc_read_instance(&sig->tags, i, err);
}

/* Puts the one part that was read into its set. */
static int
put_part(struct arc_set *set, enum kind kind, const struct arc_set *part)
{
	if (kind == RESULTS && set->results == NULL) {
		set->results = part->results;
		set->payload = part->payload;
	} else if (kind == MESSAGE && set->message.field == NULL) {
		set->message = part->message;
	} else if (kind == SEAL && set->seal.field == NULL) {
		set->seal = part->seal;
	} else {
		return -1;
	}
	return 0;
}

static int
collect(struct arc *c, size_t room, struct err *err)
{
	const struct field *f;
	struct arc_set part;
	enum kind kind;
	unsigned i;

	for (f = c->header->list; f < c->header->list + c->header->n; f++) {
		kind = kind_of(f);
		if (kind == OTHER)
			continue;
		part = (struct arc_set){ 0 };
		if (read_field(c, f, kind, &part, &i, err) < 0)
			return err_prefix(err, "%s", kind_names[kind]);
		if (i > ARC_SETS_MOST)
			return err_set(err, ERR_SYNTAX, "%s: i=%u, over %d",
			    kind_names[kind], i, ARC_SETS_MOST);
		if (i > room)
			return err_set(err, ERR_SYNTAX,
			    "%s: i=%u, but sets before it are missing",
			    kind_names[kind], i);
		if (put_part(&c->sets[i - 1], kind, &part) < 0)
			return err_set(err, ERR_SYNTAX,
			    "i=%u: %s is there twice", i, kind_names[kind]);
		if (i > c->n)
			c->n = i;
	}
	return 0;
}

static struct span
chain_value(const struct arc_set *set)
{
	const struct tag *cv = tags_find(&set->seal.tags, "cv");

	return cv != NULL ? cv->value : span_n("", 0);
}

/* RFC 8617 5.2 step 3 A and B. */
static int
check_whole(const struct arc_set *set, unsigned i, struct err *err)
{
	enum kind missing;

	if (set->results == NULL)
		missing = RESULTS;
	else if (set->message.field == NULL)
		missing = MESSAGE;
	else if (set->seal.field == NULL)
		missing = SEAL;
	else
		return 0;
	return err_set(err, ERR_SYNTAX, "i=%u: %s is missing", i,
	    kind_names[missing]);
}

/* Step 3 C. */
static int
check_chain_value(const struct arc_set *set, unsigned i, struct err *err)
{
	const char *want = i == 1 ? "none" : "pass";

	if (span_is_nocase(chain_value(set), want))
		return 0;
	return err_set(err, ERR_SYNTAX, "i=%u: ARC-Seal without cv=%s", i,
	    want);
}

int
arc_sets_find(struct arc *c, struct err *err)
{
	size_t fields = arc_sets_fields(c->header), room;
	unsigned i;

	if (fields > 3 * ARC_SETS_MOST)
		return err_set(err, ERR_SYNTAX, "more than %d sets",
		    ARC_SETS_MOST);
	room = fields < ARC_SETS_MOST ? fields : ARC_SETS_MOST;
	c->sets = arena_new_n(c->arena, room, struct arc_set);
	if (collect(c, room, err) < 0)
		return -1;
	if (span_is_nocase(chain_value(&c->sets[c->n - 1]), "fail"))
		return err_set(err, ERR_SYNTAX,
		    "i=%u: its sealer found the chain broken", c->n);
	for (i = 1; i <= c->n; i++)
		if (check_whole(&c->sets[i - 1], i, err) < 0 ||
		    check_chain_value(&c->sets[i - 1], i, err) < 0)
			return -1;
	return 0;
}
