import Glibc
import MMCore
import MMSystem
import Testing

@Suite("The prompt of a session", .timeLimit(.minutes(10)))
struct SessionPromptTests {
    private static let hasEditor = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].contains {
        access($0 + "/libedit.so.2", F_OK) == 0
    }

    @Test(
        "judges while typing, continues unfinished lines, runs, keeps the history, and ends",
        .enabled(if: hasEditor, "needs libedit (libedit2)"))
    func typed() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let dialog = try await tenant.dialog(
            ["run", "Demo", "exo"],
            [
                ("Demo exo", "Remove-Mailbox lena.vogt"), ("asks: destructive", "\u{3}"),
                ("^C", "Get-Mailbox -ResultSize 1 |\r"), (">> ", "Select-Object Name\r"), ("admin", "\u{10}"),
                ("Select-Object Name", "\u{3}"), ("^C", "Get-Mailbox lena.vogt -Passw0rd 'x'\u{3}"),
                ("^C", "exit\r"),
            ], ["TERM": "xterm"])
        #expect(dialog.code == 0, "\(dialog.text)")
        let file = "\(tenant.home.path)/.m365-state/prompt-history.jsonl"
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let kept = String(decoding: try #require(try ProtectedFile.read(file)), as: UTF8.self)
        #expect(kept == #""Get-Mailbox -ResultSize 1 |\nSelect-Object Name""# + "\n")
        await tenant.stop()
    }

    @Test(
        "names the engine once, cancels a command without ending, and ends at the next Ctrl-C",
        .enabled(if: hasEditor, "needs libedit (libedit2)"))
    func calledOff() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let dialog = try await tenant.dialog(
            ["run", "Demo", "exo"],
            [
                ("Demo exo", "Get-Mailbox -ResultSize 1 | Format-Table Name\r"),
                ("admin", "Get-Mailbox lena.vogt | Format-Table Name\r"),
                ("----", "Start-Sleep -Seconds 600\r"), ("running in Demo/exo", "\u{3}"),
                ("again to quit", "'still ' + 'here'\r"),
                ("still here", "Start-Sleep -Seconds 600\r"),
                ("running in Demo/exo", "\u{3}"), ("again to quit", "\u{3}"),
            ], ["TERM": "xterm"])
        #expect(dialog.code == 0, "\(dialog.text)")
        #expect(dialog.text.split(separator: "engine: native", omittingEmptySubsequences: false).count == 2)
        await tenant.stop()
    }

    @Test("needs an existing connection")
    func unknown() async throws {
        let tenant = try await Tenant()
        let dialog = try await tenant.dialog(["run", "Dmeo", "exo"])
        #expect(dialog.code == 2 || dialog.code == 1)
        #expect(dialog.text.contains("Demo"))
        await tenant.stop()
    }
}
