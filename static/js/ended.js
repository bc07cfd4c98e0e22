// Which side ended a connection, as the gateway wrote it down: "client", "backend" or "gateway"; "" where nobody knows.
const TRIES = 5;
const PAUSE = 500;

export async function endedBy(id) {
  for (let left = TRIES; left > 0; left -= 1) {
    try {
      const answer = await fetch(`/api/am/gateway/v1/connections/${id}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return "";
      const { endedBy: side } = await answer.json();
      if (side) return side;
    } catch {
      return "";
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  return "";
}
