// Opens a socket with a ticket; a sentence in its place where the browser refuses. Beside what is `wanted` go, as
// subprotocols, the id of the attempt, by which the portal can say what became of it, and a pass for this very ticket,
// by which the gateway knows the console from other pages of the same origin.
import { gettext } from "./words.js";

const NOT_OPENED = gettext("This browser does not open such an address from a secure page. Use the wss:// address.");
const BAD_PROTOCOL = gettext(
  "A subprotocol is letters, digits and signs such as . or -, without spaces, and each is named once.",
);

export function open(address, { ticket, pass, attempt, wanted }) {
  const protocols = wanted.split(/[\s,]+/).filter(Boolean);
  try {
    const target = new URL(`${address}${address.includes("?") ? "&" : "?"}ticket=${ticket}`);
    const socket = new WebSocket(target, [...protocols, "apim", `apim.attempt.${attempt}`, `apim.console.${pass}`]);
    return Object.assign(socket, { binaryType: "arraybuffer" });
  } catch {
    return protocols.length ? BAD_PROTOCOL : NOT_OPENED;
  }
}
