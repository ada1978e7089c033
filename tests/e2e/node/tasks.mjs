// Runs tools with the official TypeScript client and its package for tasks, and prints what it saw as
// one JSON object.
//
//   node tasks.mjs '{"url": ..., "calls": [["tool", {...}], ...], "answers": {"message": {...}, ...}}'
//
// A question is answered with what `answers` has under its message. The package leaves the messages
// of tasks to its host, since the client's own codecs know nothing of them: here they are posted.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient } from '@modelcontextprotocol/ext-tasks/client';

const plan = JSON.parse(process.argv[2]);
const revision = '2026-07-28';
const clientInfo = { name: 'typescript-tasks', version: '1.0.0' };
const seen = { calls: [], methods: [], asked: [] };
let ids = 1000;

async function rawDispatch(request) {
  const name = request.params.taskId ?? request.params.name;
  seen.methods.push(request.method);
  const answer = await fetch(plan.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': request.method,
      'mcp-name': name
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: ++ids, ...request })
  });
  const text = await answer.text();
  const last = text.startsWith('{') ? text : text.match(/^data: ?(.*)$/gm).at(-1).replace(/^data: ?/, '');
  const message = JSON.parse(last);
  return message.error
    ? { kind: 'error', error: message.error }
    : { kind: 'result', result: message.result };
}

async function onInputRequest(request) {
  seen.asked.push(request.params.message);
  return { action: 'accept', content: plan.answers[request.params.message] };
}

const client = new Client(clientInfo, {
  versionNegotiation: { mode: { pin: revision } },
  capabilities: { elicitation: {} }
});
await client.connect(new StreamableHTTPClientTransport(new URL(plan.url)));
const session = createTaskSessionFromClient(client, {
  endpointId: 'gantry',
  rawDispatch,
  v2RequestFraming: { protocolVersion: revision, clientInfo, clientCapabilities: { elicitation: {} } },
  onInputRequest
});

for (const [name, args] of plan.calls) {
  const execution = await session.callTool(name, args);
  const statuses = [];
  const { outcome } = await execution.settle({
    onEvent: event => {
      if (event.task) statuses.push(event.task.status);
    }
  });
  seen.calls.push({
    kind: execution.kind,
    status: outcome.status,
    statuses,
    result: outcome.result ?? null,
    error: outcome.error ? { code: outcome.error.code, message: outcome.error.message } : null
  });
}

const cancelled = await session.callTool('slow', { ms: 600000 });
await cancelled.cancel();
seen.cancelled = (await cancelled.settle()).outcome.status;

await session.close();
await client.close();
console.log(JSON.stringify(seen));
