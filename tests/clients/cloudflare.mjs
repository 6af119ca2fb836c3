// What the npm package `cloudflare` makes of a deployment, for test_cloudflare_node.py: a JSON object
// of what to do in, one of what came of it out.
import Cloudflare from "cloudflare";

const { origin, token, gateway, name, scenario } = JSON.parse(process.argv[2]);
const client = new Cloudflare({ baseURL: `${origin}/client/v4`, apiToken: token, maxRetries: 0 });
const api = client.aiGateway;
const account = { account_id: "local" };
const here = { ...account, gateway_id: gateway };
const settings = {
  cache_invalidate_on_update: false,
  cache_ttl: 0,
  collect_logs: true,
  rate_limiting_interval: 0,
  rate_limiting_limit: 0,
};
const filters = [{ key: "provider", operator: "eq", value: ["openai"] }];

async function all(pages) {
  const found = [];
  for await (const one of pages) {
    found.push(one);
  }
  return found;
}

// The name of the error's class, and its status, where it is one of the client's.
async function failed(work) {
  try {
    await work;
  } catch (error) {
    return [error.constructor.name, error.status];
  }
  return null;
}

const scenarios = {
  async gateways() {
    const made = await api.create({ ...account, id: name, ...settings });
    const taken = await failed(api.create({ ...account, id: name, ...settings }));
    const updated = await api.update(name, { ...account, ...settings, cache_ttl: 60 });
    const found = await api.get(name, account);
    const listed = await all(api.list({ ...account, search: name, per_page: 1 }));
    const deleted = await api.delete(name, account);
    const gone = await failed(api.get(name, account));
    return { made, taken, updated, found, listed, deleted, gone };
  },
  async datasets() {
    const made = await api.datasets.create(gateway, { ...account, name, enable: true, filters });
    const changed = { name: "Yours", enable: false, filters: [] };
    const updated = await api.datasets.update(made.id, { ...here, ...changed });
    const found = await api.datasets.get(made.id, here);
    const listed = await all(api.datasets.list(gateway, { ...account, enable: false }));
    const deleted = await api.datasets.delete(made.id, here);
    const gone = await failed(api.datasets.get(made.id, here));
    return { made, updated, found, listed, deleted, gone };
  },
  async evaluations() {
    const types = await all(api.evaluationTypes.list({ ...account, order_by: "name" }));
    const dataset = await api.datasets.create(gateway, { ...account, name, enable: true, filters });
    const made = await api.evaluations.create(gateway, {
      ...account,
      name,
      dataset_ids: [dataset.id],
      evaluation_type_ids: types.map(({ id }) => id),
    });
    const found = await api.evaluations.get(made.id, here);
    const listed = await all(api.evaluations.list(gateway, { ...account, processed: true }));
    const deleted = await api.evaluations.delete(made.id, here);
    const gone = await failed(api.evaluations.get(made.id, here));
    return { types, made, found, listed, deleted, gone };
  },
  async configs() {
    const made = await api.providerConfigs.create(gateway, {
      ...account,
      alias: "production",
      default_config: true,
      provider_slug: "openai",
      secret: "sk-a-key-of-some-length",
    });
    const listed = await all(api.providerConfigs.list(gateway, account));
    return { made, listed };
  },
  async customs() {
    const fields = { name: "Mine", slug: name, base_url: "https://mine.example", enable: true };
    const made = await api.customProviders.create({ ...account, ...fields });
    const found = await api.customProviders.get(made.id, account);
    const listed = await all(api.customProviders.list({ ...account, search: name, enable: true }));
    const deleted = await api.customProviders.delete(made.id, account);
    const gone = await failed(api.customProviders.get(made.id, account));
    return { made, found, listed, deleted, gone };
  },
  async urls() {
    return { url: await api.urls.get("openai", here) };
  },
  async logs() {
    const listed = await all(api.logs.list(gateway, account));
    const id = listed[0].id;
    const found = await api.logs.get(id, here);
    const request = await api.logs.request(id, here);
    const response = await api.logs.response(id, here);
    const judged = { feedback: 1, score: 0.5, metadata: { team: "blue" } };
    await api.logs.edit(id, { ...here, ...judged });
    const edited = await api.logs.get(id, here);
    return { listed, found, request, response, edited };
  },
  async logFilters() {
    const chosen = [
      { key: "provider", operator: "eq", value: ["groq", "openai"] },
      { key: "status_code", operator: "lt", value: [300] },
    ];
    const none = [{ key: "provider", operator: "neq", value: ["openai"] }];
    const wrong = [{ key: "colour", operator: "eq", value: ["red"] }];
    const list = (query) => all(api.logs.list(gateway, { ...account, ...query }));
    const found = await list({ filters: chosen, per_page: 1, order_by: "duration", min_cost: 0 });
    const missed = await list({ filters: none });
    const refused = await failed(list({ filters: wrong }));
    const kept = await api.logs.delete(gateway, { ...account, filters: none });
    const left = await list({});
    const deleted = await api.logs.delete(gateway, { ...account, filters: chosen });
    const gone = await list({});
    return { found, missed, refused, kept, left, deleted, gone };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
