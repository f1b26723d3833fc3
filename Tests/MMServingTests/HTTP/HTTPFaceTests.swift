import Glibc
import MMCore
import MMHTTP
import MMMCP
import MMOperations
import MMSystem
import Testing

@testable import MMServing

@Suite("mm-mcp over HTTP", .timeLimit(.minutes(10)))
struct HTTPFaceTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    private func face(_ words: [String] = [], secret: String? = nil, server: MCPServer? = nil) throws -> HTTPFace {
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"] + words).http)
        return try HTTPFace.start(
            try server ?? home.server(), options, secret: secret.map { Secret($0) }, gate: nil, log: home.services.log)
    }

    @Test("a session from its handshake to its end")
    func session() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let tools = try await caller.call(session, "tools/list")["tools"]?.array ?? []
        #expect(tools.first?["name"] == "mm__run")
        let answer = try await caller.call(session, "tools/call", ["name": "mm__run", "arguments": [:]])
        let text = try #require(answer["content"]?[0]?["text"]?.string)
        #expect(text.contains("Contoso") && text.contains("Côte d/Or") && !text.contains("Hidden"))
        await face.stop(graceful: .seconds(1))
    }

    @Test("a modern request without a session")
    func modern() async throws {
        let face = try face()
        let answer = try await HTTPCaller(face).post(Self.modern("tools/list"), Self.modernHeaders("tools/list"))
        #expect(answer.status == 200)
        #expect(try JSONParser.parse(answer.body)["result"]?["tools"]?.array?.isEmpty == false)
        await face.stop(graceful: .zero)
    }

    @Test("a caller who isn't identified by the socket needs the secret")
    func secrets() async throws {
        let face = try face(["--behind-proxy"], secret: "0123456789abcdef")
        let caller = HTTPCaller(face)
        #expect(try await caller.post(HTTPCaller.initialize).status == 401)
        #expect(try await caller.post(HTTPCaller.initialize).headers["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
        for wrong in ["Bearer 0123456789abcdeF", "Bearer", "Basic 0123456789abcdef", "Bearer 0123456789abcdef0"] {
            #expect(try await caller.post(HTTPCaller.initialize, ["Authorization": wrong]).status == 401)
        }
        let session = try await caller.initialize(["Authorization": "Bearer 0123456789abcdef"])
        // A session belongs to its opener: without the secret its id doesn't help.
        let stolen = try await caller.post(["jsonrpc": "2.0", "id": 1, "method": "ping"], ["Mcp-Session-Id": session])
        #expect(stolen.status == 401)
        await face.stop(graceful: .zero)
    }

    @Test("foreign pages, foreign names and other paths are refused")
    func refusals() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        for origin in ["null", "http://evil.example", "http://localhost:6274"] {
            let answer = try await caller.post(HTTPCaller.initialize, ["Origin": origin])
            #expect(answer.status == 403)
            #expect(try JSONParser.parse(answer.body)["error"]?["message"]?.string?.isEmpty == false)
        }
        for host in ["evil.example", "192.0.2.1", "localhost.evil.example"] {
            let text = "POST /mcp HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            #expect(try await HTTPCaller.raw(text, port: face.port).hasPrefix("HTTP/1.1 421 "))
        }
        let elsewhere = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        #expect(try await HTTPCaller.raw(elsewhere, port: face.port).hasPrefix("HTTP/1.1 404 "))
        await face.stop(graceful: .zero)
    }

    @Test("who is not let in is told so before a large body is taken")
    func bodies() async throws {
        let face = try face(["--behind-proxy"], secret: "0123456789abcdef")
        for (head, status) in [
            ("Host: localhost", 401), ("Host: evil.example", 421),
            ("Host: localhost\r\nOrigin: http://evil.example", 403),
        ] {
            // The body never arrives, because the answer doesn't need it.
            let text = "POST /mcp HTTP/1.1\r\n\(head)\r\nContent-Length: 16000000\r\n\r\n"
            #expect(try await HTTPCaller.raw(text, port: face.port).hasPrefix("HTTP/1.1 \(status) "))
        }
        await face.stop(graceful: .zero)
    }

    @Test("a trusted network admits forwarded requests and numeric names, and the log says so")
    func trusted() async throws {
        let face = try face(["--trust-network", "--allow-host", "mm.example"])
        let caller = HTTPCaller(face)
        #expect(try await caller.post(HTTPCaller.initialize, ["X-Forwarded-For": "192.0.2.9"]).status == 200)
        for (host, status) in [("192.0.2.1:8365", 415), ("mm.example", 415), ("evil.example", 421)] {
            let text = "POST /mcp HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            #expect(try await HTTPCaller.raw(text, port: face.port).hasPrefix("HTTP/1.1 \(status) "))
        }
        let foreign =
            "POST /mcp HTTP/1.1\r\nHost: 192.0.2.1\r\nOrigin: http://203.0.113.5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        #expect(try await HTTPCaller.raw(foreign, port: face.port).hasPrefix("HTTP/1.1 403 "))
        let log = try #require(try ProtectedFile.read(home.services.paths.poolLog()))
        #expect(String(decoding: log, as: UTF8.self).contains("THE NETWORK IS TRUSTED"))
        await face.stop(graceful: .zero)
    }

    @Test("a modern client that leaves cancels its request")
    func clientGone() async throws {
        let work = Work()
        let face = try face(server: try Self.server(work))
        let caller = HTTPCaller(face)
        let call = Task {
            try await caller.post(
                Self.modern("tools/call", ["name": "wait", "arguments": [:]]), Self.modernHeaders("tools/call", "wait"))
        }
        await work.begun.wait()
        call.cancel()
        #expect(await work.ended.wait() == "cancelled")
        await face.stop(graceful: .zero)
    }

    @Test("stopping lets a call finish, ends idle streams, and accepts no more")
    func graceful() async throws {
        let work = Work()
        let face = try face(server: try Self.server(work))
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let stream = try await caller.listen(session)
        let call = Task { try await caller.call(session, "tools/call", ["name": "wait", "arguments": [:]]) }
        await work.begun.wait()
        let stopping = Task { await face.stop(graceful: .seconds(60)) }
        // The stream's end shows that stopping has begun.
        do { for try await _ in stream.chunks {} } catch {}
        work.release.resolve(())
        #expect(try await call.value["content"]?[0]?["text"] == "done")
        await stopping.value
        await #expect(throws: HTTPError.self) { try await caller.post(HTTPCaller.initialize) }
    }

    @Test("the Python SDK as a client", .enabled(if: Python.path != nil, "Scripts/python-clients makes .build/python"))
    func python() async throws {
        let python = try #require(Python.path)
        let face = try face()
        let ran = try await ChildProcess.run(
            ChildCommand(
                python, ["-c", Python.client, face.url], environment: ["PATH": "/usr/bin:/bin", "HOME": home.path]),
            timeout: .seconds(300))
        let output = String(decoding: ran.output, as: UTF8.self)
        #expect(ran.exit.code == 0, "\(String(decoding: ran.error, as: UTF8.self))")
        #expect(output == "mm__run\nContoso\nmm://connections\ntenant_health\n")
        await face.stop(graceful: .seconds(1))
    }

    // MARK: a server whose tool waits

    private final class Work: Sendable {
        let begun = OneShot<Void>()
        let release = OneShot<Void>()
        let ended = OneShot<String>()
    }

    private static func server(_ work: Work) throws -> MCPServer {
        let wait = Tool(name: "wait", description: "Waits.", inputSchema: ["type": "object"]) { (_, _) in
            work.begun.resolve(())
            await withTaskCancellationHandler {
                await work.release.wait()
            } onCancel: {
                work.release.resolve(())
            }
            work.ended.resolve(Task.isCancelled ? "cancelled" : "done")
            return .text("done")
        }
        return try MCPServer(ServerInfo(name: "waiting", version: "1"), tools: [wait])
    }

    private static func modern(_ method: String, _ params: JSONObject = [:]) -> JSONValue {
        var params = params
        params["_meta"] = [
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": ["name": "test", "version": "1"],
            "io.modelcontextprotocol/clientCapabilities": [:],
        ]
        return ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .object(params)]
    }

    private static func modernHeaders(_ method: String, _ name: String? = nil) -> HTTPHeaders {
        var headers: HTTPHeaders = ["MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method]
        if let name { headers.set("Mcp-Name", name) }
        return headers
    }
}

/// The Python that has the MCP SDK.
private enum Python {
    /// `nil` if it isn't installed.
    static let path: String? = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        let folder = parts.joined(separator: "/") + "/.build/python"
        return access(folder + "/bin/python", X_OK) == 0 && access(folder + "/.installed", R_OK) == 0
            ? folder + "/bin/python" : nil
    }()

    /// A client that works with versions 1 and 2 of the SDK.
    static let client = """
        import asyncio, importlib.metadata, json, sys

        async def use(session):
            print((await session.list_tools()).tools[0].name)
            answer = await session.call_tool("mm__connections", {})
            print(json.loads(answer.content[0].text)["connections"][0]["name"])
            print((await session.list_resources()).resources[0].uri)
            print([p.name for p in (await session.list_prompts()).prompts if not p.name.startswith("recipe_")][-1])

        async def main(url):
            if int(importlib.metadata.version("mcp").split(".")[0]) >= 2:
                from mcp import Client
                async with Client(url) as client:
                    await use(client)
            else:
                from mcp import ClientSession
                from mcp.client.streamable_http import streamablehttp_client
                async with streamablehttp_client(url) as streams:
                    async with ClientSession(streams[0], streams[1]) as session:
                        await session.initialize()
                        await use(session)

        asyncio.run(main(sys.argv[1]))
        """
}
