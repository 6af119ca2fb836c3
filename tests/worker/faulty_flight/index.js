// A Worker whose flights are out of order: the first digit of their name tells in which way.
import { DurableObject } from "cloudflare:workers";

const faults = [
  function throws() {
    throw new Error("out of order");
  },
  async function hangs() {
    await new Promise(() => {});
  },
  () => new Response("overloaded", { status: 503 }),
  // Everybody leads, and nobody listens.
  () => new Response(new ReadableStream(), { status: 201 }),
  // Everybody waits: for ever, for nothing, for what never comes, or for what makes no sense.
  () => new Response(new ReadableStream(), { status: 200 }),
  () => new Response(null, { status: 200 }),
  () => new Response(new ReadableStream({ pull: (body) => body.error(new Error("broken")) })),
  () => new Response("?what", { status: 200 }),
  () => new Response("K", { status: 200 }),
  () => new Response("K{}\nbytes", { status: 200 }),
];

export class FaultyFlight extends DurableObject {
  fetch() {
    return faults[parseInt(this.ctx.id.name[0], 16)]();
  }
}

export default { fetch: () => new Response("faulty") };
