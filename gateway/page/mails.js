/*
 * mails -- the last transactions, and the search for some of them
 *
 * What is looked for is in the fragment of the address (#verdict=refused), so
 * it can be kept and sent; #id=SESSION.N shows one in full.
 */
const FILTERS = ['id', 'sender', 'recipient', 'verdict', 'rule'];
const MAILS_SHOWN = 100;

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

function why(t) {
	return t.rule || (t.by && t.by !== 'rule' ? 'by ' + t.by : '') ||
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
		const answer = await ask('/transactions.json',
		    {...this.wanted, limit: MAILS_SHOWN});
		if (turn !== this.asking)
			return;		/* another question came after it */
		const list = answer.transactions || [];
		const looked = FILTERS.filter((name) => this.wanted[name]);
		say($('found'), looked.length === 0 ? 'The last ' +
		    plural(list.length, 'transaction') + '.' :
		    plural(list.length, 'transaction') + ' with ' +
		    looked.map((n) => n + ' \u201c' + shown(this.wanted[n],
		    80) + '\u201d').join(' and ') + (list.length === 0 ?
		    '. Only the last ones of each worker are here; `forepost ' +
		    'explain ID` looks in the journal too.' :
		    answer.cut || list.length >= MAILS_SHOWN ?
		    '; there may be more.' : '.'));
		this.grid.update(list.map((t, i) => this.row(t, i)));
	}

	row(t, i) {
		const id = idOf(t), at = new Date(t.time);
		const outcome = t.outcome || 'unknown';
		const from = sender(t), to = recipients(t);
		return {key: id + ' ' + t.time, class: 'chosen', cells: [
			[id, () => el('a', {href: '#id=' +
			    encodeURIComponent(id)}, shown(id, 40))],
			[t.time, () => el('time', {datetime: t.time,
			    title: t.time}, this.when(at))],
			String(plain((t.facts || {})['client.ip']) ?? ''),
			[from, () => el('bdi', null, shown(from, 80))],
			[to, () => el('bdi', null, shown(to, 80))],
			[outcome, () => sign(outcome)],
			why(t), duration(t.us && t.us.total !== undefined ?
			    t.us.total / 1e6 : null)]};
	}

	when(date) {
		return Number.isNaN(date.getTime()) ? '' :
		    (day(date) === day(new Date()) ? '' : day(date) + ' ') +
		    clock(date);
	}
}
