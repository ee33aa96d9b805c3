#include "conf/reading.h"

void
check_stats(struct reading *r)
{
	const struct settings *s = r->s;

	if (s->stats_address.text == NULL) {
		if (s->stats_token_file != NULL)
			diagnostic_warn(r->d, origin_place(&r->top,
			    SCOPE_STATS, "token_file"), NULL, "token_file has "
			    "no effect without an address");
		return;
	}
	if (s->stats_token_file == NULL &&
	    !origin_mark(&r->top, SCOPE_STATS, "token_file")->is_bad &&
	    !addr_is_loopback(&s->stats_address.addr))
		diagnostic(r->d, origin_place(&r->top, SCOPE_STATS,
		    "address"), NULL, "others can reach %s: without a "
		    "token_file everybody could see who gets mail from whom",
		    s->stats_address.text);
}
