// A Worker whose counters are out of order: by their name they never answer, are late once, or fail.
import { DurableObject } from "cloudflare:workers";

const LATE_MS = 600;

export class FaultyCounter extends DurableObject {
  known = new Map();
  taken = 0;

  async take(asked) {
    const name = this.ctx.id.name;
    if (name.includes("hangs")) {
      await new Promise(() => {});
    }
    if (!name.includes("late")) {
      throw new Error("out of order");
    }
    const [ask, [limit], units] = JSON.parse(asked);
    const first = this.known.size === 0;
    if (!this.known.has(ask)) {
      this.taken += units;
      this.known.set(ask, JSON.stringify([[units, limit - this.taken, 60], Date.now(), 0, 0]));
    }
    if (first) await scheduler.wait(LATE_MS);
    return this.known.get(ask);
  }

  async settle(asked) {
    if (!this.ctx.id.name.includes("late")) {
      throw new Error("out of order");
    }
    const [, , reserved, used] = JSON.parse(asked);
    this.taken += used - reserved;
  }
}

export default { fetch: () => new Response("faulty") };
