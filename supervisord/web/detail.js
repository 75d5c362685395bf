// One unit, beside the table: how it stands, its instances, its releases, its outages, and the end of
// its log, followed as it grows. Read-only as all of the page.
import { ask, askJson, linesOf } from "/web/stream.js";
import * as model from "/web/model.js";

const LINES = 200;
const CHARACTERS = 200_000; // of the log kept on the page
const OUTAGES = 8;

const $ = (id) => document.getElementById(id);

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** One item for each text, changed in place. */
function list(element, texts) {
  while (element.children.length > texts.length) element.lastChild.remove();
  texts.forEach((text, i) => {
    if (!element.children[i]) element.append(document.createElement("li"));
    put(element.children[i], text);
  });
}

/** The same of a section that is there only while it has something to tell. */
function listOrHide(element, texts) {
  list(element, texts);
  element.parentElement.hidden = texts.length === 0;
}

/** What "How it stands" does not tell of it. */
function deploymentWords(deployment, at) {
  return [
    [model.titleOf(deployment), deployment.former && `in the place of ${deployment.former}`,
      `for ${model.coarse(at - Date.parse(deployment.since))}`, model.amountOf(deployment)]
      .filter(Boolean).join(" · "),
    deployment.steps.map((step) => `${step.name} ${step.status}`).join(" · "),
  ];
}

function probeWords(probe) {
  if (!probe.verdict) return `${probe.name}: not answered yet`;
  const verdict = probe.verdict === "pass" ? "passes" : `${probe.verdict} (${probe.kind})`;
  return `${probe.name} ${verdict}: ${probe.detail || model.human(probe.latency_seconds * 1000)}`;
}

export class Detail {
  constructor({ known, now, closed }) {
    this.known = known;
    this.now = now;
    this.closed = closed;
    this.unit = null;
    this.questions = 0; // about releases: only the last one's answer counts
    $("detail-close").addEventListener("click", () => this.close());
  }

  open(name, from) {
    if (this.unit === name) return;
    this.stopLog();
    this.unit = name;
    this.from = from;
    $("detail").hidden = false;
    put($("detail-name"), name);
    for (const id of ["now", "next", "instances", "outages"]) list($(`detail-${id}`), []);
    for (const id of ["deployment", "releases"]) listOrHide($(`detail-${id}`), []);
    put($("log"), "");
    this.tick();
    this.refresh();
    this.followLog(name);
    $("detail-close").focus();
  }

  close() {
    if (!this.unit) return;
    const name = this.unit;
    this.unit = null;
    this.stopLog();
    $("detail").hidden = true;
    this.closed(name);
    this.from?.focus();
  }

  /** What changes with time alone. */
  tick() {
    const unit = this.known.units.get(this.unit);
    if (!unit) return;
    const at = this.now();
    put($("detail-standing"), `${unit.status}, for ${model.coarse(at - Date.parse(unit.since))}` +
      (unit.restarts ? ` · ${unit.restarts} restart${unit.restarts > 1 ? "s" : ""}` : "") +
      (model.nextOfUnit(unit, at) ? ` · ${model.nextOfUnit(unit, at)}` : ""));
    $("detail-standing").className = `s-${unit.status}`;
    put($("detail-description"), unit.description ?? "");
    listOrHide($("detail-deployment"),
      unit.deployment ? deploymentWords(unit.deployment, at) : []);
    list($("detail-instances"), unit.instances.map((instance) => [
      `${instance.name}: ${instance.state}, for ${model.coarse(at - Date.parse(instance.since))}`,
      instance.pid ? `pid ${instance.pid}` : "", model.nextOf(instance, at) || "",
      instance.says ?? "", ...instance.probes.map(probeWords),
    ].filter(Boolean).join(" · ")));
  }

  /** Something has happened to it. */
  async refresh() {
    const name = this.unit;
    try {
      const { json } = await askJson(`/v1/units/${encodeURIComponent(name)}/why`);
      if (this.unit === name) this.show(json);
    } catch { /* the connection's own line tells */ }
  }

  /** Its story, as keeld tells it. */
  show(story) {
    list($("detail-now"), story.now);
    list($("detail-next"), story.next.length ? story.next : ["nothing is due"]);
    this.showOutages();
    this.askReleases();
    this.tick();
  }

  async askReleases() {
    const name = this.unit;
    const question = ++this.questions;
    try {
      const { json } = await askJson(`/v1/units/${encodeURIComponent(name)}/releases`);
      if (this.questions === question && this.unit === name)
        listOrHide($("detail-releases"), model.releaseLines(json, this.now()));
    } catch { /* the connection's own line tells */ }
  }

  showOutages() {
    const own = this.known.outages.filter((outage) => outage.unit === this.unit);
    const at = this.now();
    list($("detail-outages"), own.length === 0 ? ["none that is known"]
      : own.slice(0, OUTAGES).map((outage) => {
        const length = model.human(outage.seconds * 1000);
        const open = !outage.closed && !outage.settling;
        return `${model.clock(Date.parse(outage.opened), at)}: ` +
          `${outage.planned ? "planned " : ""}${outage.kind} ` +
          `${open ? `open for ${length}` : `of ${length}`}, ${outage.cause}`;
      }));
  }

  // ---- the log -----------------------------------------------------------------------------------

  stopLog() {
    this.ending?.abort();
    this.ending = null;
  }

  async followLog(name) {
    const ending = this.ending = new AbortController();
    const text = document.createTextNode("");
    const log = $("log");
    log.replaceChildren(text);
    put($("log-state"), "");
    try {
      const { answer } = await ask(
        `/v1/units/${encodeURIComponent(name)}/log?lines=${LINES}&follow=1`, ending.signal);
      const target = answer.headers.get("Keel-Log-Target");
      if (target) put($("log-state"), `goes to ${target}`);
      else put($("log-state"), "nothing yet");
      let waiting = "";
      for await (const line of linesOf(answer)) {
        if (!waiting) requestAnimationFrame(() => {
          const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
          if (!text.length && !target) put($("log-state"), "");
          text.appendData(waiting);
          waiting = "";
          if (text.length > CHARACTERS) text.deleteData(0, text.length - CHARACTERS / 2);
          if (isAtEnd) log.scrollTop = log.scrollHeight;
        });
        waiting += `${line}\n`;
      }
      put($("log-state"), "has ended");
    } catch {
      if (this.ending === ending) put($("log-state"), "is no longer followed");
    }
  }
}
