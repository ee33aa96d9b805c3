#include <string.h>

#include "filters/greylist_admin.h"
#include "filters/greylist_identity.h"

/* --- whom a person means --- */

static int
read_network(struct arena *a, struct span text, struct span *identity)
{
	char out[ADDR_TEXT];
	struct network net;
	struct addr addr;
	struct err err;

	if (addr_parse_ip(text, 0, &addr, &err) == 0)
		network_of(&addr, &net);
	else if (network_parse(text, &net, &err) < 0 ||
	    net.bits != (net.family == AF_INET ? 24 : 64))
		return -1;
	*identity = span_z(arena_printf(a, "net:%s", network_text(&net, out)));
	return 0;
}

static int
read_domain(struct arena *a, struct span text, const char *prefix,
    struct span *identity, struct err *err)
{
	struct span domain;

	if (!domain_is_valid(text, true))
		return err_set(err, ERR_SYNTAX, "\"%.*s\" is neither a domain "
		    "nor an address nor a network of /24 or /64",
		    SPAN_ARG(text));
	domain = greylist_identity_domain(a, text);
	*identity = span_z(arena_printf(a, "%s%.*s", prefix,
	    SPAN_ARG(domain)));
	return 0;
}

static int
read_who(struct arena *a, struct span who, struct span identities[2],
    struct err *err)
{
	static const char *const prefixes[] = { "spf:", "name:" };

	for (int i = 0; i < 2; i++)
		if (span_starts_nocase(who, prefixes[i]))
			return read_domain(a, span_n(
			    who.p + strlen(prefixes[i]),
			    who.len - strlen(prefixes[i])), prefixes[i],
			    &identities[0], err);
	if (span_is_nocase(who, "net:local")) {
		identities[0] = SPAN_LIT("net:local");
		return 0;
	}
	if (span_starts_nocase(who, "net:"))
		who = span_n(who.p + 4, who.len - 4);
	if (read_network(a, who, &identities[0]) == 0)
		return 0;
	if (read_domain(a, who, "spf:", &identities[0], err) < 0)
		return -1;
	return read_domain(a, who, "name:", &identities[1], err);
}

int
greylist_filter_make(struct arena *a, const char *who, const char *sender,
    const char *rcpt, struct greylist_filter *f, struct err *err)
{
	memset(f, 0, sizeof(*f));
	if (who != NULL && read_who(a, span_z(who), f->identities, err) < 0)
		return -1;
	if (sender != NULL) {
		if (address_parse(span_z(sender), true, &f->sender, err) < 0)
			return err_prefix(err, "sender \"%s\"", sender);
		f->shown_sender = greylist_key_shown(a,
		    greylist_key_sender(a, &f->sender));
	}
	if (rcpt != NULL) {
		if (address_parse(span_z(rcpt), true, &f->rcpt, err) < 0)
			return err_prefix(err, "recipient \"%s\"", rcpt);
		f->shown_rcpt = greylist_key_shown(a,
		    greylist_key_rcpt(a, &f->rcpt));
	}
	return 0;
}

/* --- the walk --- */

typedef MAY_YIELD bool visit_fn(void *arg, struct span key,
    const struct greylist_entry *entry, bool is_readable);

struct walk {
	const struct greylist_filter	*filter;	/* NULL: all */
	visit_fn			*visit;
	void				*arg;
};

static bool
is_about_triplets(const struct greylist_filter *f)
{
	return f->shown_sender.len > 0 || f->shown_rcpt.len > 0;
}

static bool
has_identity(const struct greylist_filter *f, struct span identity)
{
	if (f->identities[0].len == 0)
		return true;
	return span_eq(f->identities[0], identity) ||
	    span_eq(f->identities[1], identity);
}

static bool
fits(const struct greylist_filter *f, const struct greylist_entry *entry)
{
	if (!has_identity(f, entry->identity))
		return false;
	if (!is_about_triplets(f))
		return true;
	if (entry->kind != GREYLIST_KEY_TRIPLET)
		return false;
	return (f->shown_sender.len == 0 ||
	    span_eq(f->shown_sender, entry->record.sender)) &&
	    (f->shown_rcpt.len == 0 ||
	    span_eq(f->shown_rcpt, entry->record.rcpt));
}

static bool
read_value(struct greylist_entry *entry, struct span value)
{
	struct err err;
	uint64_t n;

	switch (entry->kind) {
	case GREYLIST_KEY_TRIPLET:
	case GREYLIST_KEY_KNOWN:
		return greylist_key_read(value, &entry->record, &err) == 0;
	case GREYLIST_KEY_PASSES:
		if (span_uint(value, INT64_MAX, &n) < 0)
			return false;
		entry->passes = (int64_t)n;
		return true;
	case GREYLIST_KEY_OWED:
		return greylist_key_owed(value, &entry->owed, &err) == 0;
	case GREYLIST_KEY_PACE:
		break;
	}
	return true;
}

static MAY_YIELD bool
each_key(void *arg, struct span key, struct span value, int64_t left)
{
	struct greylist_entry entry = { .left = left };
	const struct walk *w = arg;
	bool is_readable;
	struct err err;

	if (greylist_key_parse(key, &entry.kind, &entry.identity, &err) < 0)
		return true;
	is_readable = read_value(&entry, value);
	if (w->filter != NULL && !fits(w->filter, &entry))
		return true;
	return w->visit(w->arg, key, &entry, is_readable);
}

static MAY_YIELD int
walk(struct store *s, const struct greylist_filter *filter, visit_fn *visit,
    void *arg, struct err *err)
{
	struct walk w = { .filter = filter, .visit = visit, .arg = arg };

	return store_walk(s, SPAN_LIT(GREYLIST_KEY_PREFIX), each_key, &w,
	    err);
}

/* --- list, stats --- */

static bool
is_doubted(const struct greylist_entry *entry)
{
	return entry->kind == GREYLIST_KEY_OWED &&
	    entry->owed > GREYLIST_DOUBT;
}

struct listing {
	greylist_each_fn	*each;
	void			*arg;
};

static bool
list_one(void *arg, struct span key, const struct greylist_entry *entry,
    bool is_readable)
{
	const struct listing *l = arg;

	(void)key;
	if (!is_readable || entry->kind == GREYLIST_KEY_PACE ||
	    (entry->kind == GREYLIST_KEY_OWED && !is_doubted(entry)))
		return true;
	return l->each(l->arg, entry);
}

MAY_YIELD int
greylist_list(struct store *s, const struct greylist_filter *filter,
    greylist_each_fn *each, void *arg, struct err *err)
{
	struct listing l = { .each = each, .arg = arg };

	return walk(s, filter, list_one, &l, err);
}

static bool
count_one(void *arg, struct span key, const struct greylist_entry *entry,
    bool is_readable)
{
	struct greylist_stats *stats = arg;

	(void)key;
	if (!is_readable) {
		stats->unreadable++;
		return true;
	}
	switch (entry->kind) {
	case GREYLIST_KEY_TRIPLET:
		if (entry->record.state == GREYLIST_STATE_PASSED)
			stats->passed++;
		else
			stats->waiting++;
		break;
	case GREYLIST_KEY_KNOWN:
		stats->known++;
		break;
	case GREYLIST_KEY_PASSES:
		stats->counted++;
		break;
	case GREYLIST_KEY_OWED:
		stats->doubted += is_doubted(entry);
		break;
	case GREYLIST_KEY_PACE:
		break;
	}
	return true;
}

MAY_YIELD int
greylist_stats(struct store *s, struct greylist_stats *stats, struct err *err)
{
	memset(stats, 0, sizeof(*stats));
	return walk(s, NULL, count_one, stats, err);
}

/* --- pass, forget --- */

struct change {
	struct store	*store;
	int64_t		 memory;
	uint64_t	 n;
	int		 ret;		/* -1: err is set */
	struct err	*err;
};

static MAY_YIELD int
put_passed(struct change *c, struct span key, struct greylist_record record)
{
	struct arena *a = arena_create("greylist record");

	record.state = GREYLIST_STATE_PASSED;
	record.passed = record.used = clock_wall() / CLOCK_S;
	if (record.first == 0)
		record.first = record.passed;
	c->ret = store_put(c->store, key, greylist_key_format(a, &record),
	    c->memory, c->err);
	c->n += c->ret == 0;
	arena_destroy(&a);
	return c->ret;
}

static MAY_YIELD bool
pass_one(void *arg, struct span key, const struct greylist_entry *entry,
    bool is_readable)
{
	if (!is_readable || entry->kind != GREYLIST_KEY_TRIPLET ||
	    entry->record.state == GREYLIST_STATE_PASSED)
		return true;
	return put_passed(arg, key, entry->record) == 0;
}

static MAY_YIELD int
pass_named(struct arena *a, struct change *c,
    const struct greylist_filter *f, struct span identity)
{
	struct greylist_record record = { 0 };
	struct greylist_key key;

	if (!is_about_triplets(f)) {
		greylist_key_identity(a, identity, &key);
		return put_passed(c, key.known, record);
	}
	greylist_key_make(a, identity, &f->sender, &f->rcpt, &key);
	record.sender = key.sender;
	record.rcpt = key.rcpt;
	return put_passed(c, key.triplet, record);
}

MAY_YIELD int
greylist_pass(struct arena *a, struct store *s,
    const struct greylist_options *o, const struct greylist_filter *f,
    uint64_t *n, struct err *err)
{
	struct change c = { .store = s, .memory = o->memory, .err = err };
	bool is_whole = !is_about_triplets(f) ||
	    (f->shown_sender.len > 0 && f->shown_rcpt.len > 0);

	if (f->identities[0].len > 0 && is_whole) {
		for (int i = 0; i < 2 && f->identities[i].len > 0; i++)
			if (pass_named(a, &c, f, f->identities[i]) < 0)
				return -1;
	} else if (walk(s, f, pass_one, &c, err) < 0)
		return -1;
	*n = c.n;
	return c.ret;
}

/* What people do not see is not counted. */
static MAY_YIELD bool
forget_one(void *arg, struct span key, const struct greylist_entry *entry,
    bool is_readable)
{
	struct change *c = arg;
	bool was_there;

	(void)is_readable;
	c->ret = store_delete(c->store, key, &was_there, c->err);
	if (c->ret == 0 && entry->kind != GREYLIST_KEY_PACE &&
	    entry->kind != GREYLIST_KEY_OWED)
		c->n += was_there;
	return c->ret == 0;
}

MAY_YIELD int
greylist_forget(struct store *s, const struct greylist_filter *filter,
    uint64_t *n, struct err *err)
{
	struct change c = { .store = s, .err = err };

	if (walk(s, filter, forget_one, &c, err) < 0)
		return -1;
	*n = c.n;
	return c.ret;
}
