/* PERSISTENT RESERVE IN (the sheet's 1.1 and 2). */
#include "tests/property/model.h"

#include <stdio.h>
#include <string.h>

#define POINTER_SERVICE_ACTION 0xcc0001 /* error in CDB, bit 4 of byte 1 */
#define POINTER_NACA	       0xca0009 /* error in CDB, bit 2 of byte 9 */

bool model_pr_in_decodes(const struct model *m, const struct model_command *c,
			 struct model_answer *a)
{
	unsigned action = c->cdb[1] & 0x1f;

	if (action > 15 || (m->traits.in_actions >> action & 1) == 0)
		model_check(a, 5, 0x24, 0, POINTER_SERVICE_ACTION);
	else if (c->cdb[9] & 0x04)
		model_check(a, 5, 0x24, 0, POINTER_NACA);
	else
		return true;
	return false;
}

static size_t read_keys(const struct model *m, uint8_t *out)
{
	model_put_be(out, 4, m->generation);
	model_put_be(out + 4, 4, 8 * (uint64_t)m->registration_count);
	for (unsigned i = 0; i < m->registration_count; i++)
		model_put_be(out + 8 + 8 * i, 8, m->registrations[i].key);
	return 8 + 8 * (size_t)m->registration_count;
}

static size_t read_reservation(const struct model *m, uint8_t *out)
{
	memset(out, 0, 24);
	model_put_be(out, 4, m->generation);
	if (m->type == 0)
		return 8;
	out[7] = 0x10;
	if (!model_is_ar(m->type))
		model_put_be(out + 8, 8, m->registrations[m->holder].key);
	out[21] = m->type; /* scope 0: the logical unit */
	return 24;
}

static size_t report_capabilities(const struct model *m, uint8_t *out)
{
	const struct model_traits *traits = &m->traits;

	memset(out, 0, 8);
	out[1] = 8;
	out[2] = (uint8_t)(16 * traits->crh + 8 * traits->spec_i_pt + 4 * traits->all_ports +
			   traits->aptpl);
	out[3] = (uint8_t)(0x80 + 16 * traits->allow_commands + m->aptpl);
	for (unsigned type = 0; type < 16; type++)
		if (traits->types >> type & 1)
			out[4 + type / 8] = (uint8_t)(out[4 + type / 8] + (1 << type % 8));
	return 8;
}

/* Format 01b: name, separator, twelve digits, NUL, padding to a multiple of 4. */
static size_t put_transport_id(const struct model_identity *who, uint8_t *out)
{
	char text[MODEL_NAME_MAX + 32];
	int n = snprintf(text, sizeof(text), "%s,i,0x%02x%02x%02x%02x%02x%02x", who->name,
			 who->isid[0], who->isid[1], who->isid[2], who->isid[3], who->isid[4],
			 who->isid[5]);
	size_t padded = ((size_t)n + 1 + 3) / 4 * 4;
	if (padded < 20)
		padded = 20;
	memset(out, 0, 4 + padded);
	out[0] = 0x45;
	model_put_be(out + 2, 2, padded);
	memcpy(out + 4, text, (size_t)n);
	return 4 + padded;
}

static size_t read_full_status(const struct model *m, uint8_t *out)
{
	size_t len = 8;
	for (unsigned i = 0; i < m->registration_count; i++) {
		uint8_t *d = out + len;
		memset(d, 0, 24);
		model_put_be(d, 8, m->registrations[i].key);
		if (model_is_holder(m, (int)i)) {
			d[12] = 0x01;
			d[13] = m->type;
		}
		model_put_be(d + 18, 2, m->registrations[i].who.port);
		size_t t = put_transport_id(&m->registrations[i].who, d + 24);
		model_put_be(d + 20, 4, t);
		len += 24 + t;
	}
	model_put_be(out, 4, m->generation);
	model_put_be(out + 4, 4, len - 8);
	return len;
}

void model_persistent_reserve_in(const struct model *m, const struct model_command *c,
				 struct model_answer *a)
{
	size_t allocation = model_be(c->cdb + 7, 2);
	size_t len = 0;

	switch (c->cdb[1] & 0x1f) {
	case 0:
		len = read_keys(m, a->data);
		break;
	case 1:
		len = read_reservation(m, a->data);
		break;
	case 2:
		len = report_capabilities(m, a->data);
		break;
	default:
		len = read_full_status(m, a->data);
		break;
	}
	a->wanted_len = len < allocation ? len : allocation;
	a->data_len = a->wanted_len < c->expected_in ? (size_t)a->wanted_len : c->expected_in;
	a->data_known = true;
	model_good(a);
}
