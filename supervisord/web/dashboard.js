// The dashboard. One object holds what is known, each line of the page holds what it last showed;
// when something happens, the units that it concerns are asked for again, and what has become
// different is written, in its place. Lines have fixed heights and never change their order.
import { askJson, NoPass, readEvents } from "/web/stream.js";
import * as model from "/web/model.js";
import { Detail } from "/web/detail.js";

const DAY = 86_400_000;
const POLL = 5000; // what no event tells: probes' latencies
const TOGETHER = 25; // events that come within this time are answered by one question
const MANY = 30; // more units than these are asked for all at once
const SPARKS = 40;
const SLOTS = 4;
const EVENTS = 10;

const $ = (id) => document.getElementById(id);
const svgNs = "http://www.w3.org/2000/svg";

function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function makeSvg(name, attributes, ...children) {
  const element = document.createElementNS(svgNs, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Writes only what is different. */
function put(element, text) {
  if (element.shown !== text) element.textContent = element.shown = text;
}
/** The same of several pieces of text in a line: they come and go together, none moves another. */
function putPieces(element, ...pieces) {
  const shown = JSON.stringify(pieces);
  if (element.shown === shown) return;
  element.shown = shown;
  element.replaceChildren(...pieces.filter(([text]) => text)
    .map(([text, className]) => make("span", className ?? "", text)));
}
function mark(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}
function dress(element, className) {
  if (element.className !== className) element.className = className;
}

const known = {
  units: new Map(),
  outages: [],
  events: [],
  recordsSince: null,
  skew: 0, // keeld's clock minus this one's
  heardAt: 0,
  link: "connecting",
  retryAt: 0,
};

/** The time by keeld's clock; it stands still while nothing is heard, as what is shown does. */
function now() {
  const at = known.link === "lost" ? known.heardAt : Date.now();
  return at + known.skew;
}

// ---- one line for each unit ----------------------------------------------------------------------

class Row {
  constructor(name) {
    this.name = name;
    this.sparks = [];
    this.lamp = make("span", "lamp");
    this.button = make("button", "", this.lamp, make("span", "", name));
    this.button.type = "button";
    this.button.tabIndex = -1;
    this.release = make("span", "release");
    this.status = make("td", "c-status");
    this.since = make("td", "c-since");
    this.note = make("td", "c-note");
    this.ready = make("td", "c-ready");
    this.restarts = make("td", "c-restarts");
    this.line = makeSvg("polyline", { points: "" });
    this.latency = make("span", "latency");
    this.probe = make("td", "c-probe", make("div", "", makeSvg("svg",
      { class: "spark", viewBox: "0 0 74 20", preserveAspectRatio: "none", "aria-hidden": "true" },
      this.line), this.latency));
    this.day = makeSvg("svg",
      { class: "day", viewBox: "0 0 1440 14", preserveAspectRatio: "none", role: "img" });
    this.element = make("tr", "",
      make("td", "c-name", make("div", "", this.button, this.release)), this.status, this.since,
      this.note, this.ready, this.restarts, this.probe,
      make("td", "c-day", this.day));
    this.element.role = "row";
    for (const cell of this.element.children) cell.role = "cell";
    this.element.addEventListener("click", () => open(this.name, this.button));
  }

  show(unit) {
    const gravity = model.gravityOf(unit);
    mark(this.lamp, "status", unit.status);
    put(this.release, unit.release ?? "");
    put(this.status, unit.status);
    dress(this.status, `c-status s-${unit.status}`);
    mark(this.element, "grave", gravity < 3 ? "bad" : gravity < model.CALM ? "weak" : "no");
    put(this.ready, unit.wanted_instances > 1 || unit.ready === 0
      ? `${unit.ready}/${unit.wanted_instances}` : "1");
    put(this.restarts, String(unit.restarts));
    this.probe.classList.toggle("failing", model.probesFail(unit));
    this.tick(unit);
  }

  /** What changes with time alone. */
  tick(unit) {
    const at = now();
    const since = Date.parse(unit.since);
    put(this.since, since > 0 ? model.coarse(at - since) : "");
    const reason = model.gravityOf(unit) < 9 || unit.outage || unit.deployment ||
      unit.changed_on_disk ? model.reasonOf(unit, at) : "";
    const next = model.nextOfUnit(unit, at);
    putPieces(this.note, [reason], [reason && next ? ` · ${next}` : next, "next"]);
  }

  addSpark(unit) {
    const latency = model.latencyOf(unit);
    this.sparks.push(latency);
    if (this.sparks.length > SPARKS) this.sparks.shift();
    put(this.latency, latency === null ? "" : model.human(latency));
    const known = this.sparks.filter((value) => value !== null);
    const top = Math.max(...known, 0.001);
    const points = this.sparks.map((value, i) => (value === null ? "" :
      `${(74 - (this.sparks.length - 1 - i) * 74 / (SPARKS - 1)).toFixed(1)},` +
      `${(18.5 - 16 * value / top).toFixed(1)}`)).filter(Boolean).join(" ");
    this.line.setAttribute("points", known.length > 1 ? points : "");
  }

  /** Of the last 24 hours: what is known to have been well, what was not, what is not known. */
  showDay() {
    const end = now();
    const begin = end - DAY;
    const own = known.outages.filter((outage) =>
      outage.unit === this.name || outage.kind === "gap");
    // A minute is less than a pixel.
    const drawn = JSON.stringify([Math.floor(end / 60_000), known.recordsSince,
      own.map(({ id, closed, settling, planned }) => [id, closed, settling, planned])]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const x = (at) => Math.max(0, (at - begin) / DAY * 1440);
    const bars = [];
    const bar = (kind, from, to, title) => {
      if (to <= begin) return;
      // Wide enough to be seen, also at the very end.
      const width = Math.max(kind === "known" || kind === "unknown" ? 0 : 12, x(to) - x(from));
      const rect = makeSvg("rect", { class: kind, x: Math.min(x(from), 1440 - width).toFixed(1),
        y: 0, height: 14, width: width.toFixed(1) });
      if (title) rect.append(makeSvg("title", {}, title));
      bars.push(rect);
    };
    const since = known.recordsSince ?? end;
    bar("unknown", begin, end, "no data");
    bar("known", Math.max(begin, since), end);
    let count = 0;
    for (const outage of own) {
      const from = Date.parse(outage.opened);
      const open = !outage.closed && !outage.settling;
      bar(outage.planned ? "planned" : outage.kind, from,
        open ? end : from + outage.seconds * 1000,
        `${model.clock(from, end)}: ${outage.kind} of ${model.human(outage.seconds * 1000)}, ` +
        outage.cause);
      if (outage.kind === "outage") ++count;
    }
    this.day.replaceChildren(...bars);
    this.day.setAttribute("aria-label",
      count ? `${count} outage${count > 1 ? "s" : ""} in what is known of 24 hours`
        : "no outage in what is known of 24 hours");
  }
}

const rows = new Map();

function rowsShown() {
  return [...$("units").children].filter((row) => !row.hidden);
}

/** Lines for the units there are, in the order of their names. */
function arrange() {
  for (const [name, row] of rows)
    if (!known.units.has(name)) {
      row.element.remove();
      rows.delete(name);
    }
  let before = null;
  for (const name of [...known.units.keys()].sort()) {
    let row = rows.get(name);
    if (!row) {
      rows.set(name, row = new Row(name));
      if (before) before.after(row.element);
      else $("units").prepend(row.element);
      row.showDay();
    }
    before = row.element;
  }
  filter();
}

function filter() {
  const text = $("filter").value.trim().toLowerCase();
  const only = $("only").checked;
  for (const [name, row] of rows) {
    const unit = known.units.get(name);
    const hit = !text || name.includes(text) ||
      model.reasonOf(unit, now()).toLowerCase().includes(text);
    row.element.hidden = !hit || (only && model.gravityOf(unit) > 8);
  }
  const shown = rowsShown();
  if (shown.length && !shown.some((row) => row.querySelector("button").tabIndex === 0))
    shown[0].querySelector("button").tabIndex = 0;
}

// ---- what is wrong -------------------------------------------------------------------------------

const slots = Array.from({ length: SLOTS }, () => {
  const slot = { lamp: make("span", "lamp"), what: make("span", "what"),
    when: make("span", "when"), why: make("span", "why") };
  const button = make("button", "", slot.lamp, slot.what, slot.when, slot.why);
  button.type = "button";
  button.addEventListener("click", () => {
    if (slot.unit) open(slot.unit, button);
    else if (slot.more) { $("only").checked = true; filter(); $("filter").focus(); }
  });
  slot.element = make("li", "empty", button);
  $("troubles").append(slot.element);
  return slot;
});

function fill(slot, { kind, unit, status, what, words, when, since, reason, next, more }) {
  slot.unit = unit;
  slot.more = more;
  dress(slot.element, kind);
  mark(slot.lamp, "status", status);
  putPieces(slot.what, [what, "unit"], [` ${words}`, `s-${status}`]);
  putPieces(slot.when, [when], [since, "since"]);
  putPieces(slot.why, [reason], [reason && next ? ` · ${next}` : next, "next"]);
}

function showTroubles(units, at) {
  const troubles = model.troublesOf(units);
  // One alone is what the head itself tells.
  const listed = troubles.length === 1 && model.isTroubled(troubles[0]) ? [] : troubles;
  const lines = listed.map((unit) => ({
    kind: "present", unit: unit.name, status: unit.status, what: unit.name,
    words: model.isSettling(unit) ? "up again" : unit.status,
    when: model.coarse(at - Date.parse(unit.since)),
    since: `, since ${model.clock(Date.parse(unit.since), at)}`,
    reason: model.reasonOf(unit, at), next: model.nextOfUnit(unit, at),
  }));
  if (lines.length > SLOTS) {
    const more = lines.length - SLOTS + 1;
    lines.splice(SLOTS - 1, Infinity, { kind: "present", more: true, status: "stopped",
      what: `and ${more} more`, words: "", when: "", reason: "show them all below", next: "" });
  }
  for (const outage of known.outages) {
    if (lines.length >= SLOTS) break;
    if ((!outage.closed && !outage.settling) || outage.kind !== "outage") continue;
    const from = Date.parse(outage.opened);
    lines.push({ kind: "past", unit: outage.unit, status: "stopped", what: outage.unit,
      words: `was down for ${model.human(outage.seconds * 1000)}`, when: model.clock(from, at),
      reason: outage.cause + (outage.planned ? " (planned)" : ""), next: "" });
  }
  slots.forEach((slot, i) => fill(slot, lines[i] ?? { kind: "empty", status: "stopped", what: "",
    words: "", when: "", reason: "", next: "" }));
  return troubles;
}

function showHead() {
  const at = now();
  const units = [...known.units.values()];
  const verdict = model.verdictOf(units);
  const troubles = showTroubles(units, at);
  if (known.link === "lost" || known.link === "refused") {
    const heard = model.clock(known.heardAt + known.skew, Date.now() + known.skew);
    put($("verdict"), "Not known: no word from keeld");
    put($("verdict-more"), known.heardAt ? `${heard} was the last one; what stands below was so then` : "");
    mark(document.body, "tone", "weak");
    document.title = `? no word · Keel · ${location.hostname}`;
    return;
  }
  put($("verdict"), verdict.text);
  mark(document.body, "tone", verdict.tone);
  const first = troubles[0];
  if (verdict.tone === "calm") {
    const last = known.outages.find((outage) => outage.kind === "outage");
    put($("verdict-more"), last
      ? `the last outage, of ${last.unit}, ended ${model.coarse(at - model.endOf(last))} ago`
      : known.recordsSince ? `no outage since records began, ${model.clock(known.recordsSince, at)}` : "");
  } else {
    const since = Date.parse(first.since);
    put($("verdict-more"), `since ${model.clock(since, at)}, for ${model.coarse(at - since)}` +
      [model.reasonOf(first, at), model.nextOfUnit(first, at)].filter(Boolean)
        .map((text) => ` · ${text}`).join(""));
  }
  const count = {};
  for (const unit of units) count[unit.status] = (count[unit.status] ?? 0) + 1;
  put($("counts"), Object.entries(count).map(([status, n]) => `${n} ${status}`).join(" · "));
  const bad = units.filter(model.isBad).length;
  const title = `${bad ? `▼ ${bad} down · ` : ""}Keel · ${location.hostname}`;
  if (document.title !== title) document.title = title;
}

// ---- events --------------------------------------------------------------------------------------

const eventLines = Array.from({ length: EVENTS }, () => {
  const line = { at: make("span", "at"), who: make("span", "who"), what: make("span", "what") };
  line.element = make("li", "", line.at, line.who, line.what);
  $("events").append(line.element);
  return line;
});

function showEvents() {
  eventLines.forEach((line, i) => {
    const event = known.events[i];
    put(line.at, event ? model.clock(Date.parse(event.at), now()) : "");
    put(line.who, event ? event.subject : "");
    put(line.what, event ? event.text : "");
    const text = event?.text ?? "";
    dress(line.element, event?.kind === "failure" || /outage \d+ opened/.test(text) ? "bad"
      : /-> ready|outage \d+ closed/.test(text) ? "good" : "");
  });
}

// ---- the connection ------------------------------------------------------------------------------

function showLink() {
  mark(document.body, "link", known.link);
  const heard = model.clock(known.heardAt + known.skew, Date.now() + known.skew);
  const left = Math.max(0, known.retryAt - Date.now());
  put($("link-text"), {
    connecting: "connecting …",
    live: `live · ${model.clock(now(), now())}`,
    lost: known.heardAt ? `no word since ${heard} · trying again` + (left > 900 ?
      ` in ${Math.ceil(left / 1000)} s` : "") : "keeld does not answer · trying again",
    refused: "the session is over: `keel web` opens another",
  }[known.link]);
}

// ---- asking --------------------------------------------------------------------------------------

const stale = new Set(); // names of units; "" are all
const learntAt = new Map(); // when what is known of a unit alone was asked for
let asking = false;
let askingAll = false;
let allIsStale = false;
let timer = 0;

function learn(unit) {
  const isNew = !known.units.has(unit.name);
  known.units.set(unit.name, unit);
  if (isNew) arrange();
  rows.get(unit.name).show(unit);
}

async function askAll() {
  const askedAt = performance.now();
  const { json } = await askJson("/v1/units");
  // What was asked of a unit alone meanwhile is the later word on it.
  json.units = json.units.map((unit) =>
    learntAt.get(unit.name) > askedAt ? known.units.get(unit.name) : unit);
  const names = new Set(json.units.map((unit) => unit.name));
  for (const name of known.units.keys()) if (!names.has(name)) known.units.delete(name);
  for (const unit of json.units) known.units.set(unit.name, unit);
  arrange();
  for (const unit of json.units) {
    const row = rows.get(unit.name);
    row.show(unit);
    if (row.sparks.length === 0) row.addSpark(unit);
  }
}

async function askOutages() {
  const since = new Date(now() - DAY).toISOString();
  const { json } = await askJson(`/v1/outages?limit=1000&last_words=0&since=${since}`);
  known.outages = json.outages;
  for (const row of rows.values()) row.showDay();
}

/** Everything anew. It may take a while; single units are asked for beside it. */
async function catchUpWithAll() {
  if (askingAll || known.link !== "live") return;
  askingAll = true;
  allIsStale = false;
  try {
    await askAll();
    filter();
    showHead();
    await askOutages();
    showHead();
  } catch (error) {
    if (error instanceof NoPass) known.link = "refused";
    if (error instanceof NoPass) showHead();
    setTimeout(() => { stale.add(""); soon(0); }, 1000);
  }
  askingAll = false;
  if (allIsStale) catchUpWithAll();
}

async function catchUp() {
  if (asking || known.link !== "live") return;
  asking = true;
  let pause = TOGETHER;
  if (stale.delete("") || stale.size > MANY) {
    if (stale.size > MANY) stale.clear();
    allIsStale = true;
    catchUpWithAll();
  }
  const names = [...stale];
  stale.clear();
  try {
    await Promise.all(names.map(async (name) => {
      // Its story and not the unit alone, for which keeld would look at its files on the disk.
      const askedAt = performance.now();
      const { json } = await askJson(`/v1/units/${encodeURIComponent(name)}/why`);
      json.unit.changed_on_disk = known.units.get(name)?.changed_on_disk ?? false;
      learntAt.set(name, askedAt);
      learn(json.unit);
      if (detail.unit === name) detail.show(json);
    }));
    filter();
    showHead();
  } catch (error) {
    if (error instanceof NoPass) known.link = "refused";
    if (error instanceof NoPass) showHead();
    stale.add(""); // whether there is a connection the stream tells
    pause = 1000;
  }
  asking = false;
  if (stale.size && known.link === "live") soon(pause);
}

function soon(delay = TOGETHER) {
  clearTimeout(timer);
  timer = setTimeout(catchUp, delay);
}

function hear(event) {
  known.events.unshift(event);
  known.events.length = Math.min(known.events.length, EVENTS);
  showEvents();
  stale.add(event.unit ?? "");
  if (event.kind === "outage") outagesSoon();
  if (!asking && stale.size === 1) soon();
}

let outageTimer = 0;
function outagesSoon() {
  outageTimer ||= setTimeout(() => {
    outageTimer = 0;
    askOutages().then(showHead, () => {});
  }, 150);
}

async function begin(date) {
  if (date && Math.abs(date - Date.now()) > 2000) known.skew = date - Date.now();
  known.link = "live";
  stale.add("");
  showLink();
  soon(0);
  try {
    const version = (await askJson("/v1/version")).json;
    known.recordsSince = version.records_since ? Date.parse(version.records_since) : null;
    put($("host"), `${version.host ?? location.hostname} · ${version.version}`);
    known.events = (await askJson(`/v1/events?follow=0&limit=${EVENTS}`)).json.events.reverse();
    showEvents();
  } catch { /* the stream tells */ }
}

// ---- hands ---------------------------------------------------------------------------------------

const detail = new Detail({ known, now, closed: (name) => {
  rows.get(name)?.element.classList.remove("chosen");
  history.replaceState(null, "", location.pathname);
} });

function open(name, from) {
  for (const row of rows.values()) row.element.classList.toggle("chosen", row.name === name);
  history.replaceState(null, "", `#${name}`);
  detail.open(name, from);
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  const row = event.target.closest?.("tr");
  if (step === undefined || !row) return;
  const shown = rowsShown();
  const to = Math.min(Math.max(shown.indexOf(row) + step, 0), shown.length - 1);
  row.querySelector("button").tabIndex = -1;
  const button = shown[to].querySelector("button");
  button.tabIndex = 0;
  button.focus();
  event.preventDefault();
}

$("verdict").addEventListener("click", () => {
  const first = model.troublesOf([...known.units.values()])[0];
  if (first && model.isTroubled(first)) open(first.name, null);
});
$("units").addEventListener("keydown", move);
$("filter").addEventListener("input", filter);
$("only").addEventListener("change", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") detail.close();
  if (event.key !== "/" || event.target.matches("input")) return;
  event.preventDefault();
  $("filter").focus();
});

// ---- time ----------------------------------------------------------------------------------------

setInterval(() => {
  showLink();
  if (known.link !== "live") return;
  for (const [name, row] of rows) row.tick(known.units.get(name));
  showHead();
  detail.tick();
}, 1000);

setInterval(() => {
  if (known.link === "live") for (const row of rows.values()) row.showDay();
}, 60_000);

setInterval(() => {
  if (known.link !== "live" || document.hidden) return;
  stale.add("");
  soon(0);
  for (const [name, row] of rows) row.addSpark(known.units.get(name));
}, POLL);

readEvents({
  open: begin,
  event: hear,
  missed: () => { stale.add(""); soon(); },
  word: () => { known.heardAt = Date.now(); },
  lost: (pause) => {
    known.link = "lost";
    known.retryAt = Date.now() + pause;
    showLink();
    showHead();
  },
  refused: () => {
    known.link = "refused";
    showLink();
    showHead();
  },
});

$("leave").addEventListener("click", async () => {
  await fetch("/leave", { method: "POST" });
  location.replace("/"); // which tells how to get in again
});

addEventListener("load", () => {
  if (location.hash.length > 1) detail.open(decodeURIComponent(location.hash.slice(1)), null);
});
