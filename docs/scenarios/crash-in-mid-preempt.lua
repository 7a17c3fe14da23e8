-- The target dies in the middle of a PREEMPT
-- profiles: spc4 dlt-s4
-- needs: own
--
-- Nobody answers the PREEMPT: did it happen or not? Both are allowed, a mixture is not. After the
-- restart either the victim is registered and holds, or it is gone and the attacker holds. And when
-- the GOOD did come, the second is the only one.

-- So many microseconds after it was sent: from before the target has seen it to long after its end.
for round, after_us in ipairs {0, 20, 60, 120, 200, 300, 500, 1000} do
	local a, b = initiator("a-" .. round), initiator("b-" .. round)
	up(a, b)
	expect(a:register_and_ignore {new = 0xa, aptpl = true}, "good")
	expect(b:register_and_ignore {new = 0xb, aptpl = true}, "good")
	expect(a:reserve "WE-RO", "good")
	local result
	parallel {
		function() result = b:preempt(0xa, "WE-RO") end,
		function() target.kill(after_us) end,
	}
	target.start()

	up(a, b)
	local keys = #b:read_keys().registrations
	local holder = expect(b:read_reservation(), "good")
	if result.outcome == "good" then
		expect_that(keys == 1 and holder.holder_key == 0xb, "what was GOOD is there")
	else
		expect(result, "unknown")
		expect_that(keys == 1 and holder.holder_key == 0xb or
			keys == 2 and holder.holder_key == 0xa, "all of it happened, or nothing")
	end
	expect(b:clear {key = 0xb}, "good")
	a:logout()
	b:logout()
end
