/* Where a moment is drawn. On an even scale each moment at which something happened has the same
   room, whatever time lies between them: a dead target or a pause does not push everything else
   together. A place is a time, or, on the even scale, the number of such moments before it. */
const PLACE = 1e6; /* room of one moment */

let moments = null; /* sorted, each once; NULL: places are times */

function countMoments() {
	const all = new Set([0, data.end_ns]);
	for (const command of data.commands) {
		all.add(command[FROM]);
		all.add(command[TO]);
	}
	/* What was found on the medium was found by looking at the end. */
	for (const event of data.events)
		if (event[EVENT.KIND] !== 'medium')
			all.add(event[EVENT.AT]);
	return Float64Array.from(all).sort();
}

function placeOf(ns) {
	if (!moments)
		return ns;
	const last = moments.length - 1;
	if (ns <= moments[0] || last < 1)
		return ns - moments[0];
	if (ns >= moments[last])
		return last * PLACE + ns - moments[last];
	const next = lowerBound(moments, ns, (moment) => moment);
	const before = moments[next - 1];
	return (next - 1 + (ns - before) / (moments[next] - before)) * PLACE;
}

function momentOf(place) {
	if (!moments)
		return place;
	const last = moments.length - 1, at = Math.floor(place / PLACE);
	if (at < 0 || last < 1)
		return moments[0] + place;
	if (at >= last)
		return moments[last] + place - last * PLACE;
	return moments[at] + (place / PLACE - at) * (moments[at + 1] - moments[at]);
}

let counted = null;
function setEven(even) {
	counted = counted || countMoments();
	moments = even ? counted : null;
}
