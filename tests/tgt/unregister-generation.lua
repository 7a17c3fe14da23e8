-- PRGENERATION and the holder of a reservation who unregisters
-- profiles: spc4 dlt-s4
-- rule: generation
local a = initiator "a"
up(a)
a:register(0xa)
a:reserve "WE"
a:unregister()
expect_that(a:read_keys() ~= nil, "there is an answer")
