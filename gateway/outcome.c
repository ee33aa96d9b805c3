#include "gateway/outcome.h"

static void
count(size_t *n, const struct reply **first, const struct reply *answer)
{
	if ((*n)++ == 0)
		*first = answer;
}

void
outcome_add(struct outcome *o, const struct reply *answer)
{
	o->n++;
	o->closes |= answer->close;
	if (reply_is_ok(answer))
		count(&o->ok, &o->first_ok, answer);
	else if (reply_is_permanent(answer))
		count(&o->perm, &o->first_perm, answer);
	else
		count(&o->temp, &o->first_temp, answer);
}

bool
outcome_is_mixed(const struct outcome *o)
{
	return o->ok < o->n && o->temp < o->n && o->perm < o->n;
}

static struct reply
one_reply(const struct outcome *o)
{
	if (o->ok == o->n)
		return *o->first_ok;
	if (o->temp == o->n)
		return *o->first_temp;
	if (o->perm == o->n)
		return *o->first_perm;
	return reply(451, "4.3.0", "%zu of %zu recipients have the message, "
	    "please try again for the others", o->ok, o->n);
}

struct reply
outcome_reply(const struct outcome *o)
{
	struct reply r = one_reply(o);

	r.close = o->closes;
	return r;
}

struct reply
outcome_last_word(const struct outcome *o)
{
	struct reply r = o->ok > 0 ?
	    reply(250, "2.0.0", "%zu of %zu recipients have the message",
	    o->ok, o->n) :
	    reply(451, "4.3.0", "None of %zu recipients has the message",
	    o->n);

	r.close = o->closes;
	return r;
}
