#include "filters/authres_results.h"
#include "gateway/fixed_policy.h"

struct authres_ids
fixed_policy_ids(struct arena *a, const struct settings *s)
{
	size_t n = s->authserv_also.n;
	const char **names = arena_new_n(a, n + 1, const char *);

	names[0] = s->authserv_id;
	for (size_t i = 0; i < n; i++)
		names[i + 1] = s->authserv_also.list[i];
	return authres_ids_make(a, names, n + 1);
}

void
fixed_policy_fields(struct arena *a, const struct settings *settings,
    const struct client *client, const struct envelope *envelope,
    const struct findings *found, struct buf *out)
{
	struct received_spf spf;
	struct authres r;

	if (settings->authres) {
		authres_results(a, client, envelope, found, &r);
		r.authserv_id = settings->authserv_id;
		authres_write(a, out, &r);
	}
	if (settings->spf_received && found->spf != NULL) {
		authres_results_spf(a, client, envelope, found,
		    settings->hostname, &spf);
		received_spf_write(a, out, &spf);
	}
}

size_t
fixed_policy_cuts(struct arena *a, const struct settings *settings,
    const struct authres_ids *ours, const struct findings *found,
    struct authres_cut **cuts)
{
	return settings->authres ? authres_forged(a, found->header, ours,
	    cuts) : 0;
}
