// Calls a tool whose connection is cut off, and prints what came as one JSON object.
//
//   node resume.mjs '{"line": 1 or 2, "url": ..., "count": steps, "close_every": ...}'
//
// line 1 is @modelcontextprotocol/sdk, line 2 is @modelcontextprotocol/client.
const plan = JSON.parse(process.argv[2]);
const info = { name: `typescript-${plan.line}`, version: '1.0.0' };
const seen = { steps: [], tokens: [], errors: [] };
const hear = n => {
  const data = n.params.data;
  seen.steps.push(Number((data.msg ?? data).split(' ')[1]));
};
const reconnectionOptions = {
  initialReconnectionDelay: 10,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 1,
  maxRetries: 10
};

let client, transport;
if (plan.line === 1) {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import(
    '@modelcontextprotocol/sdk/client/streamableHttp.js'
  );
  const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
  client = new Client(info);
  transport = new StreamableHTTPClientTransport(new URL(plan.url), { reconnectionOptions });
  client.setNotificationHandler(LoggingMessageNotificationSchema, hear);
} else {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  client = new Client(info, { versionNegotiation: { mode: 'legacy' } });
  transport = new StreamableHTTPClientTransport(new URL(plan.url), { reconnectionOptions });
  client.setNotificationHandler('notifications/message', hear);
}
client.onerror = error => seen.errors.push(String(error.message));
await client.connect(transport);
const call = (name, args, options) =>
  plan.line === 1
    ? client.callTool({ name, arguments: args }, undefined, options)
    : client.callTool({ name, arguments: args }, options);
await call('go', {}, {});
const result = await call(
  'steps',
  { count: plan.count, close_every: plan.close_every },
  { onresumptiontoken: token => seen.tokens.push(token) }
);
seen.text = result.content[0].text;
await client.close();
process.stdout.write(JSON.stringify(seen) + '\n');
