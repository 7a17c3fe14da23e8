-- Split brain: two nodes lose sight of each other, and only one may go on
-- profiles: spc4 dlt-s4
--
-- The network between the nodes is gone, the shared disk is not. Each node believes that the other
-- is dead and wants to take over its work; if both do, they destroy the data. So each asks the
-- disk: PREEMPT AND ABORT with the other's key. The disk takes one command first. The second comes
-- from a nexus whose registration is gone by then and ends with RESERVATION CONFLICT (SPC-4
-- 5.13.11.2.6), which is how a node learns that it is the one that lost.

local a, b = initiator "node-a", initiator "node-b"
up(a, b)

expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "WE-RO", "good")
expect(a:write(100), "good")
expect(b:write(101), "good")

note "the network is gone: both fence"
local by_a, by_b
parallel {
	function() by_a = a:preempt_and_abort(0xb, "WE-RO") end,
	function() by_b = b:preempt_and_abort(0xa, "WE-RO") end,
}

-- Whichever came first: one is GOOD, the other is told that it has been removed, or refused.
local winner, loser = a, b
if by_a.outcome ~= "good" then winner, loser = b, a end
expect_that((by_a.outcome == "good") ~= (by_b.outcome == "good"), "exactly one node wins")

drain(loser)
expect_keys(winner, {winner:key()})
expect_holder(winner, "WE-RO", winner:key())

note "the loser may read, but it can change nothing any more"
expect(loser:read(100), "good")
expect(loser:write(100), "conflict")
expect(loser:reserve "WE-RO", "conflict")
expect(loser:preempt(winner:key(), "WE-RO"), "conflict")
local last = expect(winner:write(100), "good")
expect_data(loser, 100, last)
