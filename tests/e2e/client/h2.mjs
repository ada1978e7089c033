// A server of MCP over HTTP/2: node h2.mjs KEY CERTIFICATE HOLD
// Prints its port, then a line for each connection. Calls are answered once HOLD of them are there.
import { readFileSync } from "node:fs";
import http2 from "node:http2";

const [key, cert, hold] = process.argv.slice(2);
const server = http2.createSecureServer({
  key: readFileSync(key),
  cert: readFileSync(cert),
  allowHTTP1: false,
  settings: { maxConcurrentStreams: 5000 },
});
const held = [];
server.on("session", () => console.log("session"));
server.on("stream", (stream) => {
  let body = "";
  stream.on("error", () => {});
  stream.on("data", (piece) => (body += piece));
  stream.on("end", () => {
    const m = JSON.parse(body);
    const answer = (result) => {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      stream.end(JSON.stringify({ jsonrpc: "2.0", id: m.id, result }));
    };
    if (m.method === "server/discover")
      answer({
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {} },
        serverInfo: { name: "h2", version: "1" },
        ttlMs: 0,
        cacheScope: "public",
      });
    else {
      const text = m.params.arguments.text;
      held.push(() => answer({ resultType: "complete", content: [{ type: "text", text }] }));
      if (held.length >= Number(hold)) for (const go of held.splice(0)) go();
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
