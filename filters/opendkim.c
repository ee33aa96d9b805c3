#include <sys/types.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <opendkim/dkim.h>

#include "base/mem.h"
#include "filters/opendkim.h"
#include "filters/tags.h"

#define ROOM	64		/* behind everything that it allocates */

struct opendkim {
	struct arena		*arena;
	DKIM			*dkim;
	struct opendkim_verdict	*verdicts;	/* in the order of its own */
	size_t			 n;
	size_t			 line;		/* octets since the last LF */
	bool			 is_over;	/* a line is too long */
	char			 last[2];	/* octets */
};

static DKIM_LIB	*library;

/* --- the handle --- */

static void *
allocate(void *closure, size_t size)
{
	(void)closure;
	return mem_alloc(size + ROOM, "libopendkim");
}

static void
release(void *closure, void *p)
{
	(void)closure;
	free(p);
}

/* A tag of the record, as it stands there. */
static void
put_tag(struct buf *out, const struct tags *tags, const char *name)
{
	const struct tag *tag = tags_find(tags, name);

	if (tag != NULL)
		buf_printf(out, "%s=%.*s;", name, SPAN_ARG(tag->value));
}

/* What it needs of the record; false: more than it has room for. */
static bool
put_record(struct arena *a, struct span record, char *to, size_t size)
{
	static const char *const names[] = { "v", "h", "k", "s", "t", "p" };
	struct buf out = { 0 };
	struct tags tags;
	struct err err;
	bool fits;

	buf_reserve(&out, record.len + 1);
	if (tags_parse(a, record, &tags, &err) < 0)
		buf_span(&out, record);
	else
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			put_tag(&out, &tags, names[i]);
	fits = out.len < size && memchr(out.p, '\0', out.len) == NULL;
	if (fits) {
		memcpy(to, out.p, out.len);
		to[out.len] = '\0';
	}
	buf_free(&out);
	return fits;
}

static struct opendkim_verdict *
verdict_of(struct opendkim *o, const DKIM_SIGINFO *signature)
{
	DKIM_SIGINFO **list;
	int n;

	if (dkim_getsiglist(o->dkim, &list, &n) != DKIM_STAT_OK)
		return NULL;
	for (int i = 0; i < n && i < (int)o->n; i++)
		if (list[i] == signature)
			return &o->verdicts[i];
	return NULL;
}

/* Never its own resolver, which would block everybody (CBSTAT_DEFAULT). */
static DKIM_CBSTAT
find_key(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *to, size_t size)
{
	struct opendkim *o = dkim_get_user_context(dkim);
	const struct opendkim_verdict *v = verdict_of(o, signature);

	if (v == NULL || v->key->outcome == DNS_FAIL)
		return DKIM_CBSTAT_TRYAGAIN;
	if (v->key->outcome != DNS_OK || v->key->n == 0 ||
	    !put_record(o->arena, v->key->records[0].data, (char *)to, size))
		return DKIM_CBSTAT_NOTFOUND;
	return DKIM_CBSTAT_CONTINUE;
}

int
opendkim_open(struct err *err)
{
	/* Unreadable signatures are listed too; keys only at the end. */
	unsigned int flags = DKIM_LIBFLAGS_BADSIGHANDLES |
	    DKIM_LIBFLAGS_DELAYSIGPROC;
	uint64_t drift = SIGNATURE_DRIFT;
	unsigned int bits = SIGKEY_BITS_LEAST;

	assert(library == NULL);
	library = dkim_init(allocate, release);
	if (library == NULL)
		return err_set(err, ERR_UNAVAIL, "libopendkim does not start");
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
	    sizeof(flags));
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift,
	    sizeof(drift));
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits,
	    sizeof(bits));
	dkim_set_key_lookup(library, find_key);
	return 0;
}

void
opendkim_close(void)
{
	if (library != NULL)
		dkim_close(library);
	library = NULL;
}

/* --- one message --- */

static void
end_message(void *arg)
{
	struct opendkim *o = arg;

	dkim_free(o->dkim);
}

static bool
is_signature(const struct field *f)
{
	return span_is_nocase(f->name, "DKIM-Signature");
}

static struct opendkim_verdict *
find_verdict(struct opendkim *o, const struct field *f)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->verdicts[i].field->field == f)
			return &o->verdicts[i];
	return NULL;
}

/* Of the signatures, those that have a verdict to come. What it refuses as no
 * header field is left out. */
static void
put_header(struct opendkim *o, const struct fields *header)
{
	const struct field *f;
	struct span text;

	for (size_t i = 0; i < header->n; i++) {
		f = &header->list[i];
		if (f->name.len == 0 ||
		    (is_signature(f) && find_verdict(o, f) == NULL))
			continue;
		text = span_n(f->whole.p, (size_t)(f->value.p +
		    f->value.len - f->whole.p));
		dkim_header(o->dkim, (unsigned char *)(uintptr_t)text.p,
		    text.len);
	}
}

struct opendkim *
opendkim_begin(struct arena *a, const struct fields *header,
    struct opendkim_verdict *verdicts, size_t n)
{
	struct opendkim *o = arena_new(a, struct opendkim);
	DKIM_STAT status;

	assert(library != NULL);
	o->arena = a;
	o->verdicts = verdicts;
	o->n = n;
	o->dkim = dkim_verify(library, (const unsigned char *)"", NULL,
	    &status);
	assert(o->dkim != NULL);	/* our allocation does not fail */
	arena_defer(a, end_message, o);
	dkim_set_user_context(o->dkim, o);
	put_header(o, header);
	dkim_eoh(o->dkim);
	return o;
}

static void
put_body(struct opendkim *o, struct span octets)
{
	const char *lf = memrchr(octets.p, '\n', octets.len);

	if (lf == NULL)
		o->line += octets.len;
	else
		o->line = (size_t)(octets.p + octets.len - lf) - 1;
	if (o->line > OPENDKIM_LINE)
		o->is_over = true;
	if (!o->is_over)
		dkim_body(o->dkim, (unsigned char *)(uintptr_t)octets.p,
		    octets.len);
	for (size_t i = octets.len > 2 ? octets.len - 2 : 0; i < octets.len;
	    i++) {
		o->last[0] = o->last[1];
		o->last[1] = octets.p[i];
	}
}

void
opendkim_body(struct opendkim *o, struct span octets)
{
	const size_t most = OPENDKIM_LINE / 4;
	struct span part;

	while (octets.len > 0) {
		part = span_n(octets.p, octets.len < most ? octets.len :
		    most);
		put_body(o, part);
		octets = span_n(octets.p + part.len, octets.len - part.len);
	}
}

static void
read_verdict(struct opendkim_verdict *v, DKIM_SIGINFO *s)
{
	int error = dkim_sig_geterror(s);
	unsigned int bits = 0;

	v->is_test = (dkim_sig_getflags(s) & DKIM_SIGFLAG_TESTKEY) != 0;
	if (dkim_sig_getkeysize(s, &bits) == DKIM_STAT_OK)
		v->bits = (int)bits;
	if (v->field->algorithm == SIGKEY_ED25519_SHA256 &&
	    (dkim_sig_getflags(s) & DKIM_SIGFLAG_PROCESSED) != 0)
		v->bits = 256;
	if (v->key->outcome == DNS_FAIL && error == DKIM_SIGERROR_UNKNOWN) {
		v->result = SIGNATURE_TEMPERROR;
		v->reason = "the key could not be looked up";
	} else if (error == DKIM_SIGERROR_OK && DKIM_SIG_CHECK(s)) {
		v->result = SIGNATURE_PASS;
		v->reason = NULL;
	} else {
		v->result = error == DKIM_SIGERROR_BADSIG ? SIGNATURE_FAIL :
		    SIGNATURE_PERMERROR;
		v->reason = dkim_sig_geterrorstr(error);
	}
}

void
opendkim_finish(struct opendkim *o)
{
	DKIM_SIGINFO **list;
	int n = 0;

	for (size_t i = 0; i < o->n; i++) {
		o->verdicts[i].result = SIGNATURE_PERMERROR;
		o->verdicts[i].reason = o->is_over ?
		    "a line of the body is too long for libopendkim" :
		    "libopendkim cannot read it";
	}
	/* It needs a line end, and takes none that was not there before. */
	if (o->line > 0 || memcmp(o->last, "\r\n", 2) != 0)
		opendkim_body(o, SPAN_LIT("\r\n"));
	if (o->is_over)
		return;
	dkim_eom(o->dkim, NULL);
	if (dkim_getsiglist(o->dkim, &list, &n) != DKIM_STAT_OK)
		return;
	for (int i = 0; i < n && i < (int)o->n; i++)
		read_verdict(&o->verdicts[i], list[i]);
}
