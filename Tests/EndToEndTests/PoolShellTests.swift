import Glibc
import MMCore
import MMSystem
import TestHosts
import Testing

@Suite("Shells live in the pool and behave like local ones", .timeLimit(.minutes(15)))
struct PoolShellTests {
    /// Runs `mm` in a folder of the home, the person's current folder.
    private func mm(_ words: [String], in folder: String, _ home: TemporaryHome) async throws -> Tenant.Ran {
        try await Tenant.run(
            "/bin/sh", ["-c", "mkdir -p \"$0\" && cd \"$0\" && exec \"$@\"", folder, Programs.mm] + words,
            home.environment)
    }

    @Test("directory and variables persist between commands")
    func lasting() async throws {
        let home = try TemporaryHome()
        let first = try await mm(["shell", "run", "pwd; cd /usr; X=5"], in: "\(home.path)/here", home)
        #expect(first.code == 0 && first.output.hasSuffix("/here\n"), "\(first)")
        let second = try await mm(["shell", "run", "pwd; echo $X"], in: home.path, home)
        #expect(second.code == 0 && second.output == "/usr\n5\n", "\(second)")
        #expect(home.pools.count == 1)
    }

    @Test("a command's status, output and errors are passed on unchanged", arguments: [["--embedded"], []])
    func status(flags: [String]) async throws {
        let home = try TemporaryHome()
        let script = "printf 'a\\377b'; printf 'no line end' >&2; (exit 9)"
        let ran = try await mm(["shell", "run", script] + flags, in: home.path, home)
        #expect(ran.code == 9)
        #expect(ran.error == "no line end")
        let counted = try await Tenant.run(
            "/bin/sh", ["-c", "\"$0\" shell run \"$1\" 2>/dev/null | od -An -tx1", Programs.mm, script],
            home.environment)
        #expect(counted.output.split(separator: " ").map { $0.filter(\.isHexDigit) } == ["61", "ff", "62"])
    }

    @Test("relative paths are relative to the person's current folder", arguments: [["--embedded"], []])
    func relativePaths(flags: [String]) async throws {
        let home = try TemporaryHome()
        _ = try await mm(["shell", "run", "true"] + flags, in: home.path, home)
        let here = home.path + "/there"
        #expect(try await mm(["version"], in: here, home).code == 0)
        try ProtectedFile.replace(here + "/a.txt", with: Array("hello".utf8))
        let sent = try await mm(["shell", "upload", "a.txt", home.path + "/b.txt"] + flags, in: here, home)
        #expect(sent.code == 0, "\(sent.error)")
        #expect(try ProtectedFile.read(home.path + "/b.txt") == Array("hello".utf8))
        let fetched = try await mm(["shell", "download", home.path + "/b.txt", "c.txt"] + flags, in: here, home)
        #expect(fetched.code == 0, "\(fetched.error)")
        #expect(try ProtectedFile.read(here + "/c.txt") == Array("hello".utf8))
    }

    @Test("a background command can be listed, waited for and cancelled")
    func detached() async throws {
        let home = try TemporaryHome()
        let gone = try await mm(["shell", "run", "sleep 1000", "--detach"], in: home.path, home)
        #expect(gone.code == 0, "\(gone.error)")
        let job = try #require(try await jobs(home).first)
        #expect(job["state"] == "running")
        let handle = try #require(job["job"]?.string)
        let ended = try await mm(["output", handle, "--action", "cancel"], in: home.path, home)
        #expect(ended.code == 0, "\(ended)")
        #expect(try await jobs(home).first?["state"] == "cancelled")
    }

    @Test("an AI client's shells end with it, and nobody else can read them before")
    func clients() async throws {
        let home = try TemporaryHome()
        let (one, other) = (
            try await MCPClient(home.environment, arguments: ["--toolsets", "m365,shell", "--structured-output"]),
            try await MCPClient(home.environment, arguments: ["--toolsets", "m365,shell", "--structured-output"])
        )
        _ = try await one.initialize()
        _ = try await other.initialize()
        let mark = Self.mark()
        let begun = try await one.call(1, "mm__shell_run", ["command": .string("sleep \(mark)"), "yield": 1])
        let handle = try #require(begun["structuredContent"]?["job"]?.string, "\(begun)")
        let foreign = try await other.call(1, "mm__shell_wait", ["job": .string(handle)])
        #expect(foreign["isError"] == true)
        #expect(try await other.call(2, "mm__shell_sessions").text.contains("default") == false)
        try await waitUntil { Self.bearing(mark) != nil }
        let shell = try #require(Self.bearing(mark).flatMap { StartedProcess($0) }, "\(begun)")
        #expect(await one.finish() == 0)
        try await waitUntil { !shell.isAlive }
        #expect(await other.finish() == 0)
    }

    @Test("a killed AI client's shells end too")
    func killedClient() async throws {
        let home = try TemporaryHome()
        let client = try await MCPClient(
            home.environment, arguments: ["--toolsets", "m365,shell", "--structured-output"])
        _ = try await client.initialize()
        let mark = Self.mark()
        _ = try await client.call(1, "mm__shell_run", ["command": .string("sleep \(mark)"), "yield": 1])
        try await waitUntil { Self.bearing(mark) != nil }
        await client.kill()
        try await waitUntil { Self.bearing(mark) == nil }
        try await waitUntil { try await jobs(home).allSatisfy { $0["state"] != "running" } }
    }

    /// Finds a program by an argument: processes of a confined shell have other numbers in their own namespace.
    private static func mark() -> String { "1000.\(UInt32.random(in: 100_000...999_999))" }

    private static func bearing(_ mark: String) -> Int32? {
        ProcFile.numericNames(in: "/proc").first { process in
            let line = ProcFile.read("/proc/\(process)/cmdline", limit: 4096) ?? []
            return line.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
        }
    }

    private func jobs(_ home: TemporaryHome) async throws -> [JSONValue] {
        let listed = try await Tenant.run(Programs.mm, ["jobs", "--json"], home.environment)
        return listed.json?.array ?? []
    }
}
