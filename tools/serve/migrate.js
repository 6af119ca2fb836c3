// Applies migrations to the database, each in one transaction, and notes them as wrangler does.
const NOTED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

// The database of a cluster moves to another instance when its own ends.
const MOVED = /Network connection lost/;
const PAUSE_MS = 500;
const TRIES = 60;

export default {
  async test(_controller, env) {
    await migrate(env);
  },
  async fetch(_request, env) {
    try {
      await migrate(env);
      return new Response("migrated");
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};

async function migrate({ DB, MIGRATIONS }) {
  await again(() => DB.prepare(NOTED).run());
  for (const [name, statements] of MIGRATIONS) {
    if (await applied(DB, name)) continue;
    const note = DB.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
    try {
      await again(() => DB.batch([...statements.map((sql) => DB.prepare(sql)), note]));
      console.log(`applied ${name}`);
    } catch (error) {
      // Another instance may have applied it meanwhile: only one of them can.
      if (!(await applied(DB, name))) throw error;
    }
  }
}

async function applied(DB, name) {
  const asked = DB.prepare("SELECT 1 FROM d1_migrations WHERE name = ?").bind(name);
  return (await again(() => asked.first())) !== null;
}

async function again(send) {
  for (let tried = 1; ; tried++) {
    try {
      return await send();
    } catch (error) {
      if (tried === TRIES || !MOVED.test(error.message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
