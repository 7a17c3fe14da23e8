-- CLEAR: the way back from a mess
-- profiles: spc4 dlt-s4
--
-- When nobody knows any more who is registered and why, an administrator registers and sends CLEAR:
-- all registrations and the reservation are gone in one step (SPC-4 5.13.11.2.5). Everybody else who
-- was registered is told RESERVATIONS PREEMPTED. It takes no more than being registered, which is
-- why it is not for fencing: it opens the disk for all.

local a, b, admin = initiator "a", initiator "b", initiator "admin"
up(a, b, admin)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "EA", "good")

expect(admin:clear {key = 0}, "conflict")
expect(admin:register(0xad), "good")
local before = admin:read_keys().generation
expect(admin:clear(), "good")
local after = expect_keys(admin, {})
expect_that(after.generation == before + 1, "CLEAR counts once in PRGENERATION")
expect_no_holder(admin)
expect_attention(a, "reservations preempted")
expect_attention(b, "reservations preempted")
expect_no_attention(admin)
expect(b:write(0), "good")
expect(admin:write(0), "good")
expect(a:reserve {key = 0xa, type = "EA"}, "conflict")
