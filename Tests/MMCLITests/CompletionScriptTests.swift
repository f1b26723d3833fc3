import Glibc
import MMCore
import MMOperations
import MMSystem
import Testing

@testable import MMCLI

@Suite("Completion scripts", .timeLimit(.minutes(5)))
struct CompletionScriptTests {
    /// What a shell is offered where these words stand before the one that is typed.
    ///
    /// The functions that complete are called as the shells call them: zsh does so in the manner of sh.
    private func offered(_ words: [String], by shell: String) async throws -> [String]? {
        let script = try CompletionScript.text(for: shell, CommandIndex(catalogue: .standard, locals: []))
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let call = "COMP_WORDS=(mm \(list)); COMP_CWORD=\(words.count); _mm; echo \"${COMPREPLY[@]}\""
        let program = "mm() { [ $1 = cmdlets ] && echo Get-Mailbox || echo Contoso; }"
        let line = "mm " + words.joined(separator: " ")
        let text =
            shell == "fish"
            ? "\(script)\nfunction mm; test $argv[1] = cmdlets; and echo Get-Mailbox; or echo Contoso; end\n"
                + "complete -C '\(line)' | cut -f1"
            : shell == "zsh"
                ? "complete() { :; }; autoload() { :; }; bashcompinit() { :; }\n\(script)\n"
                    + "compgen() { echo $2; }; \(program); () { emulate -L sh; \(call); }"
                : "\(script)\n\(program)\n\(call)"
        let path = "/usr/bin/\(shell)"
        guard access(path, X_OK) == 0 else {
            print("skipped: completion in \(shell): it is not installed")
            return nil
        }
        let ran = try await ChildProcess.run(
            ChildCommand(path, [shell == "zsh" ? "-fc" : "-c", text], environment: ["PATH": "/usr/bin:/bin"]),
            input: [], limit: 1 << 20, timeout: .seconds(240))
        #expect(ran.exit.code == 0)
        return String(decoding: ran.output, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    @Test(
        "offer what may stand at a place",
        arguments: ["bash", "zsh", "fish"],
        [
            (["graph", ""], "Contoso"), (["connections", ""], "edit"), (["ssh", ""], "read"),
            (["graph", "Contoso", "/me", "-X", ""], "PATCH"),
            (["graph", "-o", ""], "jsonl"), (["graph", "--connection", ""], "Contoso"), ([""], "graph"),
            (["run", "Contoso", "exo", "Get-"], "Get-Mailbox"),
        ] as [([String], String)])
    func places(shell: String, place: ([String], String)) async throws {
        guard let offered = try await offered(place.0, by: shell) else { return }
        #expect(offered.contains(place.1), "\(place.0): \(offered.prefix(20))")
    }
}
