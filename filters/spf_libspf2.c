#include <sys/types.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_dns_rr.h>

#include "base/dns_name.h"
#include "filters/spf_record.h"
#include "filters/spf_run.h"

/*
 * The other engine: libspf2, which asks DNS through a hook of ours, in this
 * fiber. It counts terms for each included record anew and voids not at all,
 * so the hook counts: a lookup too many is refused, and the result is then
 * permerror. What it gets to read is limited by spf_libspf2_text.c.
 */
#define NO_EXPLANATION	"no-explanation"	/* what it says without one */
#define TEXT_SPF	99	/* type SPF, which is no more: RFC 7208 3.1 */

struct hook {
	struct spf_run		*run;
	bool			 is_stopped;
	bool			 is_over;	/* a limit, for good */
	bool			 is_text_refused; /* of an include, a redirect
						     or an explanation */
	bool			 has_begun;	/* the first record was asked */
	/* The names that the last MX or PTR records gave, which it looks up
	 * one after the other: part of that term. */
	const struct dns_answer	*names;
	size_t			 next;
	bool			 names_may_be_void;
};

/* --- the limits --- */

/* Is it the address of a name that the last MX or PTR records gave? */
static bool
is_expected(struct hook *h, const char *name)
{
	struct span asked = span_z(name);

	if (asked.len > 0 && asked.p[asked.len - 1] == '.')
		asked.len--;
	while (h->names != NULL && h->next < h->names->n &&
	    h->next < SPF_LIMIT_NAMES)
		if (span_is_nocase(asked, h->names->records[h->next++].name))
			return true;
	h->names = NULL;
	return false;
}

/* May this be asked? Counts the terms, as far as lookups show them. */
static bool
may_ask(struct hook *h, const char *name, ns_type type)
{
	bool is_address = type == ns_t_a || type == ns_t_aaaa;

	if (h->is_stopped || h->is_over)
		return false;
	if (type == ns_t_txt && !h->has_begun) {
		h->has_begun = true;
		return true;
	}
	if (is_address && is_expected(h, name))
		return true;
	h->run->term_is_void = false;
	h->names = NULL;
	if (type == ns_t_txt && h->run->answer->terms == SPF_LIMIT_TERMS) {
		h->is_text_refused = true;
		return false;
	}
	if (spf_count_term(h->run) == SPF_STEP_HIT)
		return true;
	h->is_over = true;
	return false;
}

static void
count_void(struct hook *h, ns_type type)
{
	bool is_counted = type == ns_t_mx || type == ns_t_ptr ||
	    h->names == NULL || h->names_may_be_void;

	if (type != ns_t_txt && is_counted &&
	    spf_count_void(h->run) != SPF_STEP_HIT)
		h->is_over = true;
}

/* --- the hook --- */

static const void *
data_for_library(struct hook *h, const struct dns_record *r, ns_type type,
    size_t *len)
{
	const void *data = r->data.p;

	*len = r->data.len;
	if (type == ns_t_txt)
		data = spf_libspf2_text(h->run, r->data);
	else if (type == ns_t_mx || type == ns_t_ptr)
		data = r->name;
	if (data != NULL && type != ns_t_a && type != ns_t_aaaa)
		*len = strlen(data) + 1;
	return data;
}

static void
fill(struct hook *h, SPF_dns_rr_t *rr, const struct dns_answer *found)
{
	size_t len, room;

	for (size_t i = 0; i < found->n; i++) {
		const void *data = data_for_library(h, &found->records[i],
		    rr->rr_type, &len);

		if (data == NULL)
			continue;
		room = len > sizeof(SPF_dns_rr_data_t) ? len :
		    sizeof(SPF_dns_rr_data_t);
		if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, room) !=
		    SPF_E_SUCCESS)
			return;
		memcpy(rr->rr[rr->num_rr++], data, len);
	}
}

/* The outcome, in the library's terms; what was found is in *found. */
MAY_YIELD static SPF_dns_stat_t
ask(struct hook *h, const char *name, ns_type type, struct dns_answer *found)
{
	struct dns_name can_be_asked;
	enum spf_step step;

	if (type == TEXT_SPF)
		return NO_DATA;
	if (dns_name_from_text(name, &can_be_asked) < 0)
		return HOST_NOT_FOUND;
	if (!may_ask(h, name, type))
		return TRY_AGAIN;
	step = spf_ask(h->run, name, (enum dns_type)type, found);
	h->is_stopped = step == SPF_STEP_STOP;
	if (step != SPF_STEP_HIT)
		return TRY_AGAIN;
	if (found->n == 0)
		count_void(h, type);
	if (type == ns_t_mx || type == ns_t_ptr) {
		h->names = found;
		h->next = 0;
		h->names_may_be_void = type == ns_t_mx;
	}
	if (h->is_over)
		return TRY_AGAIN;
	return found->outcome == DNS_NXDOMAIN ? HOST_NOT_FOUND :
	    found->n == 0 ? NO_DATA : NETDB_SUCCESS;
}

/* Must not return NULL: the library aborts then. So out of memory stops the
 * process, as everywhere. */
MAY_YIELD static SPF_dns_rr_t *
look_up(SPF_dns_server_t *server, const char *name, ns_type type,
    int should_cache)
{
	struct hook *h = server->hook;
	struct dns_answer *found = arena_new(h->run->arena, struct dns_answer);
	SPF_dns_stat_t status = ask(h, name, type, found);
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(server, name, type, 0, status);

	(void)should_cache;
	if (rr != NULL && status == NETDB_SUCCESS) {
		fill(h, rr, found);
		if (rr->num_rr == 0)
			rr->herrno = NO_DATA;
	}
	return rr;
}

/* --- the evaluation --- */

/* Where its result is "invalid", the code tells. */
static enum spf_result
result_of(const struct hook *h, SPF_response_t *response, SPF_errcode_t code)
{
	static const enum spf_result results[] = {
		[SPF_RESULT_NEUTRAL] = SPF_NEUTRAL,
		[SPF_RESULT_PASS] = SPF_PASS,
		[SPF_RESULT_FAIL] = SPF_FAIL,
		[SPF_RESULT_SOFTFAIL] = SPF_SOFTFAIL,
		[SPF_RESULT_NONE] = SPF_NONE,
		[SPF_RESULT_TEMPERROR] = SPF_TEMPERROR,
		[SPF_RESULT_PERMERROR] = SPF_PERMERROR,
	};
	SPF_result_t result = SPF_RESULT_INVALID;

	if (response != NULL)
		result = SPF_response_result(response);
	/* When the text of an explanation was refused, it is a fail still. */
	if (h->is_over || (h->is_text_refused && result != SPF_RESULT_FAIL))
		return SPF_PERMERROR;
	if (result != SPF_RESULT_INVALID)
		return results[result];
	return code == SPF_E_DNS_ERROR ? SPF_TEMPERROR : SPF_PERMERROR;
}

/* Which of its messages tells why there is an error. */
static void
tell_problem(struct spf_run *run, SPF_response_t *response,
    SPF_errcode_t code)
{
	char shown[SPF_SHOWN];

	for (int i = 0; response != NULL &&
	    i < SPF_response_messages(response); i++) {
		SPF_error_t *e = SPF_response_message(response, i);

		if (SPF_error_errorp(e))
			spf_problem(run, "%s", spf_shown(
			    span_z(SPF_error_message(e)), shown));
	}
	spf_problem(run, "%s", spf_shown(span_z(SPF_strerror(code)), shown));
}

static void
take_answer(struct hook *h, SPF_response_t *response, SPF_errcode_t code)
{
	struct spf_run *run = h->run;
	struct spf_answer *answer = run->answer;
	const char *text;

	if (code == SPF_E_SUCCESS && response != NULL)
		code = SPF_response_errcode(response);
	answer->result = result_of(h, response, code);
	if (h->is_text_refused && answer->result == SPF_PERMERROR)
		spf_count_term(run);	/* says what is over */
	if (answer->result == SPF_NONE || answer->result >= SPF_TEMPERROR)
		tell_problem(run, response, code);
	else
		answer->problem = NULL;
	if (answer->result != SPF_FAIL)
		return;
	text = SPF_response_get_explanation(response);
	if (text != NULL && strcmp(text, NO_EXPLANATION) != 0)
		spf_explain(run, arena_printf(run->arena, "%.*s",
		    SPF_LIMIT_EXPLANATION, text));
}

static SPF_request_t *
request(struct spf_run *run, SPF_server_t *server)
{
	SPF_request_t *r = SPF_request_new(server);

	if (run->ip_type == DNS_A)
		SPF_request_set_ipv4(r, run->client->u.in.sin_addr);
	else
		SPF_request_set_ipv6(r, run->client->u.in6.sin6_addr);
	SPF_request_set_helo_dom(r, run->helo[0] != '\0' ? run->helo :
	    "unknown");
	SPF_request_set_env_from(r, run->values.sender.p);
	return r;
}

MAY_YIELD int
spf_libspf2_evaluate(struct spf_run *run)
{
	struct hook hook = { .run = run };
	SPF_dns_server_t dns = { .lookup = look_up, .name = "forepost",
	    .hook = &hook };
	SPF_response_t *response = NULL;
	SPF_server_t *server;
	SPF_errcode_t code;
	SPF_request_t *r;

	/* By default it writes to standard error. */
	SPF_warning_handler = SPF_info_handler = SPF_debug_handler = NULL;
	run->domain = run->values.domain;
	server = SPF_server_new_dns(&dns, 0);
	SPF_server_set_rec_dom(server, run->values.receiver.p);
	SPF_server_set_explanation(server, NO_EXPLANATION, &response);
	if (response != NULL)
		SPF_response_free(response);
	response = NULL;
	r = request(run, server);
	code = SPF_request_query_mailfrom(r, &response);
	if (!hook.is_stopped)
		take_answer(&hook, response, code);
	if (response != NULL)
		SPF_response_free(response);
	SPF_request_free(r);
	SPF_server_free(server);
	return hook.is_stopped ? -1 : 0;
}
