import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("The shell servers, with the Python MCP SDK as their client", .timeLimit(.minutes(15)))
struct ShellServerTests {
    private static let hasPython = Programs.python != nil

    private let secrets: TestFolder

    init() throws { secrets = try TestFolder() }

    /// The beginning of every script.
    private static let prelude = """
        import asyncio, json, os, sys, time
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamable_http_client
        async def call(session, name, **arguments):
            answer = await session.call_tool(name, arguments)
            return "\\n".join(block.text for block in answer.content)
        async def data(session, name, **arguments):
            return json.loads(await call(session, name, **arguments))

        """

    private func python(_ script: String, _ arguments: [String], _ environment: [String: String]) async throws -> String
    {
        let python = try #require(Programs.python)
        let ran = try await Tenant.run(python, ["-c", Self.prelude + script] + arguments, environment)
        #expect(ran.code == 0, "\(ran.output)\n\(ran.error)")
        return ran.output
    }

    @Test(
        "keep a client's shell between its MCP sessions, with the answers of the earlier server",
        .enabled(if: hasPython, "needs the MCP SDK for Python (Scripts/python-clients)"))
    func persistentShell() async throws {
        let served = try await ServedShell()
        let output = try await python(
            """
            async def main():
                url = sys.argv[1]
                async with streamable_http_client(url) as (r, w), ClientSession(r, w) as other:
                    await other.initialize()
                    async with streamable_http_client(url) as (r, w), ClientSession(r, w) as session:
                        started = await session.initialize()
                        tools = [tool.name for tool in (await session.list_tools()).tools]
                        assert tools == ['execute_command', 'get_working_directory', 'reset_session', 'upload_file',
                                         'download_file'], tools
                        first = await data(session, 'execute_command', command='mkdir -p sub && cd sub && X=mine && echo $$')
                        assert list(first) == ['status', 'exit_code', 'stdout', 'stderr', 'command', 'execution_time'], first
                        assert first['status'] == 'success' and first['exit_code'] == 0
                        pid = first['stdout']
                        cwd = await data(session, 'get_working_directory')
                        assert cwd == {'cwd': sys.argv[2] + '/sub'}, cwd
                        same = await data(other, 'execute_command', command='pwd; echo "[$X]"')
                        assert same['stdout'] == sys.argv[2] + '/sub\\n[mine]', same
                        theirs = await data(other, 'execute_command', command='echo no >&2; exit 3', shell_id='other')
                        assert theirs['stderr'].startswith('no') and theirs['exit_code'] == 3, theirs
                        alive = await data(other, 'execute_command', command='echo alive', shell_id='other')
                        assert alive['stdout'] == 'alive', alive
                        slow = await data(session, 'execute_command', command='sleep 300', timeout=1)
                        assert (slow['status'], slow['exit_code']) == ('error', -1), slow
                        assert slow['stderr'] == 'Command timed out after 1s', slow
                        again = await data(session, 'execute_command', command='echo $X')
                        assert again['stdout'] == 'mine', again
                        second = await data(session, 'execute_command', command='echo "[$X]"', shell_id='two')
                        assert second['stdout'] == '[]', second
                        sent = await data(session, 'upload_file', path='script.py', content='cHJpbnQoJ0hlbGxvJyk=',
                                          encoding='base64')
                        assert sent == {'status': 'uploaded', 'path': sys.argv[2] + '/sub/script.py', 'size': 14}, sent
                        back = await data(session, 'download_file', path='script.py')
                        assert back == {'content': 'cHJpbnQoJ0hlbGxvJyk=', 'size': 14, 'encoding': 'base64'}, back
                        none = await data(session, 'download_file', path='none')
                        assert none == {'error': 'File not found: none'}, none
                async with streamable_http_client(url) as (r, w), ClientSession(r, w) as later:
                    await later.initialize()
                    kept = await data(later, 'execute_command', command='echo "$$ $X"')
                    assert kept['stdout'] == pid + ' mine', kept
                print(pid)
            asyncio.run(main())
            """, [served.url, served.workspace], served.home.environment)
        let pid = try #require(Int32(output.filter { !$0.isWhitespace }))
        let kept = try ProtectedFile.read(served.workspace + "/sub/script.py")
        #expect(kept == Array("print('Hello')".utf8), "files are permanent")
        #expect(await served.stop() == .status(0))
        #expect(await ServedShell.ends(pid), "no shell outlives the server")
    }

    @Test(
        "end the command of a vanished client at its deadline",
        .enabled(if: hasPython, "needs the MCP SDK for Python (Scripts/python-clients)"))
    func vanishing() async throws {
        let served = try await ServedShell(["--token-file", try secretFile()], [:])
        let pid = try await commandOfVanishedClient(of: served, timeout: 20)
        #expect(await ServedShell.ends(pid), "its time is over, whoever waits")
        _ = await served.stop()
    }

    @Test(
        "end the command of a vanished client with its session, before its deadline",
        .enabled(if: hasPython, "needs the MCP SDK for Python (Scripts/python-clients)"))
    func vanishingSession() async throws {
        let served = try await ServedShell([], ["MCP_SHELL_SESSION__TIMEOUT": "20"])
        let pid = try await commandOfVanishedClient(of: served, timeout: 86400)
        #expect(await ServedShell.ends(pid), "nobody waits for it")
        _ = await served.stop()
    }

    /// Has a client start a long command and vanish.
    /// - Returns: the command's process.
    private func commandOfVanishedClient(of served: ServedShell, timeout: Int) async throws -> Int32 {
        let script = """
            async def main():
                async with streamable_http_client(sys.argv[1]) as (r, w), ClientSession(r, w) as session:
                    await session.initialize()
                    asyncio.create_task(call(session, 'execute_command', timeout=\(timeout),
                        command='echo $BASHPID > pid.tmp; mv pid.tmp pid; exec sleep 100000'))
                    while not os.path.exists(sys.argv[2] + '/pid'):
                        await asyncio.sleep(0.05)
                    os._exit(0)
            asyncio.run(main())
            """
        _ = try await python(script, [served.url, served.workspace], served.home.environment)
        let bytes = try #require(try ProtectedFile.read(served.workspace + "/pid"))
        return try #require(Int32(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }))
    }

    @Test(
        "show the catalogue's shells to the user who started them, and to nobody else who may connect",
        .enabled(if: hasPython, "needs the MCP SDK for Python (Scripts/python-clients)"))
    func principals() async throws {
        let served = try await ServedShell(
            ["--toolsets", "shell", "--embedded", "--token-file", try secretFile()], profile: nil)
        let output = try await python(
            """
            from mcp.shared._httpx_utils import create_mcp_http_client
            def failed(answer):
                return getattr(answer, 'is_error', None) or getattr(answer, 'isError', False)
            async def main():
                url = sys.argv[1]
                proof = {'Authorization': 'Bearer a-long-secret-of-this-test'}
                async with create_mcp_http_client(headers=proof) as http:
                    async with streamable_http_client(url) as (r, w), ClientSession(r, w) as one:
                        await one.initialize()
                        async with streamable_http_client(url, http_client=http) as (r, w), ClientSession(r, w) as two:
                            await two.initialize()
                            first = await data(one, 'mm__shell_run', command='mine=secret; echo $mine; sleep 1000', wait_for='secret', **{'yield': 600})
                            assert first['status'] == 'running' and first['stdout'] == 'secret\\n', first
                            job = first['job']
                            assert 'default' in await call(one, 'mm__shell_sessions')
                            assert 'default' not in await call(two, 'mm__shell_sessions')
                            assert job not in await call(two, 'mm__shell_jobs')
                            for tool in ('mm__shell_read', 'mm__shell_wait'):
                                answer = await two.call_tool(tool, dict(job=job))
                                assert failed(answer) and 'secret\\n' not in str(answer.content), answer
                            answer = await two.call_tool('mm__shell_jobs', dict(cancel=job))
                            assert failed(answer), answer
                            theirs = await data(two, 'mm__shell_run', command='echo "[$mine]"')
                            assert theirs['stdout'] == '[]\\n', theirs
                            closed = await two.call_tool('mm__shell_close', {})
                            still = await data(one, 'mm__shell_jobs', cancel=job)
                            assert still['status'] == 'cancelled', still
                            kept = await data(one, 'mm__shell_run', command='echo $mine')
                            assert kept['stdout'] == 'secret\\n', kept
                print('done')
            asyncio.run(main())
            """, [served.url], served.home.environment)
        #expect(output == "done\n")
        _ = await served.stop()
    }

    private func secretFile(_ secret: String = "a-long-secret-of-this-test") throws -> String {
        let path = secrets["secret"]
        try ProtectedFile.replace(path, with: Array("\(secret)\n".utf8))
        return path
    }

    @Test(
        "run commands on a host as the earlier SSH server did, and keep passwords out of everything",
        .enabled(if: hasPython && LoopbackHost.isInstalled, "needs sshd and the MCP SDK for Python"))
    func sshSession() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let secret = "pass-\(RandomBytes.text(bytes: 12))"
        let output = try await python(
            """
            async def main():
                server = StdioServerParameters(command=sys.argv[1], args=['--profile', 'ssh-session'], env=dict(os.environ))
                where = dict(host='127.0.0.1', username=sys.argv[2], port=int(sys.argv[3]))
                secret = open(sys.argv[4]).read().strip()
                async with stdio_client(server) as (r, w), ClientSession(r, w) as session:
                    await session.initialize()
                    assert await call(session, 'list_sessions') == 'No active SSH sessions'
                    first = await call(session, 'execute_command', command='cd /usr; X=5; echo out; echo err >&2; (exit 3)',
                                       key_filename='~/sshd/user', password=secret, **where)
                    assert first == 'Exit Status: 3\\n\\nSTDOUT:\\nout\\nSTDERR:\\nerr\\n', first
                    again = await call(session, 'execute_command', command='pwd; echo $X', **where)
                    assert again == 'Exit Status: 0\\n\\nSTDOUT:\\n/usr\\n5\\n', again
                    name = '%s@127.0.0.1:%s' % (sys.argv[2], sys.argv[3])
                    assert await call(session, 'list_sessions') == 'Active SSH Sessions:\\n- ' + name
                    processes = []
                    for pid in filter(str.isdigit, os.listdir('/proc')):
                        try:
                            processes.append(open('/proc/%s/cmdline' % pid, 'rb').read().decode('utf-8', 'replace'))
                            processes.append(open('/proc/%s/environ' % pid, 'rb').read().decode('utf-8', 'replace'))
                        except OSError:
                            pass
                    assert not any(secret in text for text in processes), 'a password on a command line'
                    wrong = await call(session, 'execute_command', host='127.0.0.1', username='nobody', command='id',
                                       password=secret, port=int(sys.argv[3]))
                    assert wrong.startswith('Connection Error: ') and secret not in wrong, wrong
                    closed = await call(session, 'close_session', **where)
                    assert closed == 'Closed session: ' + name, closed
                    assert await call(session, 'list_sessions') == 'No active SSH sessions'
                    assert await call(session, 'close_all_sessions') == 'All SSH sessions closed'
                print('done')
            asyncio.run(main())
            """,
            [Programs.mmMCP, LoopbackHost.user, "\(host.port)", try secretFile(secret)], home.environment)
        #expect(output == "done\n")
        for file in try home.files() {
            #expect(!Array(file.bytes).contains(secret: secret), "\(file.path) holds the password")
        }
        await host.stop()
    }

    @Test(
        "refuse a host whose key has changed",
        .enabled(if: LoopbackHost.isInstalled, "needs sshd"))
    func changedKey() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let client = try await MCPClient(home.environment, arguments: ["--profile", "ssh-session"])
        _ = try await client.initialize()
        let arguments: JSONObject = [
            "host": "127.0.0.1", "username": .string(LoopbackHost.user), "port": .int(Int64(host.port)),
            "command": "echo hello", "key_filename": "~/sshd/user",
        ]
        #expect(try await client.call(1, "execute_command", arguments).text == "Exit Status: 0\n\nSTDOUT:\nhello\n")
        _ = try await client.call(2, "close_all_sessions", [:])
        let known = try #require(try ProtectedFile.read("\(host.folder)/known"))
        let line = String(decoding: known, as: UTF8.self).split(separator: " ")
        let other = try #require(try ProtectedFile.read("\(host.folder)/user.pub"))
        let key = String(decoding: other, as: UTF8.self).split(separator: " ")
        try ProtectedFile.replace("\(host.folder)/known", with: Array("\(line[0]) \(key[0]) \(key[1])\n".utf8))
        let refused = try await client.call(3, "execute_command", arguments).text
        #expect(refused.hasPrefix("Connection Error: ") && refused.contains("key"), "\(refused)")
        await host.stop()
    }

    @Test(
        "read, write, follow and interrupt on a host as the newest SSH server did",
        .enabled(if: LoopbackHost.givesTerminals, "needs an sshd that can give terminals (/dev/pts with gid=5)"))
    func sshSessionFull() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let client = try await MCPClient(home.environment, arguments: ["--profile", "ssh-session-full"])
        _ = try await client.initialize()
        let place: JSONObject = [
            "host": "127.0.0.1", "username": .string(LoopbackHost.user), "port": .int(Int64(host.port)),
            "key_filename": "~/sshd/user",
        ]
        func call(_ id: Int, _ name: String, _ more: JSONObject, here: Bool = true) async throws -> String {
            var arguments: JSONObject = here ? place : [:]
            for (key, value) in more { arguments[key] = value }
            return try await client.call(id, name, arguments).text
        }
        let file = JSONValue.string(home.path + "/d/note.txt")
        let written = try await call(1, "write_file", ["remote_path": file, "content": "hello\n", "make_dirs": true])
        #expect(written == "Exit Status: 0\n\nMESSAGE:\nWrote 6 bytes to \(home.path)/d/note.txt\n")
        let read = try await call(2, "read_file", ["remote_path": file])
        #expect(read == "Exit Status: 0\n\nCONTENT:\nhello\n\n")
        let none = try await call(3, "read_file", ["remote_path": "/nowhere/x"])
        #expect(none == "Exit Status: 1\n\nSTDERR:\nRemote file not found: /nowhere/x\n")
        let long = try await call(4, "execute_command", ["command": "echo begun; sleep 1000", "timeout": 1])
        #expect(long.hasPrefix("Command exceeded timeout of 1s and is now running in background.\n\nCommand ID: "))
        let id = try #require(long.split(separator: "\n").first { $0.hasPrefix("Command ID: ") }).dropFirst(12)
        var status = ""
        var next = 100
        while !status.contains("STDOUT:\nbegun\n") {
            next += 1
            status = try await call(next, "get_command_status", ["command_id": .string(String(id))], here: false)
            #expect(status.contains("Status: running\n"))
        }
        let ended = try await call(6, "interrupt_command_by_id", ["command_id": .string(String(id))], here: false)
        #expect(ended == "Command \(id) interrupted")
        // It is interrupted, which takes a while on a busy machine.
        repeat {
            next += 1
        } while try await call(next, "list_running_commands", [:], here: false)
            != "No running commands"
        #expect(try await call(8, "list_command_history", [:], here: false).contains("Status: interrupted"))
        #expect(try await call(9, "execute_command", ["command": "echo alive"]) == "Exit Status: 0\n\nSTDOUT:\nalive\n")
        let asked = try await call(
            10, "execute_command_async", ["command": "read -p 'who? ' x; echo hello $x; exec cat"])
        let asking = try #require(asked.split(separator: "\n").first?.split(separator: " ").last)
        func typed(_ id: Int, _ text: String) async throws -> String {
            try await call(
                id, "send_input", ["command_id": .string(String(asking)), "input_text": .string(text)], here: false)
        }
        func state(_ id: Int) async throws -> String {
            try await call(id, "get_command_status", ["command_id": .string(String(asking))], here: false)
        }
        var number = 20
        func becomes(_ text: String) async throws -> Bool {
            try await eventually {
                number += 1
                return try await state(number).contains(text)
            }
        }
        #expect(try await becomes("Awaiting Input: who? \n"))
        #expect(try await typed(11, "Ada\n").hasPrefix("Input sent successfully\n"))
        #expect(try await becomes("hello Ada\n"))
        #expect(try await typed(12, "\u{4}").hasPrefix("Input sent successfully\n"))
        #expect(try await becomes("Status: completed\n"))
        await host.stop()
    }

    @Test(
        "answer `mm ssh` with the command's own output and status",
        .enabled(if: LoopbackHost.isInstalled, "needs sshd"))
    func commandLine() async throws {
        let home = try TemporaryHome()
        let host = try await LoopbackHost(in: home)
        let target = "\(LoopbackHost.user)@127.0.0.1:\(host.port)"
        let key = "\(host.folder)/user"
        let ran = try await Tenant.run(
            Programs.mm, ["ssh", target, "-i", key, "echo out; echo err >&2; (exit 7)"], home.environment)
        #expect(ran.code == 7 && ran.output == "out\n" && ran.error == "err\n", "\(ran)")
        let sent = try await Tenant.run(
            Programs.mm, ["ssh", "upload", target, "\(host.folder)/user.pub", "\(home.path)/copy", "-i", key],
            home.environment)
        #expect(sent.code == 0, "\(sent.error)")
        #expect(try ProtectedFile.read("\(home.path)/copy") == ProtectedFile.read("\(host.folder)/user.pub"))
        let local = try await Tenant.run(Programs.mm, ["shell", "run", "echo hi; exit 3"], home.environment)
        #expect(local.code == 3 && local.output == "hi\n", "\(local)")
        await host.stop()
    }
}

extension Array where Element == UInt8 {
    fileprivate func contains(secret: String) -> Bool {
        let wanted = Array(secret.utf8)
        guard count >= wanted.count else { return false }
        return (0...(count - wanted.count)).contains { self[$0] == wanted[0] && self[$0...].starts(with: wanted) }
    }
}
