// The stream of events, and questions to the API: what goes over the wire, and whether it works.
//
// A lost connection is told at once and tried again for as long as it takes; a stream that has been
// silent for longer than keeld ever is counts as lost. `fetch` and not EventSource, which neither
// tells why it was refused nor notices a peer that is gone.

const SILENCE = 40_000; // keeld says something every 15 s
const PAUSES = [250, 500, 1000, 2000, 5000];

export class NoPass extends Error {}

export async function ask(path, signal) {
  const answer = await fetch(path, { signal, cache: "no-store" });
  if (answer.status === 401) throw new NoPass();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  const date = Date.parse(answer.headers.get("Date") ?? "");
  return { answer, date };
}

export async function askJson(path, signal) {
  const { answer, date } = await ask(path, signal);
  return { json: await answer.json(), date };
}

/** Gives the lines of a body as they come. */
export async function* linesOf(answer, onBytes = () => {}) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes();
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}

/** Reads events for ever. `on` has: open (before anything is read), event, missed, word (whatever
 *  came), lost(milliseconds until the next try), refused. */
export async function readEvents(on) {
  let last = null;
  for (let failures = 0; ; ) {
    const ending = new AbortController();
    let silence = 0;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => ending.abort(), SILENCE);
      on.word();
    };
    try {
      const { answer, date } = await ask(
        last === null ? "/v1/events" : `/v1/events?after=${last}`, ending.signal);
      failures = 0;
      heard();
      on.open(date);
      for await (const event of eventsOf(linesOf(answer, heard))) {
        if (event.id) last = event.id;
        if (event.kind === "missed") on.missed();
        else on.event(JSON.parse(event.data));
      }
    } catch (error) {
      if (error instanceof NoPass) return on.refused();
    }
    clearTimeout(silence);
    const pause = PAUSES[Math.min(failures++, PAUSES.length - 1)];
    on.lost(pause);
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function* eventsOf(lines) {
  let event = {};
  for await (const line of lines) {
    if (line === "") {
      if (event.data !== undefined || event.kind === "missed") yield event;
      event = {};
    }
    const colon = line.indexOf(": ");
    if (colon <= 0) continue; // a comment, or the end of an event
    const name = line.slice(0, colon);
    event[name === "event" ? "kind" : name] = line.slice(colon + 2);
  }
}
