-- Without APTPL nothing survives the loss of power
-- profiles: spc4 dlt-s4
-- needs: own
--
-- A cluster that does not ask for persistence gets none: after the restart nobody is registered and
-- nothing is reserved (SPC-4 5.13.5). Whoever relies on the fence over a power cycle of the disk has
-- to set APTPL.

local a, b = initiator "a", initiator "b"
up(a, b)
expect(a:register(0xa), "good")
expect(a:reserve "EA", "good")
expect(b:write(0), "conflict")

restart()

up(b)
expect_keys(b, {})
expect_no_holder(b)
expect_that(not b:report_capabilities().ptpl_active, "PTPL_A is not set")
expect(b:write(0), "good")
up(a)
expect(a:reserve {type = "EA", key = 0xa}, "conflict")
