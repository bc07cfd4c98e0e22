// What a close code means, and what to do. Codes from 4000 on mean what the side that sent them says: the gateway gives
// a reason with each of its own, and a backend may use the same numbers for something else.
import { filled, gettext } from "./words.js";

const CODES = {
  1000: [gettext("normally")],
  1001: [gettext("the other side is going away"), gettext("Connect again in a moment."), true],
  1002: [gettext("one side broke the WebSocket protocol"), gettext("The API's publisher should look at the backend.")],
  1003: [gettext("the other side takes no messages of this kind"), gettext("Send text where you sent binary, or the other way round.")],
  1005: [gettext("without a code")],
  1006: [gettext("the line broke without a closing handshake"), gettext("Check your network, then connect again."), true],
  1007: [gettext("a payload was not what it has to be"), gettext("Pick an example under Begin with: it is checked while you type.")],
  1008: [gettext("the other side's rules do not allow it"), gettext("Ask the API's publisher.")],
  1009: [gettext("a message was larger than the limit"), gettext("Send smaller messages; your plan and the API say how large they may be.")],
  1011: [gettext("something went wrong on the other side"), gettext("Connect again."), true],
  1012: [gettext("the other side is restarting"), gettext("Connect again in a moment."), true],
  1013: [gettext("the other side is full or you read too slowly"), gettext("Try later."), true],
  1014: [gettext("the backend was lost"), gettext("Connect again."), true],
};
const OWN = {
  4001: [gettext("The key ended: connect again, and a new one is made."), true],
  4002: [gettext("The subscription or a scope has ended: see Credentials.")],
  4003: [gettext("The plan is used up: wait until it starts anew, or choose a larger plan.")],
  4006: [gettext("Somebody blocked the API, the subscription or you: ask its publisher.")],
  4010: [gettext("The API is not served any more: look for another version.")],
  4011: [gettext("An operator closed the connection: the reason says why.")],
};

export function closing({ code, reason }) {
  const words = CODES[code]?.[0] ?? (reason || code < 4000 ? "" : gettext("a code of the backend's own, without a reason"));
  if (words && reason) return filled(gettext("Closed %(code)s: %(words)s (“%(reason)s”)"), { code, words, reason });
  if (words) return filled(gettext("Closed %(code)s: %(words)s"), { code, words });
  return filled(reason ? gettext("Closed %(code)s (“%(reason)s”)") : gettext("Closed %(code)s"), { code, reason });
}

// What to do after it; `by` is the side that closed, and the gateway's own codes mean something when it did.
export function wayOut({ code }, by) {
  return (by === "gateway" ? OWN[code]?.[0] : "") || CODES[code]?.[1] || "";
}

// Whether connecting again is likely to help.
export function comesBack({ code, reason }) {
  return Boolean(CODES[code]?.[2] ?? (reason && OWN[code]?.[1]));
}
