/*
 * names -- a DNS server for a world of clients and senders without end
 *
 *	names [-d milliseconds] [-k FILE] 127.0.0.1:PORT
 *
 *	-d N	every answer comes N ms after its question (default 0)
 *	-k FILE	the private key (PEM) whose public half every DKIM key record
 *		has; without it there are none
 *
 * It answers over UDP for these names, which are beneath bench.example if they
 * do not end in in-addr.arpa or test, whatever stands for W.X.Y.Z (in 10.0.0.0/8
 * and 198.18.0.0/15) and N:
 *
 *	Z.Y.X.W.in-addr.arpa	PTR cW-X-Y-Z.clients.bench.example
 *	cW-X-Y-Z.clients	A, and TXT "v=spf1 a -all" for its HELO
 *	dN.senders		A, MX, and TXT that passes for 198.18.0.0/15
 *	dN.test			the same, each a registrable domain of its own
 *	dN.including		the same, TXT with an include
 *	_dmarc.DOMAIN		TXT p=reject, for both sorts of domains
 *	S._domainkey.DOMAIN	the key
 *	Z.Y.X.W.lN.lists	a DNS list: it has 127.0.0.2, and on l1 every
 *				client whose Z is divisible by 8
 *
 * A name with a label "silent" anywhere (dN.silent, Z.Y.X.W.silent.lists)
 * never gets an answer. All else is NXDOMAIN, or NODATA for another type. All
 * may be kept for an hour.
 *
 * At SIGUSR1 it prints a line of how many questions of each sort it got, at
 * SIGTERM or SIGINT too, and then it leaves.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/net.h"
#include "tests/bench/packet.h"

#define ZONE		".bench.example"
#define KEY_MAX		800	/* base64, of 4096 bits and less */
#define SOCKET_BUFFER	(4 << 20) /* a thousand questions come at once */

/* What a question is asked for; the names of the counts. */
enum sort { SORT_PTR, SORT_ADDRESS, SORT_LIST, SORT_SPF, SORT_DMARC, SORT_KEY,
    SORT_MX, SORT_OTHER, SORT_SILENT, SORTS };
static const char *const sort_names[SORTS] = {
	[SORT_PTR] = "ptr", [SORT_ADDRESS] = "address", [SORT_LIST] = "list",
	[SORT_SPF] = "spf", [SORT_DMARC] = "dmarc", [SORT_KEY] = "key",
	[SORT_MX] = "mx", [SORT_OTHER] = "other", [SORT_SILENT] = "silent",
};

/* Answers wait in the order of their questions: all wait as long. */
struct late {
	struct late		*next;
	int64_t			 due;
	struct sockaddr_in	 to;
	struct packet		 packet;
};

static struct {
	int		 udp, timer;
	int64_t		 delay;			/* us */
	char		 key[KEY_MAX];		/* base64 */
	uint64_t	 asked[SORTS];
	struct late	*first, **last;
} names = { .last = &names.first };

/* --- what there is --- */

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool
is_client(unsigned ip)
{
	return ip >> 24 == 10 || ip >> 17 == (198u << 24 | 18 << 16) >> 17;
}

/* The four numbers that a name begins with, and how far they reach. */
static int
numbers(const char *name, const char *format, unsigned b[4])
{
	int n = 0;

	if (sscanf(name, format, &b[0], &b[1], &b[2], &b[3], &n) != 4)
		return 0;
	return b[0] < 256 && b[1] < 256 && b[2] < 256 && b[3] < 256 ? n : 0;
}

#define IP(a, b, c, d)	((a) << 24 | (b) << 16 | (c) << 8 | (d))

static enum sort
reverse(const struct question *q, struct packet *k, enum rcode *rcode)
{
	char name[64];
	unsigned b[4];
	int n = numbers(q->name, "%u.%u.%u.%u%n", b);

	*rcode = RCODE_NXDOMAIN;
	if (n == 0 || strcmp(q->name + n, ".in-addr.arpa") != 0 ||
	    !is_client(IP(b[3], b[2], b[1], b[0])))
		return SORT_OTHER;
	*rcode = RCODE_OK;
	snprintf(name, sizeof name, "c%u-%u-%u-%u.clients" ZONE, b[3], b[2],
	    b[1], b[0]);
	if (q->type == TYPE_PTR)
		packet_name(k, TYPE_PTR, name);
	return SORT_PTR;
}

static enum sort
client(const struct question *q, struct packet *k, enum rcode *rcode)
{
	unsigned b[4];
	int n = numbers(q->name, "c%u-%u-%u-%u%n", b);

	*rcode = RCODE_NXDOMAIN;
	if (n == 0 || strcmp(q->name + n, ".clients" ZONE) != 0)
		return SORT_OTHER;
	*rcode = RCODE_OK;
	if (q->type == TYPE_A)
		packet_address(k, IP(b[0], b[1], b[2], b[3]));
	if (q->type == TYPE_TXT)
		packet_text(k, "v=spf1 a -all");
	return q->type == TYPE_TXT ? SORT_SPF : SORT_ADDRESS;
}

static enum sort
list(const struct question *q, struct packet *k, enum rcode *rcode)
{
	unsigned b[4];
	int n = numbers(q->name, "%u.%u.%u.%u%n", b);
	bool is_test = n > 0 && IP(b[3], b[2], b[1], b[0]) == 0x7f000002;
	bool is_listed = n > 0 && strncmp(q->name + n, ".l1.", 4) == 0 &&
	    b[0] % 8 == 0 && is_client(IP(b[3], b[2], b[1], b[0]));

	*rcode = is_test || is_listed ? RCODE_OK : RCODE_NXDOMAIN;
	if (*rcode == RCODE_OK && q->type == TYPE_A)
		packet_address(k, 0x7f000002);
	return SORT_LIST;
}

/* A domain of senders, or a name before one. */
static enum sort
domain(const struct question *q, struct packet *k, enum rcode *rcode)
{
	const char *own = strstr(q->name, "._domainkey.");
	char text[KEY_MAX + 64];
	bool is_key = own != NULL, is_dmarc, is_spf, includes;

	is_dmarc = strncmp(q->name, "_dmarc.", 7) == 0;
	is_spf = strncmp(q->name, "_spf.", 5) == 0;
	own = is_key ? own + 12 : is_dmarc ? q->name + 7 :
	    is_spf ? q->name + 5 : q->name;
	includes = ends_with(own, ".including" ZONE);
	*rcode = RCODE_NXDOMAIN;
	if (*own != 'd' || (!includes && !ends_with(own, ".senders" ZONE) &&
	    !ends_with(own, ".test")) ||
	    (is_key && names.key[0] == '\0'))
		return is_dmarc ? SORT_DMARC : SORT_OTHER;
	*rcode = RCODE_OK;
	if (q->type == TYPE_MX && own == q->name)
		packet_name(k, TYPE_MX, own);
	if (q->type == TYPE_A && own == q->name)
		packet_address(k, IP(198u, 18, 0, 1));
	if (q->type == TYPE_MX)
		return SORT_MX;
	if (q->type != TYPE_TXT)
		return SORT_ADDRESS;
	if (is_key)
		snprintf(text, sizeof text, "v=DKIM1; k=rsa; p=%s", names.key);
	else if (is_dmarc)
		snprintf(text, sizeof text, "v=DMARC1; p=reject");
	else if (includes && !is_spf)
		snprintf(text, sizeof text, "v=spf1 include:_spf.%s -all", own);
	else
		snprintf(text, sizeof text, "v=spf1 ip4:198.18.0.0/15 -all");
	packet_text(k, text);
	return is_key ? SORT_KEY : is_dmarc ? SORT_DMARC : SORT_SPF;
}

static bool
is_silent(const char *name)
{
	const char *at = strstr(name, "silent.");

	return at != NULL && (at == name || at[-1] == '.') &&
	    ends_with(name, ZONE);
}

/* The whole answer; false: none is ever sent. */
static bool
answer(const uint8_t *p, size_t n, struct packet *k)
{
	enum rcode rcode;
	enum sort sort;
	struct question q;
	const char *zone = &ZONE[1];

	if (!packet_question(p, n, &q))
		return false;
	if (is_silent(q.name)) {
		names.asked[SORT_SILENT]++;
		return false;
	}
	packet_begin(k, p, &q);
	if (ends_with(q.name, ".in-addr.arpa")) {
		zone = "in-addr.arpa";
		sort = reverse(&q, k, &rcode);
	} else if (ends_with(q.name, ".clients" ZONE))
		sort = client(&q, k, &rcode);
	else if (ends_with(q.name, ".lists" ZONE))
		sort = list(&q, k, &rcode);
	else
		sort = domain(&q, k, &rcode);
	if (packet_is_empty(k))
		packet_soa(k, zone, "ns" ZONE, "hostmaster" ZONE);
	packet_end(k, p, rcode);
	names.asked[sort]++;
	return true;
}

/* --- serving --- */

static void
set_timer(void)
{
	struct itimerspec at = { .it_value = { .tv_nsec = 0 } };

	if (names.first != NULL) {
		at.it_value.tv_sec = names.first->due / 1000000;
		at.it_value.tv_nsec = names.first->due % 1000000 * 1000;
	}
	timerfd_settime(names.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
send_answer(const struct packet *k, const struct sockaddr_in *to)
{
	/* What does not go is lost, as on any network. */
	(void)!sendto(names.udp, k->p, k->n, 0, (const struct sockaddr *)to,
	    sizeof *to);
}

static void
send_due(void)
{
	uint64_t times;
	struct late *l;

	(void)!read(names.timer, &times, sizeof times);
	while ((l = names.first) != NULL && l->due <= net_now()) {
		names.first = l->next;
		if (names.first == NULL)
			names.last = &names.first;
		send_answer(&l->packet, &l->to);
		free(l);
	}
	set_timer();
}

static void
keep(const struct packet *k, const struct sockaddr_in *to)
{
	struct late *l = malloc(sizeof *l);

	if (l == NULL)
		net_die("malloc");
	l->next = NULL;
	l->due = net_now() + names.delay;
	l->to = *to;
	l->packet = *k;
	*names.last = l;
	names.last = &l->next;
	if (names.first == l)
		set_timer();
}

static void
take_questions(void)
{
	struct sockaddr_in from;
	uint8_t in[PACKET_MAX];
	struct packet k;
	ssize_t n;

	for (;;) {
		socklen_t len = sizeof from;

		n = recvfrom(names.udp, in, sizeof in, MSG_DONTWAIT,
		    (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		if (!answer(in, (size_t)n, &k))
			continue;
		if (names.delay > 0)
			keep(&k, &from);
		else
			send_answer(&k, &from);
	}
}

static void
print_counts(void)
{
	uint64_t total = 0;

	for (int i = 0; i < SORTS; i++) {
		printf("%s=%ju ", sort_names[i], (uintmax_t)names.asked[i]);
		total += names.asked[i];
	}
	printf("total=%ju\n", (uintmax_t)total);
	fflush(stdout);
}

static void
read_key(const char *file)
{
	FILE *f = fopen(file, "r");
	EVP_PKEY *key = f == NULL ? NULL :
	    PEM_read_PrivateKey(f, NULL, NULL, NULL);
	uint8_t *der = NULL;
	int n = key == NULL ? 0 : i2d_PUBKEY(key, &der);

	if (n <= 0 || 4 * (n + 2) / 3 >= KEY_MAX) {
		fprintf(stderr, "names: %s: no private key of a size that "
		    "fits\n", file);
		exit(100);
	}
	EVP_EncodeBlock((uint8_t *)names.key, der, n);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	fclose(f);
}

static struct sockaddr_in
options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "d:k:")) != -1) {
		if (option == 'd')
			names.delay = (int64_t)(atof(optarg) * 1000);
		else if (option == 'k')
			read_key(optarg);
		else
			exit(100);
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: names [-d milliseconds] [-k FILE] "
		    "127.0.0.1:PORT\n");
		exit(100);
	}
	return net_address(argv[optind]);
}

static void
watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		net_die("epoll_ctl");
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = options(argc, argv);
	int size = SOCKET_BUFFER, epoll = epoll_create1(0), signal_fd;
	struct signalfd_siginfo got;
	struct epoll_event event;
	sigset_t signals;

	names.udp = socket(AF_INET, SOCK_DGRAM, 0);
	names.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (names.udp < 0 || names.timer < 0)
		net_die("socket");
	if (setsockopt(names.udp, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof size) < 0)
		setsockopt(names.udp, SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof size);
	if (bind(names.udp, (struct sockaddr *)&address, sizeof address) < 0)
		net_die("bind");
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, 0);
	watch(epoll, names.udp);
	watch(epoll, names.timer);
	watch(epoll, signal_fd);
	print_counts();		/* it serves from now on */
	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.fd == names.udp)
			take_questions();
		else if (event.data.fd == names.timer)
			send_due();
		else if (read(signal_fd, &got, sizeof got) == sizeof got) {
			print_counts();
			if (got.ssi_signo != SIGUSR1)
				return 0;
		}
	}
}
