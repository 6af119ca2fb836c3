// The load generator. Reads jobs, one JSON object a line, and answers each with one line:
//   {url, headers, body, connections, seconds | requests, expect}
//   -> {answers, failures: {what: count}, seconds, p50, p99, first}
// Times are in milliseconds; `first` is the median time to the first event of a stream, or to the
// first byte of another body. An answer counts that has status 200 and ends with what is expected.
//
// It speaks HTTP/1.1 over plain sockets and looks at no more of an answer than it must: what it
// spends is taken from the gateway that shares the machine with it.
import net from "node:net";
import { createInterface } from "node:readline";

const PATIENCE_MS = 10_000;
const MAX_FAILURES = 50;
const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKS_END = "\r\n0\r\n\r\n";
const TAIL = 400;

/** One answer as it arrives. */
class Answer {
  constructor() {
    this.started = performance.now();
    this.first = 0;
    this.head = null;
    this.parts = [];
    this.length = 0;
  }

  /** Take bytes; return whether the answer is whole. */
  take(bytes) {
    let body = bytes;
    if (this.head === null) {
      const all = this.parts.length ? Buffer.concat([...this.parts, bytes]) : bytes;
      const end = all.indexOf(HEAD_END);
      if (end < 0) {
        this.parts.push(bytes);
        return false;
      }
      this.head = all.latin1Slice(0, end).toLowerCase();
      this.parts = [];
      this.status = Number(this.head.slice(9, 12));
      const length = /\r\ncontent-length: *(\d+)/.exec(this.head);
      this.expected = length ? Number(length[1]) : -1;
      this.chunked = this.expected < 0 && this.head.includes("\r\ntransfer-encoding: chunked");
      body = all.subarray(end + HEAD_END.length);
    }
    if (body.length) {
      this.first ||= performance.now();
      this.parts.push(body);
      this.length += body.length;
    }
    return this.chunked ? this.tail(7).endsWith(CHUNKS_END) || this.empty() : this.length === this.expected;
  }

  /** Whether it is a chunked body without a chunk. */
  empty() {
    return this.length === 5 && this.tail(5) === CHUNKS_END.slice(2);
  }

  /** The last bytes of the body. */
  tail(size) {
    let parts = [];
    for (let at = this.parts.length - 1, have = 0; at >= 0 && have < size; at -= 1) {
      parts.unshift(this.parts[at]);
      have += this.parts[at].length;
    }
    const end = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    return end.latin1Slice(Math.max(0, end.length - size));
  }
}

/** One job: its connections, and what came of them. */
class Run {
  constructor(job, done) {
    const { hostname, port, pathname, search } = new URL(job.url);
    const body = Buffer.from(job.body);
    const headers = { host: `${hostname}:${port}`, "content-length": body.length, ...job.headers };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.request = Buffer.concat([Buffer.from(`POST ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
    this.job = job;
    this.done = done;
    this.address = { host: hostname, port: Number(port), noDelay: true };
    this.times = [];
    this.firsts = [];
    this.failures = {};
    this.failed = 0;
    this.sent = 0;
    this.open = job.connections;
    this.started = performance.now();
    this.until = this.started + 1000 * (job.seconds ?? PATIENCE_MS / 1000);
    for (let index = 0; index < job.connections; index += 1) this.connect();
  }

  more() {
    const enough = this.job.requests !== undefined && this.sent >= this.job.requests;
    return !enough && this.failed < MAX_FAILURES && performance.now() < this.until;
  }

  connect() {
    if (!this.more()) return this.close();
    const socket = net.connect(this.address);
    let answer = null;
    const send = () => {
      if (!this.more()) return socket.destroy();
      this.sent += 1;
      answer = new Answer();
      socket.write(this.request);
    };
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("timeout")));
    socket.on("connect", send);
    socket.on("data", (bytes) => {
      if (answer === null || !answer.take(bytes)) return;
      this.count(answer);
      const last = answer.head.includes("\r\nconnection: close");
      answer = null;
      if (last) socket.destroy();
      else send();
    });
    socket.on("error", (error) => {
      this.fail(error.code ?? error.message);
      answer = null;
    });
    socket.on("close", () => {
      if (answer !== null) this.fail("cut off");
      this.connect();
    });
  }

  count(answer) {
    const now = performance.now();
    if (answer.status !== 200) return this.fail(String(answer.status));
    if (!answer.tail(TAIL).includes(this.job.expect)) return this.fail("other answer");
    this.times.push(now - answer.started);
    this.firsts.push(answer.first - answer.started);
  }

  fail(what) {
    // A refusal is an answer like any other where it is what the job is about.
    if (this.job.refusals && what === "429") return void (this.failures[what] = (this.failures[what] ?? 0) + 1);
    this.failed += 1;
    this.failures[what] = (this.failures[what] ?? 0) + 1;
  }

  close() {
    this.open -= 1;
    if (this.open > 0) return;
    const seconds = (performance.now() - this.started) / 1000;
    const [p50, p99] = [quantile(this.times, 0.5), quantile(this.times, 0.99)];
    const first = quantile(this.firsts, 0.5);
    this.done({ answers: this.times.length, failures: this.failures, seconds, p50, p99, first });
  }
}

function quantile(values, share) {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await new Promise((done) => new Run(JSON.parse(line), done));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
