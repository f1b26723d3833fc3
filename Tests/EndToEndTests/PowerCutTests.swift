import Glibc
import MMCore
import TestSupport
import Testing

/// Reads the system calls with strace(1): only these show what a power cut may lose.
@Suite(
    "Files that a power cut must not take", .timeLimit(.minutes(5)),
    .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"))
struct PowerCutTests {
    @Test("a new registry is on the disk before it replaces the old one, and then its name")
    func registry() async throws {
        let home = try TemporaryHome()
        let calls = try await trace(
            ["connections", "add", "Demo", "tenant=contoso.com", "appId=11111111-1111-1111-1111-111111111111"], home)
        try expectDurable(".m365-connections.json", in: home.path, calls)
    }

    @Test("a new sign-in is on the disk before it replaces the old one, and then its name")
    func tokens() async throws {
        let tenant = try await Tenant()
        let started = try await tenant.mm(["login", "Demo", "--json"])
        try await tenant.approve(try #require(started.failure?["details"]?["userCode"]?.string))
        var calls: [Call] = []
        repeat {
            calls = try await trace(["login", "Demo", "--json"], tenant.home)
        } while !calls.contains { $0.name.hasPrefix("rename") && $0.text.contains("\"Demo.json\"") }
        try expectDurable("Demo.json", in: tenant.home.path + "/.mm-graph-tokens", calls)
    }

    @Test("a sign-out waits until the removal is on the disk, and only for files that existed")
    func signOut() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let folder = tenant.home.path + "/.mm-graph-tokens"
        let calls = try await trace(["logout", "Demo", "--json"], tenant.home).filter {
            $0.text.contains("<\(folder)>")
        }
        let removed = try #require(calls.lastIndex { $0.name == "unlinkat" && $0.text.contains("\"Demo.json\"") })
        #expect(calls[removed].succeeded)
        #expect(calls[removed...].contains { $0.name == "fsync" })
        let changes = calls.count { $0.name != "fsync" && $0.succeeded }
        #expect(calls.count { $0.name == "fsync" } <= changes, "\(calls.map(\.text))")
    }

    /// A system call in the output of strace, with the path of each descriptor.
    private struct Call {
        let name: String
        let text: String
        /// A call that is interrupted by one of another thread has two lines, the first without a result.
        var succeeded: Bool { text.contains(" = 0") || text.hasSuffix("<unfinished ...>") }
    }

    private func trace(_ arguments: [String], _ home: TemporaryHome) async throws -> [Call] {
        let file = home.path + "/calls"
        let ran = try await Tenant.run(
            try #require(Strace.program),
            ["-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2,unlink,unlinkat", "-o", file, Programs.mm]
                + arguments, home.environment)
        let text = String(decoding: try #require(try ProtectedFile.read(file), "\(ran)"), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard let space = line.firstIndex(of: " "), let bracket = line.firstIndex(of: "("), space < bracket else {
                return nil
            }
            let name = line[line.index(after: space)..<bracket].drop { $0 == " " }
            return Call(name: String(name), text: String(line))
        }
    }

    private func expectDurable(_ name: String, in folder: String, _ calls: [Call]) throws {
        let renamed = try #require(
            calls.firstIndex { $0.name.hasPrefix("rename") && $0.text.contains(", \"\(name)\"") && $0.succeeded })
        let before = calls[..<renamed]
        let after = calls[renamed...]
        #expect(before.contains { $0.name == "fsync" && $0.text.contains("<\(folder)/.\(name).mm-") && $0.succeeded })
        #expect(after.contains { $0.name == "fsync" && $0.text.contains("<\(folder)>") && $0.succeeded })
    }
}
