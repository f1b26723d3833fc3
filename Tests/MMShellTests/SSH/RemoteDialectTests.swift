import MMCore
import MMSystem
import Testing

@testable import MMShell

@Suite("Scripts for the login shells of hosts", .timeLimit(.minutes(5)))
struct RemoteDialectTests {
    static let script = """
        a='x!y'; [ ! -e /nonexistent ] && printf '%s\\n' "$a" 'b\\\\c' "it's"
        cat; for w in *"!"* \\# 日; do echo "$w $#"; done
        exit 7
        """

    @Test(
        "arrive unchanged, whatever shell the account has",
        arguments: ["sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "tcsh"]
            .compactMap { ExecutableSearch.find($0, path: Shells.path) })
    func arrive(shell: String) async throws {
        let answer = try await Self.run(shell, RemoteDialect.command(Self.script))
        #expect(answer.exit.code == 7)
        #expect(
            String(decoding: answer.output, as: UTF8.self) == "x!y\nb\\\\c\nit's\ninput\n*!* 0\n# 0\n日 0\n",
            "\(String(decoding: answer.error, as: UTF8.self))")
    }

    @Test("contain nothing that a C shell reads within quotes")
    func plain() {
        let words = RemoteDialect.command(Self.script)
        #expect(!words.contains("!") && !words.contains("\n") && !words.contains("\\\\"))
        #expect(words.filter { $0 == "'" }.count == 4)
    }

    private static func run(_ shell: String, _ text: String) async throws -> ChildProcess.Outcome {
        var command = ChildCommand(shell, ["-c", text], environment: Shells.environment)
        command.directory = "/usr/share"
        return try await ChildProcess.run(command, input: Array("input\n".utf8), timeout: .seconds(200))
    }
}
