#ifndef GATEWAY_PAGE_H
#define GATEWAY_PAGE_H
#include <stddef.h>

#include "base/span.h"
/*
 * page -- the live page, as files of a web server that are in the program
 *
 *	file = page_find(span_z("/page.css"));
 *
 * index.html is "/" and asks for /page.css and /page.js of the same server
 * and for nothing else; the latter is made of all scripts in gateway/page, in
 * the order of PAGE_JS in Makefile.am. The page then asks for /stats.json
 * and /transactions.json. None of it has inline scripts or styles.
 *
 * Memory    constants.
 */
struct page {
	const char		*path;		/* as it is asked for */
	const char		*type;		/* the Content-Type */
	const unsigned char	*bytes;
	size_t			 len;
};

/* NULL if the page has no such file. */
const struct page	*page_find(struct span path);

/* All of them, made from the files by the Makefile. */
extern const struct page	page_files[];
extern const size_t		page_nfiles;
#endif
