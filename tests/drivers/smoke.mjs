// What node-postgres does with a server when it is used as usual; arguments are host and port. Run by tests/tests/drivers.rs in the folder
// where the driver is installed. Raises where something is not as with PostgreSQL.

import assert from "node:assert";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const pg = require("pg");
const QueryStream = require("pg-query-stream");
const [host, port] = process.argv.slice(2);
const login = { host, port: Number(port), user: "materialize", database: "materialize" };

const client = new pg.Client({ ...login, application_name: "node", options: "-c search_path=public" });
await client.connect();
await client.query("DROP TABLE IF EXISTS node");
await client.query("CREATE TABLE node (a int, b text, c jsonb, d timestamptz, e float8[])");
const when = new Date("2024-02-29T01:02:03.456Z");
await client.query("INSERT INTO node VALUES ($1, $2, $3, $4, $5)", [1, "x", { k: [1, null] }, when, [1.5, 2]]);
const { rows } = await client.query("SELECT * FROM node WHERE a = $1", [1]);
assert.deepStrictEqual(rows, [{ a: 1, b: "x", c: { k: [1, null] }, d: when, e: [1.5, 2] }]);
const changed = await client.query("UPDATE node SET b = $1 WHERE a = $2 RETURNING b", ["y", 1]);
assert.deepStrictEqual([changed.rowCount, changed.rows], [1, [{ b: "y" }]]);
for (let n = 0; n < 3; n++) {
  const named = await client.query({ name: "by key", text: "SELECT b FROM node WHERE a = $1", values: [1] });
  assert.strictEqual(named.rows[0].b, "y");
}
const binary = await client.query({ text: "SELECT 70000::int4 AS a, true AS b", binary: true, values: [] });
assert.deepStrictEqual(binary.rows, [{ a: 70000, b: true }]);
await assert.rejects(client.query("SELECT * FROM nosuch"), { code: "42P01", position: "15" });
const many = await client.query("SELECT 1 AS a; SELECT 2 AS a");
assert.deepStrictEqual(many.map((result) => result.rows[0].a), [1, 2]);
let seen = 0;
for await (const row of client.query(new QueryStream("SELECT * FROM generate_series(1, 1000) AS n", [], { batchSize: 100 }))) {
  seen += row.n;
}
assert.strictEqual(seen, 500500);
await client.end();

const pool = new pg.Pool({ ...login, max: 4 });
const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => pool.query("SELECT $1::int AS n", [n])));
assert.deepStrictEqual(answers.map((answer) => answer.rows[0].n), Array.from({ length: 20 }, (_, n) => n));
await pool.end();
console.log("node-postgres: fine");
