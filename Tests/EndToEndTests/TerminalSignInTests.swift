import Glibc
import MMCore
import MMSystem
import Testing

@Suite("A sign-in in a terminal", .timeLimit(.minutes(5)))
struct TerminalSignInTests {
    @Test("opens the page, copies the code, counts down, and continues by itself")
    func deviceCode() async throws {
        let tenant = try await Tenant()
        let home = tenant.home.path
        let browser = "\(home)/browser"
        let script = "#!/bin/sh\necho \"$1\" > \(home)/opened.draft && mv \(home)/opened.draft \(home)/opened\n"
        let descriptor = open(browser, O_WRONLY | O_CREAT, 0o700)
        try #require(write(descriptor, script, script.utf8.count) == script.utf8.count)
        close(descriptor)
        var environment = tenant.home.environment
        environment["TERM"] = "xterm"
        environment["MM_BROWSER"] = browser
        var command = ChildCommand(Programs.mm, ["graph", "Demo", "/me"], environment: environment)
        command.terminal = Terminal.Size(rows: 24, columns: 200)
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let child = try await ChildProcess.start(command)
        let terminal = try #require(child.terminal)
        var seen = ""
        while !seen.contains(" left. Ctrl-C"), let piece = try? await terminal.output.read() {
            seen += String(decoding: piece, as: UTF8.self)
        }
        #expect(seen.contains(" minutes)."), "\(seen)")
        let range = try #require(seen.firstRange(of: "enter the code "))
        let code = Self.code(in: String(seen[range.upperBound...]))
        #expect(seen.contains("\u{1B}]52;c;\(Base64.text(code.utf8))\u{07}"), "\(seen.debugDescription)")
        let opened = await until { try? ProtectedFile.read("\(home)/opened") }
        let address = String(decoding: try #require(opened), as: UTF8.self)
        #expect(address.hasPrefix(tenant.base) && seen.contains(address.filter { $0 != "\n" }))
        _ = try await tenant.mm(["sandbox", "approve", code, "--quiet"])
        while let piece = try? await terminal.output.read() { seen += String(decoding: piece, as: UTF8.self) }
        #expect(await child.exit().code == 0)
        #expect(seen.contains("admin@contoso-sandbox.example"))
        // The countdown is removed from the line on which the answer begins.
        #expect(seen.contains("\r\u{1B}[K{"), "\(seen.debugDescription)")
    }

    /// The first word that isn't a colour of the terminal.
    private static func code(in text: String) -> String {
        var rest = text[...]
        while rest.first == "\u{1B}", let end = rest.firstIndex(of: "m") { rest = rest[rest.index(after: end)...] }
        return String(rest.prefix { $0.isLetter || $0.isNumber })
    }

    private func until<Value>(_ find: () -> Value?) async -> Value? {
        while !Task.isCancelled {
            if let value = find() { return value }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }
}
