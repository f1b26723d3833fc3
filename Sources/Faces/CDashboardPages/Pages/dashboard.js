"use strict";

let unlock = sessionStorage.getItem("mm-unlock");
let latest = null;
let found = null;
let asked = 0;
let typing = 0;

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

// On a narrow screen a row is a card, and each value carries its column's name.
function row(names) {
  return () => {
    const made = make("tr");
    for (const name of names) made.append(make("td", null, { "data-label": name }));
    return made;
  };
}

const sessionColumns = ["Session", "State", "Account", "Commands", "Memory", ""];
const jobColumns = ["Operation", "State", "Seconds", "Last heard"];
const callColumns = ["Time", "What", "Connection", "Outcome", "Client", "ms"];

function megabytes(bytes) {
  return typeof bytes === "number" ? `${Math.round(bytes / 1048576)} MB` : "";
}

async function act(path, body, button) {
  button.disabled = true;
  say("");
  try {
    const answer = await ask("POST", path, body, { "MM-Unlock": unlock ?? "" });
    if (answer.ok || answer.value?.code === "sign_in_needed") return answer.value ?? {};
    if (answer.status === 403 && answer.value?.details?.locked) setUnlock(null);
    say(words(answer));
  } catch (error) {
    say(`The pool did not answer: ${error.message}`);
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
  if (address) drawCode(made, address);
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

// A phone opens the address by its QR code.
async function drawCode(parent, address) {
  const answer = await ask("GET", `/v1/dashboard/code?text=${encodeURIComponent(address)}`);
  const { width, modules } = answer.value ?? {};
  if (!width) return;
  const size = width + 8;
  const code = draw("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": `QR code of ${address}` });
  let path = "";
  for (let place = 0; place < modules.length; place += 1) {
    if (modules[place] === "1") path += `M${4 + (place % width)} ${4 + Math.floor(place / width)}h1v1h-1z`;
  }
  code.append(draw("rect", { width: size, height: size, class: "paper" }), draw("path", { d: path, class: "ink" }));
  parent.prepend(code);
}

function buildSession(item) {
  const made = row(sessionColumns)();
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
    say(`The pool did not answer: ${error.message}`);
  }
}

// The rows of what ran, as far as they hold every word of the filter.
function showCalls() {
  const wanted = element("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcome = element("outcome").value;
  const all = latest?.recent ?? [];
  const rows = all.filter((item) => {
    const text = [item.what, item.operation, item.connection, item.module, item.outcome, item.client, item.class]
      .join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word)) && (!outcome || kind(item) === outcome);
  });
  setText(element("filtered"), wanted.length || outcome ? `${rows.length} of ${all.length}` : "");
  update(element("recent-rows"), rows.slice(0, 60), (item) => String(item.seq), row(callColumns), (child, item) => {
    const by = item.approvedBy?.length ? `, by ${item.approvedBy.join(" and ")}` : "";
    [new Date(item.time).toLocaleTimeString(), item.what ?? item.operation, item.connection, `${item.outcome}${by}`,
      item.client, item.durationMilliseconds].forEach((value, index) => setText(child.children[index], value));
    child.children[3].className = kind(item);
  });
}

function show(state) {
  latest = state;
  const counts = state.counts;
  setText(element("summary"), `version ${state.version}, since ${new Date(state.started).toLocaleString()}`);
  setText(element("tile-sessions"), state.sessions.filter((item) => ["ready", "busy", "signed in"].includes(item.state)).length);
  setText(element("tile-calls"), counts.requests + (counts.underWay ? ` +${counts.underWay}` : ""));
  setText(element("tile-errors"), counts.errors);
  element("tile-errors").parentElement.classList.toggle("bad", counts.errors > 0);
  showApprovals(state.approvals);
  showCharts(state.recent ?? []);
  const codes = state.sessions.filter((item) => item.code);
  element("waiting").hidden = codes.length === 0;
  update(element("codes"), codes, (item) => `${item.session} ${item.code}`, buildCode, (child, item) => {
    const [name, code, note] = [...child.children].filter((part) => ["SPAN", "STRONG"].includes(part.tagName));
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
  update(element("job-rows"), state.jobs ?? [], (item) => item.job, row(jobColumns), (child, item) => {
    [item.operation, item.state, item.seconds, item.progress?.message ?? item.error?.message]
      .forEach((value, index) => setText(child.children[index], value));
  });
  element("recent").hidden = !state.recent;
  showCalls();
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

element("filter-form").addEventListener("submit", (event) => event.preventDefault());
element("filter").addEventListener("input", showCalls);
element("outcome").addEventListener("change", showCalls);

// Keys as in a mail program; none of them approves without the passkey.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  const cards = [...element("held-list").children];
  const place = cards.indexOf(document.activeElement.closest(".held"));
  const card = cards[place] ?? cards.find((one) => one.classList.contains("open"));
  const go = (step) => cards[Math.min(cards.length - 1, Math.max(0, place + step))]?.querySelector(".head").focus();
  switch (event.key) {
    case "j": go(1); break;
    case "k": go(-1); break;
    case "o": card?.querySelector(".head").click(); break;
    case "a": if (card?.classList.contains("open")) card.querySelector(".yes").click(); break;
    case "d": if (card?.classList.contains("open")) card.querySelector(".why").focus(); break;
    case "/": element("filter").focus(); break;
    default: return;
  }
  event.preventDefault();
});

// A pool that answers says at least every few seconds that nothing has changed.
const longestSilence = 20000;

function follow() {
  const source = new EventSource("/v1/events");
  let silence = 0;
  const lose = () => {
    document.body.classList.add("offline");
    setText(element("summary"), "The pool does not answer; trying again…");
  };
  // A pool that hangs keeps its connections, and accepts new ones.
  const hear = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      source.close();
      lose();
      follow();
    }, longestSilence);
  };
  const live = () => {
    hear();
    if (document.body.classList.contains("offline") && latest) show(latest);
    document.body.classList.remove("offline");
  };
  source.addEventListener("state", (event) => {
    latest = JSON.parse(event.data);
    live();
    show(latest);
  });
  source.addEventListener("alive", live);
  source.addEventListener("open", live);
  source.addEventListener("error", () => {
    lose();
    // A browser tries again by itself unless it got an answer, such as a proxy's while the pool restarts.
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(silence);
    setTimeout(follow, 3000);
  });
  hear();
}
follow();
window.addEventListener("hashchange", offerRegistration);
setUnlock(unlock);
offerRegistration();
