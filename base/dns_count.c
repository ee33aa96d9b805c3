#include <string.h>

#include "base/dns.h"

static size_t
kind_of(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return 0;
	case DNS_AAAA:
		return 1;
	case DNS_MX:
		return 2;
	case DNS_PTR:
		return 3;
	case DNS_TXT:
		return 4;
	case DNS_TLSA:
		return 5;
	default:
		return DNS_KINDS - 1;
	}
}

void
dns_count(struct dns_stats *stats, enum dns_type type,
    const struct dns_answer *answer, int64_t us)
{
	struct dns_kind_stats *k = &stats->kinds[kind_of(type)];
	bool is_failed = answer->outcome == DNS_FAIL;

	if (is_failed && strcmp(answer->why, "timeout") == 0)
		k->told[DNS_TOLD - 1]++;
	else
		k->told[answer->outcome]++;
	stats->failed += is_failed;
	if (us < 0)
		return;
	histogram_add(&k->time, us);
	stats->us += (uint64_t)us;
}
