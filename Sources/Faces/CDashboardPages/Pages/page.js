"use strict";

// What all parts of the page use. Everything that came over the wire is put into the page as text, never as markup.
const element = (id) => document.getElementById(id);

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function draw(name, attributes = {}) {
  const made = document.createElementNS(element("calls-chart").namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
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

function say(text) { setText(element("message"), text); }

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(path, {
    method,
    headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  let value = null;
  try { value = text ? JSON.parse(text) : null; } catch { value = null; }
  return { ok: answer.ok, status: answer.status, value };
}

// What went wrong, in the server's own words, with what to do next.
function words(answer) {
  return [answer.value?.detail ?? `Status ${answer.status}`, answer.value?.hint].filter(Boolean).join(" ");
}

function age(from) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

function rest(until) {
  const seconds = Math.max(0, Math.round((new Date(until) - Date.now()) / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
