// What a close code means, and why a handshake may have been refused: browsers tell neither in words.
const CODES = {
  1000: "normally",
  1001: "the gateway is being restarted; connect again in a moment",
  1002: "one side broke the WebSocket protocol",
  1006: "the line broke without a closing handshake",
  1009: "a message was larger than the limit",
  1011: "something went wrong in the gateway or the backend; connect again",
  1012: "the gateway is restarting; connect again in a moment",
  1013: "the gateway is full or you read too slowly; try later",
  1014: "the backend was lost; connect again",
  4001: "the token expired or was revoked; generate a new one",
  4002: "the subscription ended",
  4003: "the plan is used up",
  4006: "the API or the subscription was blocked",
  4010: "the API was withdrawn",
  4011: "an operator closed it",
};

export function closing({ code, reason }) {
  const words = CODES[code] ?? "";
  return `Closed ${code}${words ? `: ${words}` : ""}${reason ? ` (“${reason}”)` : ""}`;
}

const UNKNOWN = "The connection was not opened, and browsers do not say why.";

function guesses(address) {
  const secure = address.startsWith("wss:");
  const health = secure ? new URL("/health", address.replace(/^wss/, "https")).href : "";
  return [
    `${UNKNOWN} Nothing is wrong with the API, the subscription or the token as far as the portal knows.`,
    secure
      ? `If this browser does not trust the gateway's certificate yet, open ${health} once and accept it. Else the backend may be down.`
      : "The gateway may be stopped, the backend down, or this browser may refuse unencrypted connections: try the wss:// address.",
  ];
}

export async function refused(url, address) {
  try {
    const { reasons } = await (await fetch(url, { headers: { Accept: "application/json" } })).json();
    return reasons.length ? reasons : guesses(address);
  } catch {
    return [UNKNOWN, "The portal could not be asked either: check your network connection."];
  }
}
