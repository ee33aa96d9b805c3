#include <stdio.h>

#include "base/addr.h"
#include "gateway/demo.h"

/* The first address and the first folder; a demo has no others. */
void
demo_tell(const struct settings *s, const char *web)
{
	char at[ADDR_TEXT];

	addr_text(&s->listeners[0].addresses[0], at);
	fprintf(stderr,
	    "\nForepost listens on %s. Try, in another terminal:\n"
	    "  swaks --server %s --from a@example.org --to you@localhost\n"
	    "The mail will be in %s/new/\n\n", at, at,
	    s->backends[0].urls[0].path);
	if (web != NULL)
		fprintf(stderr, "What happens is shown at http://%s/\n\n",
		    web);
}
