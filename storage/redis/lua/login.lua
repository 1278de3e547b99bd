-- login.lua is the arithmetic of an account of attempts, that of pkg/guard step by step. A policy is {threshold, window,
-- duration, max, stop}. What is to be written is marked as changed.

local LOGIN, LOGIN_SIZE, USER_VERSION = '>BI4I4I6I6BI6I4I6I4', 42, 2
local MAX_LOGINS = 2147483647
local RESERVED, BUSY, LOCKED, STOPPED = 0, 1, 2, 3

local function read_login(v)
  if #v < LOGIN_SIZE or v:byte(1) ~= USER_VERSION then damaged('account of attempts') end
  local l, _ = {}
  _, l.failures, l.consecutive, l.failed, l.locked, l.locks, l.login, l.logins, l.code, l.codes = struct.unpack(LOGIN, v)
  return l
end

local function new_login()
  return {failures = 0, consecutive = 0, failed = 0, locked = 0, locks = 0, login = 0, logins = 0, code = 0, codes = 0}
end

local function pack_login(l)
  return struct.pack(LOGIN, USER_VERSION, l.failures, l.consecutive, l.failed, l.locked, l.locks, l.login, l.logins, l.code,
    l.codes)
end

local function forget(l, p, now)
  if l.locked ~= 0 and now >= l.locked and l.failures >= p.threshold then l.failures = 0 end
  if now - math.max(l.failed, l.locked) > p.window then l.failures, l.locks = 0, 0 end
end

local function judge(l, p, flying, now)
  forget(l, p, now)
  if p.stop > 0 and l.consecutive >= p.stop then return STOPPED end
  if now < l.locked then return LOCKED end
  if flying == 0 then return RESERVED end
  if p.stop > 0 and l.consecutive + flying >= p.stop then return BUSY end
  if p.threshold > 0 and l.failures + flying >= p.threshold then return BUSY end
  return RESERVED
end

local function lock(p, n)
  local d = p.duration
  while n > 0 and d < p.max do d, n = d * 2, n - 1 end
  return math.min(d, math.max(p.max, p.duration))
end

local function fail(l, p, now)
  forget(l, p, now)
  l.failures, l.consecutive, l.failed = l.failures + 1, l.consecutive + 1, now
  l.changed = true
  if p.threshold > 0 and l.failures >= p.threshold then
    l.locked = math.min(now + lock(p, l.locks), NEVER)
    l.locks = math.min(l.locks + 1, 255)
  end
end

local function fail_code(l, p, now)
  fail(l, p, now)
  l.codes = l.codes + 1
end

local function succeed(l, code, now)
  l.login, l.changed = now, true
  if l.codes == 0 or code then
    l.failures, l.consecutive, l.failed, l.locked, l.locks, l.codes = 0, 0, 0, 0, 0, 0
  else
    l.failures, l.consecutive = math.min(l.failures, l.codes), l.codes
  end
end

local function unlock(l) l.failures, l.consecutive, l.locked, l.locks, l.codes, l.changed = 0, 0, 0, 0, 0, true end
local function count_login(l) l.logins, l.changed = math.min(l.logins + 1, MAX_LOGINS), true end
local function code_used(l, step) return step ~= 0 and step <= l.code end

local function use_code(l, step)
  if step ~= 0 then l.code, l.changed = math.max(l.code, step), true end
end

-- policy reads five arguments from the i-th on.
local function policy(i)
  local n = {}
  for k = 0, 4 do n[k] = tonumber(ARGV[i + k]) end
  return {threshold = n[0], window = n[1], duration = n[2], max = n[3], stop = n[4]}
end
