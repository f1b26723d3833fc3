"""Tests conformance-server with the installed version of the Python SDK: client.py stdio PROGRAM | client.py http URL.

Prints one line for each successful session; ends with an error at the first wrong answer.
"""
import asyncio
import importlib.metadata
import inspect
import sys

VERSION = importlib.metadata.version("mcp")
AGE = tuple(int(part) for part in VERSION.split(".")[:2])


def check(found, wanted, what):
    if found != wanted:
        raise SystemExit(f"mcp {VERSION}: {what}: {found!r} instead of {wanted!r}")


def field(value, *names):
    """The SDK renamed its fields from camel case to snake case in version 2."""
    for name in names:
        if hasattr(value, name):
            return getattr(value, name)
    raise SystemExit(f"mcp {VERSION}: no {names} in {value!r}")


async def common(session, label):
    tools = (await session.list_tools()).tools
    names = [tool.name for tool in tools]
    for name in ("test_simple_text", "json_schema_2020_12_tool", "test_tool_with_progress"):
        check(name in names, True, name)
    text = await session.call_tool("test_simple_text", {})
    check(text.content[0].text, "This is a simple text response for testing.", "test_simple_text")
    check(bool(field(text, "isError", "is_error")), False, "isError")
    failed = await session.call_tool("test_error_handling", {})
    check(field(failed, "isError", "is_error"), True, "test_error_handling")
    image = await session.call_tool("test_image_content", {})
    check(field(image.content[0], "mimeType", "mime_type"), "image/png", "test_image_content")
    mixed = await session.call_tool("test_multiple_content_types", {})
    check([block.type for block in mixed.content], ["text", "image", "resource"], "test_multiple_content_types")
    wrong = await session.call_tool("json_schema_2020_12_tool", {"nme": "x", "email": "a@b.c"})
    check('did you mean "name"' in wrong.content[0].text, True, "advice on a misspelt argument")
    try:
        await session.call_tool("no_such_tool", {})
        check("an answer", "an error", "unknown tool")
    except SystemExit:
        raise
    except Exception as error:
        check("Unknown tool" in str(error), True, f"unknown tool ({error})")
    resources = (await session.list_resources()).resources
    check(str(resources[0].uri), "test://static-text", "resources/list")
    from pydantic import AnyUrl

    uri = "test://template/7/data" if AGE >= (2, 0) else AnyUrl("test://template/7/data")
    read = await session.read_resource(uri)
    check("Data for ID: 7" in read.contents[0].text, True, "resources/read")
    prompts = (await session.list_prompts()).prompts
    check(len(prompts), 5, "prompts/list")
    prompt = await session.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
    check("arg1='a'" in prompt.messages[0].content.text, True, "prompts/get")
    answers = await asyncio.gather(*(session.call_tool("test_simple_text", {}) for _ in range(50)))
    check(len(answers), 50, "fifty calls at once")
    if "progress_callback" in inspect.signature(session.call_tool).parameters:
        seen = []

        async def progress(value, total, message=None):
            seen.append(value)

        await session.call_tool("test_tool_with_progress", {}, progress_callback=progress)
        for _ in range(100):
            if len(seen) == 3:
                break
            await asyncio.sleep(0.02)
        check(seen, [0, 50, 100], "progress")
    print(f"mcp {VERSION}: {label}: {len(tools)} tools, {len(resources)} resources, {len(prompts)} prompts: all well", flush=True)


async def tasks(session):
    """Makes calls as tasks, if this version of the SDK supports them."""
    import mcp.types as types

    calls = session.experimental
    begun = (await calls.call_tool_as_task("slow_compute", {"seconds": 0.1, "label": "it"})).task
    check(begun.status, "working", "a task that begins")
    async for state in calls.poll_task(begun.taskId):
        last = state.status
    check(last, "completed", "a task that is polled")
    result = await calls.get_task_result(begun.taskId, types.CallToolResult)
    check(result.content[0].text, "Computed it.", "tasks/result")
    asking = (await calls.call_tool_as_task("confirm_delete", {"filename": "x"})).task
    asked = await calls.get_task_result(asking.taskId, types.CallToolResult)
    check(asked.content[0].text, "Kept x.", "a task that asks")
    endless = (await calls.call_tool_as_task("slow_compute", {"seconds": 600})).task
    check((await calls.cancel_task(endless.taskId)).status, "cancelled", "tasks/cancel")
    listed = [task.taskId for task in (await calls.list_tasks()).tasks]
    check({begun.taskId, asking.taskId, endless.taskId} <= set(listed), True, "tasks/list")


def callbacks():
    import mcp.types as types

    async def elicit(context, params):
        return types.ElicitResult(action="accept", content={"username": "ann", "email": "ann@example.com", "name": "Ann", "ok": True, "confirm": False})

    async def sample(context, params):
        return types.CreateMessageResult(role="assistant", content=types.TextContent(type="text", text="hi there"), model="m")

    return elicit, sample


async def version_one(streams, label):
    from mcp import ClientSession

    known = inspect.signature(ClientSession.__init__).parameters
    options = {}
    if "elicitation_callback" in known or "sampling_callback" in known:
        elicit, sample = callbacks() if "elicitation_callback" in known else (None, None)
        if "elicitation_callback" in known:
            options["elicitation_callback"] = elicit
            options["sampling_callback"] = sample
    async with ClientSession(streams[0], streams[1], **options) as session:
        hello = await session.initialize()
        check(hello.serverInfo.name, "conformance-server", "initialize")
        await session.send_ping()
        # First, because a notification of a task may arrive after its answer, and this SDK fails if it has closed by then.
        if hasattr(session, "experimental"):
            await tasks(session)
        await common(session, f"{label} {hello.protocolVersion}")
        if "elicitation_callback" in options:
            asked = await session.call_tool("test_elicitation", {"message": "Who?"})
            check("ann@example.com" in asked.content[0].text, True, "elicitation")
            sampled = await session.call_tool("test_sampling", {"prompt": "x"})
            check(sampled.content[0].text, "LLM response: hi there", "sampling")


async def version_two(target, label):
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    server = StdioServerParameters(command=target, args=[]) if label == "stdio" else target
    elicit, sample = callbacks()
    for mode in ("legacy", "auto", "2026-07-28"):
        async with Client(server, mode=mode, elicitation_callback=elicit, sampling_callback=sample) as client:
            await common(client, f"{label} {mode} ({client.session.protocol_version})")
            if mode == "legacy":
                asked = await client.call_tool("test_elicitation", {"message": "Who?"})
                check("ann@example.com" in asked.content[0].text, True, "elicitation")
            else:
                asked = await client.call_tool("test_input_required_result_elicitation", {})
                check(asked.content[0].text, "Hello, Ann!", "input_required")
                state = await client.call_tool("test_input_required_result_request_state", {})
                check(state.content[0].text, "state-ok: done", "requestState")


async def main():
    label, target = sys.argv[1:]
    if AGE >= (2, 0):
        await version_two(target, label)
    elif label == "stdio":
        from mcp.client.stdio import StdioServerParameters, stdio_client

        async with stdio_client(StdioServerParameters(command=target, args=[])) as streams:
            await version_one(streams, label)
    else:
        from mcp.client.streamable_http import streamablehttp_client

        async with streamablehttp_client(target) as streams:
            await version_one(streams, label)


asyncio.run(main())
