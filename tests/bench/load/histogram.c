#include "tests/bench/load/load.h"

/* Exponent and leading bits: buckets that grow with the value. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned exponent = 0;

	if (ns >> (LOAD_HISTOGRAM_MANTISSA + 1) == 0)
		return (unsigned)ns;
	exponent = 63u - LOAD_HISTOGRAM_MANTISSA - (unsigned)__builtin_clzll(ns);
	return (exponent << LOAD_HISTOGRAM_MANTISSA) + (unsigned)(ns >> exponent);
}

static double bucket_middle_ns(unsigned bucket)
{
	unsigned exponent = bucket >> LOAD_HISTOGRAM_MANTISSA;

	if (exponent < 2)
		return bucket;
	exponent--;
	uint64_t leading = bucket - (exponent << LOAD_HISTOGRAM_MANTISSA);
	return ((double)leading + 0.5) * (double)(1ull << exponent);
}

void load_histogram_add(struct load_histogram *histogram, uint64_t ns)
{
	histogram->buckets[bucket_of(ns)]++;
	histogram->count++;
}

double load_histogram_percentile(const struct load_histogram *histogram, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)histogram->count);
	uint64_t seen = 0;

	for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen > wanted)
			return bucket_middle_ns(i) / 1000.0;
	}
	return 0.0;
}
