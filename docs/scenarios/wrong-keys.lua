-- Wrong keys: nothing happens without the right one
-- profiles: spc4 dlt-s4
--
-- The key in a PERSISTENT RESERVE OUT must be the one that the nexus is registered with. If not:
-- RESERVATION CONFLICT, and not a bit has changed, PRGENERATION neither. So a node that acts on an
-- old picture of the world cannot do any harm.

local a, b = initiator "a", initiator "b"
up(a, b)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "WE-RO", "good")
local before = a:read_keys().generation

for _, key in ipairs {0, 0xb, 0xffffffffffffffff} do
	expect(a:register {key = key, new = 0x1}, "conflict")
	expect(a:register {key = key, new = 0}, "conflict")
	expect(a:reserve {key = key, type = "WE-RO"}, "conflict")
	expect(a:release {key = key, type = "WE-RO"}, "conflict")
	expect(a:clear {key = key}, "conflict")
	expect(a:preempt {key = key, victim = 0xb, type = "WE-RO"}, "conflict")
	expect(a:preempt_and_abort {key = key, victim = 0xb, type = "WE-RO"}, "conflict")
	expect(a:register_and_move {key = key, to = b, new = 0x2}, "conflict")
end

note "a preempt of a key that nobody has"
expect(a:preempt(0xdead, "WE-RO"), "conflict")
note "and of no key at all"
expect(a:preempt(0, "WE-RO"), "check 5/26/00")

local after = expect_keys(a, {0xa, 0xb})
expect_that(after.generation == before, "PRGENERATION stands")
expect_holder(b, "WE-RO", 0xa)
