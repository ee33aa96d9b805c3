/*
 * ask -- questions to the gateway, with the token if it wants one
 *
 * The token is of this tab: in its session storage, or without one (private
 * windows) in memory. In an address it stands behind #token= and is taken out
 * at once; a fragment is sent to nobody.
 */
const ANSWER_MS = 10000;
const TOKEN = 'forepost-token';

let token = '';
try {
	token = sessionStorage.getItem(TOKEN) || '';
} catch (e) {
	token = '';
}

function keepToken(text) {
	token = text.trim();
	try {
		sessionStorage.setItem(TOKEN, token);
	} catch (e) {
		/* No storage: it is kept as long as the page. */
	}
}

class Unanswered extends Error {
	constructor(kind, text) {
		super(text);
		this.kind = kind;	/* token, gone, odd */
	}
}

async function ask(path, parameters = {}) {
	const query = new URLSearchParams(Object.entries(parameters).filter(
	    ([, value]) => value !== '' && value !== undefined)).toString();
	const limit = new AbortController();
	const timer = setTimeout(() => limit.abort(), ANSWER_MS);
	try {
		const answer = await fetch(path + (query ? '?' + query : ''), {
			headers: token ? {Authorization: 'Bearer ' + token} :
			    {}, cache: 'no-store', signal: limit.signal});
		if (answer.status === 401 || answer.status === 403)
			throw new Unanswered('token', 'a token is needed');
		if (!answer.ok)
			throw new Unanswered('odd', 'it answers ' +
			    answer.status + ', ' + (await answer.text()).trim()
			    .slice(0, 200));
		const text = await answer.text();
		try {
			return JSON.parse(text);
		} catch (e) {
			throw new Unanswered('odd',
			    'its answer to ' + path + ' is no JSON');
		}
	} catch (e) {
		if (e instanceof Unanswered)
			throw e;
		throw new Unanswered('gone', e.name === 'AbortError' ?
		    'no answer in ' + ANSWER_MS / 1000 + ' s' :
		    'it cannot be reached');
	} finally {
		clearTimeout(timer);
	}
}
