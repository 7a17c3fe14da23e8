-- RESERVE(6) keeps PERSISTENT RESERVE IN out
-- profiles: spc4 dlt-s4
-- rule: spc2_reservation
local a, b = initiator "a", initiator "b"
up(a, b)
a:spc2_reserve()
expect_that(a:read_keys() ~= nil, "there is an answer")
