// The provider that stands behind every gateway: an OpenAI-like server whose answers are made in
// advance. The first message of a request names what it plays, `play:json` for instance, since no
// gateway changes a message; below /fail it answers 503 whatever is asked.
// GET /calls tells how often each was played, and begins to count anew.
import http from "node:http";

const PAUSE_MS = 200;
const EVENT = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-4o-mini",
};
/** An event that says something. No two of a stream are alike: a model that repeats itself is stopped. */
const word = (number) => ({
  ...EVENT,
  choices: [{ index: 0, delta: { content: `hello ${number} ` }, finish_reason: null }],
});
const USAGE = { prompt_tokens: 10, completion_tokens: 30, total_tokens: 40 };
const LAST = { ...EVENT, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: USAGE };
const MESSAGE = { role: "assistant", content: "hello ".repeat(30) };
const CHAT = JSON.stringify({
  ...EVENT,
  object: "chat.completion",
  choices: [{ index: 0, message: MESSAGE, finish_reason: "stop" }],
  usage: USAGE,
});

const event = (data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const EVENTS_11 = stream(11);
const EVENTS_500 = stream(500);

/** A stream of so many events, the last of which tells the usage, and the mark of its end. */
function stream(count) {
  return [...Array.from({ length: count - 1 }, (_, number) => event(word(number))), event(LAST), event("[DONE]")];
}

function json(response, status, text, headers = {}) {
  const length = Buffer.byteLength(text);
  response.writeHead(status, { "content-type": "application/json", "content-length": length, ...headers });
  response.end(text);
}

function error(response, status, headers) {
  json(response, status, JSON.stringify({ error: { message: "scripted", type: "scripted", code: null } }), headers);
}

function begin(response) {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
}

function burst(response, events) {
  begin(response);
  for (const each of events) response.write(each);
  response.end();
}

/** Send the same bytes in so many pieces, each of which leaves before the next is written. */
function pieces(response, events, count) {
  begin(response);
  const size = Math.ceil(events.length / count);
  const next = (at) => {
    if (at >= events.length) return response.end();
    response.write(events.slice(at, at + size).join(""), () => setImmediate(next, at + size));
  };
  next(0);
}

const PLAYS = {
  json: (response) => json(response, 200, CHAT),
  slow: (response) => setTimeout(json, PAUSE_MS, response, 200, CHAT),
  stream11: (response) => burst(response, EVENTS_11),
  stream500: (response) => burst(response, EVENTS_500),
  few: (response) => pieces(response, EVENTS_500, 5),
  many: (response) => pieces(response, EVENTS_500, 500),
  limited: (response) => error(response, 429, { "retry-after": "7" }),
  unavailable: (response) => error(response, 503),
  truncated: (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": CHAT.length });
    response.write(CHAT.slice(0, CHAT.length / 2), () => response.socket.destroy());
  },
  dropped: (response) => {
    begin(response);
    response.write(EVENTS_11.slice(0, 3).join(""), () => setTimeout(() => response.socket.destroy(), 50));
  },
  malformed: (response) => burst(response, [...EVENTS_11.slice(0, 3), event('{"id": "chatcmpl-'), ...EVENTS_11.slice(3)]),
};

let calls = {};

function play(request, response, body) {
  if (request.url === "/calls") {
    json(response, 200, JSON.stringify(calls));
    calls = {};
    return;
  }
  const at = body.indexOf("play:");
  const named = at < 0 ? undefined : /^play:([a-z0-9]+)/.exec(body.subarray(at, at + 40).latin1Slice())?.[1];
  const name = request.url.startsWith("/fail") ? "unavailable" : named;
  calls[name] = (calls[name] ?? 0) + 1;
  if (PLAYS[name]) PLAYS[name](response);
  else error(response, 404);
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => play(request, response, parts.length === 1 ? parts[0] : Buffer.concat(parts)));
});
server.keepAliveTimeout = 60_000;
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
