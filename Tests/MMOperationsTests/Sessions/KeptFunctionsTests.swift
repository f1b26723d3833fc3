import MMCore
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("Functions of a session's earlier lines", .timeLimit(.minutes(10)))
struct KeptFunctionsTests {
    @Test("are called by later ones, also by each other, until they are defined again")
    func called() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func text(_ script: String) async throws -> String? {
            let answer = try await home.call(
                "run", ["connection": "Demo", "command": .string(script), "module": "exo", "engine": "native"])
            guard case .text(let text) = answer.body else { return nil }
            return text
        }
        let definitions = "function Get-Word { param($Name) \"a $Name\" }\nfilter double { Get-Word \"$_ $_\" }"
        #expect(try await text(definitions + "; 'defined'") == "defined")
        #expect(try await text("Get-Word b") == "a b")
        #expect(try await text("param()\n'c' | DOUBLE") == "a c c")
        #expect(try await text("function Get-Word { 'new' }; Get-Word") == "new")
        #expect(try await text("'c' | double") == "new")
        // What a function defines ends with it, and what a branch defines stays.
        #expect(
            try await text("function Outer { function Inner { 1 } Inner }; if ($true) { function Branch { 2 } }; Outer")
                == "1")
        #expect(try await text("Branch") == "2")
        let error = await #expect(throws: MMError.self) { _ = try await text("Inner") }
        #expect(error?.message.contains("Inner") == true)
    }

    @Test("end with their session")
    func reset() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func run(_ script: String) async throws {
            _ = try await home.call(
                "run", ["connection": "Demo", "command": .string(script), "module": "exo", "engine": "native"])
        }
        try await run("function Get-Word { 'a' }")
        try await run("Get-Word")
        _ = try await home.call("reset", ["connection": "Demo", "module": "exo"])
        await #expect(throws: MMError.self) { try await run("Get-Word") }
    }

    @Test("are judged with the line that calls them")
    func judged() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        func run(_ script: String) async throws {
            _ = try await home.call(
                "run", ["connection": "Demo", "command": .string(script), "module": "exo", "engine": "native"])
        }
        let admin = "admin@contoso-sandbox.example"
        try await run("function Send-On { Set-Mailbox \(admin) -ForwardingSmtpAddress a@elsewhere.example }")
        let before = home.person.pages.count
        try await run("Send-On")
        #expect(home.person.pages[before...].contains { $0.contains("Set-Mailbox") })
    }

    @Test(
        "are no longer given to later lines once PowerShell has its own",
        arguments: [
            ("function Get-Word { 'a' }\nGet-Word | Out-Default", ["get-word", "other"]),
            ("function Get-Word { 'b' }", ["other"]),
            ("if ($x) { function GET-WORD { 'b' } }", ["other"]),
            (". ./words.ps1", []),
            ("Invoke-Expression $x", []),
            ("Remove-Item Function:Get-Word", []),
            ("Get-Mailbox", ["get-word", "other"]),
        ])
    func replaced(script: String, left: [String]) {
        let kept = KeptFunctions(["get-word": "function Get-Word { 'a' }", "other": "function other { 1 }"])
        let after = kept.after(PowerShellParser.parse(script), script)
        #expect(after.definitions.keys.sorted() == left)
    }
}
