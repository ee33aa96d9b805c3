#include <inttypes.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/directive.h"
#include "conf/dump.h"
#include "conf/value.h"

#define WIDTH 76		/* a longer list goes on in a new setting */

static void
put_word(struct buf *out, const struct directive *row, const char *text)
{
	/* What is the same word without quotes is shown without them. */
	if (row->type == VALUE_LOG && text[0] != '/')
		buf_puts(out, text);
	else
		value_put_string(out, text);
}

static void
put_rules(struct buf *out, const struct rules_conf *rules)
{
	if (rules->choice == RULES_FILE)
		value_put_string(out, rules->path);
	else
		buf_puts(out, rules->choice == RULES_NONE ? "none" :
		    "default");
}

static void
put_store(struct buf *out, const struct store_conf *store)
{
	if (store->text == NULL)
		buf_puts(out, "none");
	else
		value_put_string(out, store->text);
}

static void
put_address(struct buf *out, const struct address_conf *address)
{
	if (address->text == NULL)
		buf_puts(out, "none");
	else
		value_put_string(out, address->text);
}

static void
put_single(struct buf *out, const struct directive *row, const void *field)
{
	const char *const *text = field;
	uint64_t n;

	switch (row->type) {
	case VALUE_COUNT:
	case VALUE_PERCENT:
		memcpy(&n, field, sizeof(n));
		if (n == 0 && row->none != NULL)
			buf_puts(out, row->none);
		else
			buf_printf(out, "%" PRIu64 "%s", n,
			    row->type == VALUE_PERCENT ? "%" : "");
		break;
	case VALUE_SIZE:
		memcpy(&n, field, sizeof(n));
		value_put_size(out, n);
		break;
	case VALUE_DURATION:
		memcpy(&n, field, sizeof(n));
		value_put_duration(out, (int64_t)n);
		break;
	case VALUE_CHOICE:
		buf_puts(out, row->words[*(const unsigned *)field]);
		break;
	case VALUE_FLAG:
		buf_puts(out, row->words[*(const bool *)field]);
		break;
	case VALUE_RULES:
		put_rules(out, field);
		break;
	case VALUE_STORE:
		put_store(out, field);
		break;
	case VALUE_ADDRESS:
		put_address(out, field);
		break;
	case VALUE_MILTER:
		value_put_string(out,
		    ((const struct milter_url *)field)->text);
		break;
	default:
		if (*text == NULL)
			buf_puts(out, row->none);
		else
			put_word(out, row, *text);
	}
}

/* The i-th bit that is set, by its name. */
static bool
put_subject(struct buf *out, unsigned checks, size_t i)
{
	for (unsigned bit = 1; bit <= checks; bit <<= 1)
		if ((checks & bit) && i-- == 0) {
			buf_puts(out, listing_check_name(bit));
			return true;
		}
	return false;
}

/* One item of a list into `out`; false: there is no item i. */
static bool
put_item(struct buf *out, const struct directive *row, const void *field,
    const void *object, size_t i)
{
	const struct listener_conf *listener = object;
	const struct backend_conf *backend = object;
	const struct dnsbl_conf *list = object;
	const struct networks *networks = field;
	const struct names *names = field;
	struct buf systemd = {0};
	char text[ADDR_TEXT];

	switch (row->type) {
	case VALUE_NETWORKS:
		if (i >= networks->n)
			return false;
		buf_puts(out, network_text(&networks->list[i], text));
		return true;
	case VALUE_LISTEN:
		names = &listener->address_text;
		if (i >= names->n + listener->systemd.n)
			return false;
		if (i < names->n) {
			value_put_string(out, names->list[i]);
			return true;
		}
		buf_puts(&systemd, "systemd:");
		buf_puts(&systemd, listener->systemd.list[i - names->n]);
		buf_put(&systemd, "", 1);
		value_put_string(out, systemd.p);
		buf_free(&systemd);
		return true;
	case VALUE_URLS:
		if (i >= backend->nurls)
			return false;
		value_put_string(out, backend->urls[i].text);
		return true;
	case VALUE_SUBJECTS:
		return put_subject(out, list->list.checks, i);
	case VALUE_PATTERNS:
		if (i >= list->list.npatterns)
			return false;
		listing_put(out, &list->list.patterns[i]);
		return true;
	case VALUE_WORDS:
		if (i >= names->n)
			return false;
		buf_puts(out, names->list[i]);
		return true;
	default:
		if (i >= names->n)
			return false;
		value_put_string(out, names->list[i]);
		return true;
	}
}

static void
put_list(struct dump *d, const struct directive *row, const void *field,
    const void *object)
{
	struct buf line = {0}, item = {0};
	size_t i;

	buf_printf(&line, "%s%s", d->indent, row->name);
	for (i = 0; put_item(&item, row, field, object, i); i++) {
		if (i > 0 && (row->type == VALUE_PATTERNS ||
		    line.len + 1 + item.len > WIDTH)) {
			buf_puts(&line, "\n");
			buf_span(&d->out, buf_text(&line));
			buf_clear(&line);
			buf_printf(&line, "%s%s", d->indent, row->name);
		}
		buf_puts(&line, " ");
		buf_span(&line, buf_text(&item));
		buf_clear(&item);
	}
	if (i == 0 && row->none != NULL)
		buf_printf(&line, " %s", row->none);
	if (i > 0 || row->none != NULL) {
		buf_puts(&line, "\n");
		buf_span(&d->out, buf_text(&line));
	}
	buf_free(&line);
	buf_free(&item);
}

/* A text that nothing stands for, as `redis` of a route. */
static bool
is_left_out(const struct directive *row, const void *field)
{
	return row->none == NULL && row->type >= VALUE_NAME &&
	    row->type <= VALUE_FINGERPRINT &&
	    *(const char *const *)field == NULL;
}

void
dump_setting(struct dump *d, const struct directive *row, enum scope scope,
    void *object)
{
	const void *field = directive_field(row, scope, object);

	if (directive_is_list(row)) {
		put_list(d, row, field, object);
		return;
	}
	if (is_left_out(row, field))
		return;
	buf_printf(&d->out, "%s%s ", d->indent, row->name);
	put_single(&d->out, row, field);
	buf_puts(&d->out, "\n");
}

void
dump_settings(struct dump *d, enum scope scope, void *object)
{
	for (size_t i = 0; i < directive_count(); i++)
		if (directive_at(i)->scopes & scope)
			dump_setting(d, directive_at(i), scope, object);
}

void
dump_listener(struct dump *d, struct settings *s, struct listener_conf *l)
{
	struct dump top = { .indent = d->indent }, own = { .indent =
	    d->indent };

	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);

		if (!(row->scopes & SCOPE_LISTENER))
			continue;
		dump_setting(&own, row, SCOPE_LISTENER, l);
		if (row->scopes == SCOPE_SMTP)
			dump_setting(&top, row, SCOPE_TOP, s);
		if (!span_eq(buf_text(&own.out), buf_text(&top.out)))
			buf_span(&d->out, buf_text(&own.out));
		buf_clear(&own.out);
		buf_clear(&top.out);
	}
	buf_free(&own.out);
	buf_free(&top.out);
}

void
conf_dump(const struct settings *settings, FILE *out)
{
	/* The table's accessor gives writable fields; none is written here. */
	struct settings *s = (struct settings *)settings;
	struct dump d = { .indent = "" };
	size_t i;

	dump_settings(&d, SCOPE_TOP, s);
	d.indent = "\t";
	for (i = 0; i < block_count(); i++) {
		const struct block *block = block_at(i);

		if (!(block->scope & SCOPE_SINGLE))
			continue;
		buf_printf(&d.out, "%s {\n", block->name);
		dump_settings(&d, block->scope, s);
		buf_puts(&d.out, "}\n");
	}
	for (i = 0; i < s->nlists; i++) {
		buf_printf(&d.out, "dnsbl \"%s\" {\n",
		    s->lists[i].list.name);
		dump_settings(&d, SCOPE_DNSBL, &s->lists[i]);
		buf_puts(&d.out, "}\n");
	}
	for (i = 0; i < s->nlisteners; i++) {
		buf_printf(&d.out, "listener \"%s\" {\n", s->listeners[i].name);
		dump_listener(&d, s, &s->listeners[i]);
		buf_puts(&d.out, "}\n");
	}
	for (i = 0; i < s->nbackends; i++) {
		buf_printf(&d.out, "backend \"%s\" {\n", s->backends[i].name);
		dump_settings(&d, SCOPE_BACKEND, &s->backends[i]);
		buf_puts(&d.out, "}\n");
	}
	for (i = 0; i < s->nroutes; i++) {
		buf_puts(&d.out, "route {\n");
		dump_settings(&d, SCOPE_ROUTE, &s->routes[i]);
		buf_puts(&d.out, "}\n");
	}
	for (i = 0; i < s->nmilters; i++) {
		buf_printf(&d.out, "milter \"%s\" {\n", s->milters[i].name);
		dump_settings(&d, SCOPE_MILTER, &s->milters[i]);
		buf_puts(&d.out, "}\n");
	}
	fwrite(d.out.p, 1, d.out.len, out);
	buf_free(&d.out);
}
