#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/charset.h"
#include "base/utf8.h"

#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

/* How much of the text goes with an octet that cannot be. */
enum form {
	OCTETS,		/* it alone */
	PAIRS,		/* with one like it behind it, or all pairs of the
			   text that follows would be others */
	WIDE		/* always two */
};

/* Names of the library, the best one first; names in mail. */
static struct charset {
	const char	*converters;	/* NULL: it is UTF-8 itself */
	enum form	 form;
	const char	*names;
	iconv_t		 converter;
	bool		 is_open;
} charsets[] = {
	{ .converters = NULL,
	    .names = "utf-8 utf8 unicode-1-1-utf-8" },
	{ .converters = "WINDOWS-1252 CP1252 ISO-8859-1",
	    .names = "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 "
	    "iso_8859-1 iso_8859-1:1987 iso88591 iso-ir-100 latin1 latin-1 "
	    "l1 ibm819 cp819 csisolatin1" },
	{ .converters = "ISO-8859-2",
	    .names = "iso-8859-2 iso8859-2 iso_8859-2 iso_8859-2:1987 "
	    "iso88592 iso-ir-101 latin2 l2 csisolatin2" },
	{ .converters = "ISO-8859-3",
	    .names = "iso-8859-3 iso8859-3 iso_8859-3 iso_8859-3:1988 "
	    "iso88593 iso-ir-109 latin3 l3 csisolatin3" },
	{ .converters = "ISO-8859-4",
	    .names = "iso-8859-4 iso8859-4 iso_8859-4 iso_8859-4:1988 "
	    "iso88594 iso-ir-110 latin4 l4 csisolatin4" },
	{ .converters = "ISO-8859-5",
	    .names = "iso-8859-5 iso8859-5 iso_8859-5 iso_8859-5:1988 "
	    "iso88595 iso-ir-144 cyrillic csisolatincyrillic" },
	{ .converters = "ISO-8859-6",
	    .names = "iso-8859-6 iso8859-6 iso_8859-6 iso_8859-6:1987 "
	    "iso88596 iso-ir-127 iso-8859-6-e iso-8859-6-i arabic ecma-114 "
	    "asmo-708 csisolatinarabic" },
	{ .converters = "ISO-8859-7",
	    .names = "iso-8859-7 iso8859-7 iso_8859-7 iso_8859-7:1987 "
	    "iso88597 iso-ir-126 greek greek8 ecma-118 elot_928 "
	    "csisolatingreek" },
	{ .converters = "ISO-8859-8",
	    .names = "iso-8859-8 iso8859-8 iso_8859-8 iso_8859-8:1988 "
	    "iso88598 iso-ir-138 iso-8859-8-e iso-8859-8-i hebrew logical "
	    "visual csisolatinhebrew" },
	{ .converters = "ISO-8859-10",
	    .names = "iso-8859-10 iso8859-10 iso885910 iso-ir-157 latin6 l6 "
	    "csisolatin6" },
	{ .converters = "ISO-8859-13",
	    .names = "iso-8859-13 iso8859-13 iso885913 latin7" },
	{ .converters = "ISO-8859-14",
	    .names = "iso-8859-14 iso8859-14 iso885914 latin8" },
	{ .converters = "ISO-8859-15",
	    .names = "iso-8859-15 iso8859-15 iso_8859-15 iso885915 latin9 "
	    "latin-9 l9 csisolatin9" },
	{ .converters = "ISO-8859-16",
	    .names = "iso-8859-16 iso8859-16 iso885916 latin10" },
	{ .converters = "WINDOWS-1250 CP1250",
	    .names = "windows-1250 cp1250 x-cp1250" },
	{ .converters = "WINDOWS-1251 CP1251",
	    .names = "windows-1251 cp1251 x-cp1251" },
	{ .converters = "WINDOWS-1253 CP1253",
	    .names = "windows-1253 cp1253 x-cp1253" },
	{ .converters = "WINDOWS-1254 CP1254 ISO-8859-9",
	    .names = "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 "
	    "iso_8859-9 iso_8859-9:1989 iso88599 iso-ir-148 latin5 l5 "
	    "csisolatin5" },
	{ .converters = "WINDOWS-1255 CP1255",
	    .names = "windows-1255 cp1255 x-cp1255" },
	{ .converters = "WINDOWS-1256 CP1256",
	    .names = "windows-1256 cp1256 x-cp1256" },
	{ .converters = "WINDOWS-1257 CP1257",
	    .names = "windows-1257 cp1257 x-cp1257" },
	{ .converters = "WINDOWS-1258 CP1258",
	    .names = "windows-1258 cp1258 x-cp1258" },
	{ .converters = "CP874 WINDOWS-874 TIS-620",
	    .names = "windows-874 cp874 tis-620 tis620 iso-8859-11 "
	    "iso8859-11 iso885911 dos-874" },
	{ .converters = "KOI8-R",
	    .names = "koi8-r koi8_r koi8 koi cskoi8r" },
	{ .converters = "KOI8-U",
	    .names = "koi8-u koi8-ru" },
	{ .converters = "CP866 IBM866",
	    .names = "ibm866 cp866 866 csibm866" },
	{ .converters = "MACINTOSH",
	    .names = "macintosh mac x-mac-roman csmacintosh" },
	{ .converters = "GB18030 GBK", .form = PAIRS,
	    .names = "gb18030 gbk gb2312 gb_2312 gb_2312-80 gb2312-80 "
	    "x-gbk cp936 ms936 windows-936 euc-cn chinese iso-ir-58 csgb2312 "
	    "csiso58gb231280" },
	{ .converters = "BIG5-HKSCS BIG5", .form = PAIRS,
	    .names = "big5 big5-hkscs big-5 big5-eten cn-big5 x-x-big5 cp950 "
	    "windows-950 csbig5" },
	{ .converters = "ISO-2022-JP-2 ISO-2022-JP", .form = PAIRS,
	    .names = "iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 "
	    "iso-2022-jp-ms cp50220 cp50221 csiso2022jp" },
	{ .converters = "WINDOWS-31J CP932 SHIFT_JIS", .form = PAIRS,
	    .names = "shift_jis shift-jis sjis x-sjis ms_kanji ms932 "
	    "windows-31j cp932 windows-932 csshiftjis cswindows31j" },
	{ .converters = "EUC-JP-MS EUC-JP", .form = PAIRS,
	    .names = "euc-jp x-euc-jp eucjp cp51932 eucjp-ms "
	    "cseucpkdfmtjapanese" },
	{ .converters = "UHC CP949 EUC-KR", .form = PAIRS,
	    .names = "euc-kr euckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
	    "ksc_5601 korean windows-949 cp949 ms949 uhc iso-ir-149 cseuckr "
	    "csksc56011987" },
	{ .converters = "UTF-7",
	    .names = "utf-7 unicode-1-1-utf-7 csutf7" },
	{ .converters = "UTF-16BE", .form = WIDE,
	    .names = "utf-16be" },
	{ .converters = "UTF-16LE", .form = WIDE,
	    .names = "utf-16le utf-16 csutf16 ucs-2 iso-10646-ucs-2 unicode "
	    "csunicode" },
};

#define CHARSETS (sizeof(charsets) / sizeof(charsets[0]))

static struct label {
	struct span	 name;
	struct charset	*charset;
} labels[320];			/* sorted; more than all the names above */
static size_t nlabels;

/* How an octet above 127 is read that is no UTF-8. "": as it is. */
static char loose[128][4];

/* --- names --- */

static int
compare_labels(const void *one, const void *two)
{
	struct span a = ((const struct label *)one)->name;
	struct span b = ((const struct label *)two)->name;
	size_t len = a.len < b.len ? a.len : b.len;
	int c = len > 0 ? strncasecmp(a.p, b.p, len) : 0;

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

static void
add_labels(struct charset *c)
{
	struct span rest = span_z(c->names);

	while (rest.len > 0) {
		assert(nlabels < sizeof(labels) / sizeof(labels[0]));
		labels[nlabels++] = (struct label){ span_word(&rest), c };
	}
}

const struct charset *
charset_find(struct span name)
{
	struct label key = { .name = span_trim(span_until(&name, '*')) };
	const struct label *found = nlabels == 0 ? NULL :
	    bsearch(&key, labels, nlabels, sizeof(key), compare_labels);

	return found == NULL ? NULL : found->charset;
}

/* --- text --- */

static void
put_utf8(struct buf *out, struct span text, bool is_loose)
{
	size_t good = 0, n;

	while (good < text.len) {
		n = utf8_char(span_n(text.p + good, text.len - good));
		if (n > 0) {
			good += n;
			continue;
		}
		buf_put(out, text.p, good);
		if (!is_loose)
			buf_puts(out, REPLACEMENT);
		else if (loose[text.p[good] & 0x7f][0] != '\0')
			buf_puts(out, loose[text.p[good] & 0x7f]);
		else
			buf_put(out, text.p + good, 1);
		text = span_n(text.p + good + 1, text.len - good - 1);
		good = 0;
	}
	buf_put(out, text.p, good);
}

static bool
is_high(char c)
{
	return (unsigned char)c > 0x7f;
}

static bool
is_pair(const char *p)
{
	return is_high(p[0]) ? is_high(p[1]) :
	    p[0] > ' ' && p[1] > ' ' && !is_high(p[1]);
}

static size_t
invalid_len(enum form form, struct span text)
{
	if (text.len < 2 || form == OCTETS)
		return 1;
	return form == WIDE || is_pair(text.p) ? 2 : 1;
}

/* Few charsets keep a letter back, in case that an accent follows; of theirs
 * one may come out behind the mark of the invalid octet that it stood before. */
static void
convert(struct buf *out, const struct charset *from, struct span text)
{
	char *in = (char *)text.p, *end;
	size_t left = text.len, room, n;
	bool is_done = false;

	/* Three octets for each that is left out, and a letter kept back. */
	buf_reserve(out, 4 * text.len + 16);
	(void)iconv(from->converter, NULL, NULL, NULL, NULL);
	while (!is_done) {
		end = out->p + out->len;
		room = out->cap - out->len;
		is_done = iconv(from->converter, &in, &left, &end, &room) !=
		    (size_t)-1;
		out->len = (size_t)(end - out->p);
		if (is_done)
			break;
		/* Else a character is not complete. */
		is_done = errno != EILSEQ;
		buf_puts(out, REPLACEMENT);
		n = invalid_len(from->form, span_n(in, left));
		in += n;
		left -= n;
	}
	end = out->p + out->len;
	room = out->cap - out->len;
	(void)iconv(from->converter, NULL, NULL, &end, &room);
	out->len = (size_t)(end - out->p);
}

void
charset_put(struct buf *out, const struct charset *from, struct span octets)
{
	if (octets.len == 0)
		return;
	if (from == NULL || !from->is_open)
		put_utf8(out, octets, from == NULL ||
		    from->converters != NULL);
	else
		convert(out, from, octets);
}

/* --- opening --- */

static void
open_converter(struct charset *c)
{
	struct span rest = span_z(c->converters), word;
	char name[32];

	while (rest.len > 0 && !c->is_open) {
		word = span_word(&rest);
		assert(word.len < sizeof(name));
		memcpy(name, word.p, word.len);
		name[word.len] = '\0';
		c->converter = iconv_open("UTF-8", name);
		c->is_open = c->converter != (iconv_t)-1;
	}
}

static void
fill_loose(void)
{
	const struct charset *c = charset_find(SPAN_LIT("windows-1252"));
	struct buf text = {0};

	if (!c->is_open)
		return;
	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		char octet = (char)(0x80 | i);

		buf_clear(&text);
		convert(&text, c, span_n(&octet, 1));
		assert(text.len < sizeof(loose[i]));
		memcpy(loose[i], text.p, text.len);
	}
	buf_free(&text);
}

void
charset_open(struct buf *missing)
{
	for (size_t i = 0; i < CHARSETS; i++) {
		struct charset *c = &charsets[i];
		struct span names = span_z(c->names);

		add_labels(c);
		if (c->converters == NULL)
			continue;
		open_converter(c);
		if (c->is_open)
			continue;
		if (missing->len > 0)
			buf_puts(missing, " ");
		buf_span(missing, span_word(&names));
	}
	qsort(labels, nlabels, sizeof(labels[0]), compare_labels);
	fill_loose();
}

void
charset_close(void)
{
	for (size_t i = 0; i < CHARSETS; i++) {
		if (charsets[i].is_open)
			iconv_close(charsets[i].converter);
		charsets[i].is_open = false;
	}
	nlabels = 0;
	memset(loose, 0, sizeof(loose));
}
