-- post.lua - what wrk sends: one tools/call, as a client of the stateless era would; and a count of
-- answers that are not the right one.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = os.getenv("BENCH_TOOL")

local threads = {}
local wanted = os.getenv("BENCH_WANTED")

function setup(thread)
  table.insert(threads, thread)
end

function init()
  wrong = 0
  sample = ""
end

function response(status, headers, body)
  if status ~= 200 or not string.find(body, wanted, 1, true) then
    wrong = wrong + 1
    sample = status .. " " .. string.sub(body, 1, 200)
  end
end

function done(summary, latency, requests)
  local count, seen = 0, ""
  for _, thread in ipairs(threads) do
    count = count + thread:get("wrong")
    if thread:get("sample") ~= "" then seen = thread:get("sample") end
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"calls": %d, "seconds": %.6f, "wrong": %d, "broken": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration / 1e6, count,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
  if seen ~= "" then io.write("SAMPLE " .. seen .. "\n") end
end
