import Glibc
import MMCore
import MMGuard
import TestSupport
import Testing

/// Shells differ in how they read quotes, here-documents and brackets. What one of them runs and the guard took for
/// data would run unasked, so real shells get what the guard allows.
@Suite(
    "The guard and shells read the same", .timeLimit(.minutes(5)),
    .enabled(if: RealShells.areThere, "needs bash, dash and timeout (apt-get install bash dash)"))
struct ShellReadingTests {
    private static let removal = "rm -rf /srv"

    private static let parts = [
        "\"", "'", "$", "$'", "$\"", "${u:-", "${x#", "${x/a/", "${x:1", "${!u", "${#x", "}", "\\", "$(", ")", "`", ";",
        "; ", "\n", " ", "#", " #", "&&", "||", "|", " a", "b", "~", "*", "=", "{ ", "; }", "((", "))", "$((", "[[ ",
        " ]]", "!", "<<X", "\nX\n", "<<'X'", "<<<", "case a in a) ", ";; esac", "if a; then ", "; fi", "x=", "echo ",
        "eval ", "f() ", "for i in a; do ", "; done", "$IFS", "\"$@\"", "\\\n", "\\\"", "\\'", "&", "(", "time ", "-c ",
        "exec ", ";;", "coproc ", "$[", "@(", "\t", "\r", "'\\''", "%", "\"'", "'\"", removal, " \(removal) ",
    ]

    /// Returns a line of random parts of the language with a removal somewhere.
    private static func line(_ random: inout SeededRandom) -> String {
        func any(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        let start = "echo " + (0..<Int.random(in: 2...14, using: &random)).map { _ in any(parts) }.joined()
        if start.contains(removal) { return start }
        return start + any(["; ", "\"; ", "'; ", "\n", ")", "}", " "]) + removal
            + any(["", "; echo \"'\"", "'", "\"", "}", "\nX"])
    }

    private static let quotes = [
        ("", ""), ("\"", "\""), ("'", "'"), ("$'", "'"), ("\"${u:-", "}\""), ("`", "`"), ("$(", ")"), ("\"$(", ")\""),
        ("a <<X\n", "\nX\n"),
    ]

    /// Each part of the language within quotes, with a removal behind it and what would close the quotes if the part
    /// had another meaning there: `echo "$'"; rm -rf /srv; echo "'"`.
    private static func quoted(_ open: String, _ close: String) -> [String] {
        parts.flatMap { part in
            ["", "'", "\"", "}", "`", ")", "\\"].map { end in
                "echo \(open)\(part)\(close); \(removal); echo \(open)\(end)\(close)"
            }
        }
    }

    @Test("no shell removes anything in a random line that only reads for the guard", arguments: 0..<8)
    func random(draw: Int) throws {
        var random = SeededRandom(seed: 20_261_127 + UInt64(draw))
        #expect(try Self.allowed((0..<2_000).map { _ in Self.line(&random) }) > 100)
    }

    @Test("no shell removes anything behind a part of the language in quotes that only reads")
    func quoted() throws {
        #expect(try Self.allowed(Self.quotes.flatMap(Self.quoted)) > 50)
    }

    /// Runs the lines that the guard allows in each shell, and returns how many those are.
    private static func allowed(_ lines: [String]) throws -> Int {
        let folder = try TestFolder()
        // Stands for the program that removes; it leaves a mark.
        let stub = try #require(fopen(folder["rm"], "w"))
        fputs("#!/bin/dash\n: > \"$MARK\"\n", stub)
        fclose(stub)
        chmod(folder["rm"], 0o700)
        var allowed = 0
        for line in lines {
            let verdict = GuardEngine.standard.judge(shell: line, in: ShellContext(isRemote: true), policy: .standard)
            guard verdict.decision == .allow else { continue }
            allowed += 1
            for shell in RealShells.paths {
                try run(line, in: shell, folder)
                #expect(access(folder["mark"], F_OK) != 0, "\(shell) removes: \(line.debugDescription)")
                unlink(folder["mark"])
            }
        }
        return allowed
    }

    /// Runs a line with nothing but the program that leaves a mark, and ends it after five seconds.
    private static func run(_ line: String, in shell: String, _ folder: TestFolder) throws {
        var words: [UnsafeMutablePointer<CChar>?] =
            ["timeout", "-s", "KILL", "5", shell, "-c", line].map { (word: String) in strdup(word) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] =
            ["PATH=\(folder.path)", "HOME=\(folder.path)", "MARK=\(folder["mark"])"].map { (word: String) in
                strdup(word)
            } + [nil]
        defer { for word in words + environment { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var child = pid_t()
        guard posix_spawn(&child, "/usr/bin/timeout", &actions, nil, &words, &environment) == 0 else {
            throw MMError(.unavailable, "timeout can't be started.")
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
    }
}

private enum RealShells {
    static let paths = ["/bin/bash", "/bin/dash"]
    static let areThere = (paths + ["/usr/bin/timeout"]).allSatisfy { access($0, X_OK) == 0 }
}
