-- The last REGISTER decides about APTPL, for all
-- profiles: spc4 dlt-s4
-- needs: own
--
-- There is one APTPL state for the logical unit, not one for each registration, and the last
-- REGISTER that was GOOD sets it, whoever sent it (SPC-4 5.13.5). One node with an old
-- configuration can so take persistence from all of them; and one that sets it makes the older
-- registrations of the others persistent, too.

local a, b = initiator "a", initiator "b"
up(a, b)

note "b has the last word: off"
expect(a:register {new = 0xa, aptpl = true}, "good")
expect(b:register {new = 0xb, aptpl = false}, "good")
expect_that(not a:report_capabilities().ptpl_active, "PTPL_A follows the last REGISTER")
restart()
up(a, b)
expect_keys(a, {})

note "b has the last word: on"
a.keys[0], b.keys[0] = 0, 0
expect(a:register {new = 0xa, aptpl = false}, "good")
expect(b:register {new = 0xb, aptpl = true}, "good")
restart()
up(a, b)
expect_keys(a, {0xa, 0xb})

note "unregistering is a REGISTER, too"
expect(b:unregister {aptpl = false}, "good")
restart()
up(a)
expect_keys(a, {})
