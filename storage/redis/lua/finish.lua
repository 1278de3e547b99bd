-- finish.lua settles a reservation, with all that storage.Settlement asks for.
-- KEYS: owner, strangers' account, reservations of each, known sources, grant, index, mark.
-- ARGV, in the order of the struct settling in finish.go:
--    1 nonce
--    2 outcome
--    3 1 if Begin found an owner
--    4 the owner's administrative part as Begin read it; its version is enough without a new one
--    5 the new one, or ''
--    6 1 if the new one ends the owner's grants
--    7 1 to count a login
--    8 time step of the one-time code that was right, or 0
--    9 1 if a failure is that of a one-time code
--   10 the grant's id (14 bytes) and record, or ''
--   11 base
--   12 bucket (2 bytes)
--   13 life of a stranger's account
--   14 life of the mark
--   15 source
--   16 1 if a success makes it known
--   17 1 if a success follows no credential
--   18 how many grants of the owner may be alive, the new one included, or 0
--   19 1 to end the oldest
--   20 1 to ask for epochs that are not known, rather than to take a grant for alive
--   21 policy (5 arguments)
--   26 clients and their epochs
-- Answer: 'ok', followed by the twelve bytes of each grant that was ended for want of room; 'conflict', 'used' (the code
-- was), 'full' (no room); or {client, ...}: nothing was done, since their epochs must be known. Again, when the reservation
-- is gone: what the mark says, or 'ok', unless a grant was asked for and is not there.

local VOID, FAILURE, SUCCESS = 0, 1, 2
local NO_NONCE = string.rep('\0', 16) -- of what was refused
local nonce, outcome, known = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local read, new, ending = ARGV[4], ARGV[5], ARGV[6] == '1'
local counted, step, wrong_code, grant = ARGV[7] == '1', tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10]
local base, bucket, stranger_life, mark_life = ARGV[11], ARGV[12], tonumber(ARGV[13]), ARGV[14]
local source, introduced, unverified, p, now = ARGV[15], ARGV[16] == '1', ARGV[17] == '1', policy(21), clock()
local limit = grant_limit(18, 26)

local a = accounts(not known)
local late = sweep(a, p, now)
local mine, judge = redis.call('HGET', a.reservations, nonce), nil -- the source whose own account has judged
if mine then
  local hold
  hold, judge = read_reservation(mine)
  mine = hold > now
end
local part = known and a.record and a.record:sub(LOGIN_SIZE + 1) or ''
local answer = 'ok'

-- The version (4 bytes) and the end of the account (6) stand first in the administrative part.
if part ~= '' and #part < 10 then damaged('owner\'s record') end
local function changed_owner() return part == '' or part:sub(1, 4) ~= read:sub(1, 4) end
local function expires(of) return struct.unpack('>I6', of, 5) end

if mine and outcome == SUCCESS and code_used(a.login, step) then
  outcome, answer, wrong_code = FAILURE, 'used', true
elseif mine and grant ~= '' and changed_owner() then
  outcome, answer = VOID, 'conflict'
elseif not mine and outcome == SUCCESS and (step ~= 0 or limit.most > 0) then
  answer = done(KEYS[8]) or answer
end
if not mine and grant ~= '' and answer:sub(1, 2) == 'ok' and redis.call('EXISTS', KEYS[6]) == 0 then answer = 'conflict' end

local replaced = mine and answer == 'ok' and outcome ~= VOID and new ~= '' and part == read
local shortened = {}
if replaced and not ending and expires(new) ~= expires(part) then
  shortened = outliving(base, KEYS[7], bucket, expires(new), now)
end

local created, fit = nil, {gone = {}, evicted = {}}
if mine and answer == 'ok' and outcome == SUCCESS and grant ~= '' then
  created = unpack_grant(grant:sub(15), grant:sub(1, 14))
  created.max = earlier(created.max, expires(replaced and new or part))
  if limit.most > 0 and not (replaced and ending) then fit = room(base, KEYS[7], bucket, created, limit, now) end
  if fit.unknown then return fit.unknown end
end

-- A success that a source's own account has judged leaves the failures of the general one: an attacker elsewhere would
-- have new guesses with each login of the owner.
local same_owner = not changed_owner()
if replaced and ending then forget_sources(a) end
if mine then
  late[#late + 1] = nonce
  if outcome ~= VOID and answer == 'ok' then use_code(a.login, step) end
  if outcome == FAILURE then (wrong_code and fail_code or fail)(account(a, judge), p, now) end
  if outcome == SUCCESS then
    if not judge and not unverified then succeed(a.login, step ~= 0, now) end
    a.login.login, a.login.changed = now, true
    if counted and not fit.full then count_login(a.login) end
    local again = not unverified and known_login(a.sources, source)
    if same_owner and (introduced or again) then know(a.sources, source, step ~= 0, now) end
  end
elseif nonce == NO_NONCE and outcome ~= VOID then
  account(a, source).changed = true -- refused: settled with the same writes, and no effect
end

if replaced then
  if ending then drop_all(base, KEYS[7]) end
  redis.call('SET', a.key, pack_login(a.login) .. new)
  part = new
else
  save_login(a, p, now, stranger_life)
end
save_sources(KEYS[5], a.sources)
settled(a, late)
put_all(base, shortened, now)
clear(KEYS[7], fit)
if created and not fit.full then put(base, KEYS[6], created, now) end

if fit.full then answer = 'full' end
answer = answer .. table.concat(fit.evicted)
if answer == 'ok' or answer == 'conflict' then return answer end
return remember(KEYS[8], mark_life, answer)
