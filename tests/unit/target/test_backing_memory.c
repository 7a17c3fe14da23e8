#include <stdlib.h>
#include <string.h>

#include "target/backing.h"
#include "tests/support/suite.h"

#define CHUNK ((uint64_t)64 * 1024)
#define SIZE  (4 * CHUNK + 512)

static struct backing *backing;
static unsigned done_calls;

static void setup(void)
{
	ck_assert_int_eq(backing_memory_open(SIZE, &backing), 0);
	done_calls = 0;
}

static void teardown(void)
{
	backing->ops->close(backing);
}

static void count_done(struct backing_request *request)
{
	(void)request;
	done_calls++;
}

static struct backing_request run(enum backing_op op, uint64_t offset, uint64_t len, void *data,
				  size_t data_len)
{
	struct backing_request request = {.op = op,
					  .offset = offset,
					  .len = len,
					  .data = data,
					  .data_len = data_len,
					  .error = 1,
					  .done = count_done};
	unsigned before = done_calls;

	backing->ops->submit(backing, &request);
	ck_assert_uint_eq(done_calls, before + 1);
	ck_assert_int_eq(request.error, 0);
	return request;
}

static void assert_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t *data = malloc(len);

	ck_assert_ptr_nonnull(data);
	memset(data, 0xee, len);
	run(BACKING_READ, offset, len, data, len);
	/* Not an assertion a byte: each of them tells the runner where it is. */
	for (size_t i = 0; i < len; i++) {
		if (data[i] != value)
			ck_abort_msg("byte %ju is %02x and not %02x", (uintmax_t)(offset + i),
				     data[i], value);
	}
	free(data);
}

static void write_filled(uint64_t offset, size_t len, uint8_t value)
{
	uint8_t *data = malloc(len);

	ck_assert_ptr_nonnull(data);
	memset(data, value, len);
	run(BACKING_WRITE, offset, len, data, len);
	free(data);
}

START_TEST(what_was_never_written_reads_as_zeros)
{
	assert_filled(0, SIZE, 0);
}
END_TEST

START_TEST(a_write_over_a_chunk_edge_is_read_back_and_nothing_else_changes)
{
	write_filled(CHUNK - 512, 1024, 'w');
	assert_filled(CHUNK - 512, 1024, 'w');
	assert_filled(0, CHUNK - 512, 0);
	assert_filled(CHUNK + 512, 2 * CHUNK, 0);
}
END_TEST

START_TEST(data_go_on_in_step_behind_a_chunk_edge)
{
	uint8_t out[2048], in[2048];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 5 + i / 256);
	run(BACKING_WRITE, CHUNK - 512, sizeof(out), out, sizeof(out));
	run(BACKING_READ, CHUNK - 512, sizeof(in), in, sizeof(in));
	ck_assert_mem_eq(in, out, sizeof(out));
}
END_TEST

START_TEST(the_last_block_of_an_uneven_store_can_be_written)
{
	write_filled(SIZE - 512, 512, 'e');
	assert_filled(SIZE - 512, 512, 'e');
}
END_TEST

START_TEST(unmapped_blocks_read_as_zeros_and_their_neighbours_stay)
{
	write_filled(0, 3 * CHUNK, 'u');
	run(BACKING_UNMAP, 512, 2 * CHUNK, NULL, 0);
	assert_filled(0, 512, 'u');
	assert_filled(512, 2 * CHUNK, 0);
	assert_filled(512 + 2 * CHUNK, CHUNK - 512, 'u');
}
END_TEST

START_TEST(unmapping_what_was_never_written_maps_nothing)
{
	run(BACKING_UNMAP, 512, CHUNK, NULL, 0);
	struct backing_request extent = run(BACKING_EXTENT, 0, SIZE, NULL, 0);
	ck_assert(!extent.mapped);
	ck_assert_uint_eq(extent.len, SIZE);
}
END_TEST

START_TEST(a_chunk_unmapped_in_parts_is_a_hole_in_the_end)
{
	write_filled(0, SIZE, 'x');
	run(BACKING_UNMAP, 0, CHUNK / 2, NULL, 0);
	ck_assert(run(BACKING_EXTENT, 0, 512, NULL, 0).mapped);
	run(BACKING_UNMAP, CHUNK / 2, CHUNK / 2, NULL, 0);
	ck_assert(!run(BACKING_EXTENT, 0, 512, NULL, 0).mapped);
}
END_TEST

START_TEST(the_uneven_end_of_the_store_can_be_unmapped)
{
	write_filled(0, SIZE, 'x');
	run(BACKING_UNMAP, 0, SIZE, NULL, 0);
	struct backing_request extent = run(BACKING_EXTENT, 0, SIZE, NULL, 0);
	ck_assert(!extent.mapped);
	ck_assert_uint_eq(extent.len, SIZE);
}
END_TEST

START_TEST(write_same_repeats_its_block_in_step_over_chunk_edges)
{
	uint8_t block[512], data[512];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 7);
	run(BACKING_WRITE_SAME, 512, 2 * CHUNK, block, sizeof(block));
	for (uint64_t at = 512; at < 512 + 2 * CHUNK; at += 512) {
		run(BACKING_READ, at, 512, data, sizeof(data));
		ck_assert_mem_eq(data, block, sizeof(block));
	}
	assert_filled(0, 512, 0);
	assert_filled(512 + 2 * CHUNK, 512, 0);
}
END_TEST

START_TEST(extents_tell_written_chunks_from_holes)
{
	write_filled(CHUNK, 512, 'x');
	write_filled(2 * CHUNK, 512, 'x');

	struct backing_request hole = run(BACKING_EXTENT, 512, SIZE - 512, NULL, 0);
	ck_assert(!hole.mapped);
	ck_assert_uint_eq(hole.len, CHUNK - 512);
	struct backing_request data = run(BACKING_EXTENT, CHUNK, SIZE - CHUNK, NULL, 0);
	ck_assert(data.mapped);
	ck_assert_uint_eq(data.len, 2 * CHUNK);
}
END_TEST

START_TEST(an_extent_never_reaches_past_what_was_asked_for)
{
	struct backing_request extent = run(BACKING_EXTENT, 512, 1024, NULL, 0);

	ck_assert_uint_eq(extent.len, 1024);
}
END_TEST

/* What is large lies in other memory than what is small (chunk_pool.h). */
#define LARGE (5 * 1024 * 1024 + 512)

static uint8_t value_at(uint64_t offset)
{
	return (uint8_t)(1 + offset / CHUNK);
}

static void open_large(void)
{
	backing->ops->close(backing);
	ck_assert_int_eq(backing_memory_open(LARGE, &backing), 0);
	for (uint64_t at = 0; at < LARGE; at += CHUNK)
		write_filled(at, LARGE - at < CHUNK ? LARGE - at : CHUNK, value_at(at));
}

START_TEST(a_large_store_keeps_each_chunk_apart)
{
	open_large();
	for (uint64_t at = 0; at < LARGE; at += CHUNK)
		assert_filled(at, LARGE - at < CHUNK ? LARGE - at : CHUNK, value_at(at));
}
END_TEST

START_TEST(what_is_unmapped_of_a_large_store_is_zero_and_can_be_written_again)
{
	const uint64_t at = LARGE / CHUNK * CHUNK - CHUNK;

	open_large();
	run(BACKING_UNMAP, at, CHUNK, NULL, 0);
	ck_assert(!run(BACKING_EXTENT, at, 512, NULL, 0).mapped);
	assert_filled(at, CHUNK, 0);
	write_filled(at + 512, 512, 'n');
	assert_filled(at, 512, 0);
	assert_filled(at + 512, 512, 'n');
	assert_filled(at + 1024, CHUNK - 1024, 0);
	assert_filled(at - CHUNK, CHUNK, value_at(at - CHUNK));
	assert_filled(at + CHUNK, 512, value_at(at + CHUNK));
	run(BACKING_UNMAP, 0, LARGE, NULL, 0);
	struct backing_request extent = run(BACKING_EXTENT, 0, LARGE, NULL, 0);
	ck_assert(!extent.mapped);
	ck_assert_uint_eq(extent.len, LARGE);
	assert_filled(0, LARGE, 0);
}
END_TEST

START_TEST(what_is_expected_need_not_be_there_and_changes_nothing)
{
	backing->ops->expect(backing, 0);
	backing->ops->expect(backing, SIZE - 512);
	write_filled(SIZE - 512, 512, 'e');
	backing->ops->expect(backing, SIZE - 512);
	assert_filled(0, SIZE - 512, 0);
	assert_filled(SIZE - 512, 512, 'e');
}
END_TEST

/* ---- lending --------------------------------------------------------------------------------- */

START_TEST(what_was_written_is_lent_from_where_it_lies)
{
	uint8_t copy[4096];

	write_filled(0, 8192, 'l');
	uint8_t *lent = backing->ops->lend(backing, 0, 4096, 4096);
	ck_assert_ptr_nonnull(lent);
	ck_assert_uint_eq(lent[0], 'l');
	ck_assert_uint_eq(lent[4095], 'l');
	write_filled(4096, 512, 'm');
	ck_assert_uint_eq(lent[0], 'm');
	ck_assert_int_eq(backing->ops->copy_lent(backing, 4096, copy, sizeof(copy)), 0);
	ck_assert_mem_eq(copy, lent, sizeof(copy));
}
END_TEST

START_TEST(a_hole_is_not_lent)
{
	ck_assert_ptr_null(backing->ops->lend(backing, 0, 0, 4096));
	write_filled(0, 65536, 'l');
	ck_assert_ptr_null(backing->ops->lend(backing, 0, 65536 - 512, 1024));
	run(BACKING_UNMAP, 0, 65536, NULL, 0);
	ck_assert_ptr_null(backing->ops->lend(backing, 0, 0, 4096));
}
END_TEST

/* Written from the front its chunks lie side by side, but for those of two pieces of the pool. */
START_TEST(over_a_chunk_edge_is_lent_what_lies_side_by_side)
{
	unsigned lent = 0, edges = 0;

	open_large();
	for (uint64_t at = CHUNK; at + 512 <= LARGE; at += CHUNK, edges++) {
		const uint8_t *data = backing->ops->lend(backing, 0, at - 512, 1024);
		if (!data)
			continue;
		lent++;
		ck_assert_uint_eq(data[511], value_at(at - 1));
		ck_assert_uint_eq(data[512], value_at(at));
	}
	ck_assert_uint_gt(lent, edges / 4);
}
END_TEST

START_TEST(flush_has_nothing_to_do_and_succeeds)
{
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	ck_assert(backing->volatile_store);
}
END_TEST

START_TEST(an_empty_store_is_refused)
{
	struct backing *none = NULL;

	ck_assert_int_lt(backing_memory_open(0, &none), 0);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(the_null_store_reads_zeros_whatever_is_written)
{
	backing->ops->close(backing);
	ck_assert_int_eq(backing_null_open(SIZE, &backing), 0);
	write_filled(0, 4096, 'n');
	assert_filled(0, 4096, 0);
	run(BACKING_FLUSH, 0, 0, NULL, 0);
	run(BACKING_UNMAP, 0, 4096, NULL, 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_never_written_reads_as_zeros);
	tcase_add_test(tcase, a_write_over_a_chunk_edge_is_read_back_and_nothing_else_changes);
	tcase_add_test(tcase, data_go_on_in_step_behind_a_chunk_edge);
	tcase_add_test(tcase, the_last_block_of_an_uneven_store_can_be_written);
	tcase_add_test(tcase, unmapped_blocks_read_as_zeros_and_their_neighbours_stay);
	tcase_add_test(tcase, unmapping_what_was_never_written_maps_nothing);
	tcase_add_test(tcase, a_chunk_unmapped_in_parts_is_a_hole_in_the_end);
	tcase_add_test(tcase, the_uneven_end_of_the_store_can_be_unmapped);
	tcase_add_test(tcase, write_same_repeats_its_block_in_step_over_chunk_edges);
	tcase_add_test(tcase, extents_tell_written_chunks_from_holes);
	tcase_add_test(tcase, an_extent_never_reaches_past_what_was_asked_for);
	tcase_add_test(tcase, a_large_store_keeps_each_chunk_apart);
	tcase_add_test(tcase, what_is_unmapped_of_a_large_store_is_zero_and_can_be_written_again);
	tcase_add_test(tcase, what_is_expected_need_not_be_there_and_changes_nothing);
	tcase_add_test(tcase, what_was_written_is_lent_from_where_it_lies);
	tcase_add_test(tcase, a_hole_is_not_lent);
	tcase_add_test(tcase, over_a_chunk_edge_is_lent_what_lies_side_by_side);
	tcase_add_test(tcase, flush_has_nothing_to_do_and_succeeds);
	tcase_add_test(tcase, an_empty_store_is_refused);
	tcase_add_test(tcase, the_null_store_reads_zeros_whatever_is_written);
}

int main(void)
{
	return suite_run("target/backing_memory", fill);
}
