// Buttons with data-console (the id of a card with a console) bring it into view and connect.
import "./console.js";
import "./workspace.js";
import { offerRecording } from "./recorded.js";

offerRecording(document.querySelector("socket-console"));

for (const button of document.querySelectorAll("[data-console]")) {
  button.addEventListener("click", () => {
    const card = document.getElementById(button.dataset.console);
    card.scrollIntoView({ block: "nearest", behavior: "instant" });
    card.querySelector("[data-part=text]").focus({ preventScroll: true });
    card.querySelector("socket-console").dial();
  });
  button.disabled = false; // before this, a click would have been lost
}
