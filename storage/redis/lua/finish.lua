-- finish.lua settles a reservation, and on success creates the grant.
-- KEYS: owner, strangers' account, reservations of each, grant, index.
-- ARGV: nonce, outcome, 1 if Begin found an owner, the owner's administrative part as Begin read it (its version is enough
--       without a new one), the new one or '', the grant's record or '', when it goes, its id, life of a stranger's
--       account, policy.
-- Answer: 'ok' or 'conflict'. Again, when the reservation is gone: 'ok', unless a grant was asked for and is not there.

local VOID, FAILURE, SUCCESS = 0, 1, 2
local nonce, outcome, known = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local read, rehashed, grant, keep, id = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local stranger_life, p, now = tonumber(ARGV[9]), policy(10), clock()

local a = account(not known)
local late = sweep(a.reservations, a.login, p, now)
local mine = tonumber(redis.call('HGET', a.reservations, nonce) or 0) > now
local answer = 'ok'

-- the version (4 bytes) stands first in the administrative part
local part = known and a.record and a.record:sub(LOGIN_SIZE + 1) or ''
if grant ~= '' then
  local same = part ~= '' and part:sub(1, 4) == read:sub(1, 4)
  if mine and not same then outcome, answer = VOID, 'conflict' end
  if not mine and redis.call('EXISTS', KEYS[5]) == 0 then answer = 'conflict' end
end

-- What was refused is settled with the same writes, and no effect: its nonce is all zero.
local refused = nonce == string.rep('\0', 16) and outcome ~= VOID
local changed = #late > 0 or refused or (mine and outcome ~= VOID)
if mine then
  if outcome == FAILURE then fail(a.login, p, now) end
  if outcome == SUCCESS then succeed(a.login, now) end
  late[#late + 1] = nonce
end
if changed and (a.stranger or a.record) then save(a, p, now, stranger_life) end
settled(a, late)
if not mine or outcome ~= SUCCESS then return answer end

if rehashed ~= '' and part == read then
  redis.call('SET', KEYS[1], pack_login(a.login) .. rehashed)
end
if grant ~= '' then
  write_grant(KEYS[5], grant, keep)
  list(KEYS[6], id, keep, now)
end
return answer
