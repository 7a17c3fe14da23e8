/* What goes over all lanes, the axis and the overview; and the drawing of it all. */
const ARROWS_MAX = 160; /* in the window; of more only the victims' ends are drawn */
const HEADS_MAX = 1200; /* of even more, ticks where registrations ended */
const AXIS_HEIGHT = 62;

/* ---- across lanes ---- */

function drawOutages(context, height) {
	for (const [from, to, , up] of data.outages) {
		const box = clipped(from, to);
		if (!box.seen)
			continue;
		context.globalAlpha = 0.28;
		context.fillStyle = hatched(context, view.colours.crash, 'crash', 12);
		context.fillRect(box.left, 0, box.width, height);
		context.globalAlpha = 1;
		context.fillStyle = view.colours.crash;
		if (xOf(from) >= GUTTER)
			context.fillRect(box.left - 1, 0, 2, height);
		if (up && xOf(to) <= view.width)
			for (let y = 0; y < height; y += 8)
				context.fillRect(box.right - 1, y, 2, 4);
	}
}

function laneTop(nexus) {
	return nexus * view.laneHeight - $('lanes').scrollTop;
}

function arrowHead(context, x, y, angle, size) {
	context.beginPath();
	context.moveTo(x, y);
	for (const side of [-0.45, 0.45])
		context.lineTo(x - size * Math.cos(angle + side), y - size * Math.sin(angle + side));
	context.closePath();
	context.fill();
}

/* The victim's registration ends here. */
function drawVictim(context, x, to, fromAbove) {
	const y = fromAbove ? to.marks.y : to.registered.y + to.registered.h;
	const size = Math.min(8, view.laneHeight / 3);
	context.fillRect(x - 1, to.held.y, 2, to.registered.y + to.registered.h - to.held.y);
	arrowHead(context, x, y + (fromAbove ? size : -size / 2), fromAbove ? Math.PI / 2 : -Math.PI / 2, size);
}

function drawArrow(context, index, victim, many) {
	const command = data.commands[index], attacker = command[NEXUS], down = victim > attacker;
	const x = xOf(command[TO]);
	const to = laneParts(laneTop(victim));
	context.strokeStyle = context.fillStyle = view.colours.preempt;
	if (many > HEADS_MAX)
		context.fillRect(x, to.registered.y, 1, to.registered.h);
	else
		drawVictim(context, x, to, down);
	if (many > ARROWS_MAX)
		return;
	const y0 = markY(laneParts(laneTop(attacker)), lanes[attacker], index);
	const y1 = down ? to.marks.y : to.registered.y + to.registered.h;
	const bow = Math.min(6 + Math.abs(y1 - y0) * 0.08, 26);
	context.lineWidth = opName(command) === 'preempt_and_abort' ? 2.6 : 1.5;
	context.beginPath();
	context.moveTo(x, y0 + (down ? 6 : -6));
	context.bezierCurveTo(x + bow, y0 + (y1 - y0) * 0.25, x + bow, y0 + (y1 - y0) * 0.75, x, y1);
	context.stroke();
}

function drawArrows(context) {
	const seen = data.preempts.filter(([index, , lun]) => {
		const command = data.commands[index];
		return lun === view.lun && isShown(command) && command[TO] >= view.since &&
			command[TO] <= view.until;
	});
	if (view.hidden.has('arrows'))
		return 0;
	context.globalAlpha = seen.length > 60 ? 0.6 : 0.95;
	for (const [index, victim] of seen)
		drawArrow(context, index, victim,
			[view.pinned, view.hover, view.cursor].includes(index) ? 1 : seen.length);
	context.globalAlpha = 1;
	return seen.length;
}

function ring(context, index, colour, number) {
	const command = data.commands[index], x = xOf(markTime(command));
	const y = markY(laneParts(laneTop(command[NEXUS])), lanes[command[NEXUS]], index);
	if (x < GUTTER - 8 || x > view.width + 8)
		return;
	context.strokeStyle = colour;
	context.lineWidth = 2.5;
	context.beginPath();
	context.arc(x, y, 9, 0, 2 * Math.PI);
	context.stroke();
	if (!number)
		return;
	context.font = '700 11px ' + view.font;
	const wide = context.measureText(number).width + 6;
	context.fillStyle = colour;
	context.fillRect(x - wide - 9, y - 8, wide, 15);
	context.fillStyle = view.colours.paper;
	context.fillText(number, x - wide - 6, y + 4);
}

function drawRings(context) {
	const chosen = view.violation >= 0 ? violationCommands[view.violation] : null;
	for (const index of guilty)
		if (index !== undefined && isShown(data.commands[index]) && !(chosen && chosen.has(index)))
			ring(context, index, view.colours.violation);
	if (chosen)
		chosen.forEach((number, index) => ring(context, index, view.colours.violation, number));
	for (const index of new Set([view.pinned, view.cursor, view.hover]))
		if (index >= 0)
			ring(context, index, view.colours.focus);
}

/* ---- time ---- */

function tickStep(span) {
	const least = span / Math.max(plotWidth() / 110, 2);
	const power = 10 ** Math.floor(Math.log10(least));
	return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least);
}

function ticks() {
	const step = tickStep(view.to - view.from), list = [];
	for (let n = Math.ceil(view.from / step); n * step <= view.to; n++)
		if (n >= 0 && momentOf(n * step) <= view.until)
			list.push(momentOf(n * step));
	return {step, list};
}

function tickText(ns, step) {
	if (moments)
		return momentText(ns, view.until - view.since);
	const [size, unit] = units.find(([least]) => step >= least * 0.999) || units[3];
	/* A moment far from the start reads better in seconds. */
	if (size < 1e9 && ns >= 1e9)
		return (ns / 1e9).toFixed(Math.ceil(-Math.log10(step / 1e9) - 1e-9)) + ' s';
	return Number((ns / size).toFixed(3)) + ' ' + unit;
}

function drawAxis() {
	const context = contextOf($('axis'), view.width, AXIS_HEIGHT);
	const {step, list} = ticks();
	context.font = '11px ' + view.font;
	context.fillStyle = view.colours.soft;
	context.fillText('time', 10, 15);
	for (const ns of list) {
		const x = xOf(ns), text = tickText(ns, step);
		const left = Math.max(x - context.measureText(text).width / 2, GUTTER + 2);
		context.fillRect(x, 19, 1, 5);
		if (left + context.measureText(text).width < view.width)
			context.fillText(text, left, 15);
	}
	drawAxisEvents(context);
	drawHolders(context);
}

/* Who held the disk, lane or no lane: one strip over everything. */
function drawHolders(context) {
	const top = 40, height = AXIS_HEIGHT - top - 2;
	context.fillStyle = view.colours.soft;
	context.font = '11px ' + view.font;
	context.fillText('held by', 10, top + 14);
	context.fillStyle = view.colours.session;
	context.fillRect(GUTTER, top, view.width - GUTTER, height);
	for (const band of data.bands) {
		const kind = data.kinds[band[BAND.KIND]], box = clipped(band[BAND.FROM], band[BAND.TO]);
		if ((kind !== 'holds' && kind !== 'spc2') || band[BAND.LUN] !== view.lun || !box.seen)
			continue;
		const type = bandType(band), everybody = type.colour === 'all';
		context.fillStyle = view.colours[type.colour];
		context.fillRect(box.left, top, box.width, height);
		/* Handing over between two of the same type still shows. */
		context.fillStyle = view.colours.paper;
		context.fillRect(box.right - 1, top, 1, height);
		context.font = '600 11px ' + view.font;
		context.fillStyle = view.colours['band-ink'];
		const who = everybody ? 'all registrants' : nexusName(band[BAND.NEXUS]);
		const long = who + '  ' + type.short;
		label(context, context.measureText(long).width < box.width - 10 ? long : who, box.left + 5,
			top + 14, box.width - 8);
	}
}

/* As much of the text as there is room for. */
function cutText(context, text, room) {
	if (context.measureText(text).width <= room)
		return text;
	let length = Math.floor(text.length * room / context.measureText(text).width);
	while (length > 0 && context.measureText(text.slice(0, length) + '…').width > room)
		length--;
	return length > 3 ? text.slice(0, length).trimEnd() + '…' : '';
}

/* Crashes and notes have no lane of their own. Each has the room up to the next one. */
function drawAxisEvents(context) {
	const seen = data.events.filter((event) => event[EVENT.NEXUS] < 0 &&
		xOf(event[EVENT.AT]) >= GUTTER && xOf(event[EVENT.AT]) <= view.width);
	const told = seen.filter((event) => event[EVENT.KIND] !== 'medium');
	for (const event of seen) {
		const x = xOf(event[EVENT.AT]);
		context.fillStyle = isCrash(event) ? view.colours.crash : view.colours.soft;
		context.beginPath();
		context.moveTo(x, 37);
		context.lineTo(x - 4, 29);
		context.lineTo(x + 4, 29);
		context.fill();
	}
	told.forEach((event, i) => {
		const x = xOf(event[EVENT.AT]), kind = event[EVENT.KIND], crash = isCrash(event);
		const end = i + 1 < told.length ? xOf(told[i + 1][EVENT.AT]) - 6 : view.width;
		const text = kind === 'note' ? data.texts[event[EVENT.TEXT]] : kind.replace('_', ' ');
		context.font = (crash ? '700 ' : '') + '10px ' + view.font;
		context.fillStyle = crash ? view.colours.crash : view.colours.soft;
		context.fillText(cutText(context, text, end - x - 9), x + 7, 36);
	});
}

let overviewBars = null;
function countOverview(width) {
	const slots = Math.ceil(width / 2);
	const all = Object.keys(outcomes), bars = Array.from({length: slots}, () => new Array(all.length).fill(0));
	for (const command of data.commands) {
		const slot = Math.floor((placeOf(markTime(command)) - whole.from) / (whole.to - whole.from) * slots);
		bars[Math.min(Math.max(slot, 0), slots - 1)][all.indexOf(outcomeName(command))]++;
	}
	return {width, even: Boolean(moments), bars, most: Math.max(1, ...bars.map((bar) => bar.reduce((a, b) => a + b, 0)))};
}

function drawOverview() {
	const height = 46, context = contextOf($('overview'), view.width, height), width = plotWidth();
	const x = (ns) => GUTTER + (placeOf(ns) - whole.from) / (whole.to - whole.from) * width;
	if (!overviewBars || overviewBars.width !== width || overviewBars.even !== Boolean(moments))
		overviewBars = countOverview(width);
	context.font = '11px ' + view.font;
	context.fillStyle = view.colours.soft;
	context.fillText('all ' + durationText(data.end_ns), 10, 27);
	for (const [from, to] of data.outages) {
		context.globalAlpha = 0.3;
		context.fillStyle = view.colours.crash;
		context.fillRect(x(from), 0, Math.max(x(to) - x(from), 1.5), height);
	}
	context.globalAlpha = 1;
	overviewBars.bars.forEach((bar, slot) => {
		const sum = bar.reduce((a, b) => a + b, 0);
		let y = height - 4;
		bar.forEach((count, which) => {
			if (count === 0)
				return;
			const part = Math.max((height - 12) * Math.sqrt(sum / overviewBars.most) * count / sum, 1);
			context.fillStyle = view.colours[Object.keys(outcomes)[which]];
			context.fillRect(GUTTER + slot * 2, y - part, 1.5, part);
			y -= part;
		});
	});
	context.fillStyle = view.colours.violation;
	for (const index of guilty)
		if (index !== undefined) {
			const at = x(markTime(data.commands[index]));
			context.beginPath();
			context.moveTo(at, 8);
			context.lineTo(at - 4, 0);
			context.lineTo(at + 4, 0);
			context.fill();
		}
	context.globalAlpha = 0.55;
	context.fillStyle = view.colours.paper;
	const left = x(view.since), right = x(view.until);
	context.fillRect(GUTTER, 0, Math.max(left - GUTTER, 0), height);
	context.fillRect(right, 0, view.width, height);
	context.globalAlpha = 1;
	context.strokeStyle = view.colours.focus;
	context.lineWidth = 2;
	context.strokeRect(left + 1, 1, Math.max(right - left - 2, 2), height - 2);
}

/* ---- all of it ---- */

function drawGrid(context, height) {
	context.globalAlpha = 0.07;
	context.fillStyle = view.colours.ink;
	for (const ns of ticks().list)
		context.fillRect(xOf(ns), 0, 1, height);
	context.globalAlpha = 1;
}

function drawLanes(context, totals) {
	const first = Math.max(Math.floor($('lanes').scrollTop / view.laneHeight), 0);
	for (let n = first; n < lanes.length; n++) {
		const parts = laneParts(laneTop(n));
		if (parts.top > view.height)
			break;
		totals.bands += drawBands(context, lanes[n], parts);
		context.fillStyle = view.colours.line;
		context.fillRect(GUTTER, parts.top + view.laneHeight - 1, view.width, 1);
		totals.lanes++;
	}
	drawGrid(context, view.height);
	drawOutages(context, Math.min(lanes.length * view.laneHeight, view.height));
	for (let n = first; n < first + totals.lanes; n++) {
		const counts = drawCommands(context, lanes[n], laneParts(laneTop(n)));
		totals.marks += counts.drawn;
		totals.binned += counts.binned;
	}
}

function draw() {
	layOut();
	const context = contextOf($('view'), view.width, view.height);
	const totals = {marks: 0, binned: 0, bands: 0, lanes: 0, arrows: 0};
	view.marks = [];
	view.bins = [];
	context.save();
	context.beginPath();
	context.rect(GUTTER, 0, view.width - GUTTER, view.height);
	context.clip();
	drawLanes(context, totals);
	totals.arrows = drawArrows(context);
	drawRings(context);
	context.restore();
	drawAxis();
	drawOverview();
	placeLabels();
	const since = Math.max(view.since, 0), until = Math.min(view.until, data.end_ns);
	$('range').textContent = momentText(since, until - since) + ' to ' +
		momentText(until, until - since) + ' (' + durationText(until - since) + ')';
	/* For tests: what this drawing shows. */
	Object.assign(document.documentElement.dataset, totals);
}
