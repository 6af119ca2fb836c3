// What the program that started workerd asks, on a connection that nobody else has.
//
// workerd ends once all answers are whole, and drops what is done after them: writing the log. So
// the last request that it has is one of ours, which is answered when nothing is left to do.
const PAUSE_MS = 20;
// Counters of limits are written down within a second: FLUSH_MS of src/runtime/kept_counter.py.
const COUNTERS_MS = 1100;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  async fetch(request, { GATEWAY, KEEPER }, ctx) {
    if (new URL(request.url).pathname !== "/rest") return GATEWAY.fetch(request);
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(atRest(request, KEEPER, writable.getWriter()));
    return new Response(readable);
  },
};

async function atRest(request, keeper, writer) {
  const text = new TextEncoder();
  await writer.write(text.encode("waiting\n"));
  // The body ends when workerd has been told to take no more requests.
  await request.text();
  do await pause(PAUSE_MS);
  while ((await keeper.under_way()) > 0);
  await pause(COUNTERS_MS);
  await writer.write(text.encode("at rest\n"));
  await writer.close();
}
