#ifndef FILTERS_DNSBL_SHARE_H
#define FILTERS_DNSBL_SHARE_H
#include <stdbool.h>
#include <stdint.h>
/*
 * dnsbl_share -- how many of the last clients a list lists
 *
 * The last DNSBL_SHARE_LAST different clients are kept; one that is among
 * them already does not count again, so that nobody moves the share by
 * coming often. What a client is says its key: its network, of the size that
 * is not had for nothing (/24; /32 of IPv6, the least that a provider gets).
 *
 * Too many is more than `percent` of them, once there are so many; but in a
 * wave of mail from infected machines a good list is right about most
 * clients, and then other lists say the same. So of the clients that no other
 * list lists it must be more than `percent` too, where there are at least
 * DNSBL_SHARE_ALONE of these. (If every list lists everybody there are none,
 * and then all are too many.)
 *
 * A zeroed struct is empty. Never fails, never yields.
 */
#define DNSBL_SHARE_LAST	200
#define DNSBL_SHARE_ALONE	10

struct dnsbl_share {
	uint32_t	 keys[DNSBL_SHARE_LAST];
	uint8_t		 what[DNSBL_SHARE_LAST];
	unsigned	 n, at;
};

/* `others`: another list of the kind lists it too. */
void	 dnsbl_share_add(struct dnsbl_share *share, uint32_t key,
	    bool is_listed, bool others);
bool	 dnsbl_share_is_over(const struct dnsbl_share *share, unsigned percent);
unsigned dnsbl_share_listed(const struct dnsbl_share *share);
#endif
