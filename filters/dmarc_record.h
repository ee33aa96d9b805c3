#ifndef FILTERS_DMARC_RECORD_H
#define FILTERS_DMARC_RECORD_H
#include <stdbool.h>
#include "base/span.h"
/*
 * dmarc_record -- one DMARC policy record             RFC 9989 4.7, 4.8, 4.10.1
 *
 * Begins with "v=DMARC1" or is none. Of the rest, what is unknown or broken is
 * left out in favour of the default; of a tag that is there twice, the first
 * counts. Tags of older versions (pct, rf, ri) are unknown ones.
 *
 * Without a valid p, or with an sp or np that is not valid, all three are
 * "none" if there is an address for reports, and if there is none the record
 * is_usable no more: no DMARC for that mail.
 */
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE,
    DMARC_POLICY_REJECT };

enum dmarc_psd { DMARC_PSD_U, DMARC_PSD_Y, DMARC_PSD_N };

struct dmarc_record {
	bool			is_usable;
	enum dmarc_policy	p;
	enum dmarc_policy	sp;	/* of subdomains; absent: as p */
	enum dmarc_policy	np;	/* of those that do not exist; as sp */
	bool			has_sp, has_np;
	bool			strict_dkim, strict_spf;
	enum dmarc_psd		psd;
	bool			testing;	/* t=y */
	bool			has_rua;	/* with a valid URI */
};

/* false: the text is no DMARC record. Linear in it. */
bool		 dmarc_record_parse(struct span text,
		    struct dmarc_record *out);
const char	*dmarc_policy_name(enum dmarc_policy policy);
#endif
