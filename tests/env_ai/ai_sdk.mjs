// The npm package `workers-ai-provider`, unmodified, given the gateway as its binding.
import { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { createWorkersAI } from "workers-ai-provider";

const NAME = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const usage = ({ inputTokens, outputTokens }) => [inputTokens, outputTokens];

const samples = {
  chat: async (provider) => {
    const told = await generateText({ model: provider(NAME), prompt: "Hi" });
    return { text: told.text, usage: usage(told.usage) };
  },
  stream: async (provider) => {
    const told = streamText({ model: provider(NAME), prompt: "Hi" });
    return { text: await told.text, usage: usage(await told.usage) };
  },
  tool: async (provider) => {
    const inputSchema = jsonSchema({ type: "object", properties: { city: { type: "string" } } });
    const execute = ({ city }) => `It rains in ${city}`;
    const weather = tool({ description: "The weather", inputSchema, execute });
    const asked = { model: provider(NAME), prompt: "Weather?", tools: { weather } };
    const told = await generateText({ ...asked, stopWhen: stepCountIs(2) });
    return { text: told.text, steps: told.steps.map((step) => step.toolResults) };
  },
  embeddings: async (provider) => {
    const model = provider.textEmbedding("@cf/baai/bge-m3");
    return (await embedMany({ model, values: ["a", "b"] })).embeddings;
  },
  retried: async (provider) => {
    const model = provider("@cf/stub/no-model");
    return (await generateText({ model, prompt: "Hi", maxRetries: 0 })).text;
  },
};

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.split("/")[2];
    const provider = createWorkersAI({ binding: env.AI, gateway: { id: "default" } });
    try {
      return Response.json({ told: await samples[name](provider) });
    } catch ({ name, message, statusCode, stack }) {
      return Response.json({ error: { name, message, statusCode, stack } });
    }
  },
};
