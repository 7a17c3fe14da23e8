-- How the holder changes the type: it preempts itself
-- profiles: spc4 dlt-s4
--
-- RESERVE with another type is refused even for the holder, and between RELEASE and RESERVE the disk
-- would be open. PREEMPT with the own key has no such gap: the holder stays registered and holds with
-- the new type (SPC-4 5.13.11.2.6). The other registrants are told RESERVATIONS RELEASED, because
-- what they knew is not true any more.

local a, b = initiator "a", initiator "b"
up(a, b)
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(a:reserve "EA", "good")
expect(a:reserve "WE-RO", "conflict")

expect(a:preempt(0xa, "WE-RO"), "good")
expect_attention(b, "reservations released")
expect_no_attention(a)
expect_holder(b, "WE-RO", 0xa)
expect_keys(b, {0xa, 0xb})
expect(b:write(0), "good")

note "the same type again: nothing to tell"
expect(a:preempt(0xa, "WE-RO"), "good")
expect_no_attention(b)
