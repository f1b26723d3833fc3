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
        let page = try await explained("Get-MgTeamTag -TeamId x; Get-MgUser -Top 1", in: home)
        #expect(page["permissions"]?.array?.contains("TeamworkTag.Read") == true, "\(page)")
        #expect(page["lacking"] == ["TeamworkTag.Read"], "\(page)")
        let other = try await explained("Get-MgUser -Top 1", in: home)
        #expect(other["lacking"] == nil, "\(other)")
    }

    @Test("the page names as changes only what is sent")
    func changes() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let report = try await explained("Select-MgProfile beta; Get-MgUser -Top 1", in: home)
        #expect(report["changes"] == nil, "\(report)")
        let change = try await explained("Select-MgProfile beta; Update-MgUser -UserId x -City y", in: home)
        #expect(change["changes"] == ["Update-MgUser"], "\(change)")
    }

    @Test("the page names the permissions of what the Teams module reads in Graph")
    func teams() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let page = try await explained("Get-Team; Get-TeamChannel -GroupId x", in: home)
        let permissions = page["permissions"]?.array?.compactMap(\.string) ?? []
        #expect(permissions.contains { $0.hasPrefix("Team.") }, "\(page)")
        #expect(permissions.contains { $0.hasPrefix("Channel.") }, "\(page)")
    }

    @Test("the page asks for mandatory parameters that have no value yet", arguments: ["Days", "days"])
    func parameters(given: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = "param([Parameter(Mandatory)]$User, [Parameter(Mandatory)]$Days) Get-MgUser -UserId $User"
        let answer = try await home.call(
            "run",
            ["connection": "Demo", "command": .string(script), "explain": true, "param": .object([given: "7"])])
        #expect(ChangesHome.value(answer)["asks"] == ["--param User=…"])
    }

    @Test("a file that a script writes keeps the letters of its name")
    func names() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = #"Get-Mailbox -ResultSize 1 | Export-Csv C:\Temp\MailReport.csv; Test-Path c:\temp\mailreport.CSV"#
        let answer = try await home.call(
            "run", ["connection": "Demo", "engine": "native", "command": .string(script)])
        #expect(answer.notes.contains { $0.hasPrefix("file: MailReport.csv, ") }, "\(answer.notes)")
    }

    @Test(
        "what nobody has held against a real PowerShell runs natively in a report, and not in a script that changes something",
        arguments: [
            ("Get-TimeZone", "Get-TimeZone"), ("[System.Environment]::MachineName", "Environment"),
            ("[single]4.5", "single"),
        ])
    func unproven(construct: String, named: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let report = try await explained("$x = \(construct); Get-Mailbox -ResultSize 1", in: home)
        #expect(report["runs"] == ["natively, without PowerShell"], "\(report)")
        let write = "$x = \(construct); Set-Mailbox lena.vogt -CustomAttribute1 $x"
        let page = try await explained(write, in: home)
        #expect(page["runs"]?[0]?.string?.contains(named) == true, "\(page)")
        #expect(page["runs"]?[0]?.string?.contains("does not run in a script that changes") == true, "\(page)")
        do throws(MMError) {
            _ = try await home.call(
                "run", ["connection": "Demo", "module": "exo", "command": .string(write), "engine": "native"])
            Issue.record("it ran")
        } catch {
            #expect(error.message.contains("does not run in a script that changes"), "\(error)")
        }
    }

    @Test("the page names files and questions, and no other words of the script")
    func files() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let page = try await explained(
            "$u = Read-Host -Prompt 'Which user'; Import-Csv -Path in.csv -Delimiter ';'; "
                + "Get-Mailbox | Export-Csv -NoTypeInformation -Encoding UTF8 out.csv; "
                + "1 | Out-File -Encoding utf8 -FilePath b.txt",
            in: home)
        #expect(page["files_written"] == ["out.csv", "b.txt"], "\(page)")
        #expect(page["files_read"] == ["in.csv"], "\(page)")
        #expect(page["asks"] == ["Which user"], "\(page)")
        let change = try await explained(
            "Set-MgUserPhotoContent -UserId ben.baker -InFile $photo; Get-MgUserPhotoContent -UserId x -OutFile was.jpg; "
                + "$n = Read-Host Who is it; $m = Read-Host \"Why $n\"; $Host.UI.PromptForChoice('a', 'b', ('c', 'd'), 0)",
            in: home)
        #expect(change["files_read"] == ["$photo"], "\(change)")
        let web = try await explained("irm $u; Invoke-RestMethod -Method Post -Uri $u -Body $b", in: home)
        #expect(web["reads"] == ["irm"] && web["changes"] == ["Invoke-RestMethod"], "\(web)")
        #expect(change["files_written"] == ["was.jpg"], "\(change)")
        #expect(change["asks"] == ["Who is it", "a question", "a choice"], "\(change)")
    }

    private func run(_ script: String, in home: ChangesHome) async throws(MMError) -> JSONValue {
        let arguments: JSONObject = [
            "connection": "Demo", "command": .string(script), "engine": "native", "script": "report.ps1",
            "output": "json",
        ]
        return ChangesHome.value(try await home.call("run", arguments))
    }

    @Test(
        "where the native engine alone was asked for, what it can't is told, and not what a PowerShell would have to ask",
        arguments: [
            ("$a = Read-Host 'Who?'; Get-ADDomain; Get-Mailbox $a", "Get-ADDomain", .invalidInput),
            (
                "Add-Type -TypeDefinition 'class A {}'; [System.Drawing.Color]::Red; Get-Mailbox",
                "System.Drawing.Color", .unsupported
            ),
        ] as [(String, String, MMErrorCode)])
    func beyondTheEngine(script: String, named: String, code: MMErrorCode) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        do throws(MMError) {
            _ = try await run(script, in: home)
            Issue.record("\(script) ran")
        } catch {
            #expect(error.code == code, "\(error)")
            #expect(error.message.contains(named), "\(error)")
        }
    }

    @Test("a report runs natively as far as it gets, and says what it would need where it reaches it")
    func patience() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let report =
            "$m = Get-Mailbox -ResultSize 1; if (@($m).Count -gt 99) { [Numerics.BigInteger]::Parse(1) }; 'end'"
        #expect(try await run(report, in: home) == ["end"])
        let page = ChangesHome.value(
            try await home.call(
                "run",
                [
                    "connection": "Demo", "command": .string(report), "engine": "native", "script": "r.ps1",
                    "explain": true,
                ]))
        #expect(page["runs"]?[0]?.string?.contains("unless it reaches") == true, "\(page)")
        for script in [
            "$m = Get-Mailbox -ResultSize 1; if ($m) { [Numerics.BigInteger]::Parse(1) }",
            "$m = Get-Mailbox -ResultSize 1; [Numerics.BigInteger]::Parse(1)",
            "if ($false) { Invoke-WebRequest https://example.com }; Set-Mailbox lena.vogt -CustomAttribute1 x",
        ] {
            do throws(MMError) {
                _ = try await run(script, in: home)
                Issue.record("\(script) ran")
            } catch {
                #expect(error.code == .unsupported || error.code == .confirmationNeeded, "\(script): \(error)")
            }
        }
    }

    @Test("cmdlets of Exchange, of the compliance service and of Graph share one native run")
    func several() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script =
            "$l = Get-Label; $m = Get-Mailbox -ResultSize 2 -WarningAction SilentlyContinue; $u = Get-MgUser -Top 1; "
            + "\"$(@($l).Count -gt 0) $(@($m).Count) $(@($u).Count)\""
        #expect(try await run(script, in: home) == ["True 2 1"])
    }

    @Test("a script that writes with Graph's cmdlets is asked about with what it would change, and how many")
    func graphChanges() async throws {
        let home = try await ChangesHome(users: 8)
        defer { Task { await home.stop() } }
        _ = try await home.call(
            "run",
            [
                "connection": "Demo", "module": "graph", "engine": "native",
                "command": "Get-MgUser -All | ForEach-Object { Update-MgUser -UserId $_.Id -JobTitle 'Pilot' }",
            ])
        let page = try #require(home.person.pages.last)
        #expect(page.contains("Update-MgUser affects ") && page.contains(" objects"), "\(page)")
        #expect(page.contains("jobTitle") && page.contains("Pilot"), "\(page)")
        _ = try await home.call(
            "run",
            [
                "connection": "Demo", "module": "graph", "engine": "native",
                "command": """
                $g = New-MgGroup -DisplayName 'New ones' -MailEnabled:$false -SecurityEnabled -MailNickname 'newones'
                Get-MgUser -All | ForEach-Object { New-MgGroupMember -GroupId $g.Id -DirectoryObjectId $_.Id }
                """,
            ])
        let created = try #require(home.person.pages.last)
        #expect(created.contains("New-MgGroupMember affects ") && created.contains("New ones"), "\(created)")
    }

    @Test("a script that asks for the permissions of its sign-in gets them")
    func scopes() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script =
            "Connect-MgGraph -Scopes User.Read.All -NoWelcome; $c = Get-MgContext; $u = Get-MgUser -Top 1; "
            + "\"$($c.Scopes -contains 'User.Read.All') $($c.Scopes.Count -gt 1)\""
        #expect(try await run(script, in: home) == ["True True"])
    }

    @Test("a request by its method is a change where the method is one")
    func requests() {
        let cases = [
            ("Invoke-MgGraphRequest -Uri /v1.0/users", false), ("Invoke-MgGraphRequest -Method GET -Uri $u", false),
            ("Invoke-MgGraphRequest -Method POST -Uri $u -Body $b", true), ("Invoke-MgGraphRequest PATCH $u", true),
            ("Invoke-MgGraphRequest -Method $m -Uri $u", true), ("Get-MgUser -All", false),
            ("Invoke-RestMethod -Method Post -Uri $u", true), ("irm $u", false), ("Update-MgUser -UserId $u", true),
            ("function Set-Mailbox { 1 }; Set-Mailbox", false), ("Select-MgProfile beta; Get-MgUser", false),
            ("Export-MailboxDiagnosticLogs a -ComponentName Calendar", false), ("Export-MigrationReport m", false),
            ("Invoke-MgQuerySearch -BodyParameter $b", false), ("Export-MgUserPersonalData -UserId $u", true),
            ("Get-MgTeamPrimaryChannel -TeamId $t", false),
        ]
        for (script, changes) in cases {
            #expect(ScriptReading(script).changesSomething == changes, "\(script)")
        }
    }
}
