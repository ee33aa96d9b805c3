#include "filters/authres_results.h"
#include "gateway/fixed_policy.h"

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
