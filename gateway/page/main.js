/*
 * main -- asks every two seconds while somebody looks, and shows the answers
 */
const EVERY_MS = 2000;

class Main {
	constructor() {
		this.overview = new Overview();
		this.traffic = new Traffic();
		this.rules = new Rules();
		this.parts = [this.traffic, this.rules, new Times(),
		    new Health()];
		this.mails = new Mails();
		this.detail = new Detail();
		this.paused = false;
		this.timer = null;
		this.goneSince = null;
		this.listeners = '';
	}

	start() {
		$('pause').addEventListener('click', () => this.pause());
		$('key').addEventListener('submit', (event) => {
			event.preventDefault();
			keepToken($('token').value);
			$('token').value = '';
			this.tried = true;
			this.poll();
		});
		$('span').addEventListener('change', () => this.choose());
		$('span').addEventListener('submit', (event) =>
		    event.preventDefault());
		document.addEventListener('visibilitychange', () => this.poll());
		addEventListener('hashchange', () => this.go());
		this.go();
		this.poll();
	}

	/* What the fragment says: a token, one mail, or what to look for. */
	go() {
		const hash = location.hash.slice(1);
		const query = new URLSearchParams(hash);
		if (query.has('token')) {
			keepToken(query.get('token'));
			query.delete('token');
			history.replaceState(null, '', '#' + query);
			this.poll();
			return;
		}
		const wanted = Object.fromEntries(FILTERS.filter((name) =>
		    query.get(name)).map((name) => [name, query.get(name)]));
		if (Object.keys(wanted).length === 1 && wanted.id) {
			this.detail.show(wanted.id, this.searched);
			return;
		}
		if (this.detail.dialog.open)
			this.detail.dialog.close();
		if (Object.keys(wanted).length === 0 && hash !== 'mails')
			return;		/* a part of the page */
		this.searched = hash;
		this.quietly(this.mails.find(wanted));
		$('mails').scrollIntoView();
	}

	quietly(promise) {
		promise.catch((e) => this.failed(e));
	}

	pause() {
		this.paused = !this.paused;
		$('pause').setAttribute('aria-pressed', String(this.paused));
		say($('pause'), this.paused ? 'Go on' : 'Pause');
		this.poll();
	}

	/* Now, and then again and again. */
	async poll() {
		clearTimeout(this.timer);
		if (this.paused || document.hidden) {
			this.fresh();
			return;
		}
		const turn = this.turn = {};
		try {
			const json = await ask('/stats.json');
			if (turn !== this.turn)
				return;
			this.answered(json);
			this.rules.learn(await this.mails.update());
		} catch (e) {
			if (turn === this.turn)
				this.failed(e);
		}
		if (turn === this.turn && !this.paused && !document.hidden)
			this.timer = setTimeout(() => this.poll(), EVERY_MS);
	}

	answered(json) {
		$('key').hidden = true;
		this.tried = false;
		if (this.goneSince) {
			this.goneSince = null;
			$('lost').hidden = true;
			document.body.classList.remove('stale');
			say($('said'), 'The gateway answers again.');
		}
		if (!past.add(json)) {
			this.traffic.clear();
			say($('said'), 'The gateway was started anew.');
		}
		this.listen();
		this.traffic.add();
		this.update();
		this.fresh();
		this.begin();
	}

	/* There is something to see now, so to go to as well. */
	begin() {
		if (!document.body.classList.contains('blank'))
			return;
		document.body.classList.remove('blank');
		if (location.hash)
			($(location.hash.slice(1)) || $('mails'))
			    .scrollIntoView();
	}

	update() {
		if (!past.last)
			return;
		this.covered();
		this.overview.update();
		this.parts.forEach((part) => part.update());
	}

	failed(e) {
		if (e.kind === 'token') {
			this.askToken();
			return;
		}
		if (!e.kind)
			console.error(e);
		if (!this.goneSince)
			this.goneSince = new Date();
		document.body.classList.add('stale');
		$('lost').hidden = false;
		say($('lost'), '\u2716 ' + (e.kind ?
		    'The gateway does not answer since ' +
		    clock(this.goneSince) + ': ' + e.message + '.' :
		    'The page cannot show what the gateway says: ' +
		    e.message + '.') + (past.last ?
		    ' The numbers below are of ' + clock(new Date(past.last.at *
		    1000)) + '.' : '') + ' It is asked again every 2 seconds.');
		say($('badge'), SIGNS.bad + ' No answer');
		$('badge').className = 'badge bad';
		document.title = SIGNS.bad + ' No answer: ' +
		    $('host').textContent;
		this.overview.announced = '';
	}

	askToken() {
		if (this.tried)
			say($('key-why'),
			    'The gateway does not know this token.');
		this.tried = false;
		if ($('key').hidden) {
			$('key').hidden = false;
			$('token').focus();
		}
		say($('badge'), SIGNS.warn + ' Token needed');
		$('badge').className = 'badge warn';
	}

	fresh() {
		say($('fresh'), (this.paused ? 'paused, ' : '') + (past.last ?
		    'as of ' + clock(new Date(past.last.at * 1000)) : ''));
	}

	choose() {
		past.span = Number(new FormData($('span')).get('span'));
		if (past.listener !== $('listener').value) {
			past.listener = $('listener').value;
			this.traffic.clear();
			if (past.last)
				this.traffic.add();
		}
		this.update();
	}

	/* There is a choice if there are several. */
	listen() {
		const family = past.last.families.get('sessions');
		const names = [...new Set([...(family ? family.rows.values() :
		    [])].map((r) => r.labels[0]))];
		if (names.join('\n') === this.listeners)
			return;
		this.listeners = names.join('\n');
		fill($('listener'), el('option', {value: ''}, 'all'),
		    names.map((n) => el('option', {value: n}, n)));
		$('listener').value = past.listener;
		$('listeners').hidden = names.length < 2;
	}

	covered() {
		const base = past.base();
		say($('covered'), base ? 'They cover ' + age(past.seconds()) +
		    (past.span - past.seconds() > 3 ?
		    ', for as long as this page has watched.' : '.') :
		    past.span && past.last.up > past.span ? 'They are of all ' +
		    'since start until this page has watched for ' +
		    SEEN_ENOUGH + ' s.' : 'They cover ' +
		    age(past.last.up) + ' since start.');
	}
}

const main = new Main();
main.start();
