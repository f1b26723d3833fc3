import MMCore
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMOperations

@Suite("What a script is, before it runs", .timeLimit(.minutes(5)))
struct ScriptExplanationTests {
    private func explained(_ script: String, in home: ChangesHome) async throws -> JSONValue {
        ChangesHome.value(
            try await home.call("run", ["connection": "Demo", "command": .string(script), "explain": true]))
    }

    @Test("the page names the permissions that the sign-in lacks, and no others")
    func lacking() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let page = try await explained("Get-MgTeamMember -TeamId x; Get-MgUser -Top 1", in: home)
        #expect(page["permissions"]?.array?.contains("TeamMember.Read.All") == true, "\(page)")
        #expect(page["lacking"] == ["TeamMember.Read.All"], "\(page)")
        let other = try await explained("Get-MgUser -Top 1", in: home)
        #expect(other["lacking"] == nil, "\(other)")
    }

    @Test(
        "what nobody has held against a real PowerShell runs natively in a report, and not in a script that changes something",
        arguments: [
            ("Get-Random -Maximum 3", "Get-Random"), ("[System.Environment]::NewLine", "Environment"),
            ("[Convert]::ToInt64('4')", "Convert"),
        ])
    func unproven(construct: String, named: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let report = try await explained("$x = \(construct); Get-Mailbox -ResultSize 1", in: home)
        #expect(report["runs"] == ["natively, without PowerShell"], "\(report)")
        let write = "$x = \(construct); Set-Mailbox lena.vogt -CustomAttribute1 $x"
        let page = try await explained(write, in: home)
        #expect(page["runs"]?[0]?.string?.contains(named) == true, "\(page)")
        #expect(page["runs"]?[0]?.string?.contains("not proven") == true, "\(page)")
        do throws(MMError) {
            _ = try await home.call(
                "run", ["connection": "Demo", "module": "exo", "command": .string(write), "engine": "native"])
            Issue.record("it ran")
        } catch {
            #expect(error.message.contains("not proven"), "\(error)")
        }
    }

    @Test("a request by its method is a change where the method is one")
    func requests() {
        let cases = [
            ("Invoke-MgGraphRequest -Uri /v1.0/users", false), ("Invoke-MgGraphRequest -Method GET -Uri $u", false),
            ("Invoke-MgGraphRequest -Method POST -Uri $u -Body $b", true), ("Invoke-MgGraphRequest PATCH $u", true),
            ("Invoke-MgGraphRequest -Method $m -Uri $u", true), ("Get-MgUser -All", false),
            ("Update-MgUser -UserId $u", true), ("function Set-Mailbox { 1 }; Set-Mailbox", false),
        ]
        for (script, changes) in cases {
            #expect(ServiceCommands(of: PowerShellParser.parse(script)).changesSomething == changes, "\(script)")
        }
    }
}
