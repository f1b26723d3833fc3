import Glibc
import MMCore
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMOperations

@Suite("Files of reports, and their requests", .timeLimit(.minutes(5)))
struct ReportFilesTests {
    private func run(
        _ script: String, attach: [(name: String, text: String)] = [], in home: ChangesHome
    ) async throws -> OperationAnswer {
        let folder = try TestFolder()
        var paths: [JSONValue] = []
        for (name, text) in attach {
            let file = try #require(fopen(folder[name], "w"))
            fputs(text, file)
            fclose(file)
            paths.append(.string(folder[name]))
        }
        defer { withExtendedLifetime(folder) {} }
        return try await home.call(
            "run",
            [
                "connection": "Demo", "command": .string(script), "engine": "native", "script": "report.ps1",
                "output": "json", "attach": .array(paths),
            ])
    }

    @Test("a script that another one runs in its scope is judged and run with it")
    func dotSourced() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let helper = "$Top = 2\nfunction Get-Few { Get-Mailbox -ResultSize $Top -WarningAction SilentlyContinue }"
        for line in [
            ". \"$PSScriptRoot\\my helper.ps1\"", ". './my helper.ps1'", ". \"C:\\Scripts\\lib\\my helper.ps1\"",
            "$here = Split-Path -Parent $MyInvocation.MyCommand.Path\n. (Join-Path $here 'my helper.ps1')",
        ] {
            let answer = try await run("\(line)\n@(Get-Few).Count", attach: [("my helper.ps1", helper)], in: home)
            #expect(ChangesHome.value(answer) == [2])
            #expect(answer.notes.contains { $0.contains("my helper.ps1") }, "\(answer.notes)")
        }
        let absent = await #expect(throws: MMError.self) {
            try await run(". 'C:\\lib\\other.ps1'; Get-Mailbox", in: home)
        }
        #expect(absent?.message.contains("--attach other.ps1") == true, "\(absent as Any)")
        // A script with parameters, or one that ends early, is a block in the same scope.
        let waiting =
            "param([int]$Top = 1)\nfunction Get-Few { Get-Mailbox -ResultSize $Top }\nif ($Top) { return }\n'never'"
        let line = ". (Join-Path -Path $PSScriptRoot -ChildPath '..\\lib\\few.ps1') -Top 3"
        let few = try await run("\(line)\n@(Get-Few).Count", attach: [("few.ps1", waiting)], in: home)
        #expect(ChangesHome.value(few) == [3])
        // What it would change is what the whole is asked about.
        _ = try? await run(
            ". ./writer.ps1\nSet-It",
            attach: [("writer.ps1", "function Set-It { Remove-Mailbox lena.vogt -Confirm:$false }")], in: home)
        #expect(home.person.pages.last?.contains("Remove-Mailbox") == true, "\(home.person.pages)")
    }

    @Test("a script that another one calls is judged and run with it, in a scope of its own")
    func called() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let part = "param([int]$Top = 1)\n$name = 'inner'\nGet-Mailbox -ResultSize $Top"
        for line in [
            "$boxes = & \"$PSScriptRoot\\part.ps1\" -Top 2",
            "$part = Join-Path $PSScriptRoot 'part.ps1'\n$boxes = @(& $part -Top 2 | Sort-Object Name)",
            "$boxes = @(& ./part.ps1) + @(& ./part.ps1 -Top 1)",
        ] {
            let answer = try await run(
                "$name = 'outer'\n\(line)\n$boxes.Count; $name", attach: [("part.ps1", part)], in: home)
            #expect(ChangesHome.value(answer) == [2, "outer"])
        }
        // In a block of the same script, these would mean something else.
        for other in ["$script:n = 1; $script:n", "Get-Mailbox; exit 1"] {
            await #expect(throws: MMError.self) {
                try await run("$n = 2; & ./part.ps1; $n", attach: [("part.ps1", other)], in: home)
            }
        }
        _ = try? await run(
            "& ./writer.ps1", attach: [("writer.ps1", "Remove-Mailbox lena.vogt -Confirm:$false")], in: home)
        #expect(home.person.pages.last?.contains("Remove-Mailbox") == true, "\(home.person.pages)")
    }

    @Test("a part that several parts run in their scope is there for each of them")
    func sharedParts() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let parts = [
            ("common.ps1", "$runs = [int]$runs + 1\nfunction Get-Word { \"word $runs\" }"),
            ("words.ps1", ". (Join-Path $PSScriptRoot 'common.ps1')\nfunction Get-Words { Get-Word }"),
            ("again.ps1", "param($Name)\n. ./common.ps1\n. ./words.ps1"), ("only.ps1", "function Get-Only { 'only' }"),
            ("circle.ps1", "if ($false) { . ./circle.ps1 }"),
        ]
        let answer = try await run(
            ". ./common.ps1\n. ./only.ps1\n. ./words.ps1\n. ./again.ps1 -Name a\n. ./only.ps1\nGet-Words\nGet-Only",
            attach: parts, in: home)
        #expect(ChangesHome.value(answer) == ["word 4", "only"], "\(answer)")
        // One that was there only within a part that is called is there for the script as well.
        let called = try await run("& ./words.ps1\n. ./words.ps1\nGet-Words", attach: parts, in: home)
        #expect(ChangesHome.value(called) == ["word 1"], "\(called)")
        // One that runs itself isn't inserted without end.
        _ = try? await run(". ./circle.ps1", attach: parts, in: home)
    }

    @Test("scripts that a loop runs in its scope, one for each file of a folder, are judged and run with it")
    func folders() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let folder = try TestFolder()
        defer { withExtendedLifetime(folder) {} }
        #expect(mkdir(folder["lib"], 0o700) == 0)
        for (name, text) in [
            ("lib/One.ps1", "function Get-One { 1 }"), ("lib/two.ps1", "function Get-Two { (Get-One) + 1 }"),
            ("lib/two.txt", "no script"), ("three.ps1", "function Get-Three { 3 }"), ("main.ps1", "throw 'again'"),
        ] {
            let file = try #require(fopen(folder[name], "w"))
            fputs(text, file)
            fclose(file)
        }
        func run(_ script: String) async throws -> OperationAnswer {
            try await home.call(
                "run",
                [
                    "connection": "Demo", "command": .string(script), "engine": "native", "module": "exo",
                    "script": .string(folder["main.ps1"]), "output": "json",
                ])
        }
        for line in [
            "foreach ($file in Get-ChildItem \"$PSScriptRoot\\lib\" -Filter *.ps1) { . $file.FullName }",
            "Get-ChildItem -Path $PSScriptRoot/lib/*.ps1 | ForEach-Object { . $_.FullName }",
            "$parts = @(gci ./lib -Filter *.ps1)\nforeach ($p in @($parts)) { try { . $p.fullname } catch { throw 'no' } }",
        ] {
            let answer = try await run("\(line)\nGet-Two; $Error.Count")
            #expect(ChangesHome.value(answer) == [2, 0], "\(line)")
            #expect(answer.notes.contains { $0.contains("One.ps1, two.ps1") }, "\(answer.notes)")
        }
        #expect(ChangesHome.value(try await run("gci *.ps1 | % { . $_ }\nGet-Three")) == [3])
    }

    @Test(
        "a loop over files that does more, or something else, stays as it is",
        arguments: [
            "gci ./lib/*.ps1 | % { . $_.FullName; 'loaded' }", "gci ./lib/*.ps1 | % { & $_.FullName }",
            "gci ./lib/*.ps1 | % { . $_.Name }", "foreach ($f in gci ./lib/*.ps1) { . $g.FullName }",
            "gci ./lib/*.ps1 | % { try { . $_ } finally { 'end' } }", "gci ./lib/*.ps1 | % { . $_ -Top 1 }",
        ])
    func otherLoops(script: String) {
        let parsed = PowerShellParser.parse(script)
        #expect(SourcedFolder.all(in: parsed, with: ScriptPaths(of: parsed)).isEmpty)
    }

    @Test("a module that is nowhere is named")
    func absentModules() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let error = await #expect(throws: MMError.self) {
            try await run("Import-Module 'C:\\Program Files\\Online\\Connector.psd1'; Get-Mailbox", in: home)
        }
        #expect(error?.message.contains("Connector.psd1, which isn't known here") == true, "\(error as Any)")
    }

    @Test("a file that is handed in becomes the body of a request as it is")
    func uploads() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = """
            $drive = Get-MgUserDrive -UserId lena.vogt@contoso-sandbox.example
            $made = Invoke-MgGraphRequest -Method PUT -InputFilePath .\\note.txt -ContentType 'text/plain' `
                -Uri "/v1.0/drives/$($drive.Id)/root:/fresh.txt:/content"
            Set-MgDriveItemContent -DriveId $drive.Id -DriveItemId $made.id -InFile 'C:\\temp\\second.txt' | Out-Null
            Get-MgDriveItemContent -DriveId $drive.Id -DriveItemId $made.id -OutFile back.txt
            $made.size; Get-Content back.txt
            """
        let answer = try await run(
            script, attach: [("note.txt", "first\n"), ("second.txt", "the second text\n")], in: home)
        #expect(ChangesHome.value(answer) == [6, "the second text"], "\(answer)")
        let missing = await #expect(throws: MMError.self) {
            try await run("Set-MgUserPhotoContent -UserId lena.vogt -InFile .\\lena.jpg -ErrorAction Stop", in: home)
        }
        #expect(missing?.message.contains("'.\\lena.jpg': pass the file with --attach") == true, "\(missing as Any)")
    }

    @Test("a module of functions beside the script is judged and run with it")
    func modules() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let module = """
            function Get-Few {
                param([int]$Top = 1)
                $boxes = Get-Mailbox -ResultSize $Top -WarningAction SilentlyContinue
                $boxes
            }
            Export-ModuleMember -Function Get-Few
            """
        for line in [
            "Import-Module .\\tools.psm1 -Force",
            "Import-Module -Name \"$PSScriptRoot\\lib\\tools.psm1\" -ErrorAction Stop",
            "ipmo (Join-Path $PSScriptRoot 'tools.psm1')",
        ] {
            let answer = try await run("\(line)\n@(Get-Few -Top 2).Count", attach: [("tools.psm1", module)], in: home)
            #expect(ChangesHome.value(answer) == [2])
            #expect(answer.notes.contains { $0.contains("tools.psm1") }, "\(answer.notes)")
        }
        // A module with a state of its own, or one that would see the script's, means something else within the script.
        for other in ["$n = 2\nfunction Get-Few { 1 }", "function Get-Few { $script:n }", "function Get-Few { $Top }"] {
            await #expect(throws: MMError.self) {
                try await run("Import-Module ./tools.psm1\nGet-Few", attach: [("tools.psm1", other)], in: home)
            }
        }
        _ = try? await run(
            "Import-Module ./writer.psm1\nSet-It",
            attach: [("writer.psm1", "function Set-It { Remove-Mailbox lena.vogt -Confirm:$false }")], in: home)
        #expect(home.person.pages.last?.contains("Remove-Mailbox") == true, "\(home.person.pages)")
    }

    @Test("a module with a manifest, or in a folder of its name, is judged and run with the script")
    func manifests() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let manifest = "@{\n  RootModule = 'Tools.psm1' # a comment\n  NestedModules = @('Words.psm1')\n}"
        let parts = [
            ("Tools.psm1", ". \"$PSScriptRoot/Part.ps1\"\nfunction Get-Few { (Get-Part) + ' ' + (Get-Word) }"),
            ("Part.ps1", "function Get-Part { 'part' }"),
            (
                "Words.psm1",
                "function Get-Word { if ($PSScriptRoot) { 'word' } }\nExport-ModuleMember -Function Get-Word"
            ),
        ]
        let rest = "Get-Few; @(Get-Mailbox -ResultSize 1 -WarningAction SilentlyContinue).Count"
        for line in ["Import-Module .\\Tools\\Tools.psd1", "Import-Module \"$PSScriptRoot/lib/Tools\" -Force"] {
            let answer = try await run("\(line)\n\(rest)", attach: parts + [("Tools.psd1", manifest)], in: home)
            #expect(ChangesHome.value(answer) == ["part word", 1], "\(line): \(answer)")
            #expect(answer.notes.contains { $0.contains("Tools.psd1") }, "\(answer.notes)")
        }
        let alone = try await run("Import-Module ./Words\nGet-Word; \(rest.dropFirst(9))", attach: parts, in: home)
        #expect(ChangesHome.value(alone) == ["word", 1], "\(alone)")
        // A part with a state of its own means something else within the script, and code of .NET isn't read.
        for (name, text) in [
            ("Words.psm1", "$n = 2\nfunction Get-Word { $n }"), ("Tools.psd1", "@{ RootModule = 'a.dll' }"),
        ] {
            let others = parts.filter { $0.0 != name } + [(name, text)]
            let all = name == "Tools.psd1" ? others : others + [("Tools.psd1", manifest)]
            await #expect(throws: MMError.self) {
                try await run("Import-Module ./Tools.psd1\n\(rest)", attach: all, in: home)
            }
        }
    }

    @Test(
        "a manifest names the files that PowerShell loads, in its order",
        arguments: [
            ("@{ RootModule = 'a.psm1'; NestedModules = 'b.psm1', 'c.ps1' }", ["b.psm1", "c.ps1", "a.psm1"]),
            ("@{ ModuleToProcess = 'a.psm1'; Author = 'x'; FunctionsToExport = '*' }", ["a.psm1"]),
            ("@{ ScriptsToProcess = @('s.ps1'); RootModule = \"r.psm1\" }", ["s.ps1", "r.psm1"]),
            ("@{ RootModule = 'a.dll' }", nil), ("@{ Author = 'x' }", nil), ("@{ RootModule = $x }", nil),
            ("Get-Mailbox", nil), ("@{ RootModule = 'it''s.psm1' }", nil),
        ] as [(String, [String]?)])
    func statements(text: String, files: [String]?) {
        let statements = ModuleManifest(text)?.statements
        #expect(statements?.compactMap { $0.split(separator: "'").last.map { String($0.dropFirst(2)) } } == files)
    }

    @Test(
        "a command that doesn't exist is the error of its statement, and a misspelt one is named before anything runs")
    func unknownCommands() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        for name in ["Add-PSSnapin", "New-OwnLogger", "Get-MgDirectoryWeather", "Get-CompanyMailbox"] {
            let script = "try { \(name) x } catch { $_.CategoryInfo.Reason }; @(Get-Mailbox -ResultSize 2).Count"
            let answer = try await run(script, in: home)
            #expect(ChangesHome.value(answer) == ["CommandNotFoundException", 2], "\(name): \(answer)")
        }
        for (name, right) in [("Get-Mailbx", "Get-Mailbox"), ("Get-ADUser", "Get-ADUser")] {
            let error = await #expect(throws: MMError.self) {
                try await run("\(name) x; Get-Mailbox -ResultSize 2", in: home)
            }
            #expect("\(error as Any)".contains(right), "\(error as Any)")
        }
    }

    @Test("data files have names with blanks, and what another host would answer is handed in")
    func dataFiles() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let files = ScriptFiles.dataFiles(
            in:
                "Import-Csv 'C:\\temp\\Product names and plans.csv'; Get-Content \"$PSScriptRoot\\my users.txt\"; cat plain.json"
        )
        #expect(Set(files).isSuperset(of: ["Product names and plans.csv", "my users.txt", "plain.json"]), "\(files)")
        let script = """
            $r = Invoke-RestMethod -Uri 'https://raw.example.com/a/baseline.json'
            $p = (Invoke-WebRequest -Uri https://raw.example.com/a/baseline.json -UseBasicParsing).Content | ConvertFrom-Json
            "$($r.limit) $($p.limit)"
            """
        let answer = try await run(script, attach: [("baseline.json", #"{"limit": 7}"#)], in: home)
        #expect(ChangesHome.value(answer) == ["7 7"])
        let blank = try await run(
            "(irm 'https://raw.example.com/a/my list.json?raw=1').limit", attach: [("my list.json", #"{"limit": 8}"#)],
            in: home)
        #expect(ChangesHome.value(blank) == [8])
        do throws(MMError) {
            _ = try await home.call(
                "run",
                [
                    "connection": "Demo", "engine": "native", "script": "r.ps1",
                    "command": "$ErrorActionPreference = 'Stop'; irm https://raw.example.com/a/baseline.json",
                ])
            Issue.record("it reached another host")
        } catch {
            #expect(error.message.contains("--attach baseline.json"), "\(error)")
        }
    }

    @Test("a cmdlet by a computed name doesn't run natively where it would change something")
    func computed() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let error = await #expect(throws: MMError.self) {
            try await run("$n = 'Set-' + 'Mailbox'; & \"$n\" lena.vogt -CustomAttribute1 'MUST NOT RUN'", in: home)
        }
        #expect(error?.message.contains("Set-Mailbox by a computed name") == true, "\(error as Any)")
        let left = try await run("(Get-Mailbox lena.vogt).CustomAttribute1", in: home)
        #expect(ChangesHome.value(left) != ["MUST NOT RUN"], "\(left)")
        let read = try await run("$n = 'Get-' + 'Mailbox'; (& \"$n\" lena.vogt).Alias", in: home)
        #expect(ChangesHome.value(read) == ["lena.vogt"], "\(read)")
    }

    @Test("the commands for the web reach Graph with the connection's sign-in")
    func graph() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let script = """
            $u = Invoke-RestMethod -Method Get -Uri 'https://graph.microsoft.com/v1.0/users?$top=2' -Headers @{Authorization = 'Bearer x'}
            $p = Invoke-WebRequest 'https://graph.microsoft.com/v1.0/users?$top=1'
            "$($u.value.Count) $($p.StatusCode) $(($p.Content | ConvertFrom-Json).value.Count)"
            """
        #expect(ChangesHome.value(try await run(script, in: home)) == ["2 200 1"])
    }
}
