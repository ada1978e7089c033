// Drives a server with an official TypeScript client and prints what it saw as one JSON object.
//
//   node drive.mjs '{"line": 1 or 2, "era": "legacy" or "modern", "url": ..., | "command": ..., "args":
//                    [...], "calls": [["tool", {...}], ...], "reads": [uri, ...],
//                    "prompts": [["name", {...}], ...], "completions": [params, ...],
//                    "answers": {"elicitation/create": [result, ...], ...}, "log": "info"}'
//
// What the server asks is answered from the lists, in order; with "log" its messages are heard.
// line 1 is @modelcontextprotocol/sdk, line 2 is @modelcontextprotocol/client.
const plan = JSON.parse(process.argv[2]);
const seen = { progress: [], changed: [], asked: [], logged: [], reported: [] };
const capabilities = {};
for (const method of Object.keys(plan.answers ?? {})) {
  capabilities[method.split('/')[0]] = {};
}
const info = { name: `typescript-${plan.line}`, version: '1.0.0' };

async function pieces() {
  if (plan.line === 1) {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { StreamableHTTPClientTransport } = await import(
      '@modelcontextprotocol/sdk/client/streamableHttp.js'
    );
    const schemas = await import('@modelcontextprotocol/sdk/types.js');
    return {
      client: new Client(info, { capabilities }),
      named: {
        'elicitation/create': schemas.ElicitRequestSchema,
        'sampling/createMessage': schemas.CreateMessageRequestSchema,
        'roots/list': schemas.ListRootsRequestSchema,
        'notifications/message': schemas.LoggingMessageNotificationSchema
      },
      StdioClientTransport,
      StreamableHTTPClientTransport
    };
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const mode = plan.era === 'modern' ? { pin: '2026-07-28' } : plan.era;
  return {
    client: new Client(info, { capabilities, versionNegotiation: { mode } }),
    StdioClientTransport,
    StreamableHTTPClientTransport
  };
}

// Every page of a list. The client of line 2 follows the cursors by itself.
async function all(list, member) {
  const items = [];
  let cursor;
  do {
    const page = await list(cursor ? { cursor } : undefined);
    items.push(...page[member]);
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}

// What went wrong is part of what was seen.
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return { thrown: { code: error.code ?? null, message: String(error.message) } };
  }
}

const { client, named, StdioClientTransport, StreamableHTTPClientTransport } = await pieces();
for (const [method, answers] of Object.entries(plan.answers ?? {})) {
  client.setRequestHandler(named?.[method] ?? method, request => {
    seen.asked.push({ method, params: request.params });
    return answers.shift();
  });
}
if (plan.log) {
  const method = 'notifications/message';
  client.setNotificationHandler(named?.[method] ?? method, n => void seen.logged.push(n.params));
}
// Clients of 2026-07-28 ask for log messages with each request.
const meta = plan.log && plan.era !== 'legacy' ? { 'io.modelcontextprotocol/logLevel': plan.log } : null;
const transport = plan.url
  ? new StreamableHTTPClientTransport(new URL(plan.url), plan.headers ? { requestInit: { headers: plan.headers } } : {})
  : new StdioClientTransport({ command: plan.command, args: plan.args, stderr: 'inherit' });
await client.connect(transport);
// A report that comes together with the result may not reach its callback: this sees them all.
let calling = null;
const deliver = transport.onmessage;
transport.onmessage = (message, ...more) => {
  if (message.method === 'notifications/progress') {
    seen.reported.push({ ...message.params, tool: calling });
  }
  return deliver?.(message, ...more);
};

seen.server = client.getServerVersion();
seen.capabilities = client.getServerCapabilities();
seen.revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
seen.tools = await all(p => client.listTools(p), 'tools');
seen.resources = await all(p => client.listResources(p), 'resources');
seen.templates = await all(p => client.listResourceTemplates(p), 'resourceTemplates');
seen.prompts = await all(p => client.listPrompts(p), 'prompts');
seen.calls = [];
for (const [name, args] of plan.calls ?? []) {
  const onprogress = p => seen.progress.push(p);
  const options = { onprogress };
  const params = { name, arguments: args, ...(meta ? { _meta: meta } : {}) };
  calling = name;
  seen.calls.push(
    await attempt(() =>
      plan.line === 1
        ? client.callTool(params, undefined, options)
        : client.callTool(params, options)
    )
  );
}
seen.reads = [];
for (const uri of plan.reads ?? []) {
  seen.reads.push(await attempt(() => client.readResource({ uri })));
}
seen.gets = [];
for (const [name, args] of plan.prompts ?? []) {
  seen.gets.push(await attempt(() => client.getPrompt({ name, arguments: args })));
}
seen.completed = [];
for (const params of plan.completions ?? []) {
  seen.completed.push(await attempt(() => client.complete(params)));
}
if (plan.era !== 'modern') {
  seen.ping = await attempt(() => client.ping());
}
await client.close();
process.stdout.write(JSON.stringify(seen) + '\n');
