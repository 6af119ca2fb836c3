// What answers for Workers AI on this machine, behind the binding `AI` of the gateway: a chat that
// says one sentence, embeddings, an image, speech. Models `@cf/stub/…` fail, each in its own way.
import { WorkerEntrypoint } from "cloudflare:workers";

const SAID = "Hello from the stand-in for Workers AI.";
const USAGE = { prompt_tokens: 12, completion_tokens: 9, total_tokens: 21 };
const text = new TextEncoder();

const json = (body, status = 200, headers = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

const fail = (status, internalCode, description) =>
  json({ internalCode, description, message: `AiError: ${description}`, name: "AiError" }, status);

function stream(events, { before, end = (controller) => controller.close() } = {}) {
  const waiting = [...events];
  const body = new ReadableStream({
    async pull(controller) {
      await before?.();
      const next = waiting.shift();
      next === undefined ? end(controller) : controller.enqueue(text.encode(`data: ${next}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const words = SAID.split(/(?<= )/);
const spoken = () => words.map((word) => JSON.stringify({ response: word, p: "abc" }));
const last = () => JSON.stringify({ response: "", usage: USAGE });

let runs = {};
let endless = 0;

const faults = {
  throws: () => {
    throw Object.assign(new Error("3040: Capacity temporarily exceeded"), { name: "AiError" });
  },
  crashes: () => {
    throw new Error("something with no number");
  },
  "out-of-capacity": () => fail(429, 3040, "Capacity temporarily exceeded"),
  "no-neurons": () => fail(429, 3036, "You have used up your daily free allocation"),
  "no-model": () => fail(400, 5007, "No such model"),
  "once-full": (count) => (count === 1 ? faults["out-of-capacity"]() : chat({})),
  hangs: () => scheduler.wait(600_000),
  breaks: () => stream(spoken().slice(0, 3), { end: (controller) => controller.error("gone") }),
  endless: () => stream(Array(10_000).fill(spoken()[0]), { before: slowly }),
};

function slowly() {
  endless += 1;
  return scheduler.wait(20);
}

function chat(inputs) {
  if (inputs.stream) return stream([...spoken(), last(), "[DONE]"]);
  const call = inputs.tools?.[0];
  const named = call?.function?.name ?? call?.name;
  const asked = inputs.messages?.some(({ role }) => role === "tool");
  if (named && !asked) {
    const arguments_ = { city: "Rome" };
    return json({ response: null, tool_calls: [{ name: named, arguments: arguments_ }], usage: USAGE });
  }
  return json({ response: SAID, usage: USAGE });
}

async function bytes(name, { body, contentType }) {
  const size = (await new Response(body).arrayBuffer()).byteLength;
  return json({ text: `${name}: ${size} bytes of ${contentType}` });
}

export default class extends WorkerEntrypoint {
  async run(model, inputs, options) {
    runs[model] = (runs[model] ?? 0) + 1;
    const fault = faults[model.split("@cf/stub/")[1]];
    if (fault) return fault(runs[model]);
    if (model === "@cf/echo") return json({ inputs, options });
    for (const [name, value] of Object.entries(inputs)) {
      if (value?.body instanceof ReadableStream) return bytes(name, value);
    }
    if (model.includes("speech")) {
      return new Response(new Uint8Array([0xff, 0xfb, 0x90, 0]), { headers: { "content-type": "audio/mpeg" } });
    }
    if (inputs.text) {
      const data = [inputs.text].flat().map((_, index) => [0.5, -0.25, index]);
      return json({ shape: [data.length, 3], data, pooling: "cls" });
    }
    if (model.includes("image")) {
      const picture = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255]);
      return new Response(picture, { headers: { "content-type": "image/png" } });
    }
    return chat(inputs);
  }

  models() {
    return [{ id: "1", name: "@cf/meta/llama-3.1-8b-instruct", task: { name: "Text Generation" } }];
  }

  // For tests: how often a model was run, and how many events endless streams have had.
  fetch() {
    return json({ runs, endless });
  }
}
