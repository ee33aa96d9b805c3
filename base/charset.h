#ifndef BASE_CHARSET_H
#define BASE_CHARSET_H
#include "base/buf.h"
#include "base/span.h"
/*
 * charset -- text of other charsets, in UTF-8             RFC 2045 2.2, 5.1
 *
 * The charsets of a fixed table: what mail is really written in. The C
 * library converts (iconv). A name is read as browsers and mail readers read
 * it: iso-8859-1 says windows-1252, gb2312 gb18030, and so on, since much
 * text that is called the one is the other, and the other holds the one.
 *
 * The library may load each converter from a file, so charset_open() opens
 * them all, before a process gives up its files, and those it forks share
 * them. It takes 2-20 ms and less than 3 MiB. Without it, and for a charset
 * whose converter is not there, text is read as of no known charset.
 *
 * What comes out is UTF-8. What the charset does not have becomes U+FFFD. Of
 * no known charset (NULL): what is UTF-8 stays, other octets are read as
 * windows-1252; without a converter for that they stay as they are.
 *
 * Yields    never, so one converter is enough for all.
 * Limits    what comes out has at most 4 times the octets that went in. A
 *           mebibyte takes some 20 ms at worst.
 */
struct charset;

/* Appends the names of those that the system cannot convert, with a space
 * between them. */
void	charset_open(struct buf *missing);
void	charset_close(void);
/* By any of its names, case ignored, with a language or without ("utf-8*en",
 * RFC 2231 5). NULL: none that is known; us-ascii is no other than that. */
const struct charset *charset_find(struct span name);
/* Appends the text. A character that the octets end in has ended. */
void	charset_put(struct buf *out, const struct charset *from,
	    struct span octets);
#endif
