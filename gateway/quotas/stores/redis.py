"""The leases in Redis, for many hosts; one module, for its scripts and callers share every key. One script a call.

| key | what it is |
|---|---|
| `{apim}:window:<quota>:<begin>` | hash: `granted`, `contended_at`, and leases (see `pack`) by `<holder>/<lease id>` |
| `{apim}:holder:<holder>` | hash: lease id = `<end> <window key>` |
| `{apim}:holders` | hash: holder = when it was seen |
| `{apim}:wanted:<holder>` | set: leases whose windows somebody was refused in |
| `{apim}:rate:<rate>` | until when its messages are reserved |
| `{apim}:epoch` | names the life that this Redis remembers: gone when it has forgotten |
| `{apim}:changed` | set: the windows to be saved, `<end> <window key>` |
| `{apim}:saved` | when windows were last saved, by the clock of Redis |
| `{apim}:lends` | from when on it lends again after it has forgotten |

The scripts say in Lua what `decide` and `schedule` say; one suite of tests holds them to the same answers.

Windows that have changed are saved in the database, every second some of them. No script lends anything under another
epoch than its worker knows. A Redis without the epoch has forgotten, and one that was saved earlier than the database
says has gone back in time: who notices puts back what was saved, gives it a new epoch, and for RECOVERY_SECONDS nothing
is lent, while each worker tells again what it holds.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from redis import Redis

from gateway.quotas.limits import Window
from gateway.quotas.rules import (
    CLOCK_SECONDS,
    GONE_SECONDS,
    HORIZON_SECONDS,
    HOUR,
    KEPT_SECONDS,
    LIVING_SECONDS,
    PRESSING_SECONDS,
    SETTLED_SECONDS,
    LeaseAnswer,
    LeaseRequest,
    LostHolder,
    Reservation,
    Reserved,
    StoreForgot,
    StoreRecovering,
    WindowUsage,
    carried_over,
)
from gateway.quotas.stores.checkpoints import Checkpoint, DatabaseCheckpoints, Epoch

PREFIX: Final = "{apim}:"  # one slot, so that a script may touch several keys of a cluster
OPEN_KEPT_SECONDS: Final = 30 * 86400
RECOVERY_SECONDS: Final = 3.0  # more than a worker lets pass before it tells again what it holds
RESTORING_SECONDS: Final = 60
SAVED_AT_ONCE: Final = 200  # windows: a bound on what each worker gives the database at a time

log = logging.getLogger("gateway.quotas")

_COMMON = """
local function whole(number) return string.format('%.0f', number) end
local function exact(number) return string.format('%.17g', number) end
local function read(text)
  local granted, spent, at, sequence = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
  return tonumber(granted), tonumber(spent), tonumber(at), tonumber(sequence)
end
local function pack(granted, spent, at, sequence)
  return whole(granted) .. ' ' .. whole(spent) .. ' ' .. exact(at) .. ' ' .. whole(sequence)
end
"""

# KEYS: window, holder, holders, epoch, lends, changed.
# ARGV: holder, lease id, window's end, limit, granted, spent, keep or -1, least, most,
# since, final, now, since when a living holder was seen, in how many seconds the window may be forgotten, sequence,
# what the window begins with, epoch ('' for any), 1 if the window is to be saved.
_EXCHANGE = (
    _COMMON
    + """
if ARGV[17] ~= '' and redis.call('GET', KEYS[4]) ~= ARGV[17] then return {'forgotten'} end
local holder, lease_id, ends, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local spent, keep, least, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local since, final, now, living_since = tonumber(ARGV[10]), ARGV[11] == '1', tonumber(ARGV[12]), tonumber(ARGV[13])
local recovering = ARGV[17] ~= '' and tonumber(redis.call('GET', KEYS[5]) or '0') > now
if recovering then keep, least, most, final = -1, 0, 0, false end
local name, wanted = holder .. '/' .. lease_id, string.match(KEYS[2], '^(.-)holder:') .. 'wanted:'
local window = tonumber(redis.call('HGET', KEYS[1], 'granted') or ARGV[16])
local text = redis.call('HGET', KEYS[1], name)
local sequence, granted, last = tonumber(ARGV[15]), nil, 0
if text then
  local gone, at
  granted, gone, at, last = read(text)
  if recovering and tonumber(ARGV[5]) > granted then  -- more was lent since it was saved
    window = window + tonumber(ARGV[5]) - granted
    granted = tonumber(ARGV[5])
  end
elseif final then
  return {lease_id, '0', '0', '0'}
else
  granted = tonumber(ARGV[5])
  window = window + granted
  redis.call('HSET', KEYS[2], lease_id, ARGV[3] .. ' ' .. KEYS[1])
end
local others, elsewhere, lost = 0, 0, 0
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  local other = string.match(fields[at], '^(.+)/')
  if other and other ~= holder then
    local lent, gone, reported_at = read(fields[at + 1])
    if tonumber(redis.call('HGET', KEYS[3], other) or '0') > living_since then
      others = others + 1
      if ends == 0 and reported_at < since then gone = 0 end
      elsewhere = elsewhere + lent - gone
    elseif ends > 0 then
      lost = lost + lent - gone
    end
  end
end
if sequence <= last then
  return {lease_id, whole(granted), whole(math.max(0, limit - window)), whole(elsewhere), whole(lost)}
end
if final then
  local kept = ends > 0 and spent or 0
  window = window - (granted - kept)
  granted = kept
elseif keep >= 0 and keep < granted then
  window = window - (granted - keep)
  granted = keep
end
local free = math.max(0, limit - window)
if least > free then
  redis.call('HSET', KEYS[1], 'contended_at', exact(now))
  for at = 1, #fields, 2 do
    local other, lease = string.match(fields[at], '^(.+)/(.+)$')
    if other then
      redis.call('SADD', wanted .. other, lease)
      redis.call('EXPIRE', wanted .. other, 60)
    end
  end
elseif least > 0 or most > 0 then
  local added = math.max(least, math.min(most, math.floor(free / (2 + 2 * others))))
  granted, window, free = granted + added, window + added, free - added
end
redis.call('HSET', KEYS[1], 'granted', whole(window))
if final then
  redis.call('HDEL', KEYS[1], name)
  redis.call('HDEL', KEYS[2], lease_id)
else
  redis.call('HSET', KEYS[1], name, pack(granted, spent, now, sequence))
end
redis.call('EXPIRE', KEYS[1], ARGV[14])
if ARGV[18] == '1' then redis.call('SADD', KEYS[6], ARGV[3] .. ' ' .. KEYS[1]) end
if recovering then return {'recovering'} end
return {lease_id, whole(granted), whole(free), whole(elsewhere), whole(lost)}
"""
)

# KEYS: rate.  ARGV: interval, tolerance, messages, now, horizon, slack of the clock.
_RESERVE = (
    _COMMON
    + """
local interval, tolerance, wished = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now, horizon = tonumber(ARGV[4]), tonumber(ARGV[5])
local begin = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if begin - tolerance - interval > now + horizon + tonumber(ARGV[6]) then begin = now end
local room = math.floor((now + horizon - (begin - tolerance)) / interval) + 1
local messages = math.max(0, math.min(wished, room))
local until_then = begin + messages * interval
redis.call('SET', KEYS[1], exact(until_then), 'EX', whole(math.ceil(math.max(0, until_then - now)) + 60))
return {exact(begin), whole(messages)}
"""
)

# KEYS: holder, wanted.  ARGV: now - how long somebody is waited for.
_CONTENDED = (
    _COMMON
    + """
local lease_ids = {}
local holder = string.match(KEYS[1], ':holder:(.+)$')
for _, lease_id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local ends, window = string.match(redis.call('HGET', KEYS[1], lease_id) or '', '^(%S+) (.+)$')
  local found = window and redis.call('HMGET', window, 'contended_at', holder .. '/' .. lease_id) or {}
  local contended_at = tonumber(found[1] or '0')
  if found[2] and contended_at > tonumber(ARGV[1]) then
    local granted, spent, reported_at = read(found[2])
    if ends == '0' then spent = 0 end
    if reported_at < contended_at and granted > spent then table.insert(lease_ids, lease_id) end
  else
    redis.call('SREM', KEYS[2], lease_id)
  end
end
return lease_ids
"""
)

# KEYS: holder, holders, changed.
# ARGV: holder, seen before ('' is no condition), 1 to end connections only, then lease id and spent by turns.
_RECONCILE = (
    _COMMON
    + """
local seen = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if ARGV[2] ~= '' and seen >= tonumber(ARGV[2]) then return 0 end
local gone = {}
for at = 4, #ARGV, 2 do gone[ARGV[at]] = tonumber(ARGV[at + 1]) end
local leases, left = redis.call('HGETALL', KEYS[1]), 0
for at = 1, #leases, 2 do
  local lease_id = leases[at]
  local ends, window = string.match(leases[at + 1], '^(%S+) (.+)$')
  local name = ARGV[1] .. '/' .. lease_id
  local text = redis.call('HGET', window, name)
  if text and (ends == '0' or ARGV[3] ~= '1') then
    local granted = read(text)
    local spent = ends == '0' and 0 or math.min(gone[lease_id] or granted, granted)
    local all = tonumber(redis.call('HGET', window, 'granted')) - (granted - spent)
    redis.call('HSET', window, 'granted', whole(all))
    redis.call('HDEL', window, name)
    if ends ~= '0' then redis.call('SADD', KEYS[3], leases[at + 1]) end
    text = nil
  end
  if text then left = left + 1 else redis.call('HDEL', KEYS[1], lease_id) end
end
if left == 0 then redis.call('HDEL', KEYS[2], ARGV[1]) end
return left
"""
)


class RedisLeaseStore:
    """A `LeaseStore` on one Redis. Raises redis.RedisError when it cannot be asked."""

    def __init__(self, url: str, *, checkpoints: DatabaseCheckpoints | None = None) -> None:
        self._checkpoints = checkpoints
        self._epoch = ""  # that this process knows
        self._saved_at = 0.0
        self.redis: Redis = Redis.from_url(
            url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30
        )
        self._exchange = self.redis.register_script(_EXCHANGE)
        self._reserve = self.redis.register_script(_RESERVE)
        self._contended = self.redis.register_script(_CONTENDED)
        self._reconcile = self.redis.register_script(_RECONCILE)

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        """Serve the requests of one holder in one round trip."""
        if not requests:
            return []
        if self._checkpoints and not self._epoch:
            with closing(self._checkpoints):  # the thread of the leases needs the database for nothing else
                self._know_epoch(self._checkpoints)
        begins_with = self._carried_over(requests, now)
        with self.redis.pipeline() as pipe:
            for request, carried in zip(requests, begins_with, strict=True):
                window = request.window
                self._exchange(
                    keys=[_window(request.key, window), _holder(holder), _HOLDERS, _EPOCH, _LENDS, _CHANGED],
                    args=[
                        holder,
                        request.lease_id,
                        window.end,
                        request.limit,
                        request.granted,
                        request.spent,
                        -1 if request.keep is None else request.keep,
                        request.least,
                        request.most,
                        request.since,
                        int(request.final),
                        now,
                        now - LIVING_SECONDS,
                        max(0, window.end - int(now)) + KEPT_SECONDS.get(window.end - window.start, HOUR)
                        if window.end
                        else OPEN_KEPT_SECONDS,
                        request.sequence,
                        carried,
                        self._epoch,
                        int(self._checkpoints is not None and window.end - window.start >= HOUR),
                    ],
                    client=pipe,
                )
            answers = pipe.execute()
        if self._checkpoints and any(answer[0] == "forgotten" for answer in answers):
            with closing(self._checkpoints):
                self._know_epoch(self._checkpoints)
            raise StoreRecovering(self._epoch)
        if any(answer[0] == "recovering" for answer in answers):
            raise StoreRecovering(self._epoch)
        return [LeaseAnswer(*(int(number) for number in answer)) for answer in answers]

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        """Reserve messages of rates in one round trip."""
        if not reservations:
            return []
        with self.redis.pipeline() as pipe:
            for reservation in reservations:
                self._reserve(
                    keys=[f"{PREFIX}rate:{reservation.key}"],
                    args=[
                        reservation.interval,
                        reservation.tolerance,
                        reservation.messages,
                        now,
                        HORIZON_SECONDS,
                        CLOCK_SECONDS,
                    ],
                    client=pipe,
                )
            answers = pipe.execute()
        return [
            Reserved(reservation.key, float(start), int(messages))
            for reservation, (start, messages) in zip(reservations, answers, strict=True)
        ]

    def contended(self, holder: str, now: float) -> list[int]:
        """Those of this holder's leases that somebody else is waiting for."""
        lease_ids: Any = self._contended(keys=[_holder(holder), _WANTED + holder], args=[now - PRESSING_SECONDS])
        return [int(lease_id) for lease_id in lease_ids]

    def beat(self, holder: str, now: float) -> bool:
        """Say that a holder lives; whether that was known."""
        with self.redis.pipeline() as pipe:
            pipe.hget(_HOLDERS, holder)
            pipe.hset(_HOLDERS, holder, repr(now))
            seen_at = pipe.execute()[0]
        return seen_at is not None and float(seen_at) >= now - GONE_SECONDS

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        """End all leases of a dead holder."""
        record = [number for pair in (spent or {}).items() for number in pair]
        self._reconcile(keys=[_holder(holder), _HOLDERS, _CHANGED], args=[holder, "", 0, *record])

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        """What is gone of each (key, window)."""
        if not windows:
            return []
        with self.redis.pipeline(transaction=False) as pipe:
            for key, window in windows:
                pipe.hgetall(_window(key, window))
            answers: list[Mapping[str, str]] = pipe.execute()
        usages = []
        for found in answers:
            leases = [text.split(" ") for name, text in found.items() if "/" in name]
            lent = sum(int(granted) - int(spent) for granted, spent, *_ in leases)
            usages.append(WindowUsage(int(found.get("granted", 0)) - lent, lent))
        return usages

    def checkpoint(self) -> None:
        """Save some of the windows that have changed. Raises StoreRecovering, and errors of either store."""
        if self._checkpoints is None:
            return
        if not self._epoch or self.redis.get(_EPOCH) != self._epoch or self._last_saved() < self._saved_at:
            self._know_epoch(self._checkpoints)
        changed: Any = self.redis.spop(_CHANGED, SAVED_AT_ONCE)
        if not changed:
            return
        now = self.time()
        ends = {key: int(end) for end, _, key in (each.partition(" ") for each in changed)}
        try:
            with self.redis.pipeline() as pipe:
                for key in ends:
                    pipe.hgetall(key)
                pipe.set(_SAVED, repr(now))  # before the database has it: what that has, Redis has had
                *states, _ = pipe.execute()
            windows = [Checkpoint(key, ends[key], state) for key, state in zip(ends, states, strict=True) if state]
            self._checkpoints.save(windows, Epoch(self._epoch, now))
        except Exception:
            self.redis.sadd(_CHANGED, *changed)
            raise
        self._saved_at = now

    def _last_saved(self) -> float:
        found: Any = self.redis.get(_SAVED)
        return float(found or 0)

    def _know_epoch(self, checkpoints: DatabaseCheckpoints) -> None:
        """Learn which life of Redis this is. Raises StoreForgot if it was this process that began a new one."""
        last, saved_at = checkpoints.epoch(), self._last_saved()
        if last is None:  # the first ever
            self.redis.set(_EPOCH, uuid.uuid4().hex, nx=True)
        name: Any = self.redis.get(_EPOCH)
        if last is None:
            checkpoints.begin(Epoch(name, 0.0))
        elif name != last.name or saved_at < max(last.saved_at, self._saved_at):
            if not self.redis.set(_RESTORING, 1, nx=True, ex=RESTORING_SECONDS):
                raise StoreRecovering
            self._epoch = self._begin_anew(checkpoints)
            raise StoreForgot(self._epoch)
        self._epoch, self._saved_at = name, saved_at

    def _begin_anew(self, checkpoints: DatabaseCheckpoints) -> str:
        """Put back what was saved, where Redis does not know of more, and begin a life; its name."""
        self.redis.delete(_EPOCH)
        now, restored = self.time(), 0
        for window in checkpoints.load(now):
            known: Any = self.redis.hget(window.key, "granted")
            if int(known or 0) >= int(window.state.get("granted", 0)):
                continue
            with self.redis.pipeline() as pipe:
                pipe.hset(window.key, items=[part for pair in window.state.items() for part in pair])
                pipe.expire(window.key, int(window.ends - now) + HOUR)
                for holder, slash, lease_id in (name.rpartition("/") for name in window.state):
                    if slash:
                        pipe.hset(_holder(holder), lease_id, f"{window.ends} {window.key}")
                        pipe.hsetnx(_HOLDERS, holder, repr(now - GONE_SECONDS - 1))  # until it says that it lives
                pipe.execute()
            restored += 1
        epoch = Epoch(uuid.uuid4().hex, now)
        checkpoints.begin(epoch)
        with self.redis.pipeline() as pipe:
            pipe.set(_LENDS, repr(now + RECOVERY_SECONDS))
            pipe.set(_SAVED, repr(now))
            pipe.set(_EPOCH, epoch.name)
            pipe.delete(_RESTORING)
            pipe.execute()
        self._saved_at = now
        log.error(
            "Redis has forgotten what was used of plans. %d windows were put back as the database had them; nothing is "
            "lent for %g s, until every gateway has told what it holds. Let Redis write to disk.",
            *(restored, RECOVERY_SECONDS),
        )
        return epoch.name

    def time(self) -> float:
        """What time it is by the clock of Redis."""
        answer: Any = self.redis.time()
        return int(answer[0]) + int(answer[1]) / 1e6

    def lost(self, now: float) -> list[LostHolder]:
        """The holders that are gone and hold parts of quotas."""
        holders: Any = self.redis.hgetall(_HOLDERS)
        found = []
        for holder, seen_at in holders.items():
            if float(seen_at) < now - GONE_SECONDS and (leases := self._leases_of(holder)):
                granted = sum(lent for lent, _ in leases.values())
                found.append(LostHolder(holder, float(seen_at), granted, sum(spent for _, spent in leases.values())))
        return found

    def settle(self, holder: str, *, as_reported: bool) -> None:
        """End the leases of a holder that will not return."""
        reported = {lease_id: spent for lease_id, (_, spent) in self._leases_of(holder).items()}
        self.reconcile(holder, reported if as_reported else None)

    def _leases_of(self, holder: str) -> dict[int, tuple[int, int]]:
        """What a holder was lent of quotas, and what of that it said to have spent."""
        places: Any = self.redis.hgetall(_holder(holder))
        leases: dict[int, tuple[int, int]] = {}
        for lease_id, place in places.items():
            end, _, window = place.partition(" ")
            text: Any = self.redis.hget(window, f"{holder}/{lease_id}") if end != "0" else None
            if text:
                granted, spent, *_ = text.split(" ")
                leases[int(lease_id)] = (int(granted), int(spent))
        return leases

    def expire(self, now: float) -> int:
        """Close the connections of holders that are gone; Redis forgets old windows by itself."""
        holders: Any = self.redis.hgetall(_HOLDERS)
        settled = 0
        for holder, seen_at in holders.items():
            if float(seen_at) < now - SETTLED_SECONDS:
                settled += bool(self._leases_of(holder))
                self._reconcile(keys=[_holder(holder), _HOLDERS, _CHANGED], args=[holder, now - SETTLED_SECONDS, 0])
            elif float(seen_at) < now - GONE_SECONDS:
                self._reconcile(keys=[_holder(holder), _HOLDERS, _CHANGED], args=[holder, now - GONE_SECONDS, 1])
        return settled

    def _carried_over(self, requests: Sequence[LeaseRequest], now: float) -> list[int]:
        """What the windows begin with that are not there yet, as far as requests of leases without anything show."""
        first = [request for request in requests if not request.granted and request.window.end]
        if not first:
            return [0] * len(requests)
        with self.redis.pipeline(transaction=False) as pipe:
            for request in first:
                pipe.exists(_window(request.key, request.window))
            missing = {request.lease_id for request, exists in zip(first, pipe.execute(), strict=True) if not exists}
        return [
            carried_over(self.used, request.key, request.window, now) if request.lease_id in missing else 0
            for request in requests
        ]


_HOLDERS: Final = f"{PREFIX}holders"
_EPOCH: Final = f"{PREFIX}epoch"
_SAVED: Final = f"{PREFIX}saved"
_LENDS: Final = f"{PREFIX}lends"
_CHANGED: Final = f"{PREFIX}changed"
_WANTED: Final = f"{PREFIX}wanted:"
_RESTORING: Final = f"{PREFIX}restoring"


def _holder(holder: str) -> str:
    return f"{PREFIX}holder:{holder}"


def _window(key: str, window: Window) -> str:
    return f"{PREFIX}window:{key}:{window.start}"
