import Glibc
import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("The sandbox on a real socket", .timeLimit(.minutes(5)))
struct OverSocketTests {
    /// A running tenant and a client for it.
    private struct Running {
        let tenant: SandboxTenant
        let base: String
        let secret: String
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

        init(_ change: (inout SandboxOptions) -> Void = { _ in }) async throws {
            var options = SandboxOptions()
            options.userCount = 2_500
            change(&options)
            secret = options.controlSecret.reveal()
            tenant = SandboxTenant(options: options)
            base = try await tenant.start()
        }

        func send(_ method: String, _ path: String, headers: HTTPHeaders = [:], body: String? = nil) async throws
            -> HTTPResponse
        {
            var request = HTTPRequest(
                method: method, url: path.hasPrefix("http") ? path : base + path, allowsPlainHTTP: true)
            request.timeout = .seconds(300)
            request.headers = headers
            request.body = body.map { Array($0.utf8) }
            return try await client.send(request)
        }

        func token() async throws -> String {
            let form: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded"]
            let scope = "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default%20openid%20offline_access"
            let start = try JSONParser.parse(
                try await send(
                    "POST", "\(Bench.authority)/devicecode", headers: form,
                    body: "client_id=\(TenantIdentity.demoApp)&\(scope)"
                ).body)
            let approval = JSONWriter.string(["userCode": start["user_code"] ?? .null])
            let approved = try await send(
                "POST", "/sandbox/approve", headers: ["X-Sandbox-Secret": secret], body: approval)
            #expect(approved.status == 200)
            let code = start["device_code"]?.string ?? ""
            let answer = try await send(
                "POST", "\(Bench.authority)/token", headers: form,
                body:
                    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=\(TenantIdentity.demoApp)&device_code=\(code)"
            )
            return try JSONParser.parse(answer.body)["access_token"]?.string ?? ""
        }
    }

    @Test("a client signs in and pages through the users by the links it is given")
    func wholePath() async throws {
        let running = try await Running()
        let token = try await running.token()
        var next: String? = "\(running.base)/v1.0/users?$top=999&$select=id"
        var ids: Set<String> = []
        while let link = next {
            let page = try JSONParser.parse(
                try await running.send("GET", link, headers: ["Authorization": "Bearer \(token)"]).body)
            for item in page["value"]?.array ?? [] { ids.insert(item["id"]?.string ?? "") }
            next = page["@odata.nextLink"]?.string
        }
        #expect(ids.count == 2_500)
        await running.tenant.stop()
    }

    @Test("a file that is larger than what is kept goes up whole, and its size and checksum are told")
    func largeFile() async throws {
        let running = try await Running()
        let token = try await running.token()
        let size = 96 << 20
        let pieces = Mutex(size >> 20)
        var request = HTTPRequest(
            method: "PUT", url: running.base + "/v1.0/me/drive/root:/large.bin:/content", allowsPlainHTTP: true)
        request.timeout = .seconds(300)
        request.headers = ["Authorization": "Bearer \(token)", "Content-Type": "application/octet-stream"]
        request.upload = HTTPUpload(
            length: size,
            pieces: HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
                pieces.withLock { left in
                    left -= 1
                    return left < 0 ? nil : [UInt8](repeating: 0, count: 1 << 20)
                }
            }))
        let answer = try await running.client.send(request)
        let item = try JSONParser.parse(answer.body)
        #expect(answer.status == 201 && item["size"]?.int == size, "\(item)")
        // Of nothing but zeros the size alone is left.
        #expect(item["file"]?["hashes"]?["quickXorHash"] == "AAAAAAAAAAAAAAAAAAAABgAAAAA=")
        let place = try await running.send(
            "GET", "/v1.0/me/drive/root:/large.bin:/content", headers: ["Authorization": "Bearer \(token)"])
        let read =
            if let address = place.headers["location"] { try await running.send("GET", address) } else { place }
        #expect(read.status == 501 && String(decoding: read.body, as: UTF8.self).contains("64 MB"), "\(read.status)")
        await running.tenant.stop()
    }

    @Test("a torn answer ends before its end")
    func torn() async throws {
        let running = try await Running()
        let token = try await running.token()
        _ = try await running.send(
            "POST", "/sandbox/faults", headers: ["X-Sandbox-Secret": running.secret],
            body: #"{"kind":"torn","path":"/v1.0/me","bytes":30,"count":1}"#)
        await #expect(throws: HTTPError.self) {
            try await running.send("GET", "/v1.0/me", headers: ["Authorization": "Bearer \(token)"])
        }
        let whole = try await running.send("GET", "/v1.0/me", headers: ["Authorization": "Bearer \(token)"])
        #expect(whole.status == 200)
        await running.tenant.stop()
    }

    @Test("a slow answer waits, others don't")
    func slow() async throws {
        let running = try await Running()
        let token = try await running.token()
        _ = try await running.send(
            "POST", "/sandbox/faults", headers: ["X-Sandbox-Secret": running.secret],
            body: #"{"kind":"latency","path":"/v1.0/groups","milliseconds":60000}"#)
        let waiting = Task {
            try await running.send("GET", "/v1.0/groups", headers: ["Authorization": "Bearer \(token)"])
        }
        let quick = try await running.send("GET", "/v1.0/me", headers: ["Authorization": "Bearer \(token)"])
        #expect(quick.status == 200)
        waiting.cancel()
        await #expect(throws: (any Error).self) { try await waiting.value }
        await running.tenant.stop()
    }

    @Test("the state file is for its owner alone, says where everything is, and goes when the sandbox goes")
    func stateFile() async throws {
        let folder = "/tmp/mm-sandbox-test-\(RandomBytes.text(bytes: 6))"
        let running = try await Running()
        let file = await running.tenant.stateFile()
        try file.write(in: folder)
        defer { rmdir(folder) }
        let path = SandboxStateFile.path(in: folder)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let json = try JSONParser.parse(try #require(try ProtectedFile.read(path)))
        for service in ["login", "graph", "flow", "arm", "exchange", "bap"] {
            #expect(json[service] == .string(running.base))
        }
        #expect(json["pid"]?.int == Int(getpid()))
        let read = try #require(try SandboxStateFile.read(in: folder))
        #expect(read.base == running.base)
        #expect(try SandboxStateFile.ofRunning(in: folder)?.base == running.base)
        try file.remove(in: folder)
        #expect(try SandboxStateFile.read(in: folder) == nil)
        await running.tenant.stop()
    }

    @Test("a damaged state file is told, not believed")
    func damagedStateFile() throws {
        let folder = "/tmp/mm-sandbox-test-\(RandomBytes.text(bytes: 6))"
        try ProtectedFile.replace(SandboxStateFile.path(in: folder), with: Array("{\"login\": 7}".utf8))
        #expect(throws: MMError.self) { try SandboxStateFile.read(in: folder) }
        try ProtectedFile.remove(SandboxStateFile.path(in: folder))
        rmdir(folder)
    }
}
