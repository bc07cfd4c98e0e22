// What the bar of a console says of its connection, and what can be pressed.
const STATES = {
  idle: ["grey", "Not connected", "Connect"],
  dialling: ["warn", "Connecting", "Cancel"],
  open: ["good", "Connected", "Disconnect"],
};

export function showState(parts, state) {
  const [kind, words, action] = STATES[state];
  parts.state.className = `badge badge-${kind} badge-dot`;
  parts.state.textContent = words;
  parts.switch.textContent = action;
  parts.send.disabled = state !== "open";
}
