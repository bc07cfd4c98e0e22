// A ticket for one connection of a console, from the portal that knows who is signed in.
import { gettext } from "./words.js";

export async function askForTicket(address, form) {
  try {
    return await (await fetch(address, { method: "POST", body: new FormData(form) })).json();
  } catch {
    return { reasons: [gettext("The portal gave no key for this connection. Reload the page; you may have been signed out.")] };
  }
}
