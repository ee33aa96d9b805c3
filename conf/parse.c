#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/list.h"
#include "conf/reading.h"

#define INCLUDE_DEPTH 10

/* One file while it is read. */
struct file {
	struct reading	*r;
	const struct token *t;		/* next token */
	const char	*name;		/* as shown */
	const char	*dir;		/* absolute */
	const struct file *parent;	/* that includes it */
};

/* One block while it is read; the top level is one. */
struct frame {
	enum scope	 scope;
	void		*object;	/* directive_field() wants it */
	struct origin	*origin;
	const struct block *block;	/* NULL: top level */
};

static void	parse_source(struct reading *r, const struct source *source,
		    const struct file *parent);

static bool
is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

/* The text of a token in a message. */
static const char *
show(struct file *f, const struct token *t)
{
	if (t->text.len > 60)
		return arena_printf(f->r->a, "%.60s...", t->text.p);
	return arena_copy(f->r->a, t->text);
}

static const char *
place_text(struct file *f, struct place at)
{
	return arena_printf(f->r->a, "%s:%u:%u", at.source->name, at.line,
	    at.column);
}

/* Behind the } that closes a { which was just taken. */
static void
skip_block(struct file *f)
{
	unsigned depth = 1;

	for (; f->t->kind != TOKEN_END && depth > 0; f->t++)
		if (token_is_punct(f->t, "{"))
			depth++;
		else if (token_is_punct(f->t, "}"))
			depth--;
}

/* In a block, an unquoted word that is the name of a setting of that block
 * always begins that setting. At top level a setting has its line. */
static bool
begins_setting(const struct frame *frame, const struct token *t)
{
	return frame->block != NULL && t->kind == TOKEN_WORD &&
	    directive_find(t->text, frame->scope) != NULL;
}

/* What cannot be understood, up to where the next setting may begin. */
static void
skip_setting(struct file *f, const struct frame *frame)
{
	while (is_value(f->t) && !begins_setting(frame, f->t))
		f->t++;
	if (token_is_punct(f->t, "{")) {
		f->t++;
		skip_block(f);
	}
}

/* Habits from other configuration files. */
static bool
check_habits(struct file *f, const struct token *values, size_t n)
{
	struct diagnostics *d = f->r->d;

	for (size_t i = 0; i < n; i++) {
		const struct token *t = &values[i];
		char last = t->text.len > 0 ? t->text.p[t->text.len - 1] : ' ';

		if (t->kind != TOKEN_WORD)
			continue;
		if (i == 0 && span_is(t->text, "="))
			diagnostic(d, t->place, NULL, "no = stands between a "
			    "setting and its value");
		else if (last == ',')
			diagnostic(d, t->place, NULL, "values are separated "
			    "by white space, not by commas");
		else if (last == ';')
			diagnostic(d, t->place, NULL, "a setting ends with "
			    "its line, not with a semicolon");
		else
			continue;
		return false;
	}
	return true;
}

static void
read_setting(struct file *f, const struct frame *frame,
    const struct directive *row)
{
	const struct token *name = f->t++, *values = f->t;
	struct mark *mark = &frame->origin->marks[directive_index(row)];
	struct diagnostics *d = f->r->d;
	const char *hint = NULL;
	size_t n = 0;

	for (; is_value(f->t) && !begins_setting(frame, f->t); f->t++)
		n++;
	if (token_is_punct(f->t, "{")) {
		diagnostic(d, f->t->place, NULL,
		    "\"%s\" is a setting and takes no block", row->name);
		f->t++;
		skip_block(f);
		return;
	}
	if (n == 0) {
		if (begins_setting(frame, f->t))
			hint = arena_printf(f->r->a, "if \"%s\" is the value, "
			    "put it in quotes", show(f, f->t));
		diagnostic(d, name->place, hint, "\"%s\" needs a value",
		    row->name);
		return;
	}
	if (!directive_is_list(row) && mark->at.line > 0) {
		diagnostic(d, name->place, NULL,
		    "\"%s\" was already set at %s", row->name,
		    place_text(f, mark->at));
		return;
	}
	if (mark->at.line == 0)
		mark->at = name->place;
	if (!check_habits(f, values, n)) {
		mark->is_bad = true;
		return;
	}
	if (!directive_is_list(row) && n > 1) {
		mark->is_bad = true;
		if (frame->block == NULL && directive_find(values[1].text,
		    SCOPE_TOP) != NULL)
			hint = "outside of blocks each setting has a line of "
			    "its own";
		else if (values[1].kind == TOKEN_WORD &&
		    directive_nearest(values[1].text, frame->scope) != NULL)
			hint = arena_printf(f->r->a, "did you mean \"%s\"?",
			    directive_nearest(values[1].text, frame->scope));
		diagnostic(d, values[1].place, hint, "\"%s\" takes one value, "
		    "but \"%s\" follows it", row->name, show(f, &values[1]));
		return;
	}
	assign(f->r, row, frame->scope, frame->object, mark, f->dir, values,
	    n);
}

static void
read_include(struct file *f)
{
	const struct token *name = f->t++, *value = f->t;
	const struct file *up;
	struct source *source;
	const char *path, *slash;
	unsigned depth = 1;
	struct err err;

	while (is_value(f->t))
		f->t++;
	if (f->t != value + 1 || value->text.len == 0) {
		diagnostic(f->r->d, name->place, NULL,
		    "include takes the name of one file");
		skip_setting(f, &(struct frame){ .scope = SCOPE_TOP });
		return;
	}
	path = arena_copy(f->r->a, value->text);
	slash = strrchr(f->name, '/');
	if (path[0] != '/' && slash != NULL)
		path = arena_printf(f->r->a, "%.*s/%s",
		    (int)(slash - f->name), f->name, path);
	for (up = f; up != NULL; up = up->parent, depth++)
		if (strcmp(up->name, path) == 0 || depth > INCLUDE_DEPTH) {
			diagnostic(f->r->d, value->place, NULL,
			    "%s includes itself, or files include each other "
			    "more than %d deep", path, INCLUDE_DEPTH);
			return;
		}
	if (source_read(f->r->a, path, &source, &err) < 0)
		diagnostic(f->r->d, value->place, NULL, "%s", err.text);
	else
		parse_source(f->r, source, f);
}

static const char *
where(struct file *f, enum scope scope)
{
	if (scope == SCOPE_TOP)
		return "at top level";
	return arena_printf(f->r->a, "in %s", block_of(scope)->noun);
}

/* A word that names nothing that may stand here. */
static void
complain_unknown(struct file *f, const struct frame *frame)
{
	const struct token *t = f->t;
	const struct directive *elsewhere = directive_find(t->text, ~0u);
	const char *hint = directive_nearest(t->text, frame->scope);
	enum scope scope = SCOPE_TOP;

	if (elsewhere != NULL || block_find(t->text) != NULL ||
	    span_is(t->text, "include")) {
		if (elsewhere != NULL && elsewhere->scopes != SCOPE_SMTP)
			scope = (enum scope)elsewhere->scopes;
		diagnostic(f->r->d, t->place, NULL, "\"%s\" belongs %s, not "
		    "%s", show(f, t), where(f, scope),
		    where(f, frame->scope));
		return;
	}
	if (hint != NULL)
		hint = arena_printf(f->r->a, "did you mean \"%s\"?", hint);
	if (frame->block == NULL)
		diagnostic(f->r->d, t->place, hint, "unknown setting \"%s\"",
		    show(f, t));
	else
		diagnostic(f->r->d, t->place, hint,
		    "unknown setting \"%s\" %s", show(f, t),
		    where(f, frame->scope));
}

/* "listener NAME {", "route {": in a block that means that its } is missing,
 * since no block stands in another. */
static bool
begins_block(const struct token *t)
{
	if (t->kind != TOKEN_WORD || block_find(t->text) == NULL)
		return false;
	t++;
	if (is_value(t))
		t++;
	return token_is_punct(t, "{");
}

static void	read_block(struct file *f, const struct block *block);

/* What stands between { and }, or in a whole file. */
static void
read_settings(struct file *f, const struct frame *frame, struct place opened)
{
	const struct directive *row;
	const struct block *block;

	for (;;) {
		const struct token *t = f->t;

		if (t->kind == TOKEN_EOL) {
			f->t++;
		} else if (t->kind == TOKEN_END ||
		    (frame->block != NULL && begins_block(t))) {
			if (frame->block != NULL)
				diagnostic(f->r->d, opened, NULL,
				    "this { is never closed");
			return;
		} else if (token_is_punct(t, "}")) {
			f->t++;
			if (frame->block != NULL)
				return;
			diagnostic(f->r->d, t->place, NULL,
			    "this } closes nothing");
		} else if (token_is_punct(t, "{")) {
			diagnostic(f->r->d, t->place, NULL,
			    "the name of a block is missing before {");
			f->t++;
			skip_block(f);
		} else if (t->kind == TOKEN_STRING) {
			diagnostic(f->r->d, t->place, NULL, "expected the "
			    "name of a setting, found \"%s\"", show(f, t));
			skip_setting(f, frame);
		} else if ((row = directive_find(t->text, frame->scope)) !=
		    NULL) {
			read_setting(f, frame, row);
		} else if (frame->block == NULL &&
		    (block = block_find(t->text)) != NULL) {
			read_block(f, block);
		} else if (frame->block == NULL && token_is_word(t, "include"))
			read_include(f);
		else {
			complain_unknown(f, frame);
			f->t++;
			skip_setting(f, frame);
		}
	}
}

static bool
is_label(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.'))
			return false;
	}
	return text.len > 0 && text.len <= 63;
}

/* The name behind "listener" or "backend"; NULL if there is none or a bad
 * one, which is reported. */
static const char *
read_label(struct file *f, const struct block *block, const struct token *name)
{
	const struct token *label = f->t;
	size_t n = 0;

	for (; is_value(f->t); f->t++)
		n++;
	if (block->has_label && n == 0) {
		diagnostic(f->r->d, name->place, NULL,
		    "%s needs a name: %s NAME {", block->noun, block->name);
		return NULL;
	}
	if (n > (block->has_label ? 1 : 0)) {
		diagnostic(f->r->d, label[n - 1].place, NULL,
		    "expected { after \"%s%s\", found \"%s\"", block->name,
		    block->has_label ? " NAME" : "", show(f, &label[n - 1]));
		return NULL;
	}
	if (n == 0)
		return NULL;
	if (!is_label(label->text)) {
		diagnostic(f->r->d, label->place, NULL, "\"%s\" is not a name "
		    "for %s: expected 1 to 63 letters, digits, \"-\", \"_\" "
		    "or \".\"", show(f, label), block->noun);
		return NULL;
	}
	return arena_copy(f->r->s->arena, label->text);
}

static struct origin
origin_create(struct reading *r, struct place at)
{
	return (struct origin){ at,
	    arena_new_n(r->a, directive_count(), struct mark) };
}

/* One function for each kind of block: its struct, read and then kept. */
static void
read_listener(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct listener_conf listener = { .name = label };

	frame->object = &listener;
	read_settings(f, frame, f->t[-1].place);
	s->listeners = list_room(s->arena, s->listeners, s->nlisteners,
	    sizeof(listener));
	r->listeners = list_room(r->a, r->listeners, s->nlisteners,
	    sizeof(*frame->origin));
	r->listeners[s->nlisteners] = *frame->origin;
	s->listeners[s->nlisteners++] = listener;
}

static void
read_backend(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct backend_conf backend = { .name = label };

	frame->object = &backend;
	read_settings(f, frame, f->t[-1].place);
	s->backends = list_room(s->arena, s->backends, s->nbackends,
	    sizeof(backend));
	r->backends = list_room(r->a, r->backends, s->nbackends,
	    sizeof(*frame->origin));
	r->backends[s->nbackends] = *frame->origin;
	s->backends[s->nbackends++] = backend;
}

static void
read_route(struct file *f, struct frame *frame)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct route_conf route = {0};

	frame->object = &route;
	read_settings(f, frame, f->t[-1].place);
	s->routes = list_room(s->arena, s->routes, s->nroutes, sizeof(route));
	r->routes = list_room(r->a, r->routes, s->nroutes,
	    sizeof(*frame->origin));
	r->routes[s->nroutes] = *frame->origin;
	s->routes[s->nroutes++] = route;
}

static void
read_block(struct file *f, const struct block *block)
{
	const struct token *name = f->t++;
	const char *label = read_label(f, block, name);
	struct origin origin = origin_create(f->r, name->place);
	struct frame frame = { .scope = block->scope, .block = block,
	    .origin = &origin };

	/* The { may stand on a line of its own. */
	if (f->t->kind == TOKEN_EOL && token_is_punct(f->t + 1, "{"))
		f->t++;
	if (!token_is_punct(f->t, "{")) {
		diagnostic(f->r->d, name->place, NULL,
		    "\"%s\" needs a block: { is missing", block->name);
		return;
	}
	f->t++;
	switch (block->scope) {
	case SCOPE_LISTENER:
		read_listener(f, &frame, label);
		break;
	case SCOPE_BACKEND:
		read_backend(f, &frame, label);
		break;
	case SCOPE_ROUTE:
		read_route(f, &frame);
		break;
	default:	/* the resolver's settings are the top level's */
		assert(block->scope == SCOPE_RESOLVER);
		frame.object = f->r->s;
		frame.origin = &f->r->top;
		read_settings(f, &frame, f->t[-1].place);
	}
}

/* The folder of a file, absolute: what the file names is found there, and
 * still is when the process has changed its folder. */
static const char *
folder_of(struct arena *a, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *cwd;
	const char *dir;

	if (name[0] == '/' && slash == name)
		return "/";
	if (name[0] == '/')
		return arena_copy(a, span_n(name, (size_t)(slash - name)));
	cwd = getcwd(NULL, 0);
	dir = cwd != NULL ? cwd : ".";
	if (slash == NULL)
		dir = arena_strdup(a, dir);
	else
		dir = arena_printf(a, "%s/%.*s", strcmp(dir, "/") == 0 ? "" :
		    dir, (int)(slash - name), name);
	free(cwd);
	return dir;
}

static void
parse_source(struct reading *r, const struct source *source,
    const struct file *parent)
{
	struct tokens tokens = lex(r->a, source, LEX_CONF, r->d);
	struct file f = { .r = r, .t = tokens.list, .name = source->name,
	    .dir = folder_of(r->a, source->name), .parent = parent };
	struct frame frame = { .scope = SCOPE_TOP, .object = r->s,
	    .origin = &r->top };

	read_settings(&f, &frame, (struct place){0});
}

void
parse(struct reading *r)
{
	parse_source(r, r->source, NULL);
}
