// A Worker that has the gateway bound as `AI`. It does what the name in its path says, in the words
// of Cloudflare's documentation, and tells what came of it as JSON.
const MODEL = "@cf/meta/llama-3.1-8b-instruct";
const gateway = { id: "default" };
const decode = (stream) => new Response(stream).text();

const samples = {
  run: ({ AI }) => AI.run(MODEL, { prompt: "What is the origin of the phrase Hello, World" }),
  cached: ({ AI }) =>
    AI.run(
      MODEL,
      { prompt: "Why should you use Cloudflare for your AI inference?" },
      { gateway: { id: "default", skipCache: false, cacheTtl: 3360 }, returnRawResponse: true },
    ).then(raw),
  stream: async ({ AI }) => {
    const stream = await AI.run(MODEL, { prompt: "Hi", stream: true }, { gateway });
    return { stream: stream instanceof ReadableStream, text: await decode(stream) };
  },
  raw: async ({ AI }) => raw(await AI.run(MODEL, { prompt: "Hi" }, { returnRawResponse: true })),
  image: async ({ AI }) => {
    const stream = await AI.run("@cf/stub-image", { prompt: "A cat" });
    return [...new Uint8Array(await new Response(stream).arrayBuffer())];
  },
  binary: ({ AI }) => {
    const body = new Response(new Uint8Array(1000)).body;
    return AI.run("@cf/deepgram/nova-3", { audio: { body, contentType: "audio/mpeg" } });
  },
  untold: ({ AI }) => {
    const body = new Response(new Uint8Array(10)).body;
    return AI.run("@cf/deepgram/nova-3", { audio: { body, contentType: "application/octet-stream" } });
  },
  bytes: ({ AI }) => AI.run("@cf/echo", { audio: [...new Uint8Array([1, 2, 3])] }),
  nothing: ({ AI }) => AI.run("@cf/echo", { prompt: "Hi", seed: undefined, tools: null }),
  text: ({ AI }) => AI.run("@cf/echo", '{"prompt":"Hi","content":null}'),
  options: ({ AI }) => AI.run("@cf/echo", {}, { queueRequest: true, tags: ["a", "b"] }),
  logged: async ({ AI }) => {
    const metadata = { team: "blue", user: 7 };
    const options = { gateway: { ...gateway, metadata, eventId: "an-event" } };
    return raw(await AI.run(MODEL, { prompt: "Hi" }, { ...options, returnRawResponse: true }));
  },
  unlogged: async ({ AI }) => {
    const options = { gateway: { ...gateway, collectLog: false }, returnRawResponse: true };
    return raw(await AI.run(MODEL, { prompt: "Hi" }, options));
  },
  models: ({ AI }) => AI.models(),
  getUrl: async ({ AI }) => {
    const it = AI.gateway("default");
    return [await it.getUrl("openai"), await it.getUrl("workers-ai"), await it.getUrl()];
  },
  getLog: async ({ AI }, { id }) => {
    const log = await AI.gateway("default").getLog(id);
    return { ...log, dated: log.created_at instanceof Date };
  },
  patchLog: async ({ AI }, { id, patch }) =>
    (await AI.gateway("default").patchLog(id, patch)) ?? "nothing",
  universal: async ({ AI }) => {
    const entry = {
      provider: "workers-ai",
      endpoint: MODEL,
      headers: { "cf-aig-metadata": { team: "green" }, "cf-aig-collect-log": true },
      query: { prompt: "What is Cloudflare?" },
    };
    return raw(await AI.gateway("default").run(entry));
  },
  fallback: async ({ AI }) => {
    const entry = (model) => ({
      provider: "workers-ai",
      endpoint: `@cf/${model}`,
      headers: {},
      query: { prompt: "Hi" },
    });
    const options = { gateway: { eventId: "fell-back", skipCache: true } };
    const entries = [entry("stub/out-of-capacity"), entry("meta/llama-3.1-8b-instruct")];
    return raw(await AI.gateway("default").run(entries, options));
  },
  model: ({ AI }, { model, inputs, options }) => AI.run(model, inputs ?? { prompt: "Hi" }, options),
  rawModel: async ({ AI }, { model, inputs, options }) =>
    raw(await AI.run(model, inputs ?? { prompt: "Hi" }, { ...options, returnRawResponse: true })),
  streamed: async ({ AI }, { model, inputs }) =>
    decode(await AI.run(model, { prompt: "Hi", ...inputs, stream: true })),
  leaves: async ({ AI }, { options }) => {
    const stream = await AI.run("@cf/stub/endless", { prompt: "Hi", stream: true }, options);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    return "left";
  },
  call: ({ AI }, { method, args }) => AI[method](...args),
  // Arguments that no JSON has.
  odd: ({ AI }, { method, args }) => AI[method](...args.map((name) => odd[name]?.() ?? name)),
  oddGateway: ({ AI }, { method, args }) =>
    AI.gateway("default")[method](...args.map((name) => odd[name]?.() ?? name)),
  dated: ({ AI }) => AI.run("@cf/echo", { at: new Date(1_750_000_000_123) }),
  disguised: ({ AI }, { model, said, kind }) => {
    const body = new Response(said).body;
    return AI.run(model, { x: { body, contentType: kind } });
  },
  tokened: async ({ AI }) =>
    raw(
      await AI.gateway("default").run({
        provider: "workers-ai",
        endpoint: MODEL,
        headers: { authorization: "Bearer my-api-token" },
        query: { prompt: "What is Cloudflare?" },
      }),
    ),
  property: async ({ AI }) => typeof (await AI.aiGatewayLogId),
  form: ({ AI }) => AI.run("@cf/echo", { audio: { body: new FormData(), contentType: "x/y" } }),
  nan: ({ AI }) => AI.run("@cf/echo", { n: NaN }),
  fetched: async ({ AI }) => raw(await AI.fetch("https://sluice.test/v1/local/default/openai/x")),
  absent: ({ AI }, { method }) => AI[method](),
  beta: async ({ AI }) => typeof (await AI.gateway("default", { beta: true }).getUrl()),
  noId: ({ AI }) => AI.gateway("default").patchLog(AI.aiGatewayLogId, { feedback: 1 }),
};

const deep = (levels) => {
  let value = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};
const stream = () => new Response("Hi").body;
const held = () => ({ body: stream(), contentType: "text/plain" });
const odd = {
  noDate: () => new Date(NaN),
  dateWithin: () => ({ prompt: "Hi", at: new Date(NaN) }),
  set: () => ({ prompt: "Hi", set: new Set([{}]) }),
  texts: () => ({ prompt: "Hi", set: new Set(["Hi"]) }),
  function: () => ({ prompt: "Hi", f: () => 1 }),
  stream: () => ({ audio: stream() }),
  streams: () => ({ audio: held(), image: held() }),
  error: () => ({ prompt: new Error("Hi") }),
  deep: () => deep(300),
  deeper: () => deep(1100),
  bigint: () => ({ gateway: { metadata: { user: 1n } } }),
  entry: () => ({ provider: "workers-ai", endpoint: MODEL, headers: {}, query: { prompt: "Hi" } }),
};

async function raw(response) {
  const { status, headers } = response;
  return { status, headers: Object.fromEntries(headers), text: await response.text() };
}

export default {
  async fetch(request, env) {
    const [, , name] = new URL(request.url).pathname.split("/");
    const given = request.method === "POST" ? await request.json() : {};
    const held = { AI: given.bound ? env[given.bound] : env.AI };
    if (name === "passed") {
      const headers = { "content-type": "text/event-stream" };
      return new Response(await held.AI.run(given.model, { prompt: "Hi", stream: true }), { headers });
    }
    try {
      return Response.json({ told: await samples[name](held, given) });
    } catch (error) {
      const { name, message, stack } = error;
      return Response.json({ error: { name, message, stack } });
    }
  },
};
