// When to try again after a connection broke: soon at first, then more and more rarely, never all at the same moment.
const FIRST = 500;
const LONGEST = 30000;
const TRIES = 8;

export function pauseBefore(attempt, chance = Math.random()) {
  return attempt > TRIES ? null : Math.round(Math.min(LONGEST, FIRST * 2 ** (attempt - 1)) * (0.5 + chance / 2));
}
