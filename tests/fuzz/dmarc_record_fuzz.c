#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "filters/dmarc_record.h"

/*
 * One TXT record. What it is read as, written down again, is read as the same.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_down(const struct dmarc_record *r, char text[200])
{
	snprintf(text, 200, "v=DMARC1; p=%s%s%s%s%s; adkim=%c; aspf=%c; "
	    "psd=%c; t=%c%s", dmarc_policy_name(r->p),
	    r->has_sp ? "; sp=" : "",
	    r->has_sp ? dmarc_policy_name(r->sp) : "",
	    r->has_np ? "; np=" : "",
	    r->has_np ? dmarc_policy_name(r->np) : "",
	    r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r',
	    r->psd == DMARC_PSD_Y ? 'y' : r->psd == DMARC_PSD_N ? 'n' : 'u',
	    r->testing ? 'y' : 'n',
	    r->has_rua ? "; rua=mailto:a@x.example" : "");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmarc_record r, again;
	char once[200], twice[200];

	if (!dmarc_record_parse(span_n(data, size), &r))
		return 0;
	if (!r.is_usable) {
		assert(r.p == DMARC_POLICY_NONE && r.sp == r.p &&
		    r.np == r.p && !r.has_rua);
		return 0;
	}
	write_down(&r, once);
	assert(dmarc_record_parse(span_z(once), &again) && again.is_usable);
	write_down(&again, twice);
	assert(strcmp(once, twice) == 0);
	return 0;
}
