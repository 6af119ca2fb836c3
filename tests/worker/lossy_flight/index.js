// A Worker whose flights are the gateway's own. Some of their answers are lost on the way back.
import { DurableObject } from "cloudflare:workers";

// By the first digit of a key: which answers to those who join its flight are lost.
const LOST = { 0: [1], 1: [2], 2: [1, 2], 3: [1] };
// And where that is not found out before others have joined, and how many.
const LATE = "3";
const OTHERS = 4;

export class FaultyFlight extends DurableObject {
  #flights = {};

  async fetch(request) {
    const name = this.ctx.id.name;
    const key = new URL(request.url).pathname.slice(1);
    const flight = (this.#flights[key] ??= { joined: 0, others: Promise.withResolvers() });
    const answer = await this.env.FLIGHT.get(this.env.FLIGHT.idFromName(name)).fetch(request);
    const number = (flight.joined += 1);
    if (number > OTHERS) {
      flight.others.resolve();
    }
    if (!LOST[key[0]].includes(number)) {
      return answer;
    }
    if (key[0] === LATE) {
      await flight.others.promise;
    }
    // What the runtime says when an object has moved to another machine meanwhile.
    throw new Error("Network connection lost.");
  }
}

export default { fetch: () => new Response("lossy") };
