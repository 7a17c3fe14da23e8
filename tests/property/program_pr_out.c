/* Making PERSISTENT RESERVE OUT commands, well aimed or hostile. */
#include <ctype.h>
#include <string.h>

#include "tests/property/program.h"

static uint64_t pool_key(struct random *r, const struct program_setup *setup)
{
	return 0x1111u * (1 + (uint64_t)random_below(r, setup->key_count));
}

/* ---- TransportIDs ---- */

static size_t padded(size_t text_len)
{
	size_t len = (text_len + 1 + 3) / 4 * 4;
	return len < 20 ? 20 : len;
}

enum {
	BAD_FORMAT,
	BAD_PROTOCOL,
	BAD_NO_NUL,
	BAD_SEPARATOR,
	BAD_DIGIT,
	BAD_FEW_DIGITS,
	BAD_MANY_DIGITS,
	BAD_LENGTH_SMALL,
	BAD_LENGTH_ODD,
	BAD_LENGTH_BEYOND,
	BAD_NAME,
	BAD_COUNT,
};

static void spoil(struct random *r, uint8_t *out, size_t len, size_t name_len)
{
	char *text = (char *)out + 4;
	switch (random_below(r, BAD_COUNT)) {
	case BAD_FORMAT:
		out[0] = (uint8_t)((out[0] & 0x3f) | (2 + random_below(r, 2)) << 6);
		break;
	case BAD_PROTOCOL:
		out[0] = (uint8_t)((out[0] & 0xf0) | (6 + random_below(r, 10)) % 16);
		break;
	case BAD_NO_NUL:
		for (size_t i = 4; i < len; i++)
			out[i] = out[i] ? out[i] : 'x';
		break;
	case BAD_SEPARATOR:
		text[name_len + random_below(r, 5)] = '-';
		break;
	case BAD_DIGIT:
		text[name_len + 5 + random_below(r, 12)] = 'g';
		break;
	case BAD_FEW_DIGITS:
		text[name_len + 16] = '\0';
		break;
	case BAD_MANY_DIGITS:
		text[name_len + 17] = '1';
		break;
	case BAD_LENGTH_SMALL:
		model_put_be(out + 2, 2, 4 * random_below(r, 5));
		break;
	case BAD_LENGTH_ODD:
		model_put_be(out + 2, 2, len - 4 + 1 + random_below(r, 3));
		break;
	case BAD_LENGTH_BEYOND:
		model_put_be(out + 2, 2, random_chance(r, 50) ? len : 0xfffc);
		break;
	default: /* a name that nobody has */
		text[0] = 'z';
		break;
	}
}

static size_t transport_id_make(struct random *r, const struct model_identity *who, bool hostile,
				uint8_t *out, size_t cap)
{
	char text[MODEL_NAME_MAX + 32];
	const uint8_t *i = who->isid;
	bool with_isid = hostile || random_chance(r, 80);

	snprintf(text, sizeof(text), "%s,i,0x%02x%02x%02x%02x%02x%02x", who->name, i[0], i[1], i[2],
		 i[3], i[4], i[5]);
	size_t name_len = strlen(who->name);
	if (!with_isid)
		text[name_len] = '\0';
	if (random_chance(r, 15)) /* names and digits compare without case */
		for (size_t at = 0; text[at]; at++)
			if (at < name_len || at >= name_len + 5)
				text[at] = (char)toupper((unsigned char)text[at]);
	size_t len = 4 + padded(strlen(text));
	if (hostile && random_chance(r, 10))
		len += 4; /* room for a digit too many */
	if (len > cap)
		return 0;
	memset(out, 0, len);
	out[0] = with_isid ? 0x45 : 0x05;
	model_put_be(out + 2, 2, len - 4);
	memcpy(out + 4, text, strlen(text));
	if (hostile)
		spoil(r, out, len, name_len);
	return len;
}

/* ---- PERSISTENT RESERVE OUT ---- */

/* A port of the set-up, or now and then one that will never log in. */
static struct model_identity some_port(struct random *r, const struct program_setup *setup)
{
	struct model_identity who = setup->nexuses[random_below(r, setup->nexus_count)];
	if (random_chance(r, 15))
		who.isid[5] = (uint8_t)(0x40 + random_below(r, 6));
	return who;
}

/* The logged-in nexus that holds the reservation; -1: none. */
static int holder_nexus(const struct model *m)
{
	for (unsigned i = 0; i < m->nexus_count && m->holder >= 0; i++)
		if (m->nexuses[i].logged_in &&
		    model_same_nexus(&m->nexuses[i].who, &m->registrations[m->holder].who))
			return (int)i;
	return -1;
}

static uint64_t aim_key(struct random *r, const struct program_setup *setup, const struct model *m,
			unsigned nexus)
{
	unsigned roll = random_below(r, 100);
	int mine = model_find(m, &m->nexuses[nexus].who);

	if (roll < 86)
		return mine >= 0 ? m->registrations[mine].key : 0;
	if (roll < 94)
		return pool_key(r, setup);
	return roll < 97 ? 0 : random_next(r);
}

static uint64_t aim_new_key(struct random *r, const struct program_setup *setup,
			    const struct model *m, unsigned action)
{
	unsigned roll = random_below(r, 100);
	bool preempts = action == 4 || action == 5;

	if (preempts && m->holder >= 0 && roll < 35)
		return m->registrations[m->holder].key;
	if (preempts && model_is_ar(m->type) && roll < 35)
		return 0;
	if (preempts && m->registration_count > 0 && roll < 70)
		return m->registrations[random_below(r, m->registration_count)].key;
	if (roll > 88)
		return 0;
	return roll > 86 ? random_next(r) : pool_key(r, setup);
}

static uint8_t aim_type(struct random *r, const struct program_setup *setup, const struct model *m)
{
	static const uint8_t types[] = {1, 3, 5, 6, 7, 8};
	unsigned roll = random_below(r, 100);

	if (roll < 30 && m->type != 0)
		return m->type;
	if (roll < 90)
		return types[random_below(r, setup->traits.types >> 7 != 0 ? 6 : 4)];
	return (uint8_t)random_below(r, 16);
}

static unsigned aim_action(struct random *r)
{
	static const uint8_t weights[] = {24, 18, 10, 3, 12, 9, 12, 10};
	unsigned roll = random_below(r, 100);

	for (unsigned action = 0; action < sizeof(weights); action++) {
		if (roll < weights[action])
			return action;
		roll -= weights[action];
	}
	return random_below(r, 32);
}

static uint32_t move_list(struct random *r, const struct program_setup *setup,
			  struct program_step *step)
{
	uint8_t *list = step->list;
	struct model_identity to = some_port(r, setup);
	size_t len =
		transport_id_make(r, &to, random_chance(r, 12), list + 24, PROGRAM_LIST_MAX - 24);
	uint32_t port = 1 + random_below(r, setup->port_count);

	list[17] = (uint8_t)((random_chance(r, 50) ? 1 : 0) | (random_chance(r, 40) ? 2 : 0));
	if (random_chance(r, 5))
		list[17] = (uint8_t)(list[17] | random_below(r, 256));
	if (random_chance(r, 8))
		port = random_chance(r, 50) ? 0 : setup->port_count + 1 + random_below(r, 3);
	model_put_be(list + 18, 2, port);
	uint64_t told = len;
	if (random_chance(r, 4))
		told = random_chance(r, 50) ? random_below(r, 64) : random_next(r) >> 32;
	model_put_be(list + 20, 4, told);
	return (uint32_t)(24 + len);
}

static uint32_t ports_list(struct random *r, const struct program_setup *setup,
			   struct program_step *step)
{
	unsigned count = random_below(r, 4);
	size_t len = 28;

	for (unsigned i = 0; i < count; i++) {
		struct model_identity port = some_port(r, setup);
		len += transport_id_make(r, &port, random_chance(r, 6), step->list + len,
					 PROGRAM_LIST_MAX - len);
	}
	uint64_t told = len - 28;
	if (random_chance(r, 5))
		told = random_chance(r, 50) ? random_below(r, 128) : random_next(r) >> 32;
	model_put_be(step->list + 24, 4, told);
	return (uint32_t)len;
}

static uint32_t hostile_len(struct random *r)
{
	static const uint32_t lens[] = {0,    1,    8,	     20,      21,	23,	   25,
					28,   32,   44,	     48,      52,	8192,	   8193,
					8216, 8220, 0x10000, 0x10018, 0x800018, 0xffffffff};
	return lens[random_below(r, sizeof(lens) / sizeof(lens[0]))];
}

void program_pr_out_make(struct random *r, const struct program_setup *setup, const struct model *m,
			 struct program_step *step)
{
	unsigned action = aim_action(r);
	int holder = holder_nexus(m);
	uint8_t *cdb = step->cdb, *list = step->list;
	uint32_t len = 24;

	if (holder >= 0 && random_chance(r, 20)) {
		step->nexus = (unsigned)holder;
		if (random_chance(r, 40))
			action = 7;
	}
	cdb[0] = 0x5f;
	cdb[1] = (uint8_t)action;
	cdb[2] = aim_type(r, setup, m);
	if (random_chance(r, 4))
		cdb[2] = (uint8_t)(cdb[2] | random_below(r, 16) << 4);
	model_put_be(list, 8, aim_key(r, setup, m, step->nexus));
	model_put_be(list + 8, 8, aim_new_key(r, setup, m, action));
	if (random_chance(r, 5)) { /* obsolete and reserved bytes */
		model_put_be(list + 16, 4, random_next(r));
		model_put_be(list + 21, 3, random_next(r));
	}
	if (action == 7) {
		len = move_list(r, setup, step);
	} else {
		bool spec_i_pt = random_chance(r, action == 0 && setup->traits.spec_i_pt ? 14 : 2);
		list[20] =
			(uint8_t)((random_chance(r, 40) ? 0x01 : 0) | (spec_i_pt ? 0x08 : 0) |
				  (random_chance(r, setup->traits.all_ports ? 6 : 2) ? 0x04 : 0));
		if (random_chance(r, 3))
			list[20] = (uint8_t)(list[20] | (random_below(r, 256) & 0xf2));
		if (spec_i_pt && (action == 0 || random_chance(r, 30)))
			len = ports_list(r, setup, step);
	}
	if (random_chance(r, 2)) { /* reserved bits of the CDB are ignored */
		cdb[1] = (uint8_t)(cdb[1] | random_below(r, 8) << 5);
		model_put_be(cdb + 3, 2, random_next(r));
	}
	if (random_chance(r, 1))
		cdb[9] = (uint8_t)random_below(r, 256);
	if (random_chance(r, 1)) { /* lists as long as they may be, and longer */
		len = random_chance(r, 50) ? MODEL_PARAMETER_MAX : MODEL_PARAMETER_MAX + 4;
		if (action == 7)
			model_put_be(list + 20, 4, len - 24);
		else if (action == 0)
			model_put_be(list + 24, 4, len - 28);
	}
	uint32_t told = random_chance(r, 4) ? hostile_len(r) : len;
	model_put_be(cdb + 5, 4, told);
	step->list_len = len < PROGRAM_LIST_MAX ? len : PROGRAM_LIST_MAX;
	step->expected_out = told;
	if (random_chance(r, 2))
		step->expected_out = random_below(r, told > 0 && told < 9000 ? told : 64);
	else if (random_chance(r, 3))
		step->expected_out = told < 100000 ? told + random_below(r, 600) : told;
	if (random_chance(r, 3))
		step->store_error =
			random_chance(r, 50) ? PROGRAM_STORE_NO_SPACE : PROGRAM_STORE_IO_ERROR;
	step->together = random_chance(r, 20);
}
