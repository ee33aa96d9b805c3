#include "filters/authres_results.h"
#include "gateway/results.h"

#define QUARANTINE_FIELD "X-Forepost-Quarantine"

bool
results_are_wanted(const struct settings *s)
{
	return s->authres || s->spf_received;
}

void
results_put(struct arena *a, const struct settings *settings,
    const struct client *client, const struct envelope *envelope,
    const struct findings *found, struct buf *out)
{
	struct findings told = *found;
	struct received_spf spf;
	struct authres r;

	if (!settings->arc)	/* a rule may ask for it all the same */
		told.arc = NULL;
	if (settings->authres) {
		authres_results(a, client, envelope, &told, &r);
		r.authserv_id = settings->authserv_id;
		authres_write(a, out, &r);
	}
	if (settings->spf_received && found->spf != NULL) {
		authres_results_spf(a, client, envelope, found,
		    settings->hostname, &spf);
		received_spf_write(a, out, &spf);
	}
}

void
results_put_quarantine(struct arena *a, const struct verdict *v, bool utf8,
    struct buf *out)
{
	struct header_edit why = { ACTION_ADD_HEADER,
	    SPAN_LIT(QUARANTINE_FIELD), v->text };
	const struct fields none = {0};
	struct header_change change = { .fields = &none, .edits = &why,
	    .nedits = 1, .utf8 = utf8 };

	if (v->kind == ACTION_QUARANTINE)
		header_edit_put(a, &change, out);
}

size_t
results_edits(struct arena *a, const struct verdict *v,
    const struct header_edit **edits)
{
	struct header_edit *all;

	*edits = v->edits;
	if (v->kind != ACTION_QUARANTINE)
		return v->nedits;
	all = arena_new_n(a, v->nedits + 1, struct header_edit);
	all[0] = (struct header_edit){ ACTION_REMOVE_HEADER,
	    SPAN_LIT(QUARANTINE_FIELD), SPAN_LIT("") };
	for (size_t i = 0; i < v->nedits; i++)
		all[i + 1] = v->edits[i];
	*edits = all;
	return v->nedits + 1;
}

size_t
results_cuts(struct arena *a, const struct court *court,
    const struct fields *header, const struct header_cut **cuts)
{
	struct authres_cut *forged;
	struct header_cut *list;
	size_t n;

	if (!court->settings->authres)
		return 0;
	n = authres_forged(a, header, &court->ids, &forged);
	list = arena_new_n(a, n, struct header_cut);
	for (size_t i = 0; i < n; i++)
		list[i] = (struct header_cut){ forged[i].offset,
		    forged[i].len };
	*cuts = list;
	return n;
}
