// What the npm package `ai-gateway-provider` makes of a gateway, for test_ai_gateway_provider.py:
// a JSON object of settings in, one of what came of it out.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";
import { createAiGateway } from "ai-gateway-provider";
import { createOpenAI as createOpenAIWithoutKey } from "ai-gateway-provider/providers/openai";

const { origin, gateway, token, stream, models, options } = JSON.parse(process.argv[2]);
const path = `/v1/local/${gateway}`;

// With a token the package sends to Cloudflare's host, which is the only thing that differs.
const send = globalThis.fetch;
globalThis.fetch = (url, init) =>
  send(String(url).replace("https://gateway.ai.cloudflare.com", origin), init);

// Without one it hands over to the binding of a Worker, which does no more than this.
const binding = {
  run: (data, { signal }) => {
    const headers = { "content-type": "application/json" };
    return send(origin + path, { method: "POST", headers, body: JSON.stringify(data), signal });
  },
};

const known = {
  openai: () => createOpenAI({ apiKey: "sk-test" }).chat("gpt-5-mini"),
  responses: () => createOpenAI({ apiKey: "sk-test" })("gpt-5-mini"),
  "openai without a key": () => createOpenAIWithoutKey().chat("gpt-5-mini"),
  anthropic: () => createAnthropic({ apiKey: "sk-ant-test" })("claude-haiku-4-5"),
};
const access = token ? { accountId: "local", gateway, apiKey: token } : { binding };
const model = createAiGateway({ ...access, options })(models.map((name) => known[name]()));

async function ask() {
  const request = { model, prompt: "Hello", maxRetries: 0 };
  if (!stream) {
    return generateText(request);
  }
  let failure;
  const result = streamText({ ...request, onError: ({ error }) => (failure = error) });
  await result.consumeStream();
  if (failure) {
    throw failure;
  }
  return { text: await result.text, usage: await result.usage };
}

let told;
try {
  const { text, usage } = await ask();
  told = { text, tokens: [usage.inputTokens, usage.outputTokens] };
} catch (error) {
  told = { error: error.constructor.name, status: error.statusCode, message: error.message };
}
console.log(JSON.stringify(told));
