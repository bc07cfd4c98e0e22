// How far the gateway is: a browser cannot ping over a WebSocket, so its health address is asked on the same host, and the
// words say that this is HTTP. What a backend takes stands at each message that it answers with.
import { filled, gettext } from "./words.js";

const EVERY_MS = 5000;

export function watch(address, say) {
  const health = new URL("/health", address);
  health.protocol = health.protocol === "wss:" ? "https:" : "http:";
  const ask = async () => {
    const began = performance.now();
    try {
      await fetch(health, { mode: "no-cors", cache: "no-store", credentials: "omit" });
      const milliseconds = Math.round(performance.now() - began);
      say(filled(gettext("· gateway answers HTTP in %(milliseconds)s ms"), { milliseconds }));
    } catch {
      say("");
    }
  };
  ask();
  const timer = setInterval(ask, EVERY_MS);
  return () => (clearInterval(timer), say(""));
}
