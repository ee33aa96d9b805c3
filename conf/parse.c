#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/parse.h"

#define INCLUDE_DEPTH 10

static void	parse_source(struct reading *r, const struct source *source,
		    const struct file *parent);

bool
parse_is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

const char *
parse_show(struct file *f, const struct token *t)
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

/*
 * A word in a list of addresses, networks or extensions that none of those
 * can be, but the name of a setting that belongs elsewhere or is misspelt:
 * an error in any case, but this way it is one and is named rightly.
 */
static bool
is_stray_name(const struct frame *frame, const struct directive *row,
    const struct token *t)
{
	if (frame->block == NULL || t->kind != TOKEN_WORD ||
	    row->type < VALUE_KEYWORDS || row->type == VALUE_HOSTS ||
	    row->type == VALUE_DOMAINS || row->type == VALUE_RECIPIENTS ||
	    row->type >= VALUE_SUBJECTS)
		return false;
	for (size_t i = 0; i < t->text.len; i++)
		if (strchr(":./", t->text.p[i]) != NULL)
			return false;
	if (directive_find(t->text, ~0u) != NULL ||
	    block_find(t->text) != NULL)
		return true;
	return row->type != VALUE_KEYWORDS &&
	    directive_nearest(t->text, frame->scope) != NULL;
}

/* What cannot be understood, up to where the next setting may begin. */
static void
skip_setting(struct file *f, const struct frame *frame)
{
	while (parse_is_value(f->t) && !begins_setting(frame, f->t) &&
	    !(frame->block != NULL && f->t->kind == TOKEN_WORD &&
	    directive_find(f->t->text, ~0u) != NULL))
		f->t++;
	if (token_is_punct(f->t, "{")) {
		f->t++;
		skip_block(f);
		f->r->is_partial = true;
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

static bool
check_one_value(struct file *f, const struct frame *frame,
    const struct directive *row, const struct token *extra)
{
	const char *near = directive_nearest(extra->text, frame->scope);
	const char *hint = NULL;

	if (frame->block == NULL &&
	    directive_find(extra->text, SCOPE_TOP) != NULL)
		hint = "outside of blocks each setting has a line of its own";
	else if (extra->kind == TOKEN_WORD && near != NULL)
		hint = arena_printf(f->r->a, "did you mean \"%s\"?", near);
	diagnostic(f->r->d, extra->place, hint,
	    "\"%s\" takes one value, but \"%s\" follows it", row->name,
	    parse_show(f, extra));
	return false;
}

/* The number of values, and how they are set down. */
static bool
check_values(struct file *f, const struct frame *frame,
    const struct directive *row, const struct token *values, size_t n)
{
	const char *hint = NULL;

	if (token_is_punct(f->t, "{")) {
		diagnostic(f->r->d, f->t->place, NULL,
		    "\"%s\" is a setting and takes no block", row->name);
		return false;
	}
	if (n == 0) {
		if (begins_setting(frame, f->t))
			hint = arena_printf(f->r->a, "if \"%s\" is the value, "
			    "put it in quotes", parse_show(f, f->t));
		diagnostic(f->r->d, values[-1].place, hint,
		    "\"%s\" needs a value", row->name);
		return false;
	}
	if (!check_habits(f, values, n))
		return false;
	return directive_is_list(row) || n == 1 ||
	    check_one_value(f, frame, row, &values[1]);
}

static void
read_setting(struct file *f, const struct frame *frame,
    const struct directive *row)
{
	const struct token *name = f->t++, *values = f->t;
	struct mark *mark = &frame->origin->marks[directive_index(row)];
	size_t n = 0;

	for (; parse_is_value(f->t) && !begins_setting(frame, f->t) &&
	    (n == 0 || !is_stray_name(frame, row, f->t)); f->t++)
		n++;
	if (mark->at.line > 0 && !directive_is_list(row))
		diagnostic(f->r->d, name->place, NULL,
		    "\"%s\" was already set at %s", row->name,
		    place_text(f, mark->at));
	else {
		if (mark->at.line == 0)
			mark->at = name->place;
		if (check_values(f, frame, row, values, n))
			assign(f->r, row, frame->scope, frame->object, mark,
			    f->dir, values, n);
		else
			mark->is_bad = true;
		if (n == 0 && token_is_word(f->t, row->name))
			f->t++;		/* meant as the value: reported */
	}
	if (token_is_punct(f->t, "{")) {
		f->t++;
		skip_block(f);
	}
}

static void
read_include(struct file *f, const struct frame *frame)
{
	const struct token *name = f->t++, *value = f->t;
	const struct file *up;
	struct source *source;
	const char *path, *slash;
	unsigned depth = 1;
	struct err err;

	while (parse_is_value(f->t))
		f->t++;
	if (f->t != value + 1 || value->text.len == 0) {
		diagnostic(f->r->d, name->place, NULL,
		    "include takes the name of one file");
		skip_setting(f, frame);
		return;
	}
	path = arena_copy(f->r->a, value->text);
	slash = strrchr(f->name, '/');
	if (path[0] != '/' && slash != NULL)
		path = arena_printf(f->r->a, "%.*s/%s",
		    (int)(slash - f->name), f->name, path);
	for (up = f; up != NULL; up = up->parent, depth++)
		if (strcmp(up->name, path) == 0) {
			diagnostic(f->r->d, value->place, NULL,
			    "%s includes itself", path);
			return;
		}
	if (depth > INCLUDE_DEPTH) {
		diagnostic(f->r->d, value->place, NULL,
		    "files include each other more than %d deep",
		    INCLUDE_DEPTH);
		return;
	}
	if (source_read(f->r->a, path, &source, &err) < 0) {
		diagnostic(f->r->d, value->place, NULL, "%s", err.text);
		f->r->is_partial = true;
		return;
	}
	parse_source(f->r, source, f);
}

static const char *
where(struct file *f, unsigned scopes)
{
	if (scopes == SCOPE_SMTP)
		return "at top level or in a listener";
	if (scopes == SCOPE_TOP)
		return "at top level";
	return arena_printf(f->r->a, "in %s",
	    block_of((enum scope)scopes)->noun);
}

/* A word that names nothing that may stand here. Returns what is nearly
 * surely meant, or NULL. */
static const char *
complain_unknown(struct file *f, const struct frame *frame)
{
	const struct token *t = f->t;
	const struct directive *elsewhere = directive_find(t->text, ~0u);
	const char *near = directive_nearest(t->text, frame->scope);
	const char *hint = NULL;
	unsigned scopes = elsewhere != NULL ? elsewhere->scopes : SCOPE_TOP;

	frame->origin->has_unknown = true;
	if (elsewhere != NULL || block_find(t->text) != NULL ||
	    span_is(t->text, "include")) {
		diagnostic(f->r->d, t->place, NULL, "\"%s\" belongs %s, not "
		    "%s", parse_show(f, t), where(f, scopes),
		    where(f, frame->scope));
		return NULL;
	}
	if (near != NULL)
		hint = arena_printf(f->r->a, "did you mean \"%s\"?", near);
	else if (frame->block == NULL && memmem(t->text.p, t->text.len,
	    "milter", 6) != NULL)	/* smtpd_milters, in Postfix */
		hint = "a filter is a block: milter NAME { address "
		    "unix:/path }";
	if (frame->block == NULL)
		diagnostic(f->r->d, t->place, hint, "unknown setting \"%s\"",
		    parse_show(f, t));
	else
		diagnostic(f->r->d, t->place, hint,
		    "unknown setting \"%s\" %s", parse_show(f, t),
		    where(f, frame->scope));
	return near;
}

/* "name {" or "name label {". */
static bool
is_block_head(const struct token *t)
{
	if (t->kind != TOKEN_WORD)
		return false;
	t++;
	if (parse_is_value(t))
		t++;
	return token_is_punct(t, "{");
}

/* It is skipped, unless it is a block whose name is misspelt, which can be
 * checked all the same. */
static void
read_unknown(struct file *f, const struct frame *frame)
{
	const char *near = complain_unknown(f, frame);

	if (near != NULL && block_find(span_z(near)) != NULL &&
	    is_block_head(f->t))
		parse_block(f, block_find(span_z(near)));
	else {
		f->t++;
		skip_setting(f, frame);
	}
}

/* No block stands in another: the } of this one is missing. */
static bool
is_never_closed(const struct frame *frame, const struct token *t)
{
	if (frame->block == NULL)
		return false;
	return t->kind == TOKEN_END ||
	    (is_block_head(t) && block_find(t->text) != NULL);
}

void
parse_settings(struct file *f, const struct frame *frame, struct place opened)
{
	const struct directive *row;
	const struct block *block;

	for (;;) {
		const struct token *t = f->t;

		if (t->kind == TOKEN_EOL)
			f->t++;
		else if (is_never_closed(frame, t)) {
			diagnostic(f->r->d, opened, NULL,
			    "this { is never closed");
			return;
		} else if (t->kind == TOKEN_END)
			return;
		else if (token_is_punct(t, "}")) {
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
			diagnostic(f->r->d, t->place, NULL,
			    "expected the name of a setting, found \"%s\"",
			    parse_show(f, t));
			skip_setting(f, frame);
		} else if ((row = directive_find(t->text, frame->scope)) !=
		    NULL)
			read_setting(f, frame, row);
		else if (frame->block == NULL &&
		    (block = block_find(t->text)) != NULL)
			parse_block(f, block);
		else if (frame->block == NULL && token_is_word(t, "include"))
			read_include(f, frame);
		else
			read_unknown(f, frame);
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

	parse_settings(&f, &frame, (struct place){0});
}

void
parse(struct reading *r)
{
	parse_source(r, r->source, NULL);
}
