#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "milter/command.h"
#include "milter/dialogue.h"
#include "tests/kit/milter_drive.h"
#include "tests/kit/milter_part.h"
#include "tests/kit/spooled.h"
#include "tests/kit/t.h"

#define LONG		(20 * CLOCK_S)
#define SHORT		(30 * CLOCK_MS)	/* for silence to be noticed */
#define SHORT_MOST	(2 * CLOCK_S)	/* on a machine that is busy */
#define BODY_MOST	100000		/* of a new one */
#define ALL_ACTIONS	0x1ffu

static char		  folder[] = "/tmp/dialogue-test-XXXXXX";
static struct addr	  place;
static const char	 *host;		/* of that place; NULL: its address */
static struct milter_part filter;
static int64_t		  patience = SHORT;

/* --- the dialogue --- */

static const char	*drive;
static struct buf	 shown;

static void
set_conf(struct dialogue_conf *conf)
{
	int64_t time = filter.scene->manner == MILTER_SILENT ||
	    filter.scene->manner == MILTER_FOREVER ? patience : LONG;

	*conf = (struct dialogue_conf){ .name = "test", .addr = place,
	    .host = host, .port = addr_port(&place),
	    .connect_time = time, .command_time = time, .body_time = time,
	    .end_time = time, .most_time = 2 * time, .body_most = BODY_MOST,
	    .spool_dir = folder };
}

static MAY_YIELD void
run_dialogue(void *arg)
{
	static const struct span macros[MACRO_COUNT];
	struct dialogue_conf conf;

	(void)arg;
	set_conf(&conf);
	milter_drive(&conf, macros, drive, &shown);
}

static const char *
play(const struct milter_scene *s, const char *steps)
{
	filter.scene = s;
	drive = steps;
	buf_clear(&shown);
	fiber_spawn("filter", milter_part_play, &filter);
	fiber_spawn("dialogue", run_dialogue, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	buf_printf(&shown, " | %s%s", filter.heard,
	    filter.body_is_right ? "" : " wrong body");
	buf_put(&shown, "", 1);
	return shown.p;
}

/* --- what is said, heard and held --- */

#define NO_ANSWERS	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | \
			    SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | \
			    SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN)
#define NO_COMMANDS	(SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | \
			    SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOHDRS | \
			    SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA)
#define ONE(text)	{ text, sizeof(text) - 1 }
#define REPLY		ONE("\0\0\0\21y450 4.7.1 later\0")

static const struct {
	const char	*name;
	struct milter_scene scene;
	const char	*drive, *want;
} cases[] = {
	{ "all that there is", { 0 }, "CHUMRRTLLNBE",
	    "CHUMRRTLLNBE | OCHUMRRTLLNBBBEQ" },
	{ "two mails", { 0 }, "CHMRTLNBEMRTLNBE",
	    "CHMRTLNBEMRTLNBE | OCHMRTLNBBBEMRTLNBBBEQ" },
	{ "a spool", { 0 }, "CHMRTLNSE", "CHMRTLNSE | OCHMRTLNBBBEQ" },
	{ "large packets", { .steps = SMFIP_MDS_256K }, "CHMRTLNSE",
	    "CHMRTLNSE | OCHMRTLNBEQ" },
	{ "no commands", { .steps = NO_COMMANDS }, "CHUMRTLNBE",
	    "CHUMRTLNBE | OEQ" },
	{ "no answers", { .steps = NO_ANSWERS }, "CHUMRTLNBE",
	    "CHUMRTLNBE | OCHUMRTLNBBBEQ" },
	{ "no answers, and a spool", { .steps = NO_ANSWERS }, "CHMRTLNSE",
	    "CHMRTLNSE | OCHMRTLNBBBEQ" },
	{ "no answers, and RSET", { .steps = NO_ANSWERS }, "CHMRAMR",
	    "CHMRAMR | OCHMRAMRAQ" },
	{ "RSET", { 0 }, "CHMRAMRTLNBEA", "CHMRAMRTLNBEA | "
	    "OCHMRAMRTLNBBBEQ" },
	{ "MAIL after MAIL", { 0 }, "CHMMRA", "CHMMRA | OCHMAMRAQ" },
	{ "the client goes in a mail", { 0 }, "CHMR", "CHMR | OCHMRAQ" },
	{ "RSET without a mail", { 0 }, "CHA", "CHA | OCHQ" },
	{ "the next client", { 0 }, "CHMREKCHMRTLNBEK?C",
	    "CHMREKCHMRTLNBEK usableC | OCHMREKCHMRTLNBBBEKCQ" },
	{ "the next client, in a mail", { 0 }, "CHMRK",
	    "CHMR no-nextK | OCHMRAQ" },
	{ "the next client, but it was accepted", { .at = 'E',
	    .answer = ONE("\0\0\0\1a") }, "CHMREK",
	    "CHMRE(accept) no-nextK | OCHMREQ" },
	{ "accepted at connect", { .at = 'C', .answer = ONE("\0\0\0\1a") },
	    "CHMRTLNBEM", "C(accept)H(accept)M(accept)R(accept)T(accept)"
	    "L(accept)N(accept)B(accept)E(accept)M(accept) | OCQ" },
	{ "accepted at HELO: no next client", { .at = 'H',
	    .answer = ONE("\0\0\0\1a") }, "CHMK",
	    "CH(accept)M(accept) no-nextK | OCHQ" },
	{ "refused at connect", { .at = 'C', .answer = ONE("\0\0\0\1r") },
	    "CHM", "C(reject)H(reject)M(reject) | OCQ" },
	{ "deferred at connect", { .at = 'C', .answer = ONE("\0\0\0\1t") },
	    "CHMAM", "C(tempfail)H(tempfail)M(tempfail)AM(tempfail) | OCQ" },
	{ "a reply at HELO", { .at = 'H', .answer = REPLY }, "CHM",
	    "CH(450 4.7.1 later)M(450 4.7.1 later) | OCHQ" },
	{ "accepted at MAIL", { .at = 'M', .answer = ONE("\0\0\0\1a") },
	    "CHMRTLNBEMR", "CHM(accept)R(accept)T(accept)L(accept)N(accept)"
	    "B(accept)E(accept)MR | OCHMMRAQ" },
	{ "refused at MAIL", { .at = 'M', .answer = ONE("\0\0\0\1r") },
	    "CHMAMR", "CHM(reject)AMR | OCHMMRAQ" },
	{ "one recipient is refused", { .at = 'R',
	    .answer = ONE("\0\0\0\1r") }, "CHMRRTLNBE",
	    "CHMR(reject)RTLNBE | OCHMRRTLNBBBEQ" },
	{ "one recipient is deferred", { .at = 'R', .nth = 1,
	    .answer = REPLY }, "CHMRRRT",
	    "CHMRR(450 4.7.1 later)RT | OCHMRRRTAQ" },
	{ "accepted at RCPT", { .at = 'R', .answer = ONE("\0\0\0\1a") },
	    "CHMRRTE", "CHMR(accept)R(accept)T(accept)E(accept) | OCHMRQ" },
	{ "discarded at RCPT", { .at = 'R', .answer = ONE("\0\0\0\1d") },
	    "CHMRRE", "CHMR(discard)R(discard)E(discard) | OCHMRAQ" },
	{ "refused at DATA", { .at = 'T', .answer = ONE("\0\0\0\1r") },
	    "CHMRTAM", "CHMRT(reject)AM | OCHMRTAMAQ" },
	{ "refused in the header", { .at = 'L', .nth = 1,
	    .answer = ONE("\0\0\0\1t") }, "CHMRTLLLNBE", "CHMRTLL(tempfail)"
	    "L(tempfail)N(tempfail)B(tempfail)E(tempfail) | OCHMRTLLAQ" },
	{ "refused at its end", { .at = 'N', .answer = REPLY }, "CHMRTLNBE",
	    "CHMRTLN(450 4.7.1 later)B(450 4.7.1 later)E(450 4.7.1 later) | "
	    "OCHMRTLNAQ" },
	{ "refused in the body", { .at = 'B', .nth = 1,
	    .answer = ONE("\0\0\0\1r") }, "CHMRTLNBE",
	    "CHMRTLNB(reject)E(reject) | OCHMRTLNBBAQ" },
	{ "accepted in a spooled body", { .at = 'B',
	    .answer = ONE("\0\0\0\1a") }, "CHMRTLNSE",
	    "CHMRTLNS(accept)E(accept) | OCHMRTLNBQ" },
	{ "enough of the body", { .steps = SMFIP_SKIP, .at = 'B',
	    .answer = ONE("\0\0\0\1s") }, "CHMRTLNSSEMRTLNBE",
	    "CHMRTLNSSEMRTLNBE | OCHMRTLNBEMRTLNBBBEQ" },
	{ "SKIP without leave", { .at = 'B', .answer = ONE("\0\0\0\1s") },
	    "CHMRTLNBE", "CHMRTLN syntax: milter test: body: the filter "
	    "answered \"skip\" to body without having asked for that when it "
	    "was connected | OCHMRTLNB" },
	{ "refused at the end", { .at = 'E', .answer = ONE("\0\0\0\1r") },
	    "CHMRTLNBEMR", "CHMRTLNBE(reject)MR | OCHMRTLNBBBEMRAQ" },
	{ "an unknown command is refused", { .at = 'U',
	    .answer = ONE("\0\0\0\1r") }, "CHMURU", "CHMU(reject)RU | "
	    "OCHMURUAQ" },
	{ "shutdown at MAIL", { .at = 'M', .answer = ONE("\0\0\0\0014") },
	    "CHMAM", "CHM(shutdown)AM(shutdown) | OCHMAQ" },
	{ "connection failure at RCPT", { .at = 'R',
	    .answer = ONE("\0\0\0\1f") }, "CHMRRAM",
	    "CHMR(connection failure)R(connection failure)"
	    "AM(connection failure) | OCHMRAQ" },
	{ "progress", { .at = 'M',
	    .answer = ONE("\0\0\0\1p\0\0\0\1p\0\0\0\1c") }, "CHMR",
	    "CHMR | OCHMRAQ" },
	{ "a field larger than a packet", { 0 }, "CHMRTXLE",
	    "CHMRT configuration: milter test: header: a header field of "
	    "150009 octets is more than the filter takes (65535) | OCHMRT" },
	{ "two answers", { .at = 'M',
	    .answer = ONE("\0\0\0\1c\0\0\0\1c") }, "CHM?R",
	    "CHM gone syntax: milter test: RCPT: the filter has sent 5 octets "
	    "that nobody waited for | OCHM" },
	{ "an answer that nobody waits for", { .steps = SMFIP_NR_HELO,
	    .at = 'H', .answer = ONE("\0\0\0\1c") }, "CH?M",
	    "CH gone syntax: milter test: MAIL: the filter has sent 5 octets "
	    "that nobody waited for | OCH" },
	{ "two answers to the message", { .at = 'E', .answer =
	    ONE("\0\0\0\1c\0\0\0\1r") }, "CHMRE",
	    "CHMR syntax: milter test: end of message: the filter has sent 5 "
	    "octets behind its answer | OCHMRE" },
	{ "an answer that is not the message's", { .steps = SMFIP_NR_BODY |
	    SMFIP_NR_EOH, .at = 'N', .answer = ONE("\0\0\0\1c") }, "CHMRNE",
	    "CHMRN syntax: milter test: end of message: the filter has sent 5 "
	    "octets behind its answer | OCHMRNE" },
	{ "discard at HELO", { .at = 'H', .answer = ONE("\0\0\0\1d") }, "CHM",
	    "C syntax: milter test: HELO: the filter answered \"discard\" to "
	    "HELO, where it cannot be | OCH" },
	{ "options of another protocol", { .at = 'O',
	    .answer = ONE("\0\0\0\15O\0\0\0\11\0\0\0\0\0\0\0\0") }, "C",
	    "configuration: milter test: options: the filter speaks version 9 "
	    "of the protocol, not one of 2 to 6 | O" },
	/* edits */
	{ "edits", { .actions = ALL_ACTIONS, .at = 'E', .answer =
	    ONE("\0\0\0\5hX\0a\0" "\0\0\0\5bab\r\n" "\0\0\0\17-<b@x.example>\0"
	    "\0\0\0\4bcde" "\0\0\0\1p" "\0\0\0\4qno\0" "\0\0\0\1c") },
	    "CHMRE", "CHMRE <add header> <delete recipient> <quarantine> "
	    "<body of 7>ab\r\ncde | OCHMREQ" },
	{ "an empty body", { .actions = ALL_ACTIONS, .at = 'E',
	    .answer = ONE("\0\0\0\1b\0\0\0\1a") }, "CHMRE",
	    "CHMRE(accept) <body of 0> | OCHMREQ" },
	{ "edits, and then not", { .actions = ALL_ACTIONS, .at = 'E',
	    .answer = ONE("\0\0\0\5hX\0a\0\0\0\0\3bab\0\0\0\1r") },
	    "CHMRE", "CHMRE(reject) | OCHMREQ" },
	{ "edits too early", { .actions = ALL_ACTIONS, .at = 'M',
	    .answer = ONE("\0\0\0\5hX\0a\0\0\0\0\1c") }, "CHMRE",
	    "CH syntax: milter test: MAIL: the filter answered \"add header\" "
	    "to MAIL, where it cannot be | OCHM" },
	{ "edits without leave", { .actions = SMFIF_ADDHDRS, .at = 'E',
	    .answer = ONE("\0\0\0\3bab\0\0\0\1c") }, "CHMRE",
	    "CHMR syntax: milter test: end of message: the filter answered "
	    "\"replace body\" to end of message without having asked for that "
	    "when it was connected | OCHMRE" },
};

/* --- every step, and whatever may happen there --- */

static const struct {
	const char	*name;
	enum milter_manner manner;
	struct span	 answer;
	const char	*want;		/* is in the error */
} troubles[] = {
	{ "closes", MILTER_CLOSES, { 0 }, "closed by the peer" },
	{ "says nothing", MILTER_SILENT, { 0 }, "timed out" },
	{ "makes progress for ever", MILTER_FOREVER, { 0 }, "" },
	{ "garbage", MILTER_SAYS, ONE("HTTP/1.1 400 Bad Request\r\n"),
	    "a packet '/'" },
	{ "an oversized packet", MILTER_SAYS, ONE("\0\1\0\1cxxxx"),
	    "a packet 'c' of 65537 octets" },
	{ "an empty packet", MILTER_SAYS, ONE("\0\0\0\0cccc"),
	    "a packet without a command" },
	{ "an unknown answer", MILTER_SAYS, ONE("\0\0\0\1z"), "'z'" },
	{ "data where none is", MILTER_SAYS, ONE("\0\0\0\2cx"), "" },
};

static void
trouble_test(char letter, const char *at, size_t i)
{
	struct milter_scene s = { .at = letter, .manner = troubles[i].manner,
	    .answer = troubles[i].answer };
	char name[100], where[100];
	const char *text;

	snprintf(name, sizeof(name), "%s at %s", troubles[i].name, at);
	snprintf(where, sizeof(where), ": milter test: %s: ", at);
	patience = SHORT;
	while (strstr(text = play(&s, "CHUMRTLNBE"), where) == NULL &&
	    strstr(text, "timed out") != NULL && patience < SHORT_MOST)
		patience *= 4;	/* a step before it was not done in time */
	if (strstr(text, where) == NULL ||
	    strstr(text, troubles[i].want) == NULL ||
	    strstr(text, "goes on") != NULL)
		T_STR(name, text, where);
	else
		T_OK(name, true);
}

/* --- limits --- */

static struct span
many(struct buf *b, size_t n, struct span packet, size_t data)
{
	static const char filler[1000];

	buf_clear(b);
	for (size_t i = 0; i < n; i++) {
		size_t at = packet_begin(b, packet.p[0]);

		buf_put(b, packet.p + 1, packet.len - 1);
		buf_put(b, filler, data);
		packet_end(b, at);
	}
	packet_put(b, SMFIR_CONTINUE, span_n(NULL, 0));
	return buf_text(b);
}

static void
limits_test(void)
{
	struct milter_scene s = { .actions = ALL_ACTIONS, .at = 'E' };
	struct span packet = SPAN_LIT("hX\0v\0");
	struct buf b = { 0 };

	s.answer = many(&b, DIALOGUE_EDITS, packet, 0);
	T_STR("the most edits", play(&s, "CE"), "CE <1000 edits> | OCEQ");
	s.answer = many(&b, DIALOGUE_EDITS + 1, packet, 0);
	T_OK("one more", strstr(play(&s, "CE"), "C syntax: milter test: "
	    "end of message: more than 1000 edits |") != NULL);
	s.answer = many(&b, 100, SPAN_LIT("b"), 1000);
	T_OK("the largest body", strstr(play(&s, "CE"),
	    "CE <body of 100000>") != NULL);
	s.answer = many(&b, 101, SPAN_LIT("b"), 1000);
	T_OK("a larger one", strstr(play(&s, "CE"), "C syntax: milter test: "
	    "end of message: a new body of more than 100000 octets") != NULL);
	buf_clear(&b);
	for (int i = 0; i < 30; i++) {
		size_t at = packet_begin(&b, SMFIR_ADDHEADER);

		buf_put(&b, "X", 2);
		for (int n = 0; n < 600; n++)
			buf_printf(&b, "%060d\n\t", n);
		buf_put(&b, "v", 2);
		packet_end(&b, at);
	}
	s.answer = buf_text(&b);
	T_OK("octets of edits", strstr(play(&s, "CE"), "C syntax: milter test:"
	    " end of message: edits of more than 1048576 octets") != NULL);
	s.at = 'M';
	s.answer = many(&b, DIALOGUE_PROGRESS + 1, SPAN_LIT("p"), 0);
	T_OK("too much progress", strstr(play(&s, "CM"), "C syntax: milter "
	    "test: MAIL: more than 4096 packets of progress") != NULL);
	buf_free(&b);
}

/* No filter there. */
static MAY_YIELD void
absent(void *arg)
{
	struct dialogue_conf conf;
	struct dialogue *d = NULL;
	struct err err;

	(void)arg;
	set_conf(&conf);
	T_INT("no filter: fails", dialogue_open(&conf, &d, &err), -1);
	T_OK("no filter: says so", strncmp(err.text, "milter test: connect: ",
	    22) == 0);
	T_OK("no filter: no dialogue", d == NULL);
}

static bool
listen_at(const char *text)
{
	struct err err;
	int s;

	if (addr_parse(span_z(text), &place, &err) < 0)
		abort();
	s = socket(place.u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	filter.listener = s;
	if (s >= 0 && bind(s, &place.u.sa, place.len) == 0 &&
	    listen(s, 8) == 0 && getsockname(s, &place.u.sa, &place.len) == 0)
		return true;
	close(s);
	return false;
}

static void
listen_here(void)
{
	char text[60];

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(text, sizeof(text), "unix:%s/s", folder);
	if (!listen_at(text))
		abort();
}

static void
network_test(const char *name, const char *text, const char *at)
{
	static const struct milter_scene plain = { 0 };

	if (!listen_at(text)) {
		t_skip(name, "the machine has no such address");
		return;
	}
	T_STR(name, play(&plain, "CHMRTLNBE"), "CHMRTLNBE | OCHMRTLNBBBEQ");
	host = at;
	T_STR(name, play(&plain, "CE"), "CE | OCEQ");
	host = NULL;
	close(filter.listener);
}

/* Spools whose memory is used up by another, or that have none. */
static void
file_test(void)
{
	struct arena *a = arena_create("file test");
	struct err err;

	spool_memory(256 * 1024);
	if (spooled_fill(spool_open(a, folder), 1024 * 1024, 10000, &err) < 0)
		abort();
	T_STR("a body in memory and in a file", play(&cases[0].scene, "CMSE"),
	    "CMSE | OCMBBBEQ");
	arena_destroy(&a);
	spool_memory(0);
	T_STR("a body in a file", play(&cases[0].scene, "CMSE"),
	    "CMSE | OCMBBBEQ");
}

int
main(void)
{
	static const char steps[] = "OCHUMRTLNBE";

	loop_create();
	spool_memory(1024 * 1024);
	listen_here();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, play(&cases[i].scene, cases[i].drive),
		    cases[i].want);
	for (const char *at = steps; *at != '\0'; at++)
		for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]);
		    i++)
			trouble_test(*at, command_name(*at), i);
	limits_test();
	file_test();
	close(filter.listener);
	unlink(place.u.un.sun_path);
	network_test("inet", "127.0.0.1:0", "127.0.0.1");
	network_test("inet6", "[::1]:0", "::1");
	fiber_spawn("absent", absent, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	rmdir(folder);
	buf_free(&shown);
	loop_destroy();
	return t_done();
}
