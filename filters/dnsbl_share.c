#include "filters/dnsbl_share.h"

enum { LISTED = 1, OTHERS = 2 };

static bool
is_known(const struct dnsbl_share *share, uint32_t key)
{
	for (unsigned i = 0; i < share->n; i++)
		if (share->keys[i] == key)
			return true;
	return false;
}

void
dnsbl_share_add(struct dnsbl_share *share, uint32_t key, bool is_listed,
    bool others)
{
	if (is_known(share, key))
		return;
	share->keys[share->at] = key;
	share->what[share->at] = (uint8_t)((is_listed ? LISTED : 0) |
	    (others ? OTHERS : 0));
	share->at = (share->at + 1) % DNSBL_SHARE_LAST;
	if (share->n < DNSBL_SHARE_LAST)
		share->n++;
}

unsigned
dnsbl_share_listed(const struct dnsbl_share *share)
{
	unsigned listed = 0;

	for (unsigned i = 0; i < share->n; i++)
		listed += (share->what[i] & LISTED) != 0;
	return listed;
}

bool
dnsbl_share_is_over(const struct dnsbl_share *share, unsigned percent)
{
	unsigned alone = 0, listed = 0;

	if (share->n < DNSBL_SHARE_LAST ||
	    dnsbl_share_listed(share) * 100 <= percent * share->n)
		return false;
	for (unsigned i = 0; i < share->n; i++)
		if (!(share->what[i] & OTHERS)) {
			alone++;
			listed += (share->what[i] & LISTED) != 0;
		}
	return alone < DNSBL_SHARE_ALONE || listed * 100 > percent * alone;
}
