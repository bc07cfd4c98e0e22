// What a close code means. Codes from 4000 on mean what the side that sent them says: the gateway gives a reason with
// each of its own, and a backend may use the same numbers for something else.
const CODES = {
  1000: "normally",
  1001: "the other side is going away; connect again in a moment",
  1002: "one side broke the WebSocket protocol",
  1005: "without a code",
  1006: "the line broke without a closing handshake",
  1009: "a message was larger than the limit",
  1011: "something went wrong on the other side; connect again",
  1012: "the other side is restarting; connect again in a moment",
  1013: "the other side is full or you read too slowly; try later",
  1014: "the backend was lost; connect again",
};

export function closing({ code, reason }) {
  const words = CODES[code] ?? (reason || code < 4000 ? "" : "a code of the backend's own, without a reason");
  return `Closed ${code}${words ? `: ${words}` : ""}${reason ? ` (“${reason}”)` : ""}`;
}
