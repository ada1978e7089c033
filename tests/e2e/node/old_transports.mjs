// Drives a server with the TypeScript SDK of line 1 over a transport that line 2 no longer has, and
// prints what it saw as one JSON object.
//
//   node old_transports.mjs sse|websocket URL
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [kind, address] = process.argv.slice(2);
const url = new URL(address);
const transport = kind === 'sse' ? new SSEClientTransport(url) : new WebSocketClientTransport(url);
const client = new Client({ name: 'typescript-old', version: '1.0.0' });
const seen = { progress: [], changed: 0 };
const changed = new Promise(resolve => {
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    seen.changed++;
    resolve();
  });
});
const call = (name, args, options) =>
  client.callTool({ name, arguments: args }, undefined, options);

await client.connect(transport);
seen.tools = (await client.listTools()).tools.map(t => t.name);
seen.prompts = (await client.listPrompts()).prompts.map(p => p.name);
seen.echo = await call('echo', { text: 'hällo' });
seen.count = await call('count', { steps: 5, ms: 1 }, { onprogress: p => seen.progress.push(p) });
seen.read = await client.readResource({ uri: 'kit://text' });
await call('add', { name: 'fresh' });
await changed;
seen.later = (await client.listTools()).tools.map(t => t.name);
seen.ping = await client.ping();
await client.close();
process.stdout.write(JSON.stringify(seen) + '\n');
