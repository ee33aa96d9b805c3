#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/chain_client.h"

#define CLIENTS		10
#define QUIET_TURNS	5	/* so many in which no filter hears a thing */

static struct {
	struct chain_drive	 drive;
	char			 folder[32];
	struct settings		 settings;
	struct milter_conf	 confs[CHAIN_DRIVE_FILTERS];
	struct milter_house	*houses[CHAIN_DRIVE_FILTERS];
	struct milters		*milters;
	struct chain_client	 clients[CLIENTS];
	struct fiber		*fibers[CLIENTS];
	size_t			 running;
	struct buf		 heard;
} d;

/* --- time --- */

static bool
has_gone(void)
{
	for (size_t i = 0; i < d.running; i++)
		if (!d.clients[i].is_gone)
			return false;
	return true;
}

static size_t
heard_so_far(void)
{
	size_t n = 0;

	for (size_t i = 0; i < d.drive.n; i++)
		if (d.houses[i] != NULL)
			n += milter_house_heard(d.houses[i]).len;
	return n;
}

/* Until `is_done`; false: nothing will happen before `most`. */
static bool
run_until(bool (*is_done)(void), int64_t most)
{
	size_t heard = 0;
	int64_t next;
	int quiet = 0;

	while (!is_done()) {
		loop_turn(false);
		if (fiber_is_ready() || heard_so_far() != heard) {
			heard = heard_so_far();
			quiet = 0;
		} else if (++quiet > QUIET_TURNS) {
			next = fiber_next_deadline();
			if (next > most)
				return false;
			if (next > clock_now())
				fake_clock_advance(next - clock_now());
			quiet = 0;
		}
	}
	return true;
}

static bool
never(void)
{
	return false;
}

void
chain_drive_wait(int64_t us)
{
	int64_t until = clock_now() + us;

	run_until(never, until);
	if (clock_now() < until)
		fake_clock_advance(until - clock_now());
	run_until(never, until);
}

/* --- several clients --- */

static void
set_conf(size_t i, const char *path)
{
	const struct chain_drive_filter *f = &d.drive.filters[i];
	static const char *const names[] = { "a", "b", "c" };
	struct milter_conf *conf = &d.confs[i];
	enum milter_failure failure = f->failure;

	*conf = (struct milter_conf){ .name = names[i],
	    .address.text = "unix:/s", .when = f->when,
	    .tell_at = f->tell_at, .authenticated = f->authenticated,
	    .connect_timeout = 10 * CLOCK_S, .command_timeout = 20 * CLOCK_S,
	    .body_timeout = 25 * CLOCK_S, .end_timeout = 120 * CLOCK_S,
	    .max_time = 300 * CLOCK_S, .failure = failure,
	    .failure_connect = failure, .failure_helo = failure,
	    .failure_mail = failure, .failure_rcpt = failure,
	    .failure_message = failure, .max_idle = f->max_idle,
	    .idle_time = 60 * CLOCK_S, .retry_time = 30 * CLOCK_S };
	d.houses[i] = milter_house_open(path, &f->scene);
	conf->address.addr = *milter_house_addr(d.houses[i]);
	if (f->is_away)
		unlink(path);
}

void
chain_drive_begin(const struct chain_drive *drive)
{
	char path[64];

	d.drive = *drive;
	if (d.drive.n == 0)
		d.drive.n = 1;
	snprintf(d.folder, sizeof(d.folder), "/tmp/chain-test-XXXXXX");
	if (mkdtemp(d.folder) == NULL)
		abort();
	for (size_t i = 0; i < d.drive.n; i++) {
		snprintf(path, sizeof(path), "%s/%zu", d.folder, i);
		set_conf(i, path);
	}
	d.settings = (struct settings){ .milters = d.confs,
	    .nmilters = d.drive.n, .spool = d.folder,
	    .smtp.max_message_size = 100000 };
	d.milters = milters_create(&d.settings);
}

void
chain_drive_reload(void)
{
	milters_destroy(&d.milters);
	d.milters = milters_create(&d.settings);
}

struct milters *
chain_drive_milters(void)
{
	return d.milters;
}

struct milter_conf *
chain_drive_conf(size_t i)
{
	return &d.confs[i];
}

struct milter_house *
chain_drive_house(size_t i)
{
	return d.houses[i];
}

void
chain_drive_clients(const char *steps, size_t n)
{
	assert(n <= CLIENTS);
	d.running = n;
	for (size_t i = 0; i < n; i++) {
		struct chain_client *c = &d.clients[i];

		buf_free(&c->shown);
		*c = (struct chain_client){ .drive = &d.drive, .steps = steps,
		    .milters = &d.milters, .folder = d.folder,
		    .began = clock_now() };
		d.fibers[i] = fiber_spawn("client", chain_client_run, c);
	}
	if (d.drive.stop_after > 0) {
		run_until(has_gone, clock_now() + d.drive.stop_after);
		for (size_t i = 0; i < n; i++)
			if (!d.clients[i].is_gone)
				fiber_stop(d.fibers[i]);
	}
	if (!run_until(has_gone, CLOCK_NEVER - 1)) {
		fprintf(stderr, "%s: everybody waits for ever\n", steps);
		abort();
	}
}

const char *
chain_drive_shown(size_t i)
{
	struct buf *shown = &d.clients[i].shown;

	buf_put(shown, "", 1);
	shown->len--;
	return shown->p;
}

int64_t
chain_drive_took(size_t i)
{
	return d.clients[i].took;
}

size_t
chain_drive_held(size_t i)
{
	return d.clients[i].held;
}

static bool
all_is_over(void)
{
	return fiber_count() == 0;
}

const char *
chain_drive_end(void)
{
	milters_destroy(&d.milters);
	run_until(never, clock_now());	/* so that they hear QUIT */
	buf_clear(&d.heard);
	for (size_t i = 0; i < d.drive.n; i++) {
		buf_puts(&d.heard, " | ");
		buf_span(&d.heard, milter_house_heard(d.houses[i]));
		milter_house_close(&d.houses[i]);
	}
	buf_put(&d.heard, "", 1);
	if (!run_until(all_is_over, CLOCK_NEVER - 1)) {
		fprintf(stderr, "%s: somebody does not end\n", d.heard.p);
		abort();
	}
	rmdir(d.folder);
	return d.heard.p;
}

const char *
chain_drive_play(const struct chain_drive *drive)
{
	static struct buf all;

	chain_drive_begin(drive);
	chain_drive_clients(drive->steps, 1);
	buf_clear(&all);
	buf_puts(&all, chain_drive_shown(0));
	buf_puts(&all, chain_drive_end());
	buf_put(&all, "", 1);
	return all.p;
}
