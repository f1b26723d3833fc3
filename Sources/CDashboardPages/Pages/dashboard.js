"use strict";

// Everything that came over the wire is put into the page as text, never as markup.
const element = (id) => document.getElementById(id);
let unlock = sessionStorage.getItem("mm-unlock");
let latest = null;
let found = null;
let asked = 0;
let typing = 0;

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// An address from a service is opened only where it is one of the web.
function webAddress(text) {
  try {
    const address = new URL(text);
    const isLocal = address.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(address.hostname);
    return address.protocol === "https:" || isLocal ? address.href : null;
  } catch {
    return null;
  }
}

// Rows that stay keep their elements, so that focus and selection stay too.
function update(parent, items, key, build, fill) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const child = old.get(name) ?? build(item);
    old.delete(name);
    child.dataset.key = name;
    fill(child, item);
    if (child === place) place = child.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
}

function setText(target, text) {
  const wanted = text === undefined || text === null ? "" : String(text);
  if (target.textContent !== wanted) target.textContent = wanted;
}

function row(columns) {
  return () => {
    const made = make("tr");
    for (let index = 0; index < columns; index += 1) made.append(make("td"));
    return made;
  };
}

function megabytes(bytes) {
  return typeof bytes === "number" ? `${Math.round(bytes / 1048576)} MB` : "";
}

async function act(path, body, button) {
  button.disabled = true;
  element("message").textContent = "";
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "MM-Unlock": unlock ?? "" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    let value = null;
    try { value = text ? JSON.parse(text) : null; } catch { value = null; }
    if (answer.ok || value?.code === "sign_in_needed") return value ?? {};
    if (answer.status === 403 && value?.details?.locked) setUnlock(null);
    element("message").textContent = [value?.detail ?? `Status ${answer.status}`, value?.hint].filter(Boolean).join(" ");
  } catch (error) {
    element("message").textContent = `The pool did not answer: ${error.message}`;
  } finally {
    button.disabled = false;
  }
  return null;
}

function setUnlock(secret) {
  unlock = secret;
  if (secret) sessionStorage.setItem("mm-unlock", secret);
  else sessionStorage.removeItem("mm-unlock");
  element("unlock").hidden = Boolean(secret);
  element("unlock-hint").hidden = Boolean(secret);
  element("lock").hidden = !secret;
  if (latest) show(latest);
}

function buildCode(item) {
  const made = make("li");
  const address = webAddress(item.address);
  made.append(make("span"), make("strong"), make("span"));
  if (address) {
    made.append(make("a", "Open the page", {
      class: "button", role: "button", href: address, target: "_blank", rel: "noopener noreferrer",
    }));
  }
  const copy = make("button", "Copy the code", { type: "button" });
  copy.addEventListener("click", () => navigator.clipboard?.writeText(item.code));
  made.append(copy);
  return made;
}

function buildSession(item) {
  const made = row(6)();
  const cell = made.lastElementChild;
  const login = make("button", "Sign in", { type: "button" });
  login.addEventListener("click", () => act("/v1/dashboard/login", { connection: item.connection }, login));
  const reset = make("button", "Reset", { type: "button" });
  reset.addEventListener("click", () =>
    act("/v1/dashboard/reset", { connection: item.connection, module: item.module }, reset));
  login.setAttribute("aria-label", `Sign in ${item.session}`);
  reset.setAttribute("aria-label", `Reset ${item.session}`);
  cell.append(login, " ", reset);
  return made;
}

function showSessions(id, rows) {
  update(element(id), rows, (item) => item.session, buildSession, (child, item) => {
    const values = [item.session, item.reason ? `${item.state}: ${item.reason}` : item.state, item.account,
      item.commands, megabytes(item.memory)];
    values.forEach((value, index) => setText(child.children[index], value));
    const [login, reset] = child.lastElementChild.querySelectorAll("button");
    login.hidden = !unlock || !item.module.endsWith("-api") || item.state === "signed in";
    reset.hidden = !unlock || item.module.endsWith("-api");
  });
}

// Where there are too many connections to show them all, a page of those that hold a text.
async function search(page) {
  asked += 1;
  const own = asked;
  found ??= { rows: [], page: 1, pages: 1, total: 0 };
  const text = encodeURIComponent(element("search").value);
  try {
    const answer = await fetch(`/v1/dashboard/connections?search=${text}&page=${page}`);
    const value = answer.ok ? await answer.json() : null;
    // An earlier question that is answered late must not replace a later one's answer.
    if (!value || own !== asked) return;
    found = value;
    showSessions("connection-rows", found.rows);
    setText(element("found"), `${found.total} found, page ${found.page} of ${found.pages}`);
    element("previous").disabled = found.page <= 1;
    element("next").disabled = found.page >= found.pages;
  } catch (error) {
    element("message").textContent = `The pool did not answer: ${error.message}`;
  }
}

function show(state) {
  latest = state;
  const counts = state.counts;
  setText(element("summary"),
    `${counts.requests} calls, ${counts.errors} failed, ${counts.underWay} under way; version ${state.version}, ` +
    `since ${new Date(state.started).toLocaleString()}`);
  const codes = state.sessions.filter((item) => item.code);
  element("waiting").hidden = codes.length === 0;
  update(element("codes"), codes, (item) => `${item.session} ${item.code}`, buildCode, (child, item) => {
    const [name, code, note] = child.children;
    setText(name, item.session);
    setText(code, item.code);
    setText(note, [item.account && `as ${item.account}`, item.until && `until ${new Date(item.until).toLocaleTimeString()}`]
      .filter(Boolean).join(", "));
  });
  element("no-sessions").hidden = state.sessions.length > 0;
  showSessions("session-rows", state.sessions);
  element("connections").hidden = !state.unlisted;
  if (state.unlisted && !found) search(1);
  else if (found) showSessions("connection-rows", found.rows);
  element("jobs").hidden = !state.jobs?.length;
  update(element("job-rows"), state.jobs ?? [], (item) => item.job, row(4), (child, item) => {
    [item.operation, item.state, item.seconds, item.progress?.message ?? item.error?.message]
      .forEach((value, index) => setText(child.children[index], value));
  });
  element("recent").hidden = !state.recent;
  update(element("recent-rows"), state.recent ?? [], (item) => String(item.seq), row(6), (child, item) => {
    [new Date(item.time).toLocaleTimeString(), item.operation, item.connection, item.outcome, item.client,
      item.durationMilliseconds].forEach((value, index) => setText(child.children[index], value));
  });
}

element("unlock").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = element("token");
  const answer = await act("/v1/dashboard/unlock", { token: token.value.trim() }, event.submitter ?? token);
  token.value = "";
  if (answer?.unlock) {
    setUnlock(answer.unlock);
    element("lock").focus();
  }
});
element("lock").addEventListener("click", async (event) => {
  await act("/v1/dashboard/lock", {}, event.currentTarget);
  setUnlock(null);
  element("token").focus();
});

element("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  search(1);
});
element("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => search(1), 250);
});
element("previous").addEventListener("click", () => search(found.page - 1));
element("next").addEventListener("click", () => search(found.page + 1));

const source = new EventSource("/v1/events");
source.addEventListener("state", (event) => show(JSON.parse(event.data)));
source.addEventListener("open", () => document.body.classList.remove("offline"));
source.addEventListener("error", () => {
  document.body.classList.add("offline");
  setText(element("summary"), "The pool does not answer; trying again…");
});
setUnlock(unlock);
