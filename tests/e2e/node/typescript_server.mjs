// A server made with the official TypeScript SDK, with the tools of the samples: what the benchmarks
// compare with, and what the harness can be tried on.
//
//   node typescript_server.mjs --stdio | --http PORT
import { createServer } from 'node:http';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { toNodeHandler } from '@modelcontextprotocol/node';
import * as z from 'zod';

const tools = Number(process.env.TOOLS ?? 10);

// The schemas are made once: a careful author would do so too.
const greetInput = z.object({ name: z.string(), times: z.number().int().min(1).max(5).default(1) });
const textInput = z.object({ text: z.string() });

function make() {
  const server = new McpServer({ name: 'typescript', version: '1.0.0' });
  server.registerTool(
    'greet',
    { description: 'Greet somebody by name', inputSchema: greetInput },
    async ({ name }) => ({ content: [{ type: 'text', text: `Hello, ${name}!` }] })
  );
  for (let i = 1; i < tools; i++) {
    server.registerTool(
      `echo_${i}`,
      { description: 'Says what it is told', inputSchema: textInput },
      async ({ text }) => ({ content: [{ type: 'text', text }] })
    );
  }
  return server;
}

if (process.argv[2] === '--stdio') {
  serveStdio(make);
} else {
  const handler = createMcpHandler(make);
  const server = createServer(toNodeHandler(handler));
  server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => {
    console.error(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/mcp` }));
  });
  process.on('SIGTERM', () => process.exit(0));
}
