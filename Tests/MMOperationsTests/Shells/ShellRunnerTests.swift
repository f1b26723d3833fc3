import MMCore
import Testing

@testable import MMOperations
@testable import MMShell

@Suite("Waiting for commands", .timeLimit(.minutes(2)))
struct ShellRunnerTests {
    private static func job(_ waiting: @escaping @Sendable (Int) async -> ShellPrompt?) -> ShellJob {
        ShellJob(
            command: ShellCommand("cat", input: .terminal), observer: nil,
            reach: .init(cancel: { _ in }, type: { _ in }, signal: { _ in false }, waiting: waiting))
    }

    @Test("a host that doesn't tell what a command waits for keeps nobody waiting")
    func silentHost() async {
        let job = Self.job { _ in
            try? await Task.sleep(for: .seconds(600))
            return ShellPrompt(isSecret: false, text: "")
        }
        #expect(await ShellRunner.wait(job, until: .after(.milliseconds(300))) == nil)
        #expect(await ShellRunner.wait(job, until: .after(.zero), quiet: .milliseconds(1)) == nil)
    }

    @Test("a prompt ends the wait")
    func prompt() async {
        let job = Self.job { _ in ShellPrompt(isSecret: true, text: "") }
        #expect(await ShellRunner.wait(job, until: .never)?.isSecret == true)
    }
}
