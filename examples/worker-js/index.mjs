// A page that streams an answer. Nothing in it knows that `env.AI` is Sluice.
const PAGE = `<!doctype html><meta charset="utf-8"><title>Sluice as env.AI</title>
<form><input name="question" value="What is a sluice?" size="50"> <button>Ask</button></form><p></p>
<script>
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault();
    const said = document.querySelector("p");
    said.textContent = "";
    const question = encodeURIComponent(event.target.question.value);
    const answer = await fetch("?question=" + question);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part; !(part = await reader.read()).done; ) {
      const events = (rest + part.value).split("\\n\\n");
      rest = events.pop();
      for (const data of events.map((each) => each.slice(6)).filter((each) => each[0] === "{"))
        said.textContent += JSON.parse(data).response ?? "";
    }
  };
</script>`;

export default {
  async fetch(request, env) {
    const question = new URL(request.url).searchParams.get("question");
    if (question === null) {
      return new Response(PAGE, { headers: { "content-type": "text/html" } });
    }
    const messages = [{ role: "user", content: question }];
    const stream = await env.AI.run(
      "@cf/meta/llama-3.1-8b-instruct",
      { messages, stream: true },
      { gateway: { id: "default", metadata: { page: "example" } } },
    );
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  },
};
