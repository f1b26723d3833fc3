import MMCore
import MMSystem
import Testing

@Suite("Answers longer than the screen", .timeLimit(.minutes(5)))
struct PagerTests {
    private let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    /// Runs `mm` in a terminal of 24 lines with a pager that stores its input.
    /// - Returns: the terminal's text, the pager's input, and the exit code.
    private func shown(_ words: [String], pager: String) async throws -> (screen: String, paged: String?, code: Int32) {
        var environment = home.environment
        environment["TERM"] = "xterm"
        environment["MM_PAGER"] = pager
        var command = ChildCommand(Programs.mm, words + ["--embedded"], environment: environment)
        command.terminal = Terminal.Size(rows: 24, columns: 80)
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let child = try await ChildProcess.start(command)
        let terminal = try #require(child.terminal)
        var seen: [UInt8] = []
        while let piece = try? await terminal.output.read() { seen += piece }
        let code = await child.exit().code
        let paged = try ProtectedFile.read("\(home.path)/paged").map { String(decoding: $0, as: UTF8.self) }
        return (String(decoding: seen, as: UTF8.self), paged, code)
    }

    private static let keeping = "cat > $HOME/paged; echo the pager ends"

    @Test("are shown completely in the person's pager, and mm waits until it ends")
    func long() async throws {
        let piped = try await Tenant.run(
            Programs.mm, ["guard", "rules", "--embedded", "--json"], home.environment)
        let (screen, paged, code) = try await shown(["guard", "rules", "--json"], pager: Self.keeping)
        #expect(paged == piped.output)
        #expect(screen.contains("the pager ends") && !screen.contains("{"))
        #expect(code == 0)
    }

    @Test("the pager may be left before the end")
    func left() async throws {
        let (screen, _, code) = try await shown(["guard", "rules", "--json"], pager: "head -n 1")
        #expect(screen.contains("[") && screen.utf8.count { $0 == 0x0A } == 1)
        #expect(code == 0)
    }

    @Test(
        "go straight to the screen if no pager is wanted",
        arguments: [(["--no-pager"], PagerTests.keeping), ([], "cat"), ([], "")])
    func unwanted(flags: [String], pager: String) async throws {
        let (screen, paged, code) = try await shown(["guard", "rules", "--json"] + flags, pager: pager)
        #expect(screen.utf8.count { $0 == 0x0A } > 100)
        #expect(paged == nil)
        #expect(code == 0)
    }

    @Test("short answers need no pager")
    func short() async throws {
        let (screen, paged, code) = try await shown(
            ["guard", "check", "Get-Mailbox", "--json"], pager: Self.keeping)
        #expect(screen.contains("allow"))
        #expect(paged == nil)
        #expect(code == 0)
    }
}
