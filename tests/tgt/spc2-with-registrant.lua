-- RESERVE(6) where somebody is registered
-- profiles: spc4 dlt-s4
-- rule: spc2_reservation
local a, b = initiator "a", initiator "b"
up(a, b)
a:register(0xa)
expect_that(b:spc2_reserve() ~= nil, "there is an answer")
