-- begin.lua reads the owner and reserves one attempt.
-- KEYS: owner, strangers' account, reservations of each, known sources.
-- ARGV: nonce, hold, life of reservations, life of a stranger's account, source, policy.
-- Answer: {standing, now, the owner's record or nil}. The same nonce again has the same answer.

local nonce, hold, life, stranger_life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local source, p, now = ARGV[5], policy(6), clock()
local a = accounts(redis.call('EXISTS', KEYS[1]) == 0)
local login = account(a, source)
local late, flying = sweep(a, p, now)
local head = pack_login(a.login)
local mine = redis.call('HGET', a.reservations, nonce)
local hold_of_mine = mine and read_reservation(mine) or 0

if #late > 0 then
  save_login(a, p, now, stranger_life)
  save_sources(KEYS[5], a.sources)
  settled(a, late)
end
local record = not a.stranger and head .. a.record:sub(LOGIN_SIZE + 1)
if hold_of_mine > now then return {RESERVED, now, record} end

if a.stranger then p.stop = 0 end -- nobody could unlock it
local standing = judge(login, p, flying[login] or 0, now) -- what it forgets is not written: the next one forgets it too
local kept = pack_reservation(math.min(now + hold, NEVER), login ~= a.login and source)
redis.call('HSET', a.reservations, nonce, kept)
redis.call('PEXPIRE', a.reservations, math.max(redis.call('PTTL', a.reservations), life))
if standing ~= RESERVED then redis.call('HDEL', a.reservations, nonce) end -- refused, with the same writes
return {standing, now, record}
