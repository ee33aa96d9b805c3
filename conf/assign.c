#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/endpoint.h"
#include "conf/list.h"
#include "conf/reading.h"
#include "conf/value.h"

/* One value on its way from token to field. */
struct assignment {
	struct reading	*r;
	const struct directive *row;
	enum scope	 scope;
	void		*object, *field;
	struct mark	*mark;
	const char	*dir;
	struct arena	*a;		/* of the settings */
	struct place	 at;		/* of the item, in lists */
};

struct mark *
origin_mark(const struct origin *o, enum scope scope, const char *name)
{
	const struct directive *row = directive_find(span_z(name), scope);

	assert(row != NULL);
	return &o->marks[directive_index(row)];
}

bool
origin_has(const struct origin *o, enum scope scope, const char *name)
{
	return origin_mark(o, scope, name)->at.line > 0;
}

struct place
origin_place(const struct origin *o, enum scope scope, const char *name)
{
	const struct mark *mark = origin_mark(o, scope, name);

	return mark->at.line > 0 ? mark->at : o->at;
}

struct place
origin_item(const struct origin *o, enum scope scope, const char *name,
    size_t i)
{
	const struct mark *mark = origin_mark(o, scope, name);

	return i < mark->n ? mark->values[i] : origin_place(o, scope, name);
}

static void
complain(struct assignment *as, struct place at, const char *hint,
    const struct err *err)
{
	as->mark->is_bad = true;
	if (hint != NULL)
		hint = arena_printf(as->r->a, "did you mean \"%s\"?", hint);
	diagnostic(as->r->d, at, hint, "%s: %s", as->row->name, err->text);
}

/* A file that is called default or none is named in quotes. A bare word that
 * looks like no file is one of both, misspelt. */
static int
assign_rules(struct assignment *as, const struct token *value,
    const char **hint, struct err *err)
{
	static const char *const words[] = { "default", "none" };
	struct rules_conf *rules = as->field;
	struct span in = value->text;

	*rules = (struct rules_conf){ RULES_FILE, NULL };
	if (token_is_word(value, "default"))
		rules->choice = RULES_DEFAULT;
	else if (token_is_word(value, "none"))
		rules->choice = RULES_NONE;
	else if (value->kind == TOKEN_WORD &&
	    memchr(in.p, '/', in.len) == NULL &&
	    memchr(in.p, '.', in.len) == NULL) {
		*hint = nearest(in, words, 2);
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not default, "
		    "none or the name of a file in quotes", in.len > 60 ? 60 :
		    (int)in.len, in.p);
	} else
		return value_path(as->a, as->dir, in, &rules->path, err);
	return 0;
}

/* Of a TCP socket: who can reach a path is another question. */
static int
assign_address(struct assignment *as, struct span in, struct err *err)
{
	struct address_conf *c = as->field;
	struct addr address;
	const char *text;

	if (endpoint_listen(as->a, as->dir, in, &address, &text, err) < 0)
		return -1;
	if (address.len == 0 || addr_is_unix(&address))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is no TCP address: "
		    "expected one as 127.0.0.1:9925", in.len > 60 ? 60 :
		    (int)in.len, in.p);
	*c = (struct address_conf){ text, address };
	return 0;
}

static void
assign_single(struct assignment *as, const struct token *value)
{
	const struct directive *row = as->row;
	const char *hint = NULL, **text = as->field;
	struct span in = value->text;
	unsigned word = 0;
	struct err err;
	int rc = 0;

	switch (row->type) {
	case VALUE_COUNT:
		rc = value_count(in, row->none, row->min, row->max, as->field,
		    &err);
		break;
	case VALUE_PERCENT:
		rc = value_percent(in, row->min, row->max, as->field, &err);
		break;
	case VALUE_SIZE:
		rc = value_size(in, row->min, row->max, as->field, &err);
		break;
	case VALUE_DURATION:
		rc = value_duration(in, row->min, row->max, as->field, &err);
		break;
	case VALUE_CHOICE:
		rc = value_word(in, row->words, &word, &hint, &err);
		*(unsigned *)as->field = word;
		break;
	case VALUE_FLAG:
		rc = value_word(in, row->words, &word, &hint, &err);
		*(bool *)as->field = word == 1;
		break;
	case VALUE_NAME:
		rc = value_text(as->a, in, text, &err);
		break;
	case VALUE_HOST:
		rc = value_host(as->a, in, text, &err);
		break;
	case VALUE_ZONE:
		rc = listing_zone(as->a, in, text, &err);
		break;
	case VALUE_PATH:
		rc = value_path(as->a, as->dir, in, text, &err);
		break;
	case VALUE_LOG:
		rc = value_log(as->a, as->dir, in, text, &err);
		break;
	case VALUE_FINGERPRINT:
		rc = value_fingerprint(as->a, in, text, &err);
		break;
	case VALUE_STORE:
		rc = endpoint_store(as->a, as->dir, in, as->field, &err);
		break;
	case VALUE_MILTER:
		rc = endpoint_milter(as->a, as->dir, in, as->field, &err);
		break;
	case VALUE_ADDRESS:
		rc = assign_address(as, in, &err);
		break;
	case VALUE_RULES:
		rc = assign_rules(as, value, &hint, &err);
		break;
	default:
		assert(!"a list");
	}
	if (rc < 0)
		complain(as, value->place, hint, &err);
}

static void
add_name(struct assignment *as, struct names *names, const char *text)
{
	names->list = list_room(as->a, names->list, names->n,
	    sizeof(*names->list));
	names->list[names->n++] = text;
}

/* Of the item that was just added. */
static void
add_place(struct assignment *as)
{
	struct mark *mark = as->mark;

	mark->values = list_room(as->r->a, mark->values, mark->n,
	    sizeof(*mark->values));
	mark->values[mark->n++] = as->at;
}

static int
add_network(struct assignment *as, struct span in, struct err *err)
{
	struct networks *list = as->field;
	struct network network;

	if (network_parse(in, &network, err) < 0)
		return -1;
	list->list = list_room(as->a, list->list, list->n,
	    sizeof(*list->list));
	list->list[list->n++] = network;
	add_place(as);
	return 0;
}

/* Sockets of systemd have no address here, and no place of their own. */
static int
add_listen(struct assignment *as, struct span in, struct err *err)
{
	struct listener_conf *l = as->object;
	struct addr address;
	const char *text;

	if (endpoint_listen(as->a, as->dir, in, &address, &text, err) < 0)
		return -1;
	if (address.len == 0) {
		add_name(as, &l->systemd, text);
		return 0;
	}
	add_name(as, &l->address_text, text);
	l->addresses = list_room(as->a, l->addresses, l->naddresses,
	    sizeof(*l->addresses));
	l->addresses[l->naddresses++] = address;
	add_place(as);
	return 0;
}

static int
add_url(struct assignment *as, struct span in, struct err *err)
{
	struct backend_conf *b = as->object;
	struct backend_url url;

	if (endpoint_backend(as->a, as->dir, in, &url, err) < 0)
		return -1;
	b->urls = list_room(as->a, b->urls, b->nurls, sizeof(*b->urls));
	b->urls[b->nurls++] = url;
	add_place(as);
	return 0;
}

static int
add_subject(struct assignment *as, struct span in, const char **hint,
    struct err *err)
{
	struct dnsbl_conf *c = as->object;
	unsigned checks = 0;

	if (listing_check(in, &checks, hint, err) < 0)
		return -1;
	c->list.checks |= checks;
	add_place(as);
	return 0;
}

/* All values together: an answer, and what it is worth. */
static void
assign_pattern(struct assignment *as, const struct token *values, size_t n)
{
	struct dnsbl_list *list = &((struct dnsbl_conf *)as->object)->list;
	struct span *words = arena_new_n(as->r->a, n, struct span);
	struct listing_pattern pattern;
	const char *hint = NULL;
	struct err err;

	as->at = values[0].place;
	for (size_t i = 0; i < n; i++)
		words[i] = values[i].text;
	if (listing_parse(as->a, words, n, &pattern, &hint, &err) < 0) {
		complain(as, as->at, hint, &err);
		return;
	}
	if (list->npatterns == LISTING_PATTERNS) {
		err_set(&err, ERR_CONFIG, "a list has at most %d patterns",
		    LISTING_PATTERNS);
		complain(as, as->at, NULL, &err);
		return;
	}
	list->patterns = list_room(as->a, list->patterns, list->npatterns,
	    sizeof(pattern));
	list->patterns[list->npatterns++] = pattern;
	add_place(as);
}

static void
assign_item(struct assignment *as, struct span in, struct place at)
{
	const char *text = NULL, *hint = NULL;
	unsigned word = 0;
	struct err err;
	int rc = 0;

	as->at = at;
	switch (as->row->type) {
	case VALUE_PATHS:
		rc = value_path(as->a, as->dir, in, &text, &err);
		break;
	case VALUE_NAMES:
		rc = value_text(as->a, in, &text, &err);
		break;
	case VALUE_WORDS:
		rc = value_word(in, as->row->words, &word, &hint, &err);
		text = rc == 0 ? as->row->words[word] : NULL;
		break;
	case VALUE_KEYWORDS:
		rc = value_keyword(as->a, in, &text, &hint, &err);
		break;
	case VALUE_FORWARD:
		rc = endpoint_forward(as->a, in, &text, &err);
		break;
	case VALUE_HOSTS:
		rc = value_host(as->a, in, &text, &err);
		break;
	case VALUE_DOMAINS:
		rc = value_domain(as->a, in, &text, &err);
		break;
	case VALUE_RECIPIENTS:
		rc = value_recipient(as->a, in, &text, &err);
		break;
	case VALUE_NETWORKS:
		rc = add_network(as, in, &err);
		break;
	case VALUE_LISTEN:
		rc = add_listen(as, in, &err);
		break;
	case VALUE_URLS:
		rc = add_url(as, in, &err);
		break;
	case VALUE_SUBJECTS:
		rc = add_subject(as, in, &hint, &err);
		break;
	default:
		assert(!"not a list");
	}
	if (rc < 0)
		complain(as, at, hint, &err);
	else if (text != NULL) {
		add_name(as, as->field, text);
		add_place(as);
	}
}

/* One item a line, # begins a comment. */
static void
assign_from_file(struct assignment *as, const struct token *value)
{
	struct source *source;
	struct span rest, line;
	struct place at;
	const char *path;
	struct err err;

	if (value_path(as->r->a, as->dir, value->text, &path, &err) < 0) {
		complain(as, value->place, NULL, &err);
		return;
	}
	if (!as->r->files)
		return;
	if (source_read(as->r->a, path, &source, &err) < 0) {
		complain(as, value->place, NULL, &err);
		return;
	}
	at = (struct place){ source, 0, 0 };
	for (rest = source->text; rest.len > 0; ) {
		const char *start = rest.p;

		line = span_until(&rest, '\n');
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		line = span_trim(span_until(&line, '#'));
		at.line++;
		at.column = (unsigned)(line.p - start) + 1;
		if (line.len > 0)
			assign_item(as, line, at);
	}
}

static bool
takes_files(const struct directive *row)
{
	return row->type == VALUE_DOMAINS || row->type == VALUE_RECIPIENTS;
}

void
assign(struct reading *r, const struct directive *row, enum scope scope,
    void *object, struct mark *mark, const char *dir,
    const struct token *values, size_t n)
{
	struct assignment as = { .r = r, .row = row, .scope = scope,
	    .object = object, .field = directive_field(row, scope, object),
	    .mark = mark, .dir = dir, .a = r->s->arena };
	size_t i;

	if (row->none != NULL && n == 1 && token_is_word(values, row->none))
		return;		/* the field holds nothing as it is */
	if (!directive_is_list(row)) {
		assign_single(&as, &values[0]);
		return;
	}
	if (row->type == VALUE_PATTERNS) {
		assign_pattern(&as, values, n);
		return;
	}
	for (i = 0; i < n; i++)
		if (takes_files(row) && i + 1 < n &&
		    token_is_word(&values[i], "file"))
			assign_from_file(&as, &values[++i]);
		else
			assign_item(&as, values[i].text, values[i].place);
}
