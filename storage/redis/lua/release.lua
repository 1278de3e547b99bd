-- release.lua removes a pointer if it still is the one that was read, or that was written under the nonce.
-- KEYS: pointer. ARGV: pointer as read or '', nonce or ''. Answer: 'ok'. Again it removes nothing more.

local v = redis.call('GET', KEYS[1])
if v and (v == ARGV[1] or v:sub(7, 22) == ARGV[2]) then redis.call('UNLINK', KEYS[1]) end
return 'ok'
