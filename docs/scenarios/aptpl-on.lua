-- Persist through power loss: the reservation is there before the first login
-- profiles: spc4 dlt-s4
-- needs: own
--
-- With APTPL set in the last REGISTER, registrations and reservation survive the loss of power
-- (SPC-4 5.13.5), and a target must not say GOOD before they are safe. Whoever comes first after the
-- restart meets them: there is no moment at which the fence is open. PRGENERATION starts from 0.

local a, b, stranger = initiator "a", initiator "b", initiator "stranger"
up(a, b)
expect(a:register {new = 0xa, aptpl = true}, "good")
expect(b:register {new = 0xb, aptpl = true}, "good")
expect(a:reserve "EA-RO", "good")
local written = expect(a:write(20), "good")

note "power fails"
restart()

up(stranger)
expect(stranger:read(20), "conflict")
expect(stranger:write(20), "conflict")
expect_that(stranger:report_capabilities().ptpl_active, "PTPL_A is set")
local keys = expect_keys(stranger, {0xa, 0xb})
expect_that(keys.generation == 0, "PRGENERATION starts from 0")
expect_holder(stranger, "EA-RO", 0xa)

note "the nodes come back and need not register"
up(a, b)
expect_data(b, 20, written)
expect(b:write(21), "good")
expect(a:release "EA-RO", "good")
