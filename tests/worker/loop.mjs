// Runs our event loop in Pyodide on Node: `loop.mjs FOLDER_OF_PYODIDE OUR_SRC`. Prints what happened.
const [folder, source] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/` });
python.FS.mkdir("src");
python.FS.mount(python.FS.filesystems.NODEFS, { root: source }, "src");

let fulfil;
globalThis.promise = new Promise((resolve) => (fulfil = resolve));
python.runPython(`
import asyncio, sys
from js import promise
sys.path.insert(0, "src")
sys.dont_write_bytecode = True
from runtime.loop import install
install()
tasks, first, second = [], [], []
loop = asyncio.get_event_loop()

async def wait(awaited, told):
    await awaited
    told.append("woken")

async def wake(future):
    future.set_result(None)
    first.append("goes on")
    await asyncio.sleep(0)

future = loop.create_future()
tasks += [loop.create_task(wait(future, first)), loop.create_task(wake(future))]
tasks += [loop.create_task(wait(promise, second))]
`);
fulfil();
// This was asked for after Python had asked.
await promise.then(() => python.runPython('second.append("later")'));
await new Promise((resolve) => setTimeout(resolve));
console.log(python.runPython("import json; json.dumps([first, second])"));
