// A Worker whose counters are out of order: by their name they never answer, or fail.
import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  async take() {
    if (this.ctx.id.name.includes("hangs")) {
      await new Promise(() => {});
    }
    throw new Error("out of order");
  }

  async settle() {
    throw new Error("out of order");
  }
}

export default { fetch: () => new Response("faulty") };
