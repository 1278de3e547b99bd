-- inspect.lua reads a grant, and its owner if asked to.
-- KEYS: grant; for the owner too, a mark that is never left (see keyring.marked).
-- ARGV: base, id, 1 for the owner too.
-- Answer: {now, grant's record or nil, owner's record or nil}. Nothing is changed.

local now = clock()
local v = redis.call('GET', KEYS[1])
if not v or ARGV[3] ~= '1' then return {now, v} end
return {now, v, redis.call('GET', user_key(ARGV[1], unpack_grant(v, ARGV[2])))}
