import MMCore
import MMHTTP
import Testing

/// The commands that a pool was asked to run.
private final class Asked: Sendable {
    private let bodies = Mutex<[JSONObject]>([])
    var all: [JSONObject] { bodies.withLock { $0 } }

    /// Records a command.
    /// - Returns: how many there are.
    func note(_ body: JSONObject) -> Int {
        bodies.withLock { bodies in
            bodies.append(body)
            return bodies.count
        }
    }
}

/// A pool that answers the session-pool server's routes with recorded answers, and nothing else.
private final class RecordedPool: Sendable {
    let listener: HTTPListener
    let asked = Asked()

    init() throws {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        let file = parts.joined(separator: "/") + "/Fixtures/session-pool/responses.json"
        let bytes = try #require(try ProtectedFile.read(file))
        let recorded = try #require(try JSONParser.parse(bytes).object)
        let asked = asked
        listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            let name: String
            switch (request.method, request.path) {
            case ("GET", "/health"), ("GET", "/status"), ("GET", "/connections"):
                name = String(request.path.dropFirst())
            case ("POST", "/run"):
                let body = (try? JSONParser.parse(request.body))?.object ?? [:]
                let count = asked.note(body)
                name =
                    ["run_auth_required_first", "run_auth_required_pending", "run_success", "run_error"][
                        min(count, 4) - 1]
            case ("POST", "/reset"): name = "reset"
            default: return .text("<!doctype html><title>404 Not Found</title>", status: 404, type: "text/html")
            }
            return .json(JSONWriter.bytes(recorded[name] ?? .null))
        }
    }

    var url: String { "http://127.0.0.1:\(listener.port)" }
}

@Suite("The tools with a pool that has only the session-pool server's routes", .timeLimit(.minutes(15)))
struct SessionPoolClientTests {
    @Test("list connections, show codes, run, reset and list sessions, guarded on this side")
    func tools() async throws {
        let home = try TemporaryHome()
        let pool = try RecordedPool()
        let client = try await MCPClient(
            home.environment.merging(["MM_SESSION_POOL_URL": pool.url]) { $1 }, arguments: ["--tool-prefix", ""])
        _ = try await client.initialize()
        #expect(try await client.call(1, "run").text.contains("Contoso-GA"))
        let run: JSONObject = [
            "connection": "Contoso-GA", "module": "exo", "command": "Get-Mailbox -ResultSize 1",
        ]
        for id in 2...3 {
            let waiting = try await client.call(id, "run", run)
            #expect(waiting["isError"] == false)
            #expect(waiting.text.contains("CTSO7K9QX") && waiting.text.contains("https://microsoft.com/devicelogin"))
        }
        #expect(try await client.call(4, "run", run).text.contains("Name : Test"))
        let sent = try #require(pool.asked.all.last)
        #expect(sent["connection"] == "Contoso-GA" && sent["module"] == "exo" && sent["confirmed"] == nil)
        #expect(sent["command"] == "Get-Mailbox -ResultSize 1")
        let failed = try await client.call(5, "run", run)
        #expect(failed["isError"] == true && failed.text.contains("Unknown module: xyz"))
        // Denied commands and unknown names are never sent.
        let before = pool.asked.all.count
        for (id, change) in [
            (6, ("command", "Install-Module Az")), (7, ("connection", "Nobody")), (8, ("command", "Remove-Mailbox x")),
        ] as [(Int, (String, JSONValue))] {
            var other = run
            other[change.0] = change.1
            let refused = try await client.call(id, "run", other)
            #expect(!refused.text.contains("Name : Test"), "\(refused.text)")
        }
        #expect(pool.asked.all.count == before)
        #expect(try await client.call(9, "reset", ["connection": "Contoso-GA"]).text.contains("Contoso-GA/exo"))
        #expect(try await client.call(10, "status").text.contains("Contoso-GA/exo"))
        #expect(await client.finish() == 0)
        await pool.listener.stop(graceful: .zero)
    }
}
