import Testing

@testable import PowerShellSyntax

@Suite("Paths that a script builds from its own folder", .timeLimit(.minutes(1)))
struct ScriptPathsTests {
    /// Returns the path in the last command of a script: what it dot-sources.
    private func path(_ script: String) throws -> String? {
        let parsed = PowerShellParser.parse(script)
        let last = try #require(parsed.root?.body?.statements.last)
        guard case .pipeline(let pipeline) = last, case .command(let command)? = pipeline.elements.first,
            case .argument(let expression)? = command.elements.first
        else {
            Issue.record("\(script) doesn't end with a command")
            return nil
        }
        return ScriptPaths(of: parsed).path(of: expression)
    }

    @Test(
        "are known, however they are written",
        arguments: [
            (". ./a.ps1", "./a.ps1"), (". .\\lib\\a.ps1", "./lib/a.ps1"), (". 'my a.ps1'", "my a.ps1"),
            (". \"$PSScriptRoot\\a.ps1\"", "./a.ps1"), (". $PSScriptRoot/lib/a.ps1", "./lib/a.ps1"),
            (". (Join-Path $PSScriptRoot 'a.ps1')", "./a.ps1"),
            (". (Join-Path -ChildPath '..\\c\\a.ps1' -Path:$PSScriptRoot)", "./../c/a.ps1"),
            (". (Join-Path $PSScriptRoot lib sub a.ps1)", "./lib/sub/a.ps1"),
            (". (Join-Path (Join-Path $PSScriptRoot 'lib') 'a.ps1')", "./lib/a.ps1"),
            (". ($PSScriptRoot + '\\a.ps1')", "./a.ps1"),
            (". \"$(Split-Path $PSScriptRoot -Parent)/a.ps1\"", "./../a.ps1"),
            (". \"$(Split-Path -Parent $PSCommandPath)\\a.ps1\"", "./a.ps1"),
            ("$here = Split-Path -Parent $MyInvocation.MyCommand.Path; . \"$here\\a.ps1\"", "./a.ps1"),
            ("$here = Split-Path $MyInvocation.MyCommand.Definition\n. (Join-Path $here a.ps1)", "./a.ps1"),
            ("$here = $PSScriptRoot | Split-Path -Parent; . $here/a.ps1", "./../a.ps1"),
            ("[string]$h = Resolve-Path \"$PSScriptRoot\\a.ps1\"; . $h", "./a.ps1"),
            (". (Resolve-Path -Path $PSScriptRoot/a.ps1).Path", "./a.ps1"),
            (". ([System.IO.Path]::Combine($PSScriptRoot, 'lib', 'a.ps1'))", "./lib/a.ps1"),
            (". \"$((Get-Item $PSCommandPath).DirectoryName)/a.ps1\"", "./a.ps1"),
            (
                "$d = if ($PSScriptRoot) { $PSScriptRoot } else { Split-Path $MyInvocation.MyCommand.Path }; . $d/a.ps1",
                "./a.ps1"
            ),
            ("if ($PSScriptRoot) { $d = $PSScriptRoot } else { $d = (Get-Location).Path }\n. \"$d/a.ps1\"", "./a.ps1"),
            ("try { $d = $PSScriptRoot } catch { $d = '.' }; . $d/a.ps1", "./a.ps1"),
            ("$name = 'a'; $file = \"$name.ps1\"; . \"$PSScriptRoot/$file\"", "./a.ps1"),
        ] as [(String, String)])
    func known(script: String, expected: String) throws { #expect(try path(script) == expected) }

    @Test(
        "are not guessed where the text doesn't determine them",
        arguments: [
            ". $unknown", "param($d = $PSScriptRoot)\n. \"$d/a.ps1\"", "$d = 'a'; $d = 'b'; . $d/x.ps1",
            "$d = 'a'; $d += 'b'; . $d", "foreach ($d in 'a', 'b') { }; . $d", "$d = Read-Host; . $d",
            "if ($x) { $d = 'a' } else { $d = 'b' }; . $d", "$d = 'a'; function F { $script:d = 'b' }; . $d",
            ". (Split-Path -Qualifier $PSScriptRoot)", ". (Join-Path @parts)", ". $env:HOME/a.ps1",
            ". (Get-ChildItem a.ps1)",
            "$a = $b; $b = $a; . $a", "$d = Get-Content list.txt | Join-Path $PSScriptRoot; . $d",
        ])
    func unknown(script: String) throws { #expect(try path(script) == nil) }

    @Test("are given up where variables name each other too often")
    func growth() throws {
        let doubling = (0..<60).map { "$v\($0) = \"$v\($0 + 1)$v\($0 + 1)\"" }.joined(separator: "\n")
        #expect(try path("\(doubling)\n$v60 = 'x'\n. $v0") == nil)
    }

    /// Returns what the last statement of a script lists.
    private func files(_ script: String) throws -> [ListedFiles]? {
        let parsed = PowerShellParser.parse(script)
        return ScriptPaths(of: parsed).files(of: try #require(parsed.root?.body?.statements.last))
    }

    @Test(
        "are those of folders whose files it lists",
        arguments: [
            ("Get-ChildItem $PSScriptRoot\\lib\\*.ps1", ["./lib *.ps1"]),
            ("gci -Path \"$PSScriptRoot/lib\" -Filter *.ps1 -File | Sort-Object Name", ["./lib *.ps1"]),
            (
                "Get-ChildItem -Filter '*-M365*.ps1' (Join-Path $PSScriptRoot 'lib') -ErrorAction Stop",
                ["./lib *-M365*.ps1"]
            ),
            ("ls . *.ps1", [". *.ps1"]), ("dir *.ps1 -Force", [" *.ps1"]),
            (
                "$a = @(Get-ChildItem ./Public/*.ps1 -ea SilentlyContinue)\n$b = gci ./Private/*.ps1\n@($a + $b)",
                ["./Public *.ps1", "./Private *.ps1"]
            ),
        ])
    func listed(script: String, lists: [String]) throws {
        #expect(try files(script)?.map { "\($0.folder) \($0.pattern)" } == lists)
    }

    @Test(
        "aren't known where it lists more, fewer or other files",
        arguments: [
            "Get-ChildItem ./lib", "gci ./lib/*.ps1 -Recurse", "gci ./lib/*.ps1 -Exclude a.ps1", "gci ./*/a*.ps1",
            "gci ./lib/*.ps1 | Where-Object Name -ne 'a.ps1'", "gci C:\\lib\\*.ps1", "gci /lib/*.ps1", "gci $x/*.ps1",
            "$a = gci ./a/*.ps1; $a = gci ./b/*.ps1; $a", "$a = $b; $b = $a; $a", "gci ./lib *.ps1 | select -First 1",
        ])
    func unlisted(script: String) throws { #expect(try files(script) == nil) }
}
