import Glibc
import MMCore
import MMSystem
import Testing

/// `mm pool serve --profile pool` with a sandbox tenant, called by curl.
private final class PoolFaceProcess: Sendable {
    let tenant: Tenant
    private let base: String
    private let process: ChildProcess

    init() async throws {
        tenant = try await Tenant()
        let command = ChildCommand(
            Programs.mm, ["pool", "serve", "--profile", "pool", "--listen", "127.0.0.1:0", "--quiet"],
            environment: tenant.home.environment)
        process = try await ChildProcess.start(command)
        var text: [UInt8] = []
        while !text.contains(0x0A), let piece = try await process.output?.read() { text += piece }
        base = String(decoding: try #require(text.split(separator: 0x0A).first), as: UTF8.self)
    }

    deinit { process.signalGroup(SIGKILL) }

    func stop() async {
        _ = await process.terminate(grace: .seconds(300))
        await tenant.stop()
    }

    func curl(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        var words = ["-s", "-m", "600", base + path]
        if let body { words += ["-H", "Content-Type: application/json", "-d", JSONWriter.string(body)] }
        let ran = try await Tenant.run("/usr/bin/curl", words, ["PATH": "/usr/bin:/bin"])
        return try #require(ran.json, "\(ran.output) \(ran.error)")
    }

    /// Runs a command; if a code is shown, approves it once as `account`.
    func run(_ command: String, approving account: String? = nil) async throws -> JSONValue {
        let body: JSONValue = ["connection": "Demo", "module": "exo", "command": .string(command)]
        var isApproved = false
        while true {
            let answer = try await curl("/run", body)
            guard answer["status"] == "auth_required" else { return answer }
            if !isApproved {
                try await tenant.approve(try #require(answer["device_code"]?.string), as: account)
                isApproved = true
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

@Suite("The session-pool server's routes over the native engine", .timeLimit(.minutes(15)))
struct NativePoolFaceTests {
    @Test("report who is signed in, list the session, and return PowerShell's output")
    func account() async throws {
        let pool = try await PoolFaceProcess()
        let answer = try await pool.run("Get-Mailbox -ResultSize 1 | Select-Object Name", approving: nil)
        #expect(answer["status"] == "success", "\(answer)")
        #expect(answer["authenticated_as"] == "admin@contoso-sandbox.example")
        #expect(answer["output"]?.string?.hasPrefix("Name\n----\n") == true, "\(answer)")
        #expect(answer["output"]?.string?.contains("engine:") == false, "\(answer)")
        #expect(try await pool.tenant.requests(to: "/InvokeCommand") > 0)
        let rows = try await pool.curl("/status")["sessions"]
        #expect(rows?[0]?["session_id"] == "Demo/exo")
        #expect(rows?[0]?["state"] == "authenticated" && rows?[0]?["authenticated"] == true)
        await pool.stop()
    }

    @Test("refuse a wrong account in the next call, before any command runs")
    func wrongAccount() async throws {
        let pool = try await PoolFaceProcess()
        let answer = try await pool.run("Get-Mailbox -ResultSize 1", approving: "lena.vogt@contoso-sandbox.example")
        #expect(answer["status"] == "error", "\(answer)")
        #expect(answer["error"]?.string?.contains("lena.vogt@contoso-sandbox.example") == true, "\(answer)")
        #expect(answer["output"] == nil && answer["authenticated_as"] == nil)
        #expect(try await pool.tenant.requests(to: "/InvokeCommand") == 0)
        await pool.stop()
    }

    @Test("report an ended sign-in wherever they show it, with the same code for the next call")
    func ended() async throws {
        let pool = try await PoolFaceProcess()
        #expect(try await pool.run("Get-Mailbox -ResultSize 1")["status"] == "success")
        try await pool.tenant.fault(["kind": "revoked"])
        let body: JSONValue = ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]
        let asked = try await pool.curl("/run", body)
        #expect(asked["status"] == "auth_required", "\(asked)")
        let code = try #require(asked["device_code"]?.string)
        #expect(try await pool.curl("/run", body)["device_code"] == .string(code))
        let row = try await pool.curl("/status")["sessions"]?[0]
        #expect(row?["state"] == "auth_pending" && row?["authenticated"] == false, "\(String(describing: row))")
        let metrics = try await pool.curl("/metrics")
        #expect(metrics["active_sessions"] == 0, "\(metrics)")
        let again = try await pool.run("Get-Mailbox -ResultSize 1")
        #expect(again["status"] == "success", "\(again)")
        #expect(try await pool.curl("/status")["sessions"]?[0]?["authenticated"] == true)
        await pool.stop()
    }
}
