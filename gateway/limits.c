#include <sys/resource.h>

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/dns.h"
#include "base/log.h"
#include "base/stack.h"
#include "gateway/limits.h"

/* One open query of libunbound is one socket; and files, pipes, the log. */
#define FD_LOOKUPS	DNS_MOST
#define FD_OTHERS	256
/* Each stack is two maps: itself and its guard page. */
#define MAPS_STACK	2
/* There is room for so many helpers, however many sessions there are. */
#define HELPERS_LEAST	256
/* Stacks of lookups, of helpers and of the pool; libraries, heaps, arenas. */
#define MAPS_OTHERS	(MAPS_STACK * (DNS_MOST_WAITING + STACK_POOL_MAX + \
			    HELPERS_LEAST) + 1024)

static uint64_t
descriptors_needed(const struct settings *s)
{
	/* Of a session: client, backend, spool file, and each filter. */
	uint64_t need = s->max_sessions * (3 + s->nmilters) + FD_LOOKUPS +
	    FD_OTHERS;

	for (size_t i = 0; i < s->nmilters; i++)
		need += s->milters[i].max_idle;
	return need;
}

static uint64_t
maps_needed(const struct settings *s)
{
	return s->max_sessions * MAPS_STACK + MAPS_OTHERS;
}

static uint64_t
read_number(const char *path, uint64_t otherwise)
{
	FILE *f = fopen(path, "re");
	uint64_t value = otherwise;

	if (f == NULL)
		return otherwise;
	if (fscanf(f, "%" SCNu64, &value) != 1)
		value = otherwise;
	fclose(f);
	return value;
}

static uint64_t
maps_there_are(void)
{
	return read_number("/proc/sys/vm/max_map_count", UINT64_MAX);
}

uint64_t
limits_sessions(const struct settings *s)
{
	uint64_t maps = maps_there_are();

	if (maps >= maps_needed(s))
		return s->max_sessions;
	return maps > MAPS_OTHERS ? (maps - MAPS_OTHERS) / MAPS_STACK : 1;
}

uint64_t
limits_helpers(const struct settings *s)
{
	uint64_t maps = maps_there_are(), need = maps_needed(s);

	return HELPERS_LEAST + (maps > need ? (maps - need) / MAPS_STACK : 0);
}

static void
raise_descriptors(uint64_t need)
{
	uint64_t most = read_number("/proc/sys/fs/nr_open", 1024 * 1024);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max < need && geteuid() == 0) {
		struct rlimit higher = limit;

		higher.rlim_max = need < most ? need : most;
		if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
			limit = higher;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_event(LOG_LABEL_WARN, "-", "limit of descriptors: %s",
		    strerror(errno));
	if (limit.rlim_cur < need)
		log_event(LOG_LABEL_WARN, "-", "limit of descriptors is low "
		    "limit=%" PRIu64 " needed=%" PRIu64 " hint=\"raise "
		    "LimitNOFILE or lower max_sessions\"",
		    (uint64_t)limit.rlim_cur, need);
}

void
limits_raise(const struct settings *s)
{
	uint64_t maps = maps_there_are();

	raise_descriptors(descriptors_needed(s));
	if (maps < maps_needed(s))
		log_event(LOG_LABEL_WARN, "-", "limit of memory maps is low "
		    "vm.max_map_count=%" PRIu64 " needed=%" PRIu64
		    " max_sessions=%" PRIu64 " hint=\"raise it or lower "
		    "max_sessions\"", maps, maps_needed(s),
		    limits_sessions(s));
}
