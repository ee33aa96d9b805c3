#include <string.h>

#include "policy/rule_check.h"
#include "policy/set.h"

/*
 * Each fact is looked at for itself: which of its values are left when all
 * members that ask for it hold? What is too entangled to tell is taken for
 * possible: a warning that is wrong is worse than none.
 */
#define MEMBERS_MAX	40	/* all pairs are compared */

static bool
ref_same(const struct fact_ref *a, const struct fact_ref *b)
{
	return a->fact == b->fact &&
	    span_eq_nocase(a->argument, b->argument);
}

static bool
set_same(const struct set_decl *a, const struct set_decl *b)
{
	if (a == b)
		return true;
	if (a->name != NULL || b->name != NULL || a->nitems != b->nitems)
		return false;
	for (size_t i = 0; i < a->nitems; i++)
		if (!span_eq(a->items[i]->text, b->items[i]->text))
			return false;
	return true;
}

bool
cond_same(const struct cond *a, const struct cond *b)
{
	if (a->op != b->op)
		return false;
	switch (a->op) {
	case COND_AND:
	case COND_OR:
		return cond_same(a->left, b->left) &&
		    cond_same(a->right, b->right);
	case COND_NOT:
		return cond_same(a->left, b->left);
	case COND_TAGGED:
		return span_eq(a->value.text, b->value.text);
	default:
		break;
	}
	if (!ref_same(&a->ref, &b->ref))
		return false;
	switch (a->op) {
	case COND_YES:
	case COND_NONE:
		return true;
	case COND_IN:
		return set_same(a->set, b->set);
	case COND_MATCHES:
		return span_eq(a->literal->text, b->literal->text);
	default:
		return value_equal(&a->value, &b->value);
	}
}

/* The one fact that a condition asks for; NULL: several, or none. */
static const struct fact_ref *
only_ref(const struct cond *c)
{
	const struct fact_ref *left, *right;

	switch (c->op) {
	case COND_TAGGED:
		return NULL;
	case COND_NOT:
		return only_ref(c->left);
	case COND_AND:
	case COND_OR:
		left = only_ref(c->left);
		right = only_ref(c->right);
		return left != NULL && right != NULL && ref_same(left, right) ?
		    left : NULL;
	default:
		return &c->ref;
	}
}

/* --- words and yes/no: a bit for each value --- */

unsigned
cond_words(const struct cond *c, bool is_not)
{
	unsigned words = 0;

	switch (c->op) {
	case COND_AND:
		words = cond_words(c->left, false) &
		    cond_words(c->right, false);
		break;
	case COND_OR:
		words = cond_words(c->left, false) |
		    cond_words(c->right, false);
		break;
	case COND_NOT:
		words = cond_words(c->left, true);
		break;
	case COND_YES:
		words = 1u << 1;
		break;
	case COND_EQUAL:
		words = 1u << c->value.word;
		break;
	case COND_IN:
		for (size_t i = 0; i < c->set->nitems; i++)
			words |= 1u << fact_word(c->ref.fact,
			    c->set->items[i]->text);
		break;
	default:	/* COND_NONE: none of them */
		break;
	}
	return is_not ? ~words : words;
}

static unsigned
all_words(const struct fact *fact)
{
	unsigned n = 2;		/* no and yes */

	if (fact->type == TYPE_WORD)
		for (n = 0; fact->words[n] != NULL; n++)
			;
	return (1u << n) - 1;
}

/* --- what is left of a fact --- */

struct left {
	const struct fact_ref	*ref;
	bool			 none;		/* it may be none */
	bool			 some;		/* or a value */
	unsigned		 words;
	int64_t			 least, most;	/* of numbers */
	const struct cond	*equal;		/* the text that it is */
};

static void
narrow_number(struct left *l, const struct cond *c, bool is_not)
{
	int64_t v = c->value.number;
	int64_t least = INT64_MIN, most = INT64_MAX;

	switch (c->op) {
	case COND_EQUAL:
		if (!is_not)
			least = most = v;
		else if (l->least == v)
			least = v + 1;
		else if (l->most == v)
			most = v - 1;
		break;
	case COND_LESS:
		most = v - 1;
		break;
	case COND_LESS_EQUAL:
		most = v;
		break;
	case COND_GREATER:
		least = v + 1;
		break;
	default:
		least = v;
		break;
	}
	if (is_not && c->op != COND_EQUAL) {
		if (least == INT64_MIN) {
			least = most + 1;
			most = INT64_MAX;
		} else {
			most = least - 1;
			least = INT64_MIN;
		}
	}
	if (least > l->least)
		l->least = least;
	if (most < l->most)
		l->most = most;
}

static void
narrow_text(struct left *l, const struct cond *c, bool is_not)
{
	if (c->op == COND_IN && !is_not && c->set->file == NULL &&
	    c->set->set != NULL && set_family(c->set->set) == SET_EMPTY)
		l->some = false;
	if (c->op != COND_EQUAL || type_is_list(c->ref.fact->type))
		return;
	if (l->equal != NULL && value_equal(&l->equal->value, &c->value) ==
	    is_not)
		l->some = false;
	if (!is_not)
		l->equal = c;
}

static void
narrow(struct left *l, const struct cube_member *m)
{
	const struct cond *c = m->cond;
	enum type type = l->ref->fact->type;
	bool is_leaf = c->op > COND_NOT;

	if (c->op == COND_NONE) {
		if (m->is_not)
			l->none = false;
		else
			l->some = false;
		return;
	}
	if (is_leaf && !m->is_not)
		l->none = false;
	if (type == TYPE_WORD || type == TYPE_YESNO)
		l->words &= cond_words(c, m->is_not);
	else if (!is_leaf)
		return;
	else if (type_is_number(type))
		narrow_number(l, c, m->is_not);
	else
		narrow_text(l, c, m->is_not);
}

/* Whether some value fits all that the members ask of one fact. */
static bool
is_possible(const struct cube *cube, const struct fact_ref *ref)
{
	const struct fact *fact = ref->fact;
	struct left l = { .ref = ref, .some = true, .words = all_words(fact),
	    .least = INT64_MIN, .most = INT64_MAX };

	l.none = fact->may_be_none || type_is_list(fact->type);
	if (fact->type == TYPE_INT || fact->type == TYPE_SIZE ||
	    fact->type == TYPE_DURATION)
		l.least = 0;
	/* Twice: what is left out at an end may move it to the next. */
	for (unsigned round = 0; round < 2; round++)
		for (size_t i = 0; i < cube->n; i++) {
			const struct fact_ref *r =
			    only_ref(cube->members[i].cond);

			if (r != NULL && ref_same(r, ref))
				narrow(&l, &cube->members[i]);
		}
	return l.none || (l.some && l.words != 0 && l.least <= l.most);
}

const char *
cube_contradiction(struct rule_checker *c, const struct cube *cube)
{
	if (cube->n > MEMBERS_MAX)
		return NULL;
	for (size_t i = 0; i < cube->n; i++) {
		const struct cube_member *m = &cube->members[i];
		const struct fact_ref *ref = only_ref(m->cond);

		for (size_t j = 0; j < i; j++)
			if (cube->members[j].is_not != m->is_not &&
			    cond_same(cube->members[j].cond, m->cond))
				return ref != NULL ? check_fact_name(c, ref) :
				    arena_copy(c->a, m->cond->text);
		if (ref != NULL && !is_possible(cube, ref))
			return check_fact_name(c, ref);
	}
	return NULL;
}
