// Which addresses may be tried, and why an attempt was refused: a browser says neither, the portal knows what the
// gateway wrote down about the attempt of this id. The gateway writes within a second; we ask a few times.
import { filled, gettext } from "./words.js";

const TRIES = 6;
const PAUSE = 400;

export function forbidden(address, gateways) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^wss?:$/.test(url.protocol)) return gettext("This is not a WebSocket address. It begins with ws:// or wss://.");
  const allowed = gateways.some((each) => new URL(each).host === url.host && new URL(each).protocol === url.protocol);
  if (allowed) return "";
  const sentence = gettext("%(host)s is not this gateway. The key of this page goes only to %(gateways)s.");
  return filled(sentence, { host: url.host, gateways: gateways.join(gettext(" or ")) });
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
    const sentence = gettext(
      "The connection was not opened, and the portal could not be asked why: check your network connection.",
    );
    return { reasons: [sentence] };
  }
  const silent = gettext("The gateway has no record of this attempt, so it was probably not reached.");
  return answer.reasons.length ? answer : { reasons: [silent, guess(new URL(address))] };
}

function guess({ protocol, host }) {
  if (protocol === "ws:") {
    return gettext("Perhaps it is stopped, or this browser refuses unencrypted connections: try the wss:// address.");
  }
  const untrusted = gettext(
    "Perhaps it is stopped, or this browser does not trust its certificate yet: open %(address)s once and accept it.",
  );
  return filled(untrusted, { address: `https://${host}/health` });
}
