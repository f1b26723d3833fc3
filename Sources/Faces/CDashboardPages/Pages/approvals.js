"use strict";

// What waits for a person: shown as a terminal shows it, answered with a passkey that signs exactly that answer.
const texts = new Map();
const opened = new Set();
let passkeys = [];
// The code of a link to register a passkey.
let link = null;
// Whether the first request opens by itself: until somebody opens or closes one.
let opensFirst = true;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

// Browsers have passkeys for names over TLS, and for localhost.
const hasPasskeys = () => window.isSecureContext && Boolean(window.PublicKeyCredential)
  && !/^[\d.]+$|^\[/.test(location.hostname);

function failure(error) {
  if (error.name === "NotAllowedError") return "No passkey was used: it was cancelled, or took too long. Nothing was approved.";
  return `The passkey could not be used: ${error.message}`;
}

function section(part) {
  const block = make("div", null, { class: `part ${part.kind}` });
  block.append(make("h3", part.heading));
  const code = make("pre", null, { tabindex: "0", "aria-label": part.heading });
  part.lines.forEach((line) => {
    const arrow = part.kind === "changes" ? line.indexOf(" → ") : -1;
    const colon = arrow < 0 ? -1 : line.indexOf(": ");
    const shown = make("span", null, { class: "line" });
    if (arrow > 0 && colon > 0 && colon < arrow) {
      shown.append(line.slice(0, colon + 2), make("del", line.slice(colon + 2, arrow)), " → ", make("ins", line.slice(arrow + 3)));
    } else {
      shown.append(line);
    }
    code.append(shown, "\n");
  });
  block.append(code);
  return block;
}

async function load(card, item) {
  if (!texts.has(item.id)) {
    const answer = await ask("GET", `/v1/approvals/${item.id}`);
    if (!answer.ok) { say(words(answer)); return; }
    texts.set(item.id, answer.value);
  }
  const body = card.querySelector(".text");
  if (body.childElementCount) return;
  const whole = texts.get(item.id);
  body.append(make("p", whole.reason, { class: "reason" }), ...whole.sections.map(section));
  card.querySelector(".bar").hidden = false;
}

async function answer(item, decision, card) {
  const buttons = card.querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  say("");
  try {
    const shown = texts.get(item.id)?.shown;
    const minutes = Number(card.querySelector("select").value) || undefined;
    const wanted = decision === "approve" ? { decision, shown, minutes }
      : { decision, shown, reason: card.querySelector(".why").value.trim() || undefined };
    const asked = await ask("POST", `/v1/approvals/${item.id}/challenge`, wanted);
    if (!asked.ok) { say(words(asked)); return; }
    const credential = await navigator.credentials.get({ publicKey: {
      challenge: bytes(asked.value.challenge), rpId: asked.value.rpId, timeout: asked.value.timeout,
      userVerification: "required", allowCredentials: asked.value.keys.map((id) => ({ type: "public-key", id: bytes(id) })),
    } });
    const response = credential.response;
    const done = await ask("POST", `/v1/approvals/${item.id}/decision`, {
      challenge: asked.value.challenge, id: base64(credential.rawId), clientData: base64(response.clientDataJSON),
      authenticatorData: base64(response.authenticatorData), signature: base64(response.signature),
    });
    if (!done.ok) { say(words(done)); return; }
    const state = { approved: "Approved", refused: "Declined", waits: "Approved, and it waits for another person" };
    say(`${state[done.value.state]} by ${done.value.by}: ${item.title}`);
    if (done.value.state !== "waits") card.classList.add("answered");
  } catch (error) {
    say(failure(error));
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

function toggle(card, item, open) {
  if (open) opened.add(item.id); else opened.delete(item.id);
  card.classList.toggle("open", open);
  card.querySelector(".review").hidden = !open;
  card.querySelector(".head").setAttribute("aria-expanded", String(open));
  if (open) load(card, item);
}

function buildHeld(item) {
  const card = make("li", null, { class: "held" });
  const head = make("button", null, { type: "button", class: "head", "aria-expanded": "false" });
  head.append(make("span", item.class, { class: `badge ${item.class}` }), make("strong", item.title),
    make("span", null, { class: "facts" }), make("span", null, { class: "people" }));
  const review = make("div", null, { class: "review" });
  review.hidden = true;
  const bar = make("div", null, { class: "bar" });
  bar.hidden = true;
  const yes = make("button", "Approve with passkey", { type: "button", class: "yes" });
  const time = make("select", null, { "aria-label": "How long the approval holds" });
  time.append(make("option", "this once", { value: "" }));
  if (item.standingClasses.length) {
    for (const [minutes, name] of [[15, "15 min"], [30, "30 min"], [60, "1 h"], [240, "4 h"], [480, "8 h"]]) {
      time.append(make("option", `and ${item.standingClasses.join(", ")} for ${name}`, { value: minutes }));
    }
  }
  const why = make("input", null, { class: "why", type: "text", maxlength: "500", placeholder: "Why not (the caller is told)",
    "aria-label": "Reason for declining" });
  const no = make("button", "Decline", { type: "button", class: "no" });
  bar.append(yes, time, why, no);
  review.append(make("div", null, { class: "text" }), bar);
  card.append(head, review);
  head.addEventListener("click", () => {
    opensFirst = false;
    toggle(card, item, !opened.has(item.id));
  });
  yes.addEventListener("click", () => answer(item, "approve", card));
  no.addEventListener("click", () => answer(item, "decline", card));
  return card;
}

function showApprovals(approvals) {
  const held = approvals?.held ?? [];
  const error = approvals?.error;
  const count = error ? "?" : held.length;
  passkeys = (approvals?.passkeys ?? []).filter((key) => key.party === location.hostname);
  element("held").hidden = count === 0;
  setText(element("held-count"), count);
  setText(element("tile-held").firstElementChild, count);
  element("tile-held").classList.toggle("alert", held.length > 0);
  document.title = held.length ? `(${held.length}) mm pool` : "mm pool";
  const hint = element("held-hint");
  hint.hidden = !error;
  if (error) {
    setText(hint, [error.message, error.hint].filter(Boolean).join(" "));
  } else if (held.length && !hasPasskeys()) {
    hint.hidden = false;
    hint.replaceChildren("Browsers have no passkeys at this address: ",
      make("a", "open the page as localhost", { href: `http://localhost:${location.port}/`, class: "button" }),
      " or answer with mm confirm in a terminal.");
  } else if (held.length && !passkeys.length) {
    hint.hidden = false;
    hint.replaceChildren("No passkey is registered here: ", make("code", "mm key add NAME --page"),
      " prints a link, in a terminal. mm confirm answers without one.");
  }
  for (const id of [...opened]) if (!held.some((item) => item.id === id)) opened.delete(id);
  update(element("held-list"), held, (item) => item.id, buildHeld, (card, item) => {
    const facts = [item.tenant, item.module, item.requesterText && `asked by ${item.requesterText}`,
      `${age(item.createdAt)} ago`, `expires in ${rest(item.expiresAt)}`];
    setText(card.querySelector(".facts"), facts.filter(Boolean).join(" · "));
    const people = item.approvers.map((person) => person.person).join(", ");
    setText(card.querySelector(".people"),
      item.needed > 1 ? `${item.approvers.length} of ${item.needed} approvals${people ? `: ${people}` : ""}` : "");
  });
  if (!held.length) opensFirst = true;
  else if (opensFirst && !opened.size) toggle(element("held-list").firstElementChild, held[0], true);
  const standing = approvals?.standing ?? [];
  element("standing").hidden = standing.length === 0;
  update(element("standing-list"), standing, (item) => item.id, (item) => {
    const made = make("li");
    const revoke = make("button", "Revoke", { type: "button", "aria-label": `Revoke ${item.class} on ${item.connection}` });
    revoke.addEventListener("click", async () => {
      const answered = await ask("POST", `/v1/approvals/standing/${item.id}/revoke`, {});
      if (!answered.ok) say(words(answered));
    });
    made.append(make("span", item.class, { class: `badge ${item.class}` }), make("span"), revoke);
    return made;
  }, (made, item) => setText(made.children[1],
    `on ${item.connection}, by ${item.approver.person}, for ${rest(item.expiresAt * 1000)} more`));
}

// A link from the owner's terminal: #register=CODE.
function offerRegistration() {
  const code = new URLSearchParams(location.hash.slice(1)).get("register");
  if (!code) return;
  link = code;
  history.replaceState(null, "", location.pathname);
  element("register").hidden = false;
  if (!hasPasskeys()) {
    setText(element("register-text"), "Browsers have no passkeys at this address: open the link with localhost as its host.");
    element("register-button").hidden = true;
    return;
  }
  setText(element("register-text"), `A passkey for ${location.hostname}, to approve what waits on this page.`);
}

async function register() {
  try {
    const asked = await ask("POST", "/v1/passkeys/options", { code: link });
    if (!asked.ok) { say(words(asked)); return; }
    const wanted = asked.value;
    const credential = await navigator.credentials.create({ publicKey: {
      challenge: bytes(wanted.challenge), rp: { id: wanted.rpId, name: "mm pool" }, timeout: wanted.timeout,
      user: { id: bytes(wanted.user), name: wanted.owner, displayName: `${wanted.owner} (${wanted.name})` },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })), attestation: "none",
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      excludeCredentials: wanted.keys.map((id) => ({ type: "public-key", id: bytes(id) })),
    } });
    const done = await ask("POST", "/v1/passkeys", {
      code: link, challenge: wanted.challenge, id: base64(credential.rawId),
      clientData: base64(credential.response.clientDataJSON),
      authenticatorData: base64(credential.response.getAuthenticatorData()),
    });
    if (!done.ok) { say(words(done)); return; }
    element("register").hidden = true;
    say(`The passkey ${done.value.name} of ${done.value.owner} is registered.`);
  } catch (error) {
    say(error.name === "InvalidStateError" ? "This authenticator is registered here already." : failure(error));
  }
}
element("register-button").addEventListener("click", register);
