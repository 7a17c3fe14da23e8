-- PREEMPT AND ABORT against a node that is writing as fast as it can
-- profiles: spc4 dlt-s4
-- target: tas
--
-- PREEMPT leaves commands alone that were let in before it; they may still reach the medium after
-- its GOOD. PREEMPT AND ABORT ends them first (SPC-4 5.13.11.2.6): once it is GOOD, not one write of
-- the victim changes the medium, however many were in flight. What the survivor writes then stays.

local victim, survivor = initiator "victim", initiator "survivor"
up(victim, survivor)

for round = 1, 5 do
	expect(victim:register_and_ignore(0x1), "good")
	expect(survivor:register_and_ignore(0x2), "good")
	expect(victim:reserve "WE-RO", "good")

	local fenced, after = false, {}
	local blocks = {
		function()
			-- Let some of the writes get under way first.
			for _ = 1, round do expect(survivor:test_unit_ready(), "good") end
			expect(survivor:preempt_and_abort(0x1, "WE-RO"), "good")
			fenced = true
			for lba = 0, 7 do after[lba] = expect(survivor:write(lba), "good") end
		end,
	}
	for lba = 0, 7 do
		blocks[#blocks + 1] = function()
			repeat
				local was_fenced = fenced
				local result = victim:write(lba)
				if was_fenced then
					expect(result, {"conflict", "attention preempted",
						"attention commands cleared"})
				else
					-- Without TAS the target says nothing at all of what it aborted.
					expect(result, {"good", "conflict", "task_aborted", "attention preempted",
						"attention commands cleared", "unknown"})
				end
			until fenced
		end
	end
	parallel(blocks)
	for lba = 0, 7 do expect_data(survivor, lba, after[lba]) end
	drain(victim)
	expect(survivor:release "WE-RO", "good")
end
