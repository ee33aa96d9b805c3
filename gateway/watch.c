#include <sys/ioctl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_value.h"
#include "gateway/control.h"
#include "gateway/exit_code.h"
#include "gateway/watch.h"
#include "gateway/watch_text.h"

#define TURN		(1 * CLOCK_S)
#define SAMPLES		6	/* rates are over five seconds */
#define ANSWER_S	5
#define ENTER		"\033[?1049h\033[?25l"	/* other screen, no cursor */
#define LEAVE		"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_REST	"\033[J"

struct taken {
	struct arena		*arena;		/* NULL: none */
	struct watch_sample	 sample;
};

struct watch {
	const char	*control;
	bool		 is_screen, has_keys, is_plain;
	struct termios	 before;		/* of the keys */
	struct taken	 taken[SAMPLES];	/* the oldest first */
	size_t		 n;
	struct err	 trouble;		/* kind 0: none */
	bool		 was_there;
};

static volatile sig_atomic_t is_over;

static void
on_signal(int number)
{
	(void)number;
	is_over = true;
}

/* --- samples --- */

static void
forget_oldest(struct watch *w)
{
	arena_destroy(&w->taken[0].arena);
	w->n--;
	memmove(&w->taken[0], &w->taken[1], w->n * sizeof(w->taken[0]));
}

static void
forget_all(struct watch *w)
{
	while (w->n > 0)
		forget_oldest(w);
}

static int
read_answer(struct arena *a, int code, const struct buf *text,
    struct watch_sample *sample, struct err *err)
{
	struct span copy = span_n(arena_copy(a, buf_text(text)), text->len);

	if (code != EXIT_GOOD)
		return err_set(err, ERR_UNAVAIL, "%.*s",
		    (int)(copy.len > 0 ? copy.len - 1 : 0), copy.p);
	return watch_sample_read(a, copy, sample, err);
}

static int
take(struct watch *w, struct err *err)
{
	struct taken new = { .arena = arena_create("watch") };
	struct buf text = {0};
	int code, ret;

	clock_tick();
	ret = control_ask(w->control, "stats all", ANSWER_S, &code, &text,
	    err);
	if (ret == 0)
		ret = read_answer(new.arena, code, &text, &new.sample, err);
	buf_free(&text);
	if (ret < 0) {
		arena_destroy(&new.arena);
		return -1;
	}
	/* A gateway that began anew counts from zero. */
	if (w->n > 0 && new.sample.up < w->taken[w->n - 1].sample.up)
		forget_all(w);
	if (w->n == SAMPLES)
		forget_oldest(w);
	w->taken[w->n++] = new;
	return 0;
}

/* --- the screen --- */

static void
find_size(struct watch_page *page)
{
	struct winsize size;

	*page = (struct watch_page){ .width = 80, .height = 24 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0 && size.ws_row > 0) {
		page->width = size.ws_col;
		page->height = size.ws_row;
	}
}

static void
put_trouble(const struct watch *w, struct buf *out)
{
	buf_puts(out, w->was_there ? "the gateway is gone: " : "");
	log_value_words(out, span_z(w->trouble.text));
	buf_puts(out, "\n");
}

static void
show_screen(struct watch *w)
{
	struct buf page = {0}, out = {0};
	struct watch_page size;
	struct span rest, line;

	find_size(&size);
	size.is_plain = w->is_plain;
	/* The last line stays free: what ends there would scroll. */
	size.height--;
	if (w->trouble.kind != 0) {
		put_trouble(w, &page);
		size.height -= size.height > 0;
	}
	if (w->n > 0)
		watch_text_page(&page, &size, &w->taken[0].sample,
		    &w->taken[w->n - 1].sample);
	buf_puts(&out, HOME);
	for (rest = buf_text(&page); rest.len > 0;) {
		line = span_until(&rest, '\n');
		buf_span(&out, line);
		buf_puts(&out, CLEAR_LINE "\r\n");
	}
	buf_puts(&out, CLEAR_REST);
	fwrite(out.p, 1, out.len, stdout);
	fflush(stdout);
	buf_free(&page);
	buf_free(&out);
}

/* False: nobody reads any more. */
static bool
show_line(struct watch *w)
{
	struct buf out = {0};
	bool is_read;

	if (w->trouble.kind != 0)
		put_trouble(w, &out);
	else
		watch_text_line(&out, &w->taken[0].sample,
		    &w->taken[w->n - 1].sample);
	is_read = fwrite(out.p, 1, out.len, stdout) == out.len &&
	    fflush(stdout) == 0;
	buf_free(&out);
	return is_read;
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

/* All that are in use can, but those that say that they cannot: the shell of
 * an editor, a log of somebody's console. */
static bool
can_move_cursor(void)
{
	return is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
}

static void
enter(struct watch *w)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios keys;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	w->is_screen = isatty(STDOUT_FILENO) && can_move_cursor();
	w->is_plain = is_set("NO_COLOR");
	w->has_keys = isatty(STDOUT_FILENO) &&
	    tcgetattr(STDIN_FILENO, &w->before) == 0;
	if (w->has_keys) {
		keys = w->before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VSUSP] = _POSIX_VDISABLE;
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	if (w->is_screen)
		fputs(ENTER, stdout);
}

static void
leave(const struct watch *w)
{
	if (w->is_screen) {
		fputs(LEAVE, stdout);
		fflush(stdout);
	}
	if (w->has_keys)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &w->before);
}

/* Until the next turn, a key or a signal. A new size is a signal too, which
 * ends poll(). */
static void
pause_until(struct watch *w, int64_t until)
{
	struct pollfd p = { .fd = w->has_keys ? STDIN_FILENO : -1,
	    .events = POLLIN };
	int64_t now;
	char key;
	int n;

	while (!is_over && (clock_tick(), now = clock_now()) < until) {
		n = poll(&p, 1, (int)((until - now) / CLOCK_MS) + 1);
		if (n < 0 && errno == EINTR)
			return;
		if (n <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			p.fd = -1;	/* the terminal is gone */
		else if (key == 'q' || key == 'Q')
			is_over = true;
	}
}

static void
on_resize(int number)
{
	(void)number;
}

int
watch_run(const char *control)
{
	const struct sigaction resize = { .sa_handler = on_resize };
	struct watch w = { .control = control };
	int64_t until;

	clock_tick();
	if (take(&w, &w.trouble) < 0) {
		fprintf(stderr, "forepost: %s\n", w.trouble.text);
		return EXIT_RUNTIME;
	}
	w.trouble.kind = 0;
	w.was_there = true;
	sigaction(SIGWINCH, &resize, NULL);
	enter(&w);
	while (!is_over) {
		until = clock_now() + TURN;
		if (w.is_screen)
			show_screen(&w);
		else if (!show_line(&w)) {
			if (errno == EPIPE)	/* no fault: `| head` */
				clearerr(stdout);
			break;
		}
		pause_until(&w, until);
		w.trouble.kind = 0;
		if (!is_over && take(&w, &w.trouble) < 0 &&
		    w.trouble.kind == 0)
			w.trouble.kind = ERR_UNAVAIL;
	}
	leave(&w);
	forget_all(&w);
	return EXIT_GOOD;
}
