"""A server made with FastMCP, with one of everything: what gantry's client is tried on.

    fastmcp_server.py stdio | http PORT | sse PORT
"""

import base64
import dataclasses
import sys

import fastmcp
import mcp.types
from fastmcp.utilities.types import Image

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAA"
                         "AABJRU5ErkJggg==")
server = fastmcp.FastMCP("fastmcp", list_page_size=3)


@dataclasses.dataclass
class Weather:
    degrees: int
    sky: str


@dataclasses.dataclass
class Person:
    name: str


@server.tool
def greet(name: str) -> str:
    return f"Hello, {name}!"


@server.tool
def weather() -> Weather:
    return Weather(21, "clear")


@server.tool
def fail() -> str:
    raise fastmcp.exceptions.ToolError("on purpose")


@server.tool
def picture() -> Image:
    return Image(data=PIXEL, format="png")


@server.tool
async def count(steps: int, ctx: fastmcp.Context) -> str:
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
    return f"counted to {steps}"


@server.tool
async def log(ctx: fastmcp.Context) -> str:
    await ctx.warning("hear hear", logger_name="fast")
    return "logged"


@server.tool
async def ask(ctx: fastmcp.Context) -> str:
    answer = await ctx.elicit("Who are you?", response_type=Person)
    return f"{answer.action} {answer.data.name if answer.action == 'accept' else ''}"


@server.tool
async def learn(ctx: fastmcp.Context) -> str:
    server.tool(lambda: "new", name="learnt")
    await ctx.send_notification(mcp.types.ToolListChangedNotification())
    return "learnt"


@server.resource("doc://about", mime_type="text/plain")
def about() -> str:
    return "doc://about"


@server.resource("doc://pixel", mime_type="image/png")
def pixel() -> bytes:
    return PIXEL


@server.resource("doc://page/{n}", mime_type="text/plain")
def page(n: int) -> str:
    return f"doc://page/{n}"


@server.prompt
def greeting(name: str) -> str:
    return f"Greet {name}"


if sys.argv[1] == "stdio":
    server.run(show_banner=False)
else:
    server.run(transport=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
