/* Mouse, keys and buttons; and the start of it all. */

/* ---- what is under the pointer ---- */

function markAt(x, y) {
	let best = -1, least = 10 * 10;
	for (const mark of view.marks) {
		const away = (mark.x - x) ** 2 + (mark.y - y) ** 2;
		if (away < least) {
			least = away;
			best = mark.index;
		}
	}
	return best;
}

/* A command that was under way there. */
function commandAt(x, y) {
	const mark = markAt(x, y);
	if (mark >= 0)
		return mark;
	const near = view.marks.find((candidate) => {
		const command = data.commands[candidate.index];
		return Math.abs(candidate.y - y) < 5 && x >= xOf(command[FROM]) && x <= xOf(command[TO]);
	});
	return near ? near.index : -1;
}

function binText(x, y) {
	const found = view.bins.find((bin) => x >= bin.x && x < bin.x + BIN && y >= bin.y &&
		y < bin.y + view.laneHeight);
	if (!found)
		return '';
	return Object.keys(found.bin.of).map((name) => found.bin.of[name] + ' ' + outcomes[name].text)
		.join(', ');
}

function bandsText(nexus, ns) {
	const texts = [];
	for (const band of lanes[nexus].bands) {
		const kind = data.kinds[band[BAND.KIND]];
		if (ns < band[BAND.FROM] || ns > band[BAND.TO] || (kind !== 'session' && band[BAND.LUN] !== view.lun))
			continue;
		const since = ' since ' + momentText(band[BAND.FROM], 1e6) + ', for ' +
			durationText(band[BAND.TO] - band[BAND.FROM]);
		if (kind === 'session')
			texts.push('logged in' + since);
		else if (kind === 'registered')
			texts.push('registered with ' + data.texts[band[BAND.KEY]] + since);
		else
			texts.push('holds ' + bandType(band).text + since);
	}
	return texts;
}

function showTip(x, y, ...children) {
	const tip = $('tip'), stage = $('stage');
	tip.replaceChildren(...children);
	tip.hidden = false;
	const left = x + 16 + tip.offsetWidth > stage.clientWidth ? x - tip.offsetWidth - 12 : x + 16;
	const top = Math.min(y + 16, stage.clientHeight - tip.offsetHeight - 4);
	tip.style.left = Math.max(left, 4) + 'px';
	tip.style.top = Math.max(top, 4) + 'px';
}

/* From the lanes' coordinates to those of the stage. */
const above = () => $('lanes').offsetTop;

function hover(x, y) {
	const nexus = Math.floor((y + $('lanes').scrollTop) / view.laneHeight);
	const index = commandAt(x, y);
	if (index !== view.hover) {
		view.hover = index;
		redraw();
	}
	$('tip').hidden = true;
	if (index >= 0) {
		showTip(x, y + above(), ...describe(index));
	} else if (nexus < lanes.length && x > GUTTER) {
		const texts = bandsText(nexus, timeOf(x)), many = binText(x, y);
		if (many)
			texts.push(many);
		showTip(x, y + above(), element('b', nexusName(nexus) + ' at ' +
			momentText(timeOf(x), view.until - view.since)), ...texts.map((text) => element('p', text)));
	}
}

function inView(event) {
	const box = $('view').getBoundingClientRect();
	return [event.clientX - box.left, event.clientY - box.top];
}

/* ---- mouse ---- */

function listenToPointer() {
	const canvas = $('view');
	let drag = null;
	canvas.addEventListener('pointerdown', (event) => {
		drag = {x: event.clientX, y: event.clientY, from: view.from, to: view.to,
			top: $('lanes').scrollTop, moved: false};
		canvas.setPointerCapture(event.pointerId);
	});
	canvas.addEventListener('pointermove', (event) => {
		if (!drag) {
			hover(...inView(event));
			return;
		}
		const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
		if (!drag.moved && Math.hypot(dx, dy) < 4)
			return;
		drag.moved = true;
		$('tip').hidden = true;
		canvas.classList.add('dragging');
		const by = -dx / plotWidth() * (drag.to - drag.from);
		$('lanes').scrollTop = drag.top - dy;
		setWindow(drag.from + by, drag.to + by);
	});
	canvas.addEventListener('pointerup', (event) => {
		canvas.classList.remove('dragging');
		if (drag && !drag.moved) {
			const index = commandAt(...inView(event));
			view.cursor = index;
			pin(index === view.pinned ? -1 : index);
		}
		drag = null;
	});
	canvas.addEventListener('pointercancel', () => { drag = null; });
	canvas.addEventListener('pointerleave', () => {
		$('tip').hidden = true;
		view.hover = -1;
		redraw();
	});
	canvas.addEventListener('wheel', (event) => {
		const sideways = event.shiftKey ? event.deltaY : event.deltaX;
		if (event.altKey)
			return; /* scrolls the lanes */
		event.preventDefault();
		if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY))
			move(Math.sign(sideways) * 0.08);
		else
			zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.0025), inView(event)[0]);
	}, {passive: false});
	listenToAxis();
	listenToOverview();
}

/* Notes that had no room for their text, and who held. */
function listenToAxis() {
	const axis = $('axis');
	axis.addEventListener('pointermove', (event) => {
		const box = axis.getBoundingClientRect(), x = event.clientX - box.left, ns = timeOf(x);
		const texts = data.events.filter((e) => Math.abs(xOf(e[EVENT.AT]) - x) < 6 && e[EVENT.NEXUS] < 0)
			.slice(0, 8).map((e) => momentText(e[EVENT.AT], 1e6) + ' ' + e[EVENT.KIND] + ' ' +
				data.texts[e[EVENT.TEXT]]);
		for (const band of data.bands)
			if (['holds', 'spc2'].includes(data.kinds[band[BAND.KIND]]) && band[BAND.LUN] === view.lun &&
				ns >= band[BAND.FROM] && ns < band[BAND.TO])
				texts.push(nexusName(band[BAND.NEXUS]) + ' held ' + bandType(band).text);
		$('tip').hidden = true;
		if (texts.length > 0 && x > GUTTER)
			showTip(x, event.clientY - $('stage').getBoundingClientRect().top,
				...texts.slice(0, 12).map((text) => element('p', text)));
	});
	axis.addEventListener('pointerleave', () => { $('tip').hidden = true; });
}

function listenToOverview() {
	const overview = $('overview');
	const go = (event) => {
		const x = event.clientX - overview.getBoundingClientRect().left, half = (view.to - view.from) / 2;
		const at = whole.from + (x - GUTTER) / plotWidth() * (whole.to - whole.from);
		setWindow(at - half, at + half);
	};
	overview.addEventListener('pointerdown', (event) => {
		overview.setPointerCapture(event.pointerId);
		go(event);
	});
	overview.addEventListener('pointermove', (event) => {
		if (event.buttons & 1)
			go(event);
	});
}

/* ---- keys ---- */

function goTo(index) {
	if (index === undefined || index < 0)
		return;
	view.cursor = index;
	showCommand(index);
	draw();
	const command = data.commands[index], y = laneTop(command[NEXUS]) + view.laneHeight / 2;
	showTip(xOf(markTime(command)), y + above(), ...describe(index));
}

/* The next command of the same lane, in this direction. */
function stepInLane(by) {
	if (view.cursor < 0) {
		goTo(lanes.flatMap((lane) => commandsInWindow(lane).slice(0, 1))[0]);
		return;
	}
	const list = lanes[data.commands[view.cursor][NEXUS]].commands;
	for (let i = list.indexOf(view.cursor) + by; i >= 0 && i < list.length; i += by)
		if (isShown(data.commands[list[i]])) {
			goTo(list[i]);
			return;
		}
}

/* The command nearest in time in the next lane that has one. */
function stepToLane(by) {
	const here = view.cursor >= 0 ? data.commands[view.cursor] : null;
	const at = here ? here[TO] : (view.since + view.until) / 2;
	for (let n = here ? here[NEXUS] + by : 0; n >= 0 && n < lanes.length; n += by) {
		const shown = lanes[n].commands.filter((index) => isShown(data.commands[index]));
		const away = (index) => Math.abs(data.commands[index][TO] - at);
		if (shown.length > 0) {
			goTo(shown.reduce((best, index) => away(index) < away(best) ? index : best));
			return;
		}
	}
}

function nextViolation() {
	if (data.violations.length > 0)
		openViolation((view.violation + 1) % data.violations.length);
}

function letGo() {
	view.violation = view.cursor = -1;
	$('tip').hidden = true;
	pin(-1);
	for (const jump of document.querySelectorAll('#violations .jump'))
		jump.setAttribute('aria-expanded', 'false');
	for (const list of document.querySelectorAll('#violations ol'))
		list.hidden = true;
}

const middle = () => GUTTER + plotWidth() / 2;
const fit = () => setWindow(whole.from, whole.to);
function setLaneHeight(factor) {
	view.laneWanted = Math.round(Math.min(Math.max(view.laneHeight * factor, LANE_MIN), LANE_MAX));
	redraw();
}

const anywhere = {
	'+': () => zoom(0.5, middle()), '=': () => zoom(0.5, middle()), '-': () => zoom(2, middle()),
	'0': fit, '[': () => move(-0.3), ']': () => move(0.3), e: () => chooseScale(!moments), v: nextViolation, Escape: letGo,
};
const onLanes = {
	ArrowLeft: () => stepInLane(-1), ArrowRight: () => stepInLane(1),
	ArrowUp: () => stepToLane(-1), ArrowDown: () => stepToLane(1),
	Enter: () => pin(view.cursor),
};

function listenToKeys() {
	document.addEventListener('keydown', (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select'))
			return;
		const action = (event.target === $('view') && onLanes[event.key]) || anywhere[event.key];
		if (!action)
			return;
		event.preventDefault();
		action();
	});
	const press = (id, action) => $(id).addEventListener('click', action);
	press('zoom-in', anywhere['+']);
	press('zoom-out', anywhere['-']);
	press('earlier', anywhere['[']);
	press('later', anywhere[']']);
	press('fit', fit);
	press('even', anywhere.e);
	press('lower', () => setLaneHeight(0.8));
	press('higher', () => setLaneHeight(1.25));
}

/* ---- the start ---- */

function chooseLun() {
	$('lun-choice').hidden = data.luns.length < 2;
	$('lun').append(...data.luns.map((lun) => new Option(String(lun), String(lun))));
	$('lun').addEventListener('change', () => {
		view.lun = Number($('lun').value);
		redraw();
	});
}

/* A page can be linked into: #t=0.5,0.75 (seconds), #v=1 (violation), #c=17 (line of a command),
   #even=1 (the even scale). */
function followLink() {
	const wanted = new URLSearchParams(location.hash.slice(1));
	const span = (wanted.get('t') || '').split(',').map(Number);
	if (wanted.get('even'))
		chooseScale(wanted.get('even') === '1');
	if (wanted.get('v') > 0 && wanted.get('v') <= data.violations.length)
		openViolation(wanted.get('v') - 1);
	if (span.length === 2 && span[1] > span[0])
		setWindow(placeOf(span[0] * 1e9), placeOf(span[1] * 1e9));
	const index = commandOfLine.get(Number(wanted.get('c')));
	if (index !== undefined) {
		pin(index);
		goTo(index);
	}
}

function start() {
	fillHead();
	fillViolations();
	fillHappened();
	fillLegend();
	fillCounts();
	fillInitiators();
	chooseLun();
	readColours();
	listenToPointer();
	listenToKeys();
	$('lanes').addEventListener('scroll', redraw);
	new ResizeObserver(redraw).observe($('lanes'));
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
		readColours();
		redraw();
	});
	addEventListener('hashchange', followLink);
	Object.assign(document.documentElement.dataset, {commands: data.commands.length,
		violations: data.violations.length, nexuses: data.nexuses.length});
	layOut();
	followLink();
	draw();
	document.documentElement.dataset.ready = 'true';
}

start();
