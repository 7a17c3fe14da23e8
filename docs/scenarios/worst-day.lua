-- A cluster's worst day: split brain, crash, return
-- profiles: spc4 dlt-s4
-- target: tas
-- needs: own
--
-- Three nodes share a disk. Each has registered a key of its own, one holds the reservation (Write
-- Exclusive, Registrants Only: whoever is registered may write), and APTPL is set, so that the
-- target keeps all of it on stable storage. Then everything goes wrong at once. `make demo` shows
-- this one. What it teaches:
--
-- * The disk decides who goes on. Two nodes fence each other in the same moment; one PREEMPT AND
--   ABORT comes first, and the other's sender is removed before its own command is looked at.
-- * A fence that was answered with GOOD holds, over a crash of the target, and before anybody has
--   logged in again. A fence whose answer died with the target has happened wholly or not at all:
--   look, and fence again if need be (SPC-4 5.13.5, 5.13.11.2.6).
-- * The fence works on the disk and not in the node: who was fenced need not know it.

local a, b, c = initiator "node-a", initiator "node-b", initiator "node-c"
local stranger = initiator "stranger"

note "Three nodes log in and register, each with a key of its own, to be kept over a power loss."
up(a, b, c)
expect(a:register {new = 0xa, aptpl = true}, "good")
expect(b:register {new = 0xb, aptpl = true}, "good")
expect(c:register {new = 0xc, aptpl = true}, "good")
expect(a:reserve "WE-RO", "good")

note "All of them write. A stranger, who has not registered, may read and no more."
parallel {
	function() expect(a:write(100), "good") end,
	function() expect(b:write(110), "good") end,
	function() expect(c:write(120), "good") end,
}
up(stranger)
expect(stranger:read(100), "good")
expect(stranger:write(100), "conflict")

note "Split brain: node-a and node-b lose sight of each other. Both fence, in the same moment."
local by_a, by_b
parallel {
	function() step(); by_a = a:preempt_and_abort(0xb, "WE-RO") end,
	function() step(); by_b = b:preempt_and_abort(0xa, "WE-RO") end,
}
expect_that((by_a.outcome == "good") ~= (by_b.outcome == "good"), "exactly one node wins")
local winner, loser = a, b
if by_a.outcome ~= "good" then winner, loser = b, a end

note("The disk took one first: " .. winner.label .. " goes on. " .. loser.label ..
	" can change nothing any more.")
drain(loser)
expect(loser:write(100), "conflict")
expect(loser:preempt(winner:key(), "WE-RO"), "conflict")
expect(winner:write(100), "good")

note("node-c hangs. " .. winner.label .. " fences it, and in the middle of that the target dies.")
local fence
parallel {
	function() fence = winner:preempt_and_abort(0xc, "WE-RO") end,
	function() target.kill(300) end,
}
expect(fence, {"good", "unknown"})

note "The target starts again. The stranger is faster than any node: is the door open?"
target.start()
up(stranger)
expect(stranger:write(100), "conflict")

note(winner.label .. " comes back, and looks whether its fence has happened.")
up(winner)
local fenced = #expect(winner:read_keys(), "good").registrations == 1
expect_that(fenced or fence.outcome ~= "good", "what was GOOD is there")
if not fenced then
	note "It has not: all of it or nothing. So once more."
	expect(winner:preempt_and_abort(0xc, "WE-RO"), "good")
end
expect_keys(winner, {winner:key()})
expect_holder(winner, "WE-RO", winner:key())
local kept = expect(winner:write(120), "good")

note "node-c wakes up. It knows of nothing, and writes what it was about to write."
up(c)
expect(c:write(120), "conflict")
expect(c:reserve "WE-RO", "conflict")
expect_data(c, 120, kept)

note "Both come back as nodes should: they register anew, with new keys."
up(loser)
expect(c:register {key = 0, new = 0xcc, aptpl = true}, "good")
expect(loser:register {key = 0, new = 0xdd, aptpl = true}, "good")
local last = expect(c:write(121), "good")
expect(loser:write(110), "good")
expect_data(winner, 121, last)
expect_keys(winner, {winner:key(), 0xcc, 0xdd})
expect_holder(winner, "WE-RO", winner:key())
