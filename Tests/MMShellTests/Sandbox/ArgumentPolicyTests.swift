import Glibc
import MMCore
import Testing

@testable import MMShell

@Suite("Programs without a shell", .timeLimit(.minutes(10)))
struct ArgumentPolicyTests {
    static let policy = ArgumentPolicy([
        "list": ArgumentPolicy.Program("/bin/ls", arguments: [.word("-l"), .path(below: "/usr")]),
        "echo": ArgumentPolicy.Program("/bin/echo", arguments: [.operand]),
    ])

    @Test("run with the allowed arguments, taken literally")
    func runs() async throws {
        let words = try ArgumentPolicy.words(of: "echo '$(id)' ';' \"a b\" '*'")
        let answer = try await Self.policy.run(
            words, directory: "/", environment: Shells.environment, timeout: .seconds(300))
        #expect(String(decoding: answer.stdout, as: UTF8.self) == "$(id) ; a b *\n")
        #expect(try Self.policy.check(["list", "-l", "/usr/bin"], directory: "/") == "/bin/ls")
        #expect(try Self.policy.check(["list", "bin"], directory: "/usr") == "/bin/ls")
    }

    @Test(
        "are refused with other arguments",
        arguments: [
            ["ls"], ["/bin/ls"], ["list", "-a"], ["list", "/etc"], ["list", "/usr/../etc"], ["list", "../etc"],
            ["echo", "-n"], [], ["sh", "-c", "id"],
        ])
    func refuses(words: [String]) {
        #expect(throws: MMError.self) { try Self.policy.check(words, directory: "/usr") }
    }

    @Test(
        "aren't taken from text that only a shell could interpret",
        arguments: [
            "echo a; id", "echo $x", "echo a | cat", "echo a >f", "echo *", "", "echo a && b",
        ])
    func words(text: String) {
        #expect(throws: MMError.self) { try ArgumentPolicy.words(of: text) }
    }
}
