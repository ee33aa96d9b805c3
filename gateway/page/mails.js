/*
 * mails -- the last transactions, and the search for some of them
 *
 * What is looked for is in the fragment of the address (#verdict=refused), so
 * it can be kept and sent; #id=SESSION.N shows one in full.
 */
const FILTERS = ['id', 'sender', 'recipient', 'verdict', 'rule'];
const MAILS_SHOWN = 100, MAILS_FIRST = 25;

function idOf(t) {
	return t.session + (t.id === undefined || t.id === null ? '' :
	    '.' + t.id);
}

/* What the journal hides is {hash, domain}. */
function plain(value) {
	if (value !== null && typeof value === 'object' &&
	    !Array.isArray(value))
		return '(hidden ' + (value.hash || '') + ')' + (value.domain ?
		    '@' + value.domain : '');
	return value;
}

function sender(t) {
	const from = plain((t.facts || {}).sender);
	return from === undefined ? '' : from === null || from === '' ? '<>' :
	    String(from);
}

function recipients(t) {
	const list = t.rcpts || [];
	return list.length === 0 ? '' : String(plain(list[0].to)) +
	    (list.length > 1 ? ' and ' + (list.length - 1) + ' more' : '');
}

/* A mail that nobody was to get is aborted by its client. */
function refused(t) {
	const list = t.rcpts || [];
	const not = list.filter((r) => r.outcome === 'refused').length;
	return t.outcome === 'aborted' && not > 0 ? ', ' + (not < list.length ?
	    not + ' of ' + list.length + ' recipients refused' :
	    plural(not, 'recipient') + ' refused') : '';
}

function why(t) {
	if (['delivered', 'remembered'].includes(t.outcome))
		return '';
	return t.rule || (t.milter ? 'filter ' + t.milter : '') ||
	    (t.by && t.by !== 'rule' && t.by !== 'client' ? 'by ' + t.by : '') ||
	    (t.why ? 'failure' : '');
}

class Mails {
	constructor() {
		this.wanted = {};
		this.asking = 0;
		this.grid = new Grid($('mails-table'),
		    'The newest first; follow an id for all that is known',
		    [{name: 'Id'}, {name: 'Time'}, {name: 'Client'},
		    {name: 'Sender'}, {name: 'Recipients'}, {name: 'Verdict'},
		    {name: 'Rule'}, {name: 'Time taken', n: true}],
		    'None.');
		this.list = [];
		this.all = false;
		this.more = el('button', {type: 'button', hidden: true});
		this.more.addEventListener('click', () => {
			this.all = !this.all;
			this.write();
		});
		$('mails-table').append(this.more);
		this.grid.body.addEventListener('click', (event) => {
			const row = event.target.closest('tr');
			const link = row && row.querySelector('a');
			if (link && !event.target.closest('a') &&
			    String(getSelection()) === '')
				link.click();
		});
		$('find').addEventListener('submit', (event) => {
			event.preventDefault();
			this.go(Object.fromEntries(FILTERS.map((name) =>
			    [name, $('find').elements[name].value.trim()])));
		});
		$('find').addEventListener('reset', () => this.go({}));
	}

	/* Into the address; the rest follows from there. */
	go(wanted) {
		const query = new URLSearchParams(Object.entries(wanted).filter(
		    ([, value]) => value !== '')).toString();
		if (location.hash.slice(1) === query)
			this.find(wanted);
		else
			location.hash = query || 'mails';
	}

	find(wanted) {
		this.wanted = wanted;
		for (const name of FILTERS)
			$('find').elements[name].value = wanted[name] || '';
		return this.update();
	}

	async update() {
		const turn = ++this.asking;
		let answer;
		try {
			answer = await ask('/transactions.json',
			    {...this.wanted, limit: MAILS_SHOWN});
		} catch (e) {
			if (e.kind !== 'odd')
				throw e;
			answer = {why: e.message};
		}
		const list = answer.transactions || [];
		if (turn !== this.asking)
			return list;	/* another question came after it */
		const looked = FILTERS.filter((name) => this.wanted[name]);
		say($('found'), answer.why ? 'It cannot be searched for this: ' +
		    answer.why + '.' : looked.length === 0 ? 'The last ' +
		    plural(list.length, 'transaction') + '.' :
		    plural(list.length, 'transaction') + ' with ' +
		    looked.map((n) => n + ' \u201c' + shown(this.wanted[n],
		    80) + '\u201d').join(' and ') + (list.length === 0 ?
		    '. Only the last ones of each worker are here; `forepost ' +
		    'explain ID` looks in the journal too.' :
		    answer.cut || list.length >= MAILS_SHOWN ?
		    '; there may be more.' : '.'));
		this.list = list;
		this.write();
		return list;
	}

	write() {
		const some = this.all ? this.list :
		    this.list.slice(0, MAILS_FIRST);
		this.grid.update(some.map((t) => this.row(t)));
		this.more.hidden = this.list.length <= MAILS_FIRST;
		say(this.more, this.all ? 'Show the first ' + MAILS_FIRST :
		    'Show all ' + this.list.length);
	}

	row(t) {
		const id = idOf(t), at = new Date(t.time);
		const outcome = t.outcome || 'unknown';
		const from = sender(t), to = recipients(t);
		return {key: id + ' ' + t.time, class: 'chosen', cells: [
			[id, () => el('a', {href: '#id=' +
			    encodeURIComponent(id)}, shown(id, 40))],
			[t.time, () => el('time', {datetime: t.time,
			    title: t.time}, this.when(at))],
			String(plain((t.facts || {})['client.ip']) ?? ''),
			[from, () => el('bdi', null, shown(from, 64))],
			[to, () => el('bdi', null, shown(to, 64))],
			[outcome + refused(t), () => [sign(outcome),
			    refused(t)]],
			why(t), duration(t.us && t.us.total !== undefined ?
			    t.us.total / 1e6 : null)]};
	}

	when(date) {
		return Number.isNaN(date.getTime()) ? '' :
		    (day(date) === day(new Date()) ? '' : day(date) + ' ') +
		    clock(date);
	}
}
