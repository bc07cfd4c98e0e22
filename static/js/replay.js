// Sends what was sent before once more, in its order and with its pauses, of which none is longer than two seconds.
const LONGEST_PAUSE = 2000;

export async function replay(entries, send) {
  const sent = entries.filter(({ kind }) => kind === "sent");
  for (const [number, { data, at }] of sent.entries()) {
    const pause = number ? Math.min(at - sent[number - 1].at, LONGEST_PAUSE) : 0;
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!send(data)) return;
  }
}
