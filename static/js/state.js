// What the bar of a console says of its connection, and what can be pressed.
import { gettext } from "./words.js";

const STATES = {
  idle: ["grey", gettext("Not connected"), gettext("Connect")],
  dialling: ["warn", gettext("Connecting"), gettext("Cancel")],
  open: ["good", gettext("Connected"), gettext("Disconnect")],
};

export function showState(parts, state) {
  const [kind, words, action] = STATES[state];
  parts.state.className = `badge badge-${kind} badge-dot`;
  parts.state.textContent = words;
  parts.switch.textContent = action;
  parts.send.disabled = state !== "open";
}
