-- A holder who comes back still holds
-- profiles: spc4 dlt-s4
-- rule: needless_conflict
local a = initiator "a"
up(a)
a:register(0xa)
a:reserve "WE"
a:logout()
a:login()
drain(a)
expect_that(a:write(100) ~= nil, "there is an answer")
