/* Everything that is text: labels, lists, legend and tables. Texts of the history are only ever given
   to textContent. */
function element(name, text, ...children) {
	const made = document.createElement(name);
	if (text)
		made.textContent = text;
	made.append(...children);
	return made;
}

/* ---- lanes' labels ---- */

let labelled = 0;
function placeLabels() {
	const key = view.laneHeight + ' ' + view.lun;
	if (labelled === key)
		return;
	labelled = key;
	$('labels').replaceChildren(...data.nexuses.map((nexus, n) => {
		const box = element('div'), h = view.laneHeight, name = element('b', nexusName(n));
		box.style.top = n * h + 'px';
		box.style.height = h + 'px';
		box.title = 'nexus ' + n + ': ' + nexusText(n);
		name.style.fontSize = Math.min(Math.max(h * 0.5, 10), 14) + 'px';
		name.style.lineHeight = h >= 34 ? '17px' : h - 1 + 'px';
		box.style.paddingTop = h >= 34 ? Math.max((h - 36) / 2, 0) + 'px' : 0;
		box.append(name);
		if (h >= 34)
			box.append(element('span', 'nexus ' + n + (nexus.port ? ' · port ' + nexus.port : '')));
		return box;
	}));
}

/* ---- legend and filters ---- */

const svgNames = 'http://www.w3.org/2000/svg';
function svg(name, attributes, ...children) {
	const made = document.createElementNS(svgNames, name);
	for (const key of Object.keys(attributes))
		made.setAttribute(key, attributes[key]);
	made.append(...children);
	return made;
}

function shapeIcon(outcome) {
	return svg('svg', {width: 16, height: 16, viewBox: '-8 -8 16 16', 'aria-hidden': 'true'},
		svg('path', {d: outcomes[outcome].path, fill: 'var(--' + outcome + ')', 'fill-rule': 'evenodd'}));
}

function bandIcon(colour, isHatched, height) {
	const box = {x: 0, y: 8 - height / 2, width: 26, height};
	const icon = svg('svg', {width: 26, height: 16, viewBox: '0 0 26 16', 'aria-hidden': 'true'},
		svg('rect', {...box, fill: 'var(--' + colour + ')'}));
	if (isHatched)
		for (let x = -6; x < 26; x += 6)
			icon.append(svg('path', {d: `M${x},14L${x + 12},2`, stroke: 'var(--paper)',
				'stroke-width': 1.6, opacity: 0.6}));
	return icon;
}

function arrowIcon() {
	return svg('svg', {width: 26, height: 16, viewBox: '0 0 26 16', 'aria-hidden': 'true'},
		svg('path', {d: 'M2,2C14,2 20,6 20,12', fill: 'none', stroke: 'var(--preempt)', 'stroke-width': 2}),
		svg('path', {d: 'M20,15L16,9L24,9Z', fill: 'var(--preempt)'}));
}

function crashIcon() {
	return svg('svg', {width: 26, height: 16, viewBox: '0 0 26 16', 'aria-hidden': 'true'},
		svg('rect', {x: 3, y: 0, width: 20, height: 16, fill: 'var(--crash)', opacity: 0.25}),
		svg('path', {d: 'M3,0V16', stroke: 'var(--crash)', 'stroke-width': 2}),
		svg('path', {d: 'M23,0V16', stroke: 'var(--crash)', 'stroke-width': 2,
			'stroke-dasharray': '4 3'}));
}

function chip(name, icon, text, count) {
	const input = element('input'), made = element('label', '', input);
	input.type = 'checkbox';
	input.checked = true;
	input.addEventListener('change', () => {
		if (input.checked)
			view.hidden.delete(name);
		else
			view.hidden.add(name);
		redraw();
	});
	if (icon)
		made.append(icon);
	made.append(text);
	if (count !== undefined)
		made.append(element('small', count.toLocaleString('en')));
	return made;
}

function sample(icon, text, title) {
	const made = element('span', '', icon, text);
	made.className = 'sample';
	made.title = title || '';
	return made;
}

function countBy(name) {
	const counts = new Map();
	for (const command of data.commands)
		counts.set(name(command), (counts.get(name(command)) || 0) + 1);
	return counts;
}

function fillLegend() {
	const byOutcome = countBy(outcomeName), byGroup = countBy(groupOf);
	for (const name of Object.keys(outcomes))
		if (byOutcome.has(name))
			$('outcomes').append(chip(name, shapeIcon(name), outcomes[name].text, byOutcome.get(name)));
	for (const name of Object.keys(groups))
		if (byGroup.has(name))
			$('groups').append(chip(name, null, groups[name].text, byGroup.get(name)));
	$('bands').append(chip('session', bandIcon('session', false, 14), 'logged in'),
		chip('registered', bandIcon('registered', false, 5), 'registered'),
		chip('holds', bandIcon('registrants', false, 10), 'holds'),
		chip('arrows', arrowIcon(), 'preempt → victim', data.preempts.length));
	if (data.outages.length > 0)
		$('bands').append(sample(crashIcon(), 'target dead'));
	const used = new Set(data.bands.filter((band) => data.kinds[band[BAND.KIND]] === 'holds' ||
		data.kinds[band[BAND.KIND]] === 'spc2').map(bandType));
	for (const type of used)
		$('bands').append(sample(bandIcon(type.colour, type.hatched, 10), type.short, type.text));
}

/* ---- one command ---- */

function describe(index) {
	const command = data.commands[index], outcome = outcomeName(command);
	const what = element('p', '', element('b', data.texts[command[TEXT]]));
	const result = element('p', '', shapeIcon(outcome), ' ', element('b', resultText(command)));
	const list = element('dl');
	const add = (name, text) => list.append(element('dt', name), element('dd', text));
	what.className = 'what';
	add('from', nexusName(command[NEXUS]) + ' (nexus ' + command[NEXUS] + ')');
	add('sent', momentText(command[FROM], 1));
	add(outcome === 'unknown' ? 'given up' : 'answered', momentText(command[TO], 1) +
		' (after ' + durationText(command[TO] - command[FROM]) + ')');
	add('LUN', String(command[LUN]));
	add('lines', command[INVOKE] + (command[RETURN] ? ' and ' + command[RETURN] : ', no answer'));
	const victims = data.preempts.filter(([of]) => of === index).map(([, victim]) => nexusName(victim));
	if (victims.length > 0)
		add('removed', victims.slice(0, 12).join(', ') +
			(victims.length > 12 ? ' and ' + (victims.length - 12) + ' more' : ''));
	data.violations.forEach((violation, number) => {
		if (violationCommands[number].has(index))
			add('violation', 'evidence of ' + (number + 1) + ', ' + violation.rule);
	});
	return [what, result, list];
}

function pin(index) {
	view.pinned = index;
	document.documentElement.dataset.pinned = index;
	$('pinned').replaceChildren(...(index >= 0 ? describe(index)
		: [element('p', 'Click a mark, or go to it with the arrow keys and press Enter.')]));
	redraw();
}

/* ---- violations ---- */

function evidenceItem(line, number) {
	const proof = evidence(line);
	if (!proof)
		return element('li', 'line ' + line);
	const button = element('button', (proof.index !== undefined ? number + '. ' : '') +
		momentText(proof.at, 1e6) + ' ' + (proof.nexus >= 0 ? nexusName(proof.nexus) + ': ' : '') +
		proof.text);
	button.type = 'button';
	button.addEventListener('click', () => {
		if (proof.index === undefined) {
			centre(proof.at);
			return;
		}
		view.cursor = proof.index;
		pin(proof.index);
		showCommand(proof.index);
	});
	return element('li', '', button);
}

/* Is it the sending of a command whose answer is there, too? */
function answeredIn(lines, line) {
	const command = data.commands[commandOfLine.get(line)];
	return command && command[INVOKE] === line && command[RETURN] && lines.includes(command[RETURN]);
}

function proofText(violation, count) {
	return 'Impossible by ' + (count === 1 ? 'itself' : 'themselves') + ': ' + count + ' of ' +
		data.commands.length.toLocaleString('en') + ' commands (' + (violation.proof === 'smallest'
		? 'smallest: without any one of these answers there is an explanation'
		: 'small, not proven smallest') + ')';
}

function openViolation(number) {
	showViolation(number);
	[...$('violations').children].forEach((item, n) => {
		const open = n === number;
		item.querySelector('.jump').setAttribute('aria-expanded', String(open));
		item.querySelector('ol').hidden = !open;
		if (open)
			item.scrollIntoView({block: 'nearest'});
	});
	document.documentElement.dataset.violation = number;
	$('lun').value = String(view.lun);
}

function fillViolations() {
	$('violations-box').hidden = data.violations.length === 0;
	$('violation-count').textContent = String(data.violations.length);
	data.violations.forEach((violation, number) => {
		const jump = element('button', '', element('b', (number + 1) + '. ' + violation.rule),
			element('span', violation.rule_text));
		const proofs = element('ol');
		jump.type = 'button';
		jump.className = 'jump';
		jump.setAttribute('aria-expanded', 'false');
		jump.addEventListener('click', () => openViolation(number));
		proofs.hidden = true;
		proofs.append(element('li', violation.text));
		if (violation.proof !== 'none')
			proofs.append(element('li', proofText(violation, violationCommands[number].size)));
		proofs.append(...violation.why.map((sentence) => element('li', sentence)),
			...violation.lines.filter((line) => !answeredIn(violation.lines, line)).map((line) =>
				evidenceItem(line, violationCommands[number].get(commandOfLine.get(line)))));
		$('violations').append(element('li', '', jump, proofs));
	});
}

/* ---- crashes and notes ---- */

const HAPPENED_MAX = 500; /* in the list; the picture shows all */

function fillHappened() {
	const seen = data.events.filter((event) => ['crash', 'power_cut', 'up', 'note'].includes(event[EVENT.KIND]));
	$('happened-box').hidden = seen.length === 0;
	$('happened-count').textContent = seen.length > HAPPENED_MAX ? 'the first ' + HAPPENED_MAX + ' of ' +
		seen.length.toLocaleString('en') : '';
	for (const event of seen.slice(0, HAPPENED_MAX)) {
		const text = event[EVENT.KIND] === 'note' ? data.texts[event[EVENT.TEXT]]
			: event[EVENT.KIND] === 'power_cut' ? 'the target has lost its power'
			: event[EVENT.KIND] === 'crash' ? 'the target is dead' : 'the target is up';
		const button = element('button', momentText(event[EVENT.AT], 1e9) + '  ' + text);
		button.type = 'button';
		button.addEventListener('click', () => centre(event[EVENT.AT]));
		$('happened').append(element('li', '', button));
	}
}

/* ---- head and tables ---- */


function fillHead() {
	const head = data.head, started = head.started_ms ? new Date(head.started_ms).toISOString() : '';
	const facts = [head.target, [head.vendor, head.product].filter(Boolean).join(' '),
		head.profile && 'profile ' + head.profile, head.seed !== '0x0' && 'seed ' + head.seed,
		started.replace('T', ' ').replace(/\..*/, ' UTC'), data.nexuses.length + ' initiators',
		data.commands.length.toLocaleString('en') + ' commands', durationText(data.end_ns)];
	$('subject').textContent = facts.filter(Boolean).join('  ·  ');
	document.title = 'Who held the disk – ' + (head.target || 'Holdfast lab report');
	const broken = data.violations.length;
	const verdict = !data.judged ? ['open', 'Not judged']
		: broken > 0 ? ['broken', '✕ ' + broken + (broken === 1 ? ' violation' : ' violations')]
			: data.undecided ? ['open', '? Undecided'] : ['held', '✓ Every rule held'];
	$('verdict').dataset.verdict = verdict[0];
	$('verdict').textContent = verdict[1];
	$('comment').hidden = !head.comment;
	$('comment').textContent = head.comment;
	$('notes').textContent = data.notes ? 'The judge: ' + data.notes : '';
}

function tableRow(cells, name) {
	const row = element('tr');
	cells.forEach((cell) => {
		const made = element(name || 'td', typeof cell === 'number' ? cell.toLocaleString('en') : cell);
		if (cell === 0)
			made.className = 'none';
		row.append(made);
	});
	return row;
}

function fillCounts() {
	const names = Object.keys(outcomes).filter((name) => data.commands.some((c) => outcomeName(c) === name));
	const rows = new Map();
	for (const command of data.commands) {
		const op = opName(command);
		if (!rows.has(op))
			rows.set(op, {of: {}, took: []});
		const row = rows.get(op);
		row.of[outcomeName(command)] = (row.of[outcomeName(command)] || 0) + 1;
		if (outcomeName(command) !== 'unknown')
			row.took.push(command[TO] - command[FROM]);
	}
	const head = element('thead', '', tableRow(['command', ...names.map((name) => outcomes[name].text),
		'all', 'median', 'longest'], 'th'));
	const body = element('tbody');
	data.ops.filter((op) => rows.has(op)).forEach((op) => {
		const row = rows.get(op), counts = names.map((name) => row.of[name] || 0);
		row.took.sort((a, b) => a - b);
		const took = (at) => row.took.length > 0 ? durationText(row.took[at]) : '–';
		body.append(tableRow([op.replaceAll('_', ' '), ...counts, counts.reduce((a, b) => a + b, 0),
			took(row.took.length >> 1), took(row.took.length - 1)]));
	});
	$('counts').append(head, body);
}

function fillInitiators() {
	const struck = data.nexuses.map(() => 0), strikes = data.nexuses.map(() => 0);
	for (const [index, victim] of data.preempts) {
		struck[victim]++;
		strikes[data.commands[index][NEXUS]]++;
	}
	const body = element('tbody');
	lanes.forEach((lane, n) => {
		const of = (outcome) => lane.commands.filter((i) => outcomeName(data.commands[i]) === outcome).length;
		const happened = (kind) => lane.events.filter((event) => event[EVENT.KIND] === kind).length;
		const row = tableRow([n + ' ' + nexusName(n), happened('login'), happened('lost'),
			lane.commands.length, of('conflict'), of('unit_attention'), of('unknown'), strikes[n],
			struck[n]]);
		row.title = nexusText(n);
		body.append(row);
	});
	$('initiators').append(element('thead', '', tableRow(['nexus', 'logins', 'lost', 'commands', 'conflicts',
		'attentions', 'unanswered', 'removed others', 'was removed'], 'th')), body);
}
