import MMCore

extension DoctorCheck {
    /// One text of each kind by which values of the native engine reach PowerShell, and the type that it makes there.
    static let carriedLiterals: [(text: String, type: String)] = [
        ("[int]'-7'", "System.Int32"), ("[long]'9999999999'", "System.Int64"), ("[double]'1e+20'", "System.Double"),
        ("$true", "System.Boolean"), ("[char]'a'", "System.Char"), ("'it''s “a” ‘‘b’’'", "System.String"),
        ("@([int]'1', 'two')", "System.Object[]"),
    ]

    /// What commands do to a session, beyond the recorded answers.
    static let commands: [DoctorCheck] = [
        ends("[Environment]::Exit", "[Environment]::Exit(3)"),
        ends("Stop-Process of its own process", "Stop-Process -Id $PID -Force"),
        ends("[Environment]::FailFast", "[Environment]::FailFast('the self-test ends this process')"),
        ends("closing its own runspace", "[runspace]::DefaultRunspace.Close()"),
        DoctorCheck(.commands, "too much memory is an error record, and the session lives") { bench in
            let answer = try await bench.run("$a = 1..1e8; $a.Count")
            try demand(!answer.errors.isEmpty || answer.end?.failure != nil, "it went through")
            return try await bench.expect("$a = $null; 'lives'", ["lives"])
        },
        DoctorCheck(.commands, "SetShouldExit ends its command at most") { bench in
            let answer = try await bench.run("$host.SetShouldExit(5)")
            try demand(answer.end?.state == .completed, "it ended as \(answer.end?.state.rawValue ?? "")")
            return try await bench.expect("'lives'", ["lives"])
        },
        DoctorCheck(.commands, "an exit code is told once, not again with the next command") { bench in
            let first = try await bench.run("sh -c 'exit 4'")
            try demand(first.end?.exitCode == 4, "it was \(first.end?.exitCode ?? -1)")
            let second = try await bench.run("1")
            try demand(second.end?.exitCode == nil, "it was told again: \(second.end?.exitCode ?? -1)")
            return ""
        },
        DoctorCheck(.commands, "default parameter values of one command don't reach the next") { bench in
            _ = try await bench.run("$PSDefaultParameterValues['Write-Output:InputObject'] = 'surprise'")
            return try await bench.expect("$PSDefaultParameterValues.Count", [0])
        },
        DoctorCheck(.commands, "breakpoints and the debugger never hold a command") { bench in
            _ = try await bench.run("Set-PSBreakpoint -Command Get-Date")
            let answer = try await bench.run("$null = Get-Date; 'went on'", within: .seconds(20))
            try demand(answer.values == ["went on"], "it gave \(answer.values)")
            return ""
        },
        DoctorCheck(.commands, "file system, process and command objects go through") { bench in
            let script = "Get-Item /; Get-Process -Id $PID; Get-Command Get-Item"
            let answer = try await bench.run(script)
            try demand(answer.records.count == 3 && answer.errors.isEmpty, "\(answer.records.count) records came")
            return ""
        },
        DoctorCheck(.commands, "a date as a parameter stays a text") { bench in
            let command = PowerShellCommand(
                "param($A) $A.GetType().Name", parameters: ["A": "2026-01-02T03:04:05Z"])
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            try demand(answer.values == ["String"], "it became \(answer.values)")
            return ""
        },
        DoctorCheck(.commands, "jobs stay when a command is stopped, and end with the session") { bench in
            let names = try await bench.withFreshHost { host in
                let start = "Start-Job { Start-Sleep 120 } | Select-Object -ExpandProperty Name"
                _ = try await host.answer(PowerShellCommand(start), deadline: .after(.seconds(60)))
                return await host.others().map(\.name)
            }
            try demand(!names.isEmpty, "no job process was found")
            return ""
        },
        DoctorCheck(.commands, "escape codes inside strings can be stripped") { bench in
            let answer = try await bench.run("\"`e[31mred`e[0m\"")
            try demand(
                TerminalText.plain(answer.values.first?.string ?? "") == "red", "it was \(answer.values)")
            return ""
        },
        DoctorCheck(.commands, "aliases win over functions of their name") { bench in
            try await bench.expect(
                "function h { 'mine' }; \"$((Get-Command h).CommandType)\"; Remove-Item function:h", ["Alias"])
        },
        DoctorCheck(.commands, "preferences of one command don't reach the next") { bench in
            _ = try await bench.run(
                "$ErrorActionPreference = 'Stop'; $WhatIfPreference = $true; $VerbosePreference = 'Continue'; $PSStyle.OutputRendering = 'Ansi'"
            )
            return try await bench.expect(
                "\"$ErrorActionPreference $WhatIfPreference $VerbosePreference $($PSStyle.OutputRendering)\"",
                ["Continue False SilentlyContinue PlainText"])
        },
        DoctorCheck(.commands, "a preference that a script makes constant doesn't hold up the next command") { bench in
            try await bench.withFreshHost { host in
                let deadline = Deadline.after(.seconds(60))
                _ = try await host.answer(
                    PowerShellCommand(
                        "Set-Variable ConfirmPreference High -Option Constant -Force -ErrorAction Ignore"),
                    deadline: deadline)
                let answer = try await host.answer(PowerShellCommand("'on'"), deadline: deadline)
                try demand(answer.values == ["on"], "it gave \(answer.values)")
                return ""
            }
        },
        DoctorCheck(.commands, "a value too large for the heap is an error, and the next one arrives") { bench in
            let answer = try await bench.run("'q' * 90MB; 'next'", within: .seconds(120))
            let kinds = answer.records.map(\.stream)
            try demand(kinds == [.error, .output] && answer.values == ["next"], "it gave \(kinds)")
            try demand(answer.errors.first?.isMissingValue == true, "\(answer.errors)")
            return ""
        },
        DoctorCheck(.commands, "Clear-Host does nothing, and is no failure") { bench in
            let answer = try await bench.run("Clear-Host; 'on'")
            try demand(
                answer.values == ["on"] && answer.end?.exitCode == nil,
                "\(answer.records), \(answer.end?.exitCode ?? 0)")
            return ""
        },
        DoctorCheck(.commands, "parts of a line that Write-Host writes are told from lines") { bench in
            let answer = try await bench.run("Write-Host a -NoNewline; Write-Host b")
            try demand(answer.records.map(\.endsLine) == [false, true], "\(answer.records)")
            return ""
        },
        DoctorCheck(.commands, "an error in a module's function names the module's file") { bench in
            let file = bench.settings.home + "/failing.psm1"
            try ProtectedFile.replace(file, with: Array("\n\nfunction Get-Failing { Get-Item /does-not-exist }\n".utf8))
            let command = PowerShellCommand(
                "param($Path) Import-Module -Name $Path; Get-Failing; Get-Item /nor-this",
                parameters: ["Path": .json(.string(file))])
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            let files = answer.errors.map { $0.value["file"]?.string }
            try demand(files == [file, nil], "the files were \(files)")
            return ""
        },
        DoctorCheck(.commands, "switches and lists arrive as the param block's own types") { bench in
            let command = PowerShellCommand(
                "param([switch] $On, [bool] $Off, [string[]] $Names, [int] $Days) \"$On $Off $($Names.Count) $($Names[1]) $($Days + 1)\"",
                parameters: [
                    "On": .json(true), "Off": .json(false), "Names": .json(["a", "b"]), "Days": .json("30"),
                ])
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            try demand(answer.values == ["True False 2 b 31"], "it gave \(answer.values): \(answer.problem ?? "")")
            return ""
        },
        DoctorCheck(.commands, "values that are carried over from the native engine keep their types") { bench in
            let script = carriedLiterals.map { "(\($0.text)).GetType().FullName" }.joined(separator: "; ")
            return try await bench.expect(script, carriedLiterals.map { .string($0.type) })
        },
        DoctorCheck(.commands, "a native program that reads finds the end at once") { bench in
            try await bench.expect("sh -c 'read x; echo \"[$x]\"'", ["[]"])
        },
        DoctorCheck(.commands, "line ends of both kinds and typographic quotes are PowerShell") { bench in
            try await bench.expect("'a'\r\n“b”; 2 –gt 1\n", ["a", "b", true])
        },
        DoctorCheck(.commands, "aliases, modules and background jobs stay for the next command") { bench in
            _ = try await bench.run(
                "Set-Alias mm-kept Get-Date; Import-Module Microsoft.PowerShell.Utility; $null = Start-ThreadJob { 7 } -Name mmKept"
            )
            return try await bench.expect(
                "(Get-Alias mm-kept).Definition; @(Get-Module Microsoft.PowerShell.Utility).Count; Receive-Job -Name mmKept -Wait -AutoRemoveJob",
                ["Get-Date", 1, 7])
        },
        DoctorCheck(.commands, "text comes plain, and PowerShell reports home to nobody") { bench in
            try await bench.expect(
                "\"$($PSStyle.OutputRendering)\"; \"$env:POWERSHELL_TELEMETRY_OPTOUT $env:POWERSHELL_UPDATECHECK $env:TERM\"",
                ["PlainText", "1 Off "])
        },
        DoctorCheck(.commands, "an error without a place counts as an error, also under strict mode") { bench in
            let make =
                "[System.Management.Automation.ErrorRecord]::new([Exception]::new('no place'), 'NoPlace', 'NotSpecified', $null)"
            let answer = try await bench.run("Set-StrictMode -Version Latest; \(make)")
            _ = try await bench.run("Set-StrictMode -Off")
            try demand(answer.errors.count == 1, "\(answer.records)")
            try demand(answer.errors.first?.message?.contains("no place") == true, "\(answer.errors)")
            return ""
        },
        DoctorCheck(.commands, "an error quotes no more than a piece of a long line") { bench in
            let answer = try await bench.run("Get-Item /does-not-exist <# \(String(repeating: "x", count: 50_000)) #>")
            let quoted = answer.errors.first?.value["text"]?.string?.utf8.count ?? 0
            try demand(answer.errors.count == 1 && (1...1000).contains(quoted), "it quoted \(quoted) bytes")
            return ""
        },
        DoctorCheck(.commands, "what a script puts into $LASTEXITCODE can't hold up its end") { bench in
            let answer = try await bench.run("$global:LASTEXITCODE = Get-Process; 'on'")
            try demand(answer.values == ["on"] && answer.end?.exitCode == nil, "it gave \(answer.values)")
            return ""
        },
        DoctorCheck(.commands, "its home is its own") { bench in
            let home = bench.settings.home
            return try await bench.expect(
                "\"$HOME\"; $env:XDG_CONFIG_HOME", [.string(home), .string(home + "/.config")])
        },
    ]

    /// A script that ends the process: its caller hears it, and a new process starts.
    private static func ends(_ name: String, _ script: String) -> DoctorCheck {
        DoctorCheck(.commands, "\(name) ends the session, and its caller is told") { bench in
            try await bench.withFreshHost { host in
                do {
                    let answer = try await host.answer(PowerShellCommand(script), deadline: .after(.seconds(20)))
                    // A runspace may close behind the command's own end.
                    let next = try? await host.answer(PowerShellCommand("1"), deadline: .after(.seconds(20)))
                    try demand(next == nil, "it lives on: \(answer.end?.state.rawValue ?? "")")
                } catch let error as MMError {
                    let isGone = error.code == .sessionLost || error.details["sessionRestarted"] == true
                    try demand(isGone, error.description)
                }
                return ""
            }
        }
    }
}
