-- The power goes, and comes back
-- profiles: spc4 dlt-s4
-- target: power-cuts
-- needs: own
--
-- When a target is killed, its machine still has all that it wrote. When the power goes, what was
-- not yet on stable storage is gone, in pieces: of two blocks that one command wrote, one may be new
-- and the other old. So GOOD has three meanings. Of a write it means that everybody reads it from
-- now on, not that it lasts (the target has a volatile cache: WCE). Of a write with FUA, and of
-- SYNCHRONIZE CACHE for what was written before it was sent, it means that it lasts (SBC-3 4.15).
-- And what was changed in registrations and reservations lasts at once if APTPL is on: else a node
-- that was fenced would come back with the power (SPC-4 5.13.5).

local a, b = initiator "a", initiator "b"

-- Each cut loses something else: a few, so that a target without a sync has no luck.
for round = 1, 5 do
	up(a, b)
	note("round " .. round .. ": a and b share the disk, a fences b")
	expect(a:register_and_ignore {new = 0xa, aptpl = true}, "good")
	expect(b:register_and_ignore {new = 0xb, aptpl = true}, "good")
	expect(a:reserve "WE-RO", "good")
	expect(a:preempt_and_abort(0xb, "WE-RO"), "good")
	expect_attention(b, "preempted")

	note "what lasts, what lasts from SYNCHRONIZE CACHE on, and what may be lost"
	local forced = expect(a:write {lba = 0, fua = true}, "good")
	local synchronized = expect(a:write(1), "good")
	expect(a:synchronize_cache(), "good")
	local before = expect(a:write {lba = 2, blocks = 2, fua = true}, "good")
	local cached = expect(a:write(2, 2), "good")
	expect_data(b, 2, cached)
	power_cut()

	up(a, b)
	expect_data(b, 0, forced)
	expect_data(b, 1, synchronized)
	local tags = expect(b:read(2, 2), "good").tags
	for i = 1, 2 do
		local sequence = tags[i].sequence
		expect_that(sequence == cached.sequence or sequence == before.sequence,
			"a block holds the write that was lost, or what was there before")
	end
	expect_keys(a, {0xa})
	expect_holder(a, "WE-RO", 0xa)
	expect(b:write(0), "conflict")

	note "the target is killed, started, and asked to synchronize what its predecessor wrote"
	local left = expect(a:write(4, 4), "good")
	restart()
	up(a, b)
	expect(a:synchronize_cache(), "good")
	power_cut()
	up(a, b)
	for lba = 4, 7 do expect_data(b, lba, left) end
	expect(a:clear(), "good")
	a:logout()
	b:logout()
end
