// What the page knows, in words: nothing here touches the page or the network.

/** How grave a status is; 0 is the gravest. Those below CALM want somebody's eye. */
const GRAVITY = { failed: 0, down: 1, blocked: 2, degraded: 3, starting: 4, held: 6, stopped: 8 };
const SETTLING = 5;
export const CALM = 6;
const gravityOfStatus = (unit) => GRAVITY[unit.status] ?? 9;
/** Works again, but not for long enough that its outage is over: it may flap. */
export const isSettling = (unit) =>
  Boolean(unit.outage?.settling) && gravityOfStatus(unit) > SETTLING && !unit.held;
export const gravityOf = (unit) => (isSettling(unit) ? SETTLING : gravityOfStatus(unit));
export const isBad = (unit) => gravityOf(unit) < 3;
export const isTroubled = (unit) => gravityOf(unit) < CALM;

/** `812 ms`, `3.0 s`, `42 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function human(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds > 0 && seconds < 0.001) return "under 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return coarse(ms, true);
}

/** The same for what grows on the page: no finer than seconds, and above an hour than minutes. */
export function coarse(ms, fine = false) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (a, unitA, b, unitB) => (b ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`);
  if (s < 60) return `${s} s`;
  if (s < 600 || (fine && s < 3600)) return two(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return two(Math.floor(s / 3600), "h", Math.floor(s / 60) % 60, "min");
  return two(Math.floor(s / 86_400), "d", Math.floor(s / 3600) % 24, "h");
}

/** `12 B`, `97.0 MiB`, as `keel` has it. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4);
  return `${(bytes / 1024 ** power).toFixed(1)} ${["KiB", "MiB", "GiB", "TiB"][power - 1]}`;
}

const pad = (n) => String(n).padStart(2, "0");

/** `09:15:02`, of another day `23 Nov 09:15`. */
export function clock(at, now) {
  const d = new Date(at);
  if (d.toDateString() === new Date(now).toDateString())
    return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  const month = d.toLocaleString("en", { month: "short" });
  return `${d.getDate()} ${month} ${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

const NEXT = {
  backoff: "next start",
  starting: "must be ready",
  unready: "must be ready again",
  stopping: "next signal",
  blocked: "looked at again",
};

/** What Keel does next with an instance if nothing happens before: `next start in 3.2 s`. */
export function nextOf(instance, now) {
  const words = NEXT[instance.state];
  if (!instance.next_at || !words) return "";
  const left = Date.parse(instance.next_at) - now;
  return left > 0 ? `${words} in ${human(left)}` : `${words} now`;
}

const isAtRest = (instance) => instance.state === "ready" || instance.state === "done";

/** The instance that a line about the unit is about: of those not at rest, that which acts first. */
export function troubledInstance(unit) {
  const due = (instance) => (instance.next_at ? Date.parse(instance.next_at) : Infinity);
  return unit.instances
    .filter((instance) => !isAtRest(instance))
    .sort((a, b) => due(a) - due(b))[0];
}

const TITLES = { deploy: "deployment of", redeploy: "redeployment of", rollback: "rollback to" };

/** `deployment of 1.2` */
export const titleOf = (deployment) => `${TITLES[deployment.kind]} ${deployment.release}`;

/** `12.0 MiB of 500.0 MiB`; empty: nothing is fetched or unpacked. */
export const amountOf = ({ bytes, total }) =>
  (bytes > 0 ? size(bytes) + (total ? ` of ${size(total)}` : "") : "");

/** `deployment of 1.2: fetch, 12.0 MiB of 500.0 MiB` */
export const progressOf = (deployment) => `${titleOf(deployment)}: ` +
  [deployment.step, amountOf(deployment)].filter(Boolean).join(", ") +
  (deployment.failure ? ` (${deployment.failure})` : "");

/** A line for each release on the disk, and for each that is denied and gone from it. */
export function releaseLines({ releases, denied }, now) {
  const reasons = new Map(denied.map((one) => [one.id, `denied: ${one.why}`]));
  const gone = denied.filter(({ id }) => !releases.some((one) => one.id === id)).reverse();
  return [...releases, ...gone].map((one) => `${one.id}: ` + [
    one.current && "current",
    one.good && (one.rollback_target ? "good, a rollback leads here" : "good"),
    !one.current && one.instances > 0 &&
      `${one.instances} instance${one.instances > 1 ? "s" : ""} on it`,
    reasons.get(one.id),
    one.bytes && size(one.bytes),
    `since ${clock(Date.parse(one.since), now)}`,
  ].filter(Boolean).join(" · "));
}

/** Why, in one line, without what comes next. */
export function reasonOf(unit, now) {
  if (unit.held) {
    const left = unit.held.until ? Date.parse(unit.held.until) - now : 0;
    const span = left > 0 ? ` for ${coarse(left)} more` : "";
    return `held by ${unit.held.by}${span}${unit.held.why ? `: ${unit.held.why}` : ""}`;
  }
  if (unit.wanted === "down") return "not enabled";
  const instance = troubledInstance(unit);
  const isDown = unit.outage && !unit.outage.settling;
  // What a deployment itself takes down, its step tells better.
  if (unit.deployment && !(isDown && !unit.outage.planned)) return progressOf(unit.deployment);
  if (isDown && instance?.state !== "failed") return unit.outage.cause;
  if (instance) return (unit.instances.length > 1 ? `${instance.name}: ` : "") + instance.reason;
  if (unit.operation) return `${unit.operation.verb} by ${unit.operation.by}`;
  if (unit.outage && unit.outage.settling)
    return `ready again after ${human(unit.outage.seconds * 1000)}: ${unit.outage.cause}`;
  return unit.changed_on_disk ? "changed on disk: `keel plan` shows what" : "";
}

export function nextOfUnit(unit, now) {
  const instance = troubledInstance(unit);
  if (instance) {
    const next = nextOf(instance, now);
    if (next) return next;
    if (instance.state === "blocked") return "starts when that is ready";
    if (instance.state === "failed") return "nothing more by itself: `keel start` tries again";
    return "";
  }
  if (unit.held && !unit.held.until) return "until somebody starts it";
  return "";
}

/** The head of the page: what is wrong, in one line. */
export function verdictOf(units) {
  const down = units.filter(isBad);
  const weak = units.filter((unit) => isTroubled(unit) && !isBad(unit));
  if (units.length === 0) return { tone: "calm", text: "No units yet" };
  if (down.length === 1) return { tone: "bad", text: `${down[0].name} is ${down[0].status}` };
  if (down.length > 1)
    return { tone: "bad", text: `${down.length} of ${units.length} units are down` };
  if (weak.length > 0 && weak.every(isSettling)) {
    const who = weak.length === 1 ? `${weak[0].name} is` : `${weak.length} of ${units.length} units are`;
    return { tone: "weak", text: `${who} up again, not yet for good` };
  }
  if (weak.length === 1) return { tone: "weak", text: `${weak[0].name} is ${weak[0].status}` };
  if (weak.length > 1)
    return { tone: "weak", text: `${weak.length} of ${units.length} units are not all well` };
  const held = units.filter((unit) => unit.status === "held").length;
  const more = held ? `, ${held} held` : "";
  return { tone: "calm", text: `Everything that should be up is up${more}` };
}

/** Gravest first, and of the same gravity the one that has been so the longest: a line keeps its
 *  place while others come and go below it. */
export function troublesOf(units) {
  return units
    .filter((unit) => isTroubled(unit) || unit.status === "held")
    .sort((a, b) => gravityOf(a) - gravityOf(b) || Date.parse(a.since) - Date.parse(b.since));
}

/** When an outage ended that is over, or seems to be. */
export const endOf = (outage) => Date.parse(outage.opened) + outage.seconds * 1000;

/** The latency in milliseconds of the unit's slowest probe; null: none has answered. */
export function latencyOf(unit) {
  const all = unit.instances.flatMap((instance) =>
    instance.probes.filter((probe) => probe.latency_seconds !== null)
      .map((probe) => probe.latency_seconds * 1000));
  return all.length ? Math.max(...all) : null;
}

export const probesFail = (unit) => unit.instances.some((instance) =>
  instance.probes.some((probe) => probe.verdict === "fail"));
