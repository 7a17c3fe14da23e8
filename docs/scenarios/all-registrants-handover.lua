-- All Registrants: the reservation that has no owner
-- profiles: spc4
--
-- Under the All Registrants types every registered nexus holds the reservation. The node that made
-- it may leave, as may any other; only when the last registration goes the reservation goes (SPC-4
-- 5.13.9). Clusters use it so that no single node's death releases the fence. READ RESERVATION shows
-- key 0, since there is no one holder.

local a, b, c = initiator "a", initiator "b", initiator "c"
up(a, b, c)
expect(a:register(0xa), "good")
expect(a:reserve "EA-AR", "good")
expect(b:read(0), "conflict")

note "whoever registers is a holder at once"
expect(b:register(0xb), "good")
expect(b:write(0), "good")
expect(b:reserve "EA-AR", "good")
expect(b:reserve "WE-AR", "conflict")
expect_holder(c, "EA-AR", 0)

note "the one that made it leaves"
expect(a:unregister(), "good")
expect_no_attention(b)
expect_holder(c, "EA-AR", 0)
expect(a:read(0), "conflict")
expect(b:write(0), "good")

note "any of them may release it"
expect(c:register(0xc), "good")
expect(c:release "EA-AR", "good")
expect_attention(b, "reservations released")
expect_no_holder(a)

note "with the last registration it is gone"
expect(b:reserve "WE-AR", "good")
expect(b:unregister(), "good")
expect_holder(a, "WE-AR", 0)
expect(c:unregister(), "good")
expect_no_holder(a)

note "PREEMPT with key 0 takes it over from all others"
expect(a:register(0xa), "good")
expect(b:register(0xb), "good")
expect(c:register(0xc), "good")
expect(a:reserve "WE-AR", "good")
expect(c:preempt(0, "WE"), "good")
expect_attention(a, "preempted")
expect_attention(b, "preempted")
expect_holder(c, "WE", 0xc)
expect_keys(c, {0xc})
