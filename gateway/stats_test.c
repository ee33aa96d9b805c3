#include <sys/mman.h>
#include <sys/wait.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "gateway/ring.h"
#include "gateway/stats.h"
#include "tests/kit/t.h"

/* A worker of one act: counts in its slot and leaves. */
static void
in_worker(int slot, void (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		stats_use_slot(slot);
		act();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	T_INT("worker ended well", status, 0);
}

static void
act_busy(void)
{
	stats_add(STAT_MAILS_OK, 3);
	stats_add(STAT_SESSIONS_OPEN, 2);
	stats_add(STAT_SESSIONS_OPEN, -1);
	stats_max(STAT_LOOP_LONGEST, 700);
	stats_max(STAT_LOOP_LONGEST, 200);
	stats_beat(12345);
}

static void
act_quiet(void)
{
	stats_add(STAT_MAILS_OK, 1);
	stats_add(STAT_SESSIONS_OPEN, 4);
	stats_max(STAT_LOOP_LONGEST, 300);
}

static void
test_alone(void)
{
	stats_add(STAT_COMMANDS, 2);
	T_INT("without a segment a process counts for itself",
	    stats_get(STAT_COMMANDS), 2);
}

static void
test_slots(void)
{
	int a = stats_slot_take();
	int b = stats_slot_take();

	T_OK("slots differ", a >= 0 && b >= 0 && a != b);
	in_worker(a, act_busy);
	in_worker(b, act_quiet);
	T_INT("counters add up", stats_get(STAT_MAILS_OK), 4);
	T_INT("gauges add up", stats_get(STAT_SESSIONS_OPEN), 5);
	T_INT("maximum is the greatest", stats_get(STAT_LOOP_LONGEST), 700);
	T_INT("one slot alone", stats_get_slot(a, STAT_SESSIONS_OPEN), 1);
	T_INT("sign of life", stats_last_beat(a), 12345);

	stats_slot_release(a);
	T_INT("counters outlive the worker", stats_get(STAT_MAILS_OK), 4);
	T_INT("gauges do not", stats_get(STAT_SESSIONS_OPEN), 4);
	T_INT("maxima do", stats_get(STAT_LOOP_LONGEST), 700);
	T_INT("a freed slot is used again", stats_slot_take(), a);
	T_INT("and goes on where it was", stats_get_slot(a, STAT_MAILS_OK), 3);

	stats_add(STAT_RELOADS, 1);
	T_INT("the supervisor counts too", stats_get(STAT_RELOADS), 1);
	stats_slot_release(a);
	stats_slot_release(b);
}

static struct ring *others[2];		/* of a slot before, and of one behind */

static bool
is_mapped(const void *p)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)p / page * page;

	return msync((void *)at, page, MS_ASYNC) == 0;
}

static void
act_taken_over(void)
{
	struct ring *own = stats_ring(STATS_MINE);

	stats_leave_others();
	if (is_mapped(others[0]) || is_mapped(others[1]) || !is_mapped(own))
		_exit(1);
	stats_add(STAT_MAILS_OK, 1);
	if (!ring_put(stats_ring(STATS_MINE), span_z("a mail")))
		_exit(2);
}

/* A worker has no share in its hands but its own. */
static void
test_shares_of_others(void)
{
	int first = stats_slot_take(), own = stats_slot_take();
	int64_t before = stats_get(STAT_MAILS_OK);

	others[0] = stats_ring(first);
	others[1] = stats_ring(STATS_SUPERVISOR);
	T_OK("they are there", is_mapped(others[0]) && is_mapped(others[1]));
	in_worker(own, act_taken_over);
	T_INT("what it counts then is seen", stats_get(STAT_MAILS_OK),
	    before + 1);
	stats_slot_release(first);
	stats_slot_release(own);
}

static void
test_all_taken(void)
{
	int taken = 0;

	while (stats_slot_take() >= 0)
		taken++;
	T_INT("as many slots as promised", taken, STATS_SLOTS);
	for (int i = 0; i < taken; i++)
		stats_slot_release(i);
	T_INT("counters stay through it", stats_get(STAT_MAILS_OK), 5);
}

static void
test_text(void)
{
	struct buf out = {0};

	stats_text(&out);
	buf_put(&out, "", 1);
	T_OK("text has a line for each name",
	    strstr(out.p, "mails_delivered 5\n") != NULL);
	buf_clear(&out);
	stats_json(&out);
	buf_put(&out, "", 1);
	T_OK("JSON has a member for each name",
	    strstr(out.p, "\"mails_delivered\": 5,\n") != NULL);
	T_OK("JSON ends without a comma",
	    strstr(out.p, ",\n}") == NULL && strstr(out.p, "\n}\n") != NULL);
	buf_free(&out);
}

int
main(void)
{
	struct err err;

	test_alone();
	T_INT("the segment is made", stats_create(&err), 0);
	test_slots();
	test_shares_of_others();
	test_all_taken();
	test_text();
	return t_done();
}
