#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lexer.h"

struct lexer {
	struct arena		*arena;
	const struct source	*source;
	struct diagnostics	*d;
	enum lex_mode		 mode;
	const char		*p, *end;
	const char		*line_start;
	unsigned		 line;
	bool			 line_has_token;
	struct token		*list;
	size_t			 n, cap;
};

static struct place
place_at(const struct lexer *lx, const char *p)
{
	return (struct place){ lx->source, lx->line,
	    (unsigned)(p - lx->line_start) + 1 };
}

static void
emit(struct lexer *lx, enum token_kind kind, struct span text, const char *at)
{
	if (lx->n == lx->cap) {
		size_t cap = lx->cap ? lx->cap * 2 : 64;
		struct token *list;

		list = arena_new_n(lx->arena, cap, struct token);
		if (lx->n > 0)
			memcpy(list, lx->list, lx->n * sizeof(*list));
		lx->list = list;
		lx->cap = cap;
	}
	lx->list[lx->n++] = (struct token){ kind, text, place_at(lx, at) };
	lx->line_has_token = kind != TOKEN_EOL;
}

static bool
is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* The CR of a line end CRLF; any other CR is a control character. */
static bool
is_line_end_cr(const struct lexer *lx, const char *p)
{
	return *p == '\r' && p + 1 < lx->end && p[1] == '\n';
}

static bool
ends_word(const struct lexer *lx, char c)
{
	if (c == ' ' || is_control(c) || c == '\t')
		return true;
	if (lx->mode == LEX_CONF)
		return strchr("{}\"#", c) != NULL;
	return strchr("{}()[],:=!<>\"#$", c) != NULL;
}

static void
lex_word(struct lexer *lx)
{
	const char *start = lx->p;

	if (*lx->p == '$')	/* in rules only: a name follows */
		lx->p++;
	while (lx->p < lx->end && !ends_word(lx, *lx->p))
		lx->p++;
	if (lx->p == start + 1 && *start == '$' && lx->mode == LEX_RULES) {
		diagnostic(lx->d, place_at(lx, start), NULL,
		    "a name is missing after $");
		return;
	}
	emit(lx, TOKEN_WORD, span_n(start, (size_t)(lx->p - start)), start);
}

/*
 * A string holds no line break, so one that is not closed costs one line and
 * not the rest of the file.
 */
static struct span
unescape(struct lexer *lx, struct span text)
{
	char *out = arena_alloc(lx->arena, text.len + 1);
	const char *end = text.p + text.len;
	size_t n = 0;

	for (const char *p = text.p; p < end; p++) {
		char c = *p;

		if (c == '\\' && p + 1 < end) {
			c = *++p;
			if (c == 'n')
				c = '\n';
			else if (c == 't')
				c = '\t';
			else if (c != '"' && c != '\\')
				diagnostic(lx->d, place_at(lx, p - 1), NULL,
				    "unknown escape \\%c in a string: only "
				    "\\\" \\\\ \\n and \\t are known", c);
		}
		out[n++] = c;
	}
	return span_n(out, n);
}

/*
 * A string holds no line break, so one that is not closed costs one line and
 * not the rest of the file.
 */
static void
lex_string(struct lexer *lx)
{
	const char *quote = lx->p++;
	bool has_escapes = false;
	struct span text;

	while (lx->p < lx->end && *lx->p != '\n' && *lx->p != '"') {
		if (*lx->p == '\\' && lx->p + 1 < lx->end &&
		    lx->p[1] != '\n') {
			has_escapes = true;
			lx->p++;
		} else if (is_control(*lx->p) && !is_line_end_cr(lx, lx->p))
			diagnostic(lx->d, place_at(lx, lx->p), NULL,
			    "control character 0x%02x in a string",
			    (unsigned char)*lx->p);
		lx->p++;
	}
	text = span_n(quote + 1, (size_t)(lx->p - quote - 1));
	if (lx->p < lx->end && *lx->p == '"')
		lx->p++;
	else
		diagnostic(lx->d, place_at(lx, quote), NULL,
		    "the string is not closed on its line");
	emit(lx, TOKEN_STRING, has_escapes ? unescape(lx, text) : text, quote);
}

/* A slash begins a regular expression: no other token of the rules does. */
static void
lex_regex(struct lexer *lx)
{
	const char *start = lx->p++;

	while (lx->p < lx->end && *lx->p != '\n' && *lx->p != '/')
		lx->p += *lx->p == '\\' && lx->p + 1 < lx->end &&
		    lx->p[1] != '\n' ? 2 : 1;
	if (lx->p >= lx->end || *lx->p == '\n')
		diagnostic(lx->d, place_at(lx, start), NULL,
		    "the regular expression is not closed on its line");
	else
		for (lx->p++; lx->p < lx->end && *lx->p >= 'a' &&
		    *lx->p <= 'z'; lx->p++)
			;
	emit(lx, TOKEN_REGEX, span_n(start + 1,
	    (size_t)(lx->p - start - 1)), start);
}

/*
 * Length of the IPv6 address or network that begins here, 0 if none does. A
 * label ("listed:") has one colon at its end, an address has two or more.
 */
static size_t
address6_length(const struct lexer *lx)
{
	const char *p = lx->p;
	unsigned colons = 0;

	for (; p < lx->end && *p != '\0' &&
	    strchr("0123456789abcdefABCDEF:.", *p) != NULL; p++)
		colons += *p == ':';
	if (colons < 2 || (p < lx->end && *p != '/' && !ends_word(lx, *p)))
		return 0;
	if (p < lx->end && *p == '/')
		for (p++; p < lx->end && *p >= '0' && *p <= '9'; p++)
			;
	return (size_t)(p - lx->p);
}

static void
lex_punct(struct lexer *lx)
{
	const char *start = lx->p++;

	if (strchr("=!<>", *start) != NULL && lx->p < lx->end && *lx->p == '=')
		lx->p++;
	else if (*start == '!') {
		diagnostic(lx->d, place_at(lx, start), NULL,
		    "! is only known as part of !=");
		return;
	}
	emit(lx, TOKEN_PUNCT, span_n(start, (size_t)(lx->p - start)), start);
}

static void
lex_line_end(struct lexer *lx)
{
	if (lx->line_has_token)
		emit(lx, TOKEN_EOL, span_n(lx->p, 1), lx->p);
	lx->p++;
	lx->line++;
	lx->line_start = lx->p;
}

static void
lex_token(struct lexer *lx)
{
	char c = *lx->p;
	size_t len;

	if (c == '\n')
		lex_line_end(lx);
	else if (c == ' ' || c == '\t' || is_line_end_cr(lx, lx->p))
		lx->p++;
	else if (c == '#')
		while (lx->p < lx->end && *lx->p != '\n')
			lx->p++;
	else if (c == '"')
		lex_string(lx);
	else if (is_control(c)) {
		diagnostic(lx->d, place_at(lx, lx->p), NULL,
		    "unexpected control character 0x%02x", (unsigned char)c);
		lx->p++;
	} else if (lx->mode == LEX_RULES && (len = address6_length(lx)) > 0) {
		emit(lx, TOKEN_WORD, span_n(lx->p, len), lx->p);
		lx->p += len;
	} else if (lx->mode == LEX_RULES && c == '/')
		lex_regex(lx);
	else if (c != '$' && ends_word(lx, c))
		lex_punct(lx);
	else
		lex_word(lx);
}

struct tokens
lex(struct arena *a, const struct source *source, enum lex_mode mode,
    struct diagnostics *d)
{
	struct lexer lx = { .arena = a, .source = source, .d = d,
	    .mode = mode, .p = source->text.p, .line = 1 };

	if (source->text.len == 0)
		lx.p = "";
	lx.end = lx.p + source->text.len;
	if (source->text.len >= 3 && memcmp(lx.p, "\xef\xbb\xbf", 3) == 0)
		lx.p += 3;
	lx.line_start = lx.p;
	while (lx.p < lx.end)
		lex_token(&lx);
	if (lx.line_has_token)
		emit(&lx, TOKEN_EOL, span_n(lx.end, 0), lx.end);
	emit(&lx, TOKEN_END, span_n(lx.end, 0), lx.end);
	return (struct tokens){ lx.list, lx.n };
}

bool
token_is_punct(const struct token *t, const char *text)
{
	return t->kind == TOKEN_PUNCT && span_is(t->text, text);
}

bool
token_is_word(const struct token *t, const char *text)
{
	return t->kind == TOKEN_WORD && span_is(t->text, text);
}

static int
read_all(struct arena *a, const char *path, int fd, struct span *text,
    struct err *err)
{
	struct stat st;
	size_t have = 0;
	ssize_t n;
	char *p;

	if (fstat(fd, &st) < 0)
		return err_set(err, ERR_CONFIG, "cannot read %s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a file", path);
	if (st.st_size > SOURCE_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s is too large: %lld octets, the most is %d", path,
		    (long long)st.st_size, SOURCE_MAX);
	p = arena_alloc(a, (size_t)st.st_size + 1);
	/* Neither more nor less than it was when we looked. */
	while (have < (size_t)st.st_size) {
		n = read(fd, p + have, (size_t)st.st_size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_CONFIG, "cannot read %s: %s",
			    path, strerror(errno));
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*text = span_n(p, have);
	return 0;
}

int
source_read(struct arena *a, const char *path, struct source **source,
    struct err *err)
{
	/* A FIFO must not stop us; it is refused once it is open. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct span text;

	if (fd < 0)
		return err_set(err, ERR_CONFIG, "cannot open %s: %s", path,
		    strerror(errno));
	rc = read_all(a, path, fd, &text, err);
	close(fd);
	if (rc < 0)
		return -1;
	*source = arena_new(a, struct source);
	(*source)->name = arena_strdup(a, path);
	(*source)->text = text;
	return 0;
}
