-- Preempt ping-pong: two nodes take the reservation from each other, again and again
-- profiles: spc4 dlt-s4
--
-- A cluster that restarts its fenced nodes at once, with a network that is still broken, plays this
-- game: each comes back, registers and fences the other. Every round moves PRGENERATION by exactly
-- two (one REGISTER, one PREEMPT), tells the loser exactly once, and leaves one holder.

local a, b = initiator "a", initiator "b"
up(a, b)
expect(a:register(0xa), "good")
expect(a:reserve "EA", "good")

local attacker, victim = b, a
local generation = a:read_keys().generation
for round = 1, 10 do
	expect(attacker:register(0x10 + round), "good")
	expect(attacker:preempt(victim:key(), "EA"), "good")
	victim.keys[0] = 0
	expect_holder(attacker, "EA", attacker:key())
	expect_attention(victim, "preempted")
	expect_no_attention(victim)
	expect(victim:write(0), "conflict")
	expect(attacker:write(0), "good")
	local now = attacker:read_keys().generation
	expect_that(now == generation + 2, "PRGENERATION moved by two in round " .. round)
	generation = now
	attacker, victim = victim, attacker
end
