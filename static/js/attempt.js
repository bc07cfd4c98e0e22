// Which addresses may be tried, and why an attempt was refused: a browser says neither, the portal knows what the
// gateway wrote down about the attempt of this id. The gateway writes within a second; we ask a few times.
const TRIES = 6;
const PAUSE = 400;
const SILENT = "The gateway has no record of this attempt, so it was probably not reached.";

export function forbidden(address, gateways) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^wss?:$/.test(url.protocol)) return "This is not a WebSocket address. It begins with ws:// or wss://.";
  const allowed = gateways.some((each) => new URL(each).host === url.host && new URL(each).protocol === url.protocol);
  return allowed ? "" : `${url.host} is not this gateway. The key of this page goes only to ${gateways.join(" or ")}.`;
}

export async function why(url, attempt, address, key) {
  let answer;
  try {
    for (let left = TRIES; left > 0; left -= 1) {
      answer = await (await fetch(`${url}?attempt=${attempt}&key=${key}`, { headers: { Accept: "application/json" } })).json();
      if (answer.recorded) return answer;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  } catch {
    return { reasons: ["The connection was not opened, and the portal could not be asked why: check your network connection."] };
  }
  return answer.reasons.length ? answer : { reasons: [SILENT, guess(new URL(address))] };
}

function guess({ protocol, host }) {
  return protocol === "wss:"
    ? `Perhaps it is stopped, or this browser does not trust its certificate yet: open https://${host}/health once and accept it.`
    : "Perhaps it is stopped, or this browser refuses unencrypted connections: try the wss:// address.";
}
