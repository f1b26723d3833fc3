import MMCore
import TestSupport
import Testing

@Suite("Streams and limits from the caller", .timeLimit(.minutes(5)))
struct ClosedStreamTests {
    @Test(
        "output that nobody receives is an error of its own, and never goes into a file that mm opens",
        arguments: [(">&-", 1), ("2>&-", 0), ("<&-", 0), ("<&- >&-", 1)] as [(String, Int32)])
    func closed(streams: String, code: Int32) async throws {
        let home = try TemporaryHome()
        let line = "'\(Programs.mm)' connections list --json \(streams)"
        let ran = try await Tenant.run("/bin/sh", ["-c", line], home.environment)
        #expect(ran.code == code, "\(ran)")
        #expect(ran.error.contains("Bad file descriptor") == (code == 1), "\(ran)")
    }

    @Test(
        "where too few files may be open, a program says so", arguments: [4, 7, 12],
        [[Programs.mm, "connections", "list"], [Programs.mmSandbox, "status"]])
    func fewFiles(limit: Int, words: [String]) async throws {
        let home = try TemporaryHome()
        let line = "ulimit -n \(limit); exec \(words.map(ShellWord.quoted).joined(separator: " "))"
        let ran = try await Tenant.run("/bin/sh", ["-c", line], home.environment)
        #expect(ran.code == 1 && ran.error.contains("ulimit -n"), "\(ran)")
    }

    @Test(
        "a word that isn't UTF-8 is refused, instead of sent with other characters in it",
        arguments: [
            [Programs.mm, "guard", "check"], [Programs.mmMCP, "--profile"], [Programs.mmSandbox, "approve"],
        ],
        [false, true])
    func otherBytes(words: [String], asJSON: Bool) async throws {
        let home = try TemporaryHome()
        let program = words.map(ShellWord.quoted).joined(separator: " ")
        let line = "exec \(program) \"$(printf 'M\\374ller')\" \(asJSON ? "--json" : "")"
        let ran = try await Tenant.run("/bin/sh", ["-c", line], home.environment)
        #expect(ran.code == 2 && ran.output.isEmpty && ran.error.contains("is not UTF-8 text"), "\(ran)")
        #expect(ran.error.hasPrefix("{\"error\":") == asJSON, "\(ran)")
    }

    @Test("where /proc isn't mounted, mm says so")
    func noProc() async throws {
        let home = try TemporaryHome()
        let line = "mount -t tmpfs none /proc && echo hidden && exec '\(Programs.mm)' connections list"
        let words = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", line]
        let ran = try await Tenant.run("/usr/bin/unshare", words, home.environment)
        guard ran.output.hasPrefix("hidden") else { return print("skipped: a program without /proc: \(ran.error)") }
        #expect(ran.code == 1 && ran.error.contains("/proc isn't mounted"), "\(ran)")
    }
}
