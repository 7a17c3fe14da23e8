-- Unregistering what is not registered counts nothing
-- profiles: spc4 dlt-s4
-- rule: generation
local a = initiator "a"
up(a)
a:register{new = 0, key = 0}
expect_that(a:read_keys() ~= nil, "there is an answer")
