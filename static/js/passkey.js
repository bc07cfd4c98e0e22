// A form with data-passkey="address of the challenge" is sent once the browser has a passkey's answer.
// What went wrong is said in the words of the page: data-… of the element that is drawn for it.
const REASONS = { NotAllowedError: "refused", InvalidStateError: "known", SecurityError: "elsewhere" };

function reason(error, { dataset }) {
  if (/certificate/i.test(error.message)) return dataset.certificate;
  return dataset[REASONS[error.name]] ?? error.message;
}

async function answerOf(form) {
  const body = new FormData(form);
  body.delete("credential");
  const answer = await fetch(form.dataset.passkey, { method: "POST", body });
  if (answer.redirected) location.assign(answer.url);
  const { options, problem } = await answer.json();
  if (problem) throw new Error(problem);
  const creates = "pubKeyCredParams" in options;
  const credential = creates
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return JSON.stringify(credential);
}

function connect(form) {
  const problem = form.querySelector("[data-passkey-problem]");
  const button = form.querySelector("button:not([type=button])");
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return; // the second time round, with the answer in it
    event.preventDefault();
    if (button.disabled) return;
    problem.hidden = button.disabled = true;
    try {
      form.elements.credential.value = await answerOf(form);
    } catch (error) {
      problem.textContent = reason(error, problem);
      problem.hidden = false;
    }
    button.disabled = false;
    if (form.elements.credential.value) form.requestSubmit(button);
  });
  addEventListener("pageshow", () => { form.elements.credential.value = ""; });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) connect(form);
  else form.hidden = true;
}
