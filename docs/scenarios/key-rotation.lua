-- Key rotation: the holder changes its key and keeps the reservation
-- profiles: spc4 dlt-s4
--
-- A key is no secret, but clusters change it to count incarnations: a node that comes back with a
-- new key cannot be hit by a PREEMPT that was meant for its former life. REGISTER with the current
-- key replaces it; the reservation stays, and READ RESERVATION shows the new key at once (SPC-4
-- 5.13.7).

local a, b = initiator "a", initiator "b"
up(a, b)
expect(a:register(0x100), "good")
expect(b:register(0xb), "good")
expect(a:reserve "WE", "good")

for incarnation = 1, 5 do
	expect(a:register(0x100 + incarnation), "good")
	expect_holder(b, "WE", 0x100 + incarnation)
	expect_keys(b, {0x100 + incarnation, 0xb})
end

note "commands with the old key are refused, and so is a PREEMPT of it"
expect(a:release {type = "WE", key = 0x100}, "conflict")
expect(b:preempt(0x100, "WE"), "conflict")
expect(a:register {key = 0x100, new = 0x200}, "conflict")
expect_holder(b, "WE", 0x105)

note "REGISTER AND IGNORE EXISTING KEY does not ask for the old one"
expect(a:register_and_ignore {key = 0xdead, new = 0x300}, "good")
expect_holder(b, "WE", 0x300)
expect(a:write(5), "good")
expect(b:write(5), "conflict")
