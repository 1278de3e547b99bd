-- begin.lua reads the owner and reserves one attempt.
-- KEYS: owner, strangers' account, reservations of each.
-- ARGV: nonce, hold, life of reservations, life of a stranger's account, policy.
-- Answer: {standing, now, the owner's record or nil}. The same nonce again has the same answer.

local nonce, hold, life, stranger_life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local p, now = policy(5), clock()
local a = account(redis.call('EXISTS', KEYS[1]) == 0)
local late, flying = sweep(a.reservations, a.login, p, now)
local head = pack_login(a.login)
local hold_of_mine = tonumber(redis.call('HGET', a.reservations, nonce) or 0)

if #late > 0 then
  save(a, p, now, stranger_life)
  settled(a, late)
end
local record = not a.stranger and head .. a.record:sub(LOGIN_SIZE + 1)
if hold_of_mine > now then return {RESERVED, now, record} end

if a.stranger then p.stop = 0 end -- nobody could unlock it
local standing = judge(a.login, p, flying, now) -- what it forgets is not written: the next one forgets it too
redis.call('HSET', a.reservations, nonce, math.min(now + hold, NEVER))
redis.call('PEXPIRE', a.reservations, math.max(redis.call('PTTL', a.reservations), life))
if standing ~= RESERVED then redis.call('HDEL', a.reservations, nonce) end -- refused, with the same writes
return {standing, now, record}
