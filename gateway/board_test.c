#include <sys/mman.h>
#include <sys/wait.h>

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/span.h"
#include "gateway/board.h"
#include "tests/kit/t.h"

#define ROUNDS	30	/* writers that are killed */
#define READS	300	/* while each of them writes */

static struct board *board;

/* A text that shows by itself whether it is whole. */
static size_t
make_text(char *out, unsigned n)
{
	size_t len = 1 + n % 9000;

	memset(out, 'a' + (int)(n % 23), len);
	out[0] = (char)('a' + len % 26);
	return len;
}

static bool
is_whole(struct span text)
{
	if (text.len == 0 || text.p[0] != (char)('a' + text.len % 26))
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (text.p[i] != text.p[1])
			return false;
	}
	return true;
}

static void
test_one(void)
{
	struct buf out = {0};
	char *big = malloc(BOARD_TEXT + 100);

	memset(big, 'x', BOARD_TEXT + 100);
	T_INT("a new one has no text", board_read(board, &out), -1);
	board_write(board, SPAN_LIT("seven77"));
	buf_puts(&out, "<");
	T_INT("text", board_read(board, &out), 0);
	T_OK("is put behind what is there",
	    span_is(buf_text(&out), "<seven77"));
	buf_clear(&out);
	board_write(board, span_n(big, BOARD_TEXT + 100));
	T_INT("the longest", board_read(board, &out), 0);
	T_INT("is cut", out.len, BOARD_TEXT);
	board_write(board, span_z(""));
	T_INT("an empty text is none", board_read(board, &out), -1);

	board_write(board, SPAN_LIT("abc"));
	board->length = UINT64_MAX;
	buf_clear(&out);
	T_INT("a mad length", board_read(board, &out), 0);
	T_INT("is bounded", out.len, BOARD_TEXT);

	buf_clear(&out);
	board->sequence |= 1;
	T_INT("half written", board_read(board, &out), -1);
	T_INT("leaves nothing", out.len, 0);
	board_write(board, SPAN_LIT("next"));
	T_INT("the next writer repairs it", board_read(board, &out), 0);
	T_OK("with his text", span_is(buf_text(&out), "next"));
	buf_free(&out);
	free(big);
}

static pid_t
begin_writer(unsigned first)
{
	static char text[10000];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (unsigned n = first;; n++) {
		size_t len = make_text(text, n * 7919);

		board_write(board, span_n(text, len));
		if (n % 8 == 0)
			sched_yield();
	}
}

static void
test_killed(void)
{
	struct buf out = {0};
	int torn = 0, unreadable = 0, status;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pid = begin_writer(round * 100000);

		for (int i = 0; i < READS; i++) {
			buf_clear(&out);
			if (board_read(board, &out) == 0 &&
			    !is_whole(buf_text(&out)))
				torn++;
			if (i % 16 == 0)
				sched_yield();
		}
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		buf_clear(&out);
		if (board_read(board, &out) == 0 && !is_whole(buf_text(&out)))
			torn++;
		buf_clear(&out);
		board_write(board, SPAN_LIT("bb"));	/* who comes next */
		if (board_read(board, &out) < 0 ||
		    !span_is(buf_text(&out), "bb"))
			unreadable++;
		board_write(board, SPAN_LIT("cx"));
	}
	T_INT("no text is torn, whenever its writer is killed", torn, 0);
	T_INT("who comes next is read", unreadable, 0);
	buf_free(&out);
}

int
main(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	T_OK("shared memory", board != MAP_FAILED);
	test_one();
	board_write(board, SPAN_LIT("cx"));	/* a whole one */
	test_killed();
	return t_done();
}
