// What a close code means, and what to do. Codes from 4000 on mean what the side that sent them says: the gateway gives
// a reason with each of its own, and a backend may use the same numbers for something else.
const CODES = {
  1000: ["normally"],
  1001: ["the other side is going away", "Connect again in a moment.", true],
  1002: ["one side broke the WebSocket protocol", "The API's publisher should look at the backend."],
  1003: ["the other side takes no messages of this kind", "Send text where you sent binary, or the other way round."],
  1005: ["without a code"],
  1006: ["the line broke without a closing handshake", "Check your network, then connect again.", true],
  1007: ["a payload was not what it has to be", "Pick an example under Begin with: it is checked while you type."],
  1008: ["the other side's rules do not allow it", "Ask the API's publisher."],
  1009: ["a message was larger than the limit", "Send smaller messages; your plan and the API say how large they may be."],
  1011: ["something went wrong on the other side", "Connect again.", true],
  1012: ["the other side is restarting", "Connect again in a moment.", true],
  1013: ["the other side is full or you read too slowly", "Try later.", true],
  1014: ["the backend was lost", "Connect again.", true],
};
const OWN = {
  4001: ["The key ended: connect again, and a new one is made.", true],
  4002: ["The subscription or a scope has ended: see Credentials."],
  4003: ["The plan is used up: wait until it starts anew, or choose a larger plan."],
  4006: ["Somebody blocked the API, the subscription or you: ask its publisher."],
  4010: ["The API is not served any more: look for another version."],
  4011: ["An operator closed the connection: the reason says why."],
};

export function closing({ code, reason }) {
  const words = CODES[code]?.[0] ?? (reason || code < 4000 ? "" : "a code of the backend's own, without a reason");
  return `Closed ${code}${words ? `: ${words}` : ""}${reason ? ` (“${reason}”)` : ""}`;
}

// What to do after it; `by` is the side that closed, and the gateway's own codes mean something when it did.
export function wayOut({ code }, by) {
  return (by === "gateway" ? OWN[code]?.[0] : "") || CODES[code]?.[1] || "";
}

// Whether connecting again is likely to help.
export function comesBack({ code, reason }) {
  return Boolean(CODES[code]?.[2] ?? (reason && OWN[code]?.[1]));
}
