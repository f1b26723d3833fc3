import MMCore
import MMOperations
import MMSystem
import Testing

@Suite("A session of Exchange that was given an unknown word", .timeLimit(.minutes(15)))
struct UnknownWordTests {
    private static let surfaces: [Caller.Surface] = [.terminal, .mcp, .rest, .library]

    @Test(
        "goes on natively for every front-end, with its values",
        arguments: [
            "help", "cls", "cd /tmp", "Clear-Host", "frobnicate", "Get-Frob", "foo bar", "Get-Date | Out-Host",
            "whoami", "dir",
            "Get-Mailbx", "Get-ChildItem", "$x = [io.path]::GetTempPath()",
            "$null = whoami", "$_ = whoami",
        ])
    func goesOn(word: String) async throws {
        Signals.ignoreBrokenPipes()
        let tenant = try await SignedInTenant(users: 10)
        func run(_ line: String, _ surface: Caller.Surface) async throws(MMError) -> OperationAnswer {
            try await tenant.call(
                "run", ["connection": "Demo", "module": "exo", "command": .string(line), "output": "json"],
                surface: surface)
        }
        _ = try await run("$kept = 5; $box = Get-Mailbox lena.vogt", .terminal)
        for surface in Self.surfaces {
            var end = "answered"
            do throws(MMError) {
                let answer = try await run(word, surface)
                if let note = answer.notes.first { end = note }
            } catch {
                end = error.message
            }
            for next in Self.surfaces {
                let answer = try await run(
                    "Get-Mailbox -ResultSize 1 | ForEach-Object { $_.Name }; $kept; $box.Alias | Where-Object { $null -ne $_ }",
                    next)
                #expect(answer.notes.first == "engine: native", "\(word) (\(end)): \(answer.notes)")
                guard case .value(let rows) = answer.body else {
                    Issue.record("\(word): no rows")
                    continue
                }
                #expect(rows.array?.count == 3 && rows.array?.last == "lena.vogt" && rows.array?[1] == 5, "\(rows)")
            }
        }
        await tenant.service.services.close()
    }
}
