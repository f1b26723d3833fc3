import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Folders and large files", .timeLimit(.minutes(15)))
struct FolderTransferTests {
    private static let files: [(path: String, size: Int)] = [
        ("a b.txt", 5), ("empty.txt", 0), ("sub/large.bin", 11_000_003), ("sub/deep/ü#1.txt", 17),
    ]

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
    }

    /// A folder with files, a link, an empty folder and a pipe.
    private func tree(_ tenant: Tenant) throws -> String {
        let root = tenant.home.path + "/Backup"
        for file in Self.files { try ProtectedFile.replace("\(root)/\(file.path)", with: Self.bytes(file.size)) }
        #expect(symlink("/etc/passwd", root + "/sub/link") == 0)
        #expect(mkdir(root + "/nothing", 0o700) == 0 && mkfifo(root + "/pipe", 0o600) == 0)
        return root
    }

    @Test("are transferred completely in both directions, and repeating the call transfers nothing twice")
    func both() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let root = try tree(tenant)
        let up = ["graph", "Demo", "/me/drive/root:/Kept/", "--upload", root, "--recursive", "--json"]
        let sent = try await tenant.mm(up)
        #expect(sent.code == 0 && sent.json?["sent"] == 4 && sent.json?["unchanged"] == 0, "\(sent)")
        let left = sent.json?["leftOut"]?.array?.compactMap { $0["path"]?.string } ?? []
        #expect(left == ["nothing", "pipe", "sub/link"], "\(sent.output)")
        let again = try await tenant.mm(up)
        #expect(again.code == 0 && again.json?["sent"] == 0 && again.json?["unchanged"] == 4, "\(again)")

        let there = tenant.home.path + "/there"
        let down = [
            "graph", "Demo", "/me/drive/root:/Kept/Backup", "--download", there, "--recursive", "--json",
        ]
        let fetched = try await tenant.mm(down)
        #expect(fetched.code == 0 && fetched.json?["fetched"] == 4, "\(fetched)")
        for file in Self.files {
            #expect(try ProtectedFile.read("\(there)/\(file.path)") == Self.bytes(file.size), "\(file.path)")
        }
        // The folder exists now, so the same call creates another one in it.
        let anew = try await tenant.mm(down)
        #expect(anew.code == 0 && anew.json?["fetched"] == 4, "\(anew)")
        #expect(try ProtectedFile.read("\(there)/Backup/a b.txt") == Self.bytes(5))
        let rest = try await tenant.mm(down)
        #expect(rest.code == 0 && rest.json?["fetched"] == 0 && rest.json?["unchanged"] == 4, "\(rest)")
    }

    @Test(
        "a missing file or folder is a fault of the command line, and says where it was looked for",
        arguments: [[], ["--recursive"]])
    func missing(flags: [String]) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await tenant.mm(["graph", "Demo", "/me/drive/root:/Kept/", "--upload", "nowhere"] + flags)
        #expect(ran.code == 2 && ran.error.contains("There is no file nowhere."), "\(ran)")
        #expect(ran.error.contains("The folder is "), "\(ran)")
    }

    @Test("a folder whose download was interrupted is continued where it is, and is complete only once")
    func continued() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let root = tenant.home.path + "/Backup"
        for name in ["a.txt", "b.txt"] { try ProtectedFile.replace("\(root)/\(name)", with: Self.bytes(3)) }
        let place = "/me/drive/root:/Kept/Backup"
        let up = ["graph", "Demo", "/me/drive/root:/Kept/", "--upload", root, "--recursive", "--json"]
        #expect(try await tenant.mm(up).code == 0)

        let there = tenant.home.path + "/there"
        let down = ["graph", "Demo", place, "--download", there, "--recursive", "--json"]
        try await tenant.fault([
            "kind": "status", "status": 507, "method": "GET", "path": .string("/v1.0\(place)/b.txt"), "count": 1,
        ])
        let torn = try await tenant.mm(down)
        #expect(torn.failure?["hint"]?.string?.contains("Repeat the call to continue") == true, "\(torn)")
        let whole = try await tenant.mm(down)
        #expect(whole.json?["place"]?.string == there && whole.json?["unchanged"] == 1, "\(whole)")
        #expect(whole.code == 0 && whole.json?["fetched"] == 1, "\(whole)")
        #expect(try FolderListing.names(in: tenant.home.path).allSatisfy { !$0.hasPrefix(".there") })
        let another = try await tenant.mm(down)
        #expect(another.json?["place"]?.string == there + "/Backup", "\(another)")
    }

    @Test("all names that the service refuses are reported before anything is sent")
    func names() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let root = tenant.home.path + "/Backup"
        for name in ["fine.txt", "a:b.txt", "CON", "sub/x .", "same.txt", "SAME.txt"] {
            try ProtectedFile.replace("\(root)/\(name)", with: Self.bytes(3))
        }
        let ran = try await tenant.mm([
            "graph", "Demo", "/me/drive/root:/Kept/", "--upload", root, "--recursive", "--json",
        ])
        let faults = ran.failure?["details"]?["faults"]?.array?.compactMap(\.string) ?? []
        #expect(ran.code != 0 && faults.count == 4, "\(ran)")
        #expect(try await tenant.requests(to: "fine.txt:/content") == 0)
    }

    @Test("a file that already exists is reported, and the others are transferred")
    func oneFails() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let root = tenant.home.path + "/Backup"
        for name in ["a.txt", "b.txt"] { try ProtectedFile.replace("\(root)/\(name)", with: Self.bytes(3)) }
        let up = ["graph", "Demo", "/me/drive/root:/Kept", "--upload", root, "--recursive", "--json"]
        #expect(try await tenant.mm(up).code == 0)
        try ProtectedFile.replace("\(root)/a.txt", with: Self.bytes(4))
        try ProtectedFile.replace("\(root)/c.txt", with: Self.bytes(5))
        let ran = try await tenant.mm(up)
        #expect(ran.code == 1 && ran.json?["sent"] == 1 && ran.json?["unchanged"] == 1, "\(ran)")
        #expect(ran.json?["failed"]?.array?.first?["path"] == "a.txt")
        let replaced = try await tenant.mm(up + ["--conflict", "replace"])
        #expect(replaced.code == 0 && replaced.json?["sent"] == 1, "\(replaced)")
    }

    @Test("a file that is interrupted by kill -9 on its way up and down is unchanged in the end")
    func killed() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let size = 45_000_001
        let file = tenant.home.path + "/large.bin"
        try ProtectedFile.replace(file, with: Self.bytes(size))
        // Without the answer to the second piece it sends no third one.
        try await tenant.fault([
            "kind": "latency", "milliseconds": 600_000, "method": "PUT", "path": "*", "skip": 1, "count": 1,
        ])
        let up = ["graph", "Demo", "/me/drive/root:/large.bin", "--upload", file, "--json"]
        try await kill(up, tenant) { requests in requests.count { $0["method"] == "PUT" } >= 2 }
        let sent = try await tenant.mm(up)
        #expect(sent.code == 0 && sent.json?["size"]?.int == size, "\(sent)")
        let pieces =
            try await tenant.control("GET", "requests")["requests"]?.array?.count { $0["method"] == "PUT" } ?? 0
        #expect(pieces <= 6, "five pieces, and the one that was cut off")

        let target = tenant.home.path + "/back.bin"
        let down = ["graph", "Demo", "/me/drive/root:/large.bin", "--download", target, "--json"]
        let fetched = try await tenant.mm(down)
        #expect(fetched.code == 0 && fetched.json?["quickXorHash"] != nil, "\(fetched)")
        #expect(try ProtectedFile.read(target) == Self.bytes(size))
    }

    /// Starts `mm` and kills it as soon as the tenant has received enough.
    private func kill(
        _ arguments: [String], _ tenant: Tenant, when isEnough: ([JSONValue]) -> Bool
    ) async throws {
        var command = ChildCommand(Programs.mm, arguments, environment: tenant.home.environment)
        command.output = .null
        command.error = .null
        let child = try await ChildProcess.start(command)
        while !isEnough(try await tenant.control("GET", "requests")["requests"]?.array ?? []) {
            try #require(child.exited == nil, "it ended too early")
            try await Task.sleep(for: .milliseconds(20))
        }
        child.signalGroup(SIGKILL)
        _ = await child.exit()
    }

    @Test("a model gets a handle for a file, and can send the file by it")
    func handle() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let file = tenant.home.path + "/a.bin"
        try ProtectedFile.replace(file, with: Self.bytes(70_000))
        let up = try await tenant.mm(["graph", "Demo", "/me/drive/root:/a.bin", "--upload", file, "--json"])
        #expect(up.code == 0, "\(up)")
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let fetched = try await client.call(
            1, "mm__graph_request",
            ["connection": "Demo", "endpoint": "/me/drive/root:/a.bin", "download": "handle"])
        let handle = fetched["structuredContent"]?["handle"]?.string ?? ""
        #expect(handle.hasPrefix("out_") && fetched["structuredContent"]?["size"] == 70_000, "\(fetched)")
        let sent = try await client.call(
            2, "mm__graph_request",
            ["connection": "Demo", "endpoint": "/me/drive/root:/b.bin", "upload": .string(handle)])
        #expect(sent["isError"]?.bool != true, "\(sent)")
        let target = tenant.home.path + "/b.bin"
        _ = try await tenant.mm(["graph", "Demo", "/me/drive/root:/b.bin", "--download", target])
        #expect(try ProtectedFile.read(target) == Self.bytes(70_000))
        await client.kill()
    }
}
