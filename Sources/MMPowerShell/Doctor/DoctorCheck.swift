import MMCore

/// A property that a PowerShell should have, with the test for it.
struct DoctorCheck: Sendable {
    let area: DoctorRow.Area
    let name: String
    /// Whether the stand-in can be tested too: only behaviour of its own counts, not recorded answers that it repeats.
    let standInAnswers: Bool
    /// The test.
    /// - Returns: a figure or word for the table, or nothing.
    /// - Throws: `DoctorFinding` with what is wrong, or what the driver throws.
    let examine: @Sendable (DoctorBench) async throws -> String

    init(
        _ area: DoctorRow.Area, _ name: String, standIn: Bool = false,
        _ examine: @escaping @Sendable (DoctorBench) async throws -> String
    ) {
        self.area = area
        self.name = name
        standInAnswers = standIn
        self.examine = examine
    }

    /// All checks.
    static var all: [DoctorCheck] {
        wire + stop + prompts + recordings + commands + ownSignIn + otherModules + guards + figures
    }
}

/// The failure of a check.
struct DoctorFinding: Error, Sendable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Fails a check unless something holds.
func demand(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(DoctorFinding) {
    if !holds { throw DoctorFinding(otherwise()) }
}

extension DoctorCheck {
    /// The kinds of literals by which the native engine passes values to PowerShell, each with the type that results
    /// there.
    static let carriedLiterals: [(text: String, type: String)] = [
        ("[int]'-7'", "System.Int32"), ("[long]'9999999999'", "System.Int64"), ("[double]'1e+20'", "System.Double"),
        ("$true", "System.Boolean"), ("[char]'a'", "System.Char"), ("'it''s “a” ‘‘b’’'", "System.String"),
        ("@([int]'1', 'two')", "System.Object[]"),
    ]

    /// The effects of commands on a session, beyond the recorded answers.
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
        leavesUsable(
            "a preference that a script makes constant doesn't hold up the next command",
            "Set-Variable ConfirmPreference High -Option Constant -Force -ErrorAction Ignore"),
        leavesUsable(
            "a script that removes all functions doesn't end the session's output",
            "Remove-Item function:* -Force -ErrorAction Ignore; function __mm_sink { }"),
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
        DoctorCheck(.commands, "files on the drive C and in a Windows profile are files of its home") { bench in
            try await bench.expect(
                #"""
                Set-Content C:\temp\drive.txt one; Set-Content "$env:USERPROFILE\Downloads\profile.txt" two
                Get-Content "$HOME/temp/drive.txt"; Get-Content C:\Downloads\profile.txt
                Remove-Item C:\temp\drive.txt, C:\Downloads\profile.txt; Test-Path "$HOME/temp/drive.txt"
                """#, ["one", "two", false])
        },
    ]

    /// Returns the check that the next command runs after a script.
    private static func leavesUsable(_ name: String, _ script: String) -> DoctorCheck {
        DoctorCheck(.commands, name) { bench in
            try await bench.withFreshHost { host in
                let deadline = Deadline.after(.seconds(60))
                _ = try await host.answer(PowerShellCommand(script), deadline: deadline)
                let answer = try await host.answer(PowerShellCommand("'on'"), deadline: deadline)
                try demand(answer.values == ["on"], "it gave \(answer.values): \(answer.problem ?? "")")
                return ""
            }
        }
    }

    /// Returns the check that a script that ends the process is reported to its caller, and that a new process starts.
    private static func ends(_ name: String, _ script: String) -> DoctorCheck {
        DoctorCheck(.commands, "\(name) ends the session, and its caller is told") { bench in
            try await bench.withFreshHost { host in
                do {
                    let answer = try await host.answer(PowerShellCommand(script), deadline: .after(.seconds(20)))
                    // A runspace may close only after the command has ended.
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

extension DoctorCheck {
    /// Times and sizes. The limits are generous: they detect failures, not slowness.
    static let figures: [DoctorCheck] = [
        timed("start to ready", most: .seconds(15)) { bench in
            try await bench.withFreshHost { _ in }
        },
        DoctorCheck(.figures, "a warm command, median of 500") { bench in
            let host = try await bench.host()
            var times: [Duration] = []
            for round in 0..<1500 {
                let start = ContinuousClock.now
                _ = try await host.answer(PowerShellCommand("1"), deadline: .after(.seconds(30)))
                if round >= 1000 { times.append(ContinuousClock.now - start) }
            }
            let median = times.sorted()[times.count / 2]
            try demand(median < .milliseconds(50), "it took \(Figure.milliseconds(median))")
            return Figure.milliseconds(median)
        },
        timed("10,000 commands in a row, each with its own answer", most: .seconds(300)) { bench in
            let host = try await bench.host()
            for number in 1...10_000 {
                let answer = try await host.answer(PowerShellCommand("\(number)"), deadline: .after(.seconds(30)))
                try demand(answer.values == [.int(Int64(number))], "number \(number) gave \(answer.values)")
            }
        },
        timed("10,000 objects of ten properties", most: .seconds(20)) { bench in
            let script =
                "1..10000 | ForEach-Object { [pscustomobject]@{ a=$_; b='text'; c=1.5; d=$true; e=$null; f='x'; g=2; h='y'; i=3; j='z' } }"
            let answer = try await bench.run(script)
            try demand(answer.values.count == 10_000, "\(answer.values.count) came")
        },
        timed("100,000 integers", most: .seconds(20)) { bench in
            let answer = try await bench.host().run(PowerShellCommand("1..100000"), deadline: .after(.seconds(60)))
                .collect()
            try demand(answer.values.count == 100_000, "\(answer.values.count) came")
        },
        timed("a text of 10 MB", most: .seconds(20)) { bench in
            let answer = try await bench.run("'x' * 10000000")
            try demand(answer.values.first?.string?.utf8.count == 10_000_000, "it came shortened")
        },
        DoctorCheck(.figures, "resident memory after this work") { bench in
            guard let bytes = try await bench.host().memory else { throw DoctorFinding("it can't be read") }
            try demand(bytes < 1_000_000_000, "it is \(Figure.megabytes(bytes))")
            return Figure.megabytes(bytes)
        },
    ]

    private static func timed(
        _ name: String, most: Duration, _ work: @escaping @Sendable (DoctorBench) async throws -> Void
    ) -> DoctorCheck {
        DoctorCheck(.figures, name) { bench in
            let start = ContinuousClock.now
            try await work(bench)
            let took = ContinuousClock.now - start
            try demand(took < most, "it took \(Figure.milliseconds(took))")
            return Figure.milliseconds(took)
        }
    }
}

extension DoctorCheck {
    /// Guards inside the process.
    static let guards: [DoctorCheck] = [
        DoctorCheck(.guards, "a look-up hook of one command doesn't reach the next") { bench in
            _ = try await bench.run(
                "$ExecutionContext.InvokeCommand.PreCommandLookupAction = { param($n, $e) $global:seen = $n }")
            _ = try await bench.run("Get-Date | Out-Null")
            return try await bench.expect("$null -eq $global:seen", [true])
        },
        DoctorCheck(.guards, "a look-up hook sees the names of its own command") { bench in
            let hook =
                "$global:names = @(); $ExecutionContext.InvokeCommand.PreCommandLookupAction = { param($n, $e) $global:names += $n }"
            let answer = try await bench.run("\(hook); Get-Date | Out-Null; $global:names -contains 'Get-Date'")
            try demand(answer.values == [true], "it gave \(answer.values)")
            return ""
        },
        DoctorCheck(.guards, "module folders are those of the settings, then PowerShell's own") { bench in
            let paths = bench.settings.modulePaths.joined(separator: ":")
            return try await bench.expect(
                "$env:PSModulePath.StartsWith('\(paths)') -and $env:PSModulePath.EndsWith(\"$PSHOME/Modules\")", [true])
        },
        DoctorCheck(.guards, "module folders are put right again after runspaces of their own were opened") { bench in
            let before = try await bench.run("$env:PSModulePath").values
            _ = try await bench.run(
                "1..2 | ForEach-Object -Parallel { $_ } | Out-Null; Start-ThreadJob { 1 } | Receive-Job -Wait -AutoRemoveJob | Out-Null"
            )
            let after = try await bench.run("$env:PSModulePath").values
            try demand(before == after, "they were \(before), and are \(after)")
            return ""
        },
        constrained("-Parallel is refused", "1 | ForEach-Object -Parallel { [math]::Max(1, 2) }", works: false),
        constrained("-Parallel in short is refused", "1 | % -Pa { [math]::Max(1, 2) }", works: false),
        constrained(
            "-Parallel by a table is refused", "$p = @{ Parallel = { [math]::Max(1, 2) } }; 1 | ForEach-Object @p",
            works: false),
        constrained(
            "thread jobs are refused", "Start-ThreadJob { [math]::Max(1, 2) } | Receive-Job -Wait", works: false),
        constrained(
            "thread jobs by another way to call are refused",
            "& (Get-Command Start-ThreadJob) { [math]::Max(1, 2) } | Receive-Job -Wait", works: false),
        constrained("ForEach-Object still works", "1..3 | ForEach-Object { $_ }", works: true),
        constrained("New-Object is lost", "New-Object System.Text.StringBuilder", works: false),
        constrained("methods of types are lost", "[math]::Max(1, 2)", works: false),
        constrained("Add-Type is lost", "Add-Type -TypeDefinition 'public class X {}'", works: false),
        constrained("making script blocks from text is lost", "[scriptblock]::Create('1')", works: false),
        constrained(
            "there is no way back", "$ExecutionContext.SessionState.LanguageMode = 'FullLanguage'", works: false),
        constrained("making objects from tables is lost", "[pscustomobject]@{ a = 1 }", works: false),
        constrained(
            "Invoke-Expression still works, so that only a verdict stops it", "Invoke-Expression '1 + 1'", works: true),
        constrained("pipelines and properties still work", "'x'.ToUpper(); [datetime]::Now.Year -gt 2000", works: true),
        constrained("jobs in processes of their own are lost", "Start-Job { 1 }", works: false),
        constrained("programs still work", "sh -c 'echo on'", works: true),
        DoctorCheck(.guards, "constrained: modules that are loaded afterwards are constrained too") { bench in
            try await bench.withFreshHost { host in
                let deadline = Deadline.after(.seconds(60))
                let file = bench.settings.home + "/late.psm1"
                try ProtectedFile.replace(file, with: Array("function Get-Late { [math]::Max(1, 2) }\n".utf8))
                try await host.constrain(deadline: deadline)
                let load = PowerShellCommand(
                    "param($Path) Import-Module -Name $Path; Get-Late", parameters: ["Path": .json(.string(file))])
                let answer = try await host.answer(load, deadline: deadline)
                try demand(!answer.isClean, "it gave \(answer.values)")
                return ""
            }
        },
        DoctorCheck(.guards, "constrained: the session's own state is still put right before each command") { bench in
            try await bench.withFreshHost { host in
                let deadline = Deadline.after(.seconds(60))
                try await host.constrain(deadline: deadline)
                _ = try await host.answer(PowerShellCommand("sh -c 'exit 3'"), deadline: deadline)
                let answer = try await host.answer(
                    PowerShellCommand("$PSDefaultParameterValues.Count"), deadline: deadline)
                try demand(answer.values == [0] && answer.end?.exitCode == nil, "it gave \(answer.values)")
                return ""
            }
        },
        DoctorCheck(.guards, "constrained: modules that were loaded before still work") { bench in
            try await bench.withFreshHost { host in
                let deadline = Deadline.after(.seconds(60))
                let file = bench.settings.home + "/full.psm1"
                try ProtectedFile.replace(file, with: Array("function Get-Full { [math]::Max(1, 2) }\n".utf8))
                let load = PowerShellCommand(
                    "param($Path) Import-Module -Name $Path", parameters: ["Path": .json(.string(file))])
                _ = try await host.answer(load, deadline: deadline)
                try await host.constrain(deadline: deadline)
                let answer = try await host.answer(PowerShellCommand("Get-Full"), deadline: deadline)
                try demand(answer.values == [2], "it gave \(answer.values): \(answer.problem ?? "")")
                return ""
            }
        },
        DoctorCheck(.guards, "constrained: modules of the commands that a script names are loaded before it") { bench in
            var settings = bench.settings
            let folder = settings.home + "/needed"
            try ProtectedFile.makeDirectory(folder + "/MMNeeded")
            try ProtectedFile.replace(
                folder + "/MMNeeded/MMNeeded.psm1", with: Array("function Get-Needed { [math]::Max(1, 2) }\n".utf8))
            settings.modulePaths.insert(folder, at: 0)
            let answer = try await bench.withFreshHost(settings) { host in
                let deadline = Deadline.after(.seconds(60))
                try await host.constrain(deadline: deadline)
                var command = PowerShellCommand("Get-Needed; \"$($ExecutionContext.SessionState.LanguageMode)\"")
                command.needs = ScriptNeeds(of: command.script)
                return try await host.answer(command, deadline: deadline)
            }
            try demand(
                answer.values == [2, "ConstrainedLanguage"], "it gave \(answer.values): \(answer.problem ?? "")")
            return ""
        },
    ]

    private static func constrained(_ name: String, _ script: String, works: Bool) -> DoctorCheck {
        DoctorCheck(.guards, "constrained: \(name)") { bench in
            try await bench.withFreshHost { host in
                try await host.constrain(deadline: .after(.seconds(60)))
                let answer = try await host.answer(PowerShellCommand(script), deadline: .after(.seconds(60)))
                let went = answer.isClean
                try demand(went == works, works ? "it doesn't: \(answer.problem ?? "")" : "it went through")
                return ""
            }
        }
    }
}

extension DoctorCheck {
    private static let sentence =
        "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code FXK3T9QMB to authenticate."

    /// Device codes on every stream that modules use.
    static let prompts: [DoctorCheck] = [
        shows("[Console]::WriteLine", "[Console]::WriteLine($Text)", .console, standIn: "console"),
        shows("[Console]::Error", "[Console]::Error.WriteLine($Text)", .console, standIn: "error"),
        shows("$Host.UI.WriteLine", "$Host.UI.WriteLine($Text)", .console),
        shows("Write-Host", "Write-Host $Text -ForegroundColor Yellow", .information, standIn: "information"),
        shows("Write-Information", "Write-Information $Text", .information),
        shows("Write-Warning", "Write-Warning $Text", .warning, standIn: "warning"),
        shows("an output object", "$Text", .output, standIn: "output"),
        shows("a thread job", "Start-ThreadJob { [Console]::WriteLine($using:Text) } | Receive-Job -Wait", .console),
        shows("a native program that still runs", "sh -c 'echo \"$0\"; sleep 2' $Text", .output, standIn: "native"),
    ]

    /// Where a code was shown.
    private enum PromptStream: String {
        case console, information, warning
        /// Output objects, and lines of native programs.
        case output
    }

    /// Returns the check that a code is found while the command that shows it still runs.
    private static func shows(
        _ name: String, _ script: String, _ stream: PromptStream, standIn: String? = nil
    ) -> DoctorCheck {
        DoctorCheck(.prompts, "a code written with \(name) is found at once", standIn: standIn != nil) { bench in
            let host = try await bench.host()
            let used =
                host.isStandIn
                ? "Invoke-StandIn prompt \(standIn ?? "") FXK3T9QMB; Start-Sleep 2"
                : "param($Text) \(script); Start-Sleep 2"
            let command = PowerShellCommand(used, parameters: ["Text": .json(.string(sentence))])
            let run = try await host.run(command, deadline: .after(.seconds(60)))
            var reader = PromptReader(
                near: ["to sign in", "authenticate using code"], cloud: try ModuleCloud.named("public"))
            let start = ContinuousClock.now
            var found: (prompt: DevicePrompt, stream: PromptStream, after: Duration)?
            var ended: Duration?
            for try await event in run {
                let (prompt, source) = read(event, &reader)
                if let prompt, let source, found == nil {
                    found = (prompt, source, ContinuousClock.now - start)
                }
                if case .end = event { ended = ContinuousClock.now - start }
            }
            guard let found, let ended else { throw DoctorFinding("no code was found") }
            try demand(found.prompt.userCode == "FXK3T9QMB", "the code read was \(found.prompt.userCode)")
            try demand(found.stream == stream, "it came on \(found.stream.rawValue)")
            try demand(found.after + .seconds(1) < ended, "it came only when the command was over")
            return Figure.milliseconds(found.after)
        }
    }

    private static func read(_ event: RunEvent, _ reader: inout PromptReader) -> (DevicePrompt?, PromptStream?) {
        switch event {
        case .console(let text): return (reader.read(text), .console)
        case .record(let record):
            let stream: PromptStream? =
                switch record.stream {
                case .information: .information
                case .warning: .warning
                case .output, .text: .output
                default: nil
                }
            return (reader.read(record), stream)
        case .end: return (nil, nil)
        }
    }
}

extension DoctorCheck {
    /// Every recorded request is sent again, in the same order, in one session; the answers must equal the recorded
    /// ones.
    static let recordings: [DoctorCheck] = Transcript.all.enumerated().map { number, transcript in
        DoctorCheck(.recordings, transcript.name) { bench in
            // The first recording needs a fresh session.
            if number == 0 { await bench.close() }
            let answer = try await bench.host().answer(transcript.command, deadline: .after(.seconds(60)))
            try compare(answer, transcript)
            return ""
        }
    }

    /// Compares an answer with a recording. The words of messages change between versions; kinds, order, values and ids
    /// don't.
    static func compare(_ answer: PowerShellAnswer, _ transcript: Transcript) throws {
        var recorded: [(stream: String, value: JSONValue)] = []
        var end = JSONObject()
        for frame in transcript.frames {
            let kind = frame["t"]?.string ?? ""
            if kind == "end" { end = frame } else { recorded.append((kind, frame["v"] ?? .null)) }
        }
        let records = answer.records
        recorded.removeAll { $0.stream == "progress" }
        if transcript.runsProgram {
            // The order of a program's output on two pipes varies, and so does the number of lines in which a shell
            // reports errors.
            try demand(
                Set(errorIDs(records)) == Set(recorded.filter { $0.stream == "error" }.map { $0.value["id"] ?? .null }),
                "the errors were \(errorIDs(records))")
            try compare(
                records.filter { $0.stream != .error }, recorded.filter { $0.stream != "error" })
        } else {
            try compare(records, recorded)
        }
        try demand(
            answer.end?.state.rawValue == end["state"]?.string, "it ended as \(answer.end?.state.rawValue ?? "")")
        // The host of the recordings kept an old exit code; ours reports only that of the command itself.
        let exitCode = transcript.runsProgram ? end["exitCode"]?.int : nil
        try demand(
            answer.end?.exitCode == exitCode,
            "the exit code was \(answer.end?.exitCode.map { "\($0)" } ?? "none")")
        if let failure = end["failure"]?["id"]?.string {
            try demand(answer.end?.failure?.id == failure, "the failure was \(answer.end?.failure?.id ?? "")")
        }
        let ids = (end["problems"]?.array ?? []).map { $0["id"]?.string ?? "" }
        try demand(answer.end?.problems.map(\.id) ?? [] == ids, "the problems were \(answer.end?.problems ?? [])")
        for stream in [ConsoleText.Stream.stdout, .stderr] {
            let text = answer.console.filter { $0.stream == stream }.map(\.text).joined()
            let wanted = transcript.console.filter { $0.stream == stream }.map(\.text).joined()
            try demand(text == wanted, "it printed “\(text)”")
        }
    }

    private static func errorIDs(_ records: [PowerShellRecord]) -> [JSONValue] {
        records.filter { $0.stream == .error }.map { $0.value["id"] ?? .null }
    }

    private static func compare(_ records: [PowerShellRecord], _ wanted: [(stream: String, value: JSONValue)]) throws {
        let streams = records.map(\.stream.rawValue)
        try demand(streams == wanted.map(\.stream), "the records were \(streams), not \(wanted.map(\.stream))")
        for (record, wanted) in zip(records, wanted) {
            if record.stream == .error {
                try demand(record.value["id"] == wanted.value["id"], "the error was \(record.value["id"] ?? .null)")
            } else {
                try demand(isSame(record.value, wanted.value), "the value was \(record.value), not \(wanted.value)")
            }
        }
    }

    /// Returns whether two values are equal. Numbers are compared by value, since the recordings were read as doubles.
    static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { member in right[member.key].map { isSame(member.value, $0) } ?? false }
        case (.int, _), (.double, _), (.number, _):
            guard let left = left.double, let right = right.double else { return false }
            return left == right
        default: return left == right
        }
    }
}

extension DoctorCheck {
    /// The connection to the process.
    static let wire: [DoctorCheck] = [
        DoctorCheck(.wire, "starts, greets and is of a version that will do", standIn: true) { bench in
            try await "\(bench.host().version)"
        },
        DoctorCheck(.wire, "a value goes out and back", standIn: true) { bench in
            try await bench.expect("Write-Output 'there and back'", ["there and back"])
        },
        DoctorCheck(.wire, "a thousand commands in a row, each with its own answer", standIn: true) { bench in
            for number in 1...1000 { try await bench.expect("Write-Output \(number)", [.int(Int64(number))]) }
            return ""
        },
        DoctorCheck(.wire, "parameters arrive as data, whatever they look like", standIn: true) { bench in
            let odd = "'; exit 9 # $(1+1) “é” 😀 \u{0}\n"
            let command = PowerShellCommand(
                "param($A, $B, $C) Write-Output $A; Write-Output $B; Write-Output $C",
                parameters: ["A": .json(.string(odd)), "B": "2026-01-02T03:04:05Z", "C": 7])
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            try demand(
                answer.values == [.string(odd), "2026-01-02T03:04:05Z", 7], "they came back as \(answer.values)")
            return ""
        },
        DoctorCheck(.wire, "texts in lists and tables arrive as texts, also those that look like dates") { bench in
            let date: JSONValue = "2026-01-02T03:04:05Z"
            let command = PowerShellCommand(
                "param($L) \"$($L[0]) $($L[1]['2026-01-02T03:04:05Z'][1].GetType().Name)\"",
                parameters: ["L": .json([date, ["2026-01-02T03:04:05Z": [1, date]]])])
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            try demand(answer.values == ["2026-01-02T03:04:05Z String"], "they came back as \(answer.values)")
            return ""
        },
        DoctorCheck(.wire, "five megabytes of script", standIn: true) { bench in
            let filling = String(repeating: "# filling\n", count: 500_000)
            return try await bench.expect("Write-Output end\n" + filling, ["end"])
        },
        DoctorCheck(.wire, "syntax errors come back with line and column, and nothing runs", standIn: true) { bench in
            for script in ["Write-Output ran; if ($true) {", "Write-Output ran\n(", "Write-Output ran; @'\ntext"] {
                let answer = try await bench.run(script)
                try demand(answer.end?.state == .parseFailed, "\(script) ended as \(answer.end?.state.rawValue ?? "")")
                try demand(answer.records.isEmpty, "something ran")
                try demand(answer.end?.problems.first?.line ?? 0 > 0, "there is no line")
            }
            return ""
        },
        DoctorCheck(.wire, "it answers while a command runs, and takes no second one", standIn: true) { bench in
            let host = try await bench.host()
            let run = try await host.run(PowerShellCommand("Start-Sleep -Seconds 60"), deadline: .after(.seconds(60)))
            try demand(try await host.ping(deadline: .after(.seconds(10))).isBusy, "it says that it isn't busy")
            run.stop()
            let end = try await run.collect().end
            try demand(end?.state == .stopped, "the sleep ended as \(end?.state.rawValue ?? "")")
            return ""
        },
        DoctorCheck(.wire, "garbage can be collected from outside", standIn: true) { bench in
            _ = try await bench.host().collect(deadline: .after(.seconds(60)))
            return ""
        },
        DoctorCheck(.wire, "its secrets are gone from the session's environment") { bench in
            let script = "\"[$env:MM_WIRE][$env:MM_NONCE][$env:MM_MODULES]\""
            return try await bench.expect(script, ["[][][]"])
        },
        DoctorCheck(.wire, "closing ends the process", standIn: true) { bench in
            try await bench.withFreshHost { host in
                await host.close()
                try demand(host.isLost, "it still runs")
                return ""
            }
        },
    ]
}

extension DoctorCheck {
    /// Stopping commands, step by step.
    static let stop: [DoctorCheck] = [
        stops("a sleep", "Start-Sleep -Seconds 60", standIn: "Start-Sleep -Seconds 60"),
        stops("an endless loop", "while ($true) { $null = 1 }"),
        stops("a flood of output", "while ($true) { 'x' * 100 }", standIn: "Invoke-StandIn flood 0 100"),
        stops("a pipeline", "& { while ($true) { 1 } } | ForEach-Object { $_ } | Where-Object { $false }"),
        stops("parallel blocks", "1..4 | ForEach-Object -Parallel { Start-Sleep 60 }"),
        stops("waiting for a job", "Start-ThreadJob { Start-Sleep 60 } | Wait-Job"),
        stops(
            "a web request that nobody answers",
            "$l = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0); $l.Start(); Invoke-WebRequest \"http://127.0.0.1:$($l.LocalEndpoint.Port)/\""
        ),
        stops(
            "a program whose child keeps the pipe (second rung)", "sh -c 'sleep 60; true'",
            standIn: "Invoke-StandIn child 60"),
        stops("a program that left the session (second rung)", "sh -c 'setsid sleep 60; true'"),
        ends("managed code that never looks up (third rung)", "[Threading.Thread]::Sleep(60000)"),
        ends("a runaway regular expression (third rung)", "[regex]::IsMatch('a' * 60 + '!', '^(a+)+$')"),
        ends("a finally block that loops (third rung)", "try { Start-Sleep 60 } finally { while ($true) { } }"),
        ends(
            "what ignores stops (third rung)", "[Threading.Tasks.Task]::Delay(60000).Wait()",
            standIn: "Invoke-StandIn ignore-stop 60000"),
        DoctorCheck(.stop, "a deadline stops a flood that nobody reads", standIn: true) { bench in
            let host = try await bench.host()
            let script = host.isStandIn ? "Invoke-StandIn flood 0 1000" : "while ($true) { 'x' * 1000 }"
            let run = try await host.run(PowerShellCommand(script), deadline: .after(.milliseconds(500)))
            do {
                _ = try await Task.sleep(for: .milliseconds(1000))
                _ = try await run.collect()
                throw DoctorFinding("it wasn't stopped")
            } catch let error as MMError {
                try demand(error.code == .deadlineExceeded, error.description)
            }
            return try await goesOn(host)
        },
        DoctorCheck(.stop, "a reader that goes away stops its command", standIn: true) { bench in
            let host = try await bench.host()
            let script = host.isStandIn ? "Invoke-StandIn flood 0 100" : "while ($true) { 'x' }"
            do {
                let run = try await host.run(PowerShellCommand(script), deadline: .after(.seconds(60)))
                var events = run.makeAsyncIterator()
                _ = try await events.next()
            }
            return try await goesOn(host)
        },
        DoctorCheck(.stop, "finally blocks run and may print") { bench in
            let host = try await bench.host()
            let script = "try { 'in'; Start-Sleep 60 } finally { [Console]::WriteLine('finally ran') }"
            let run = try await host.run(PowerShellCommand(script), deadline: .after(.seconds(60)))
            var events = run.makeAsyncIterator()
            _ = try await events.next()
            run.stop()
            var console = ""
            while let event = try await events.next() {
                if case .console(let text) = event { console += text.text }
            }
            try demand(console.contains("finally ran"), "it printed “\(console)”")
            return ""
        },
    ]

    /// Returns the check that a stop ends a command while the session continues.
    private static func stops(_ name: String, _ script: String, standIn: String? = nil) -> DoctorCheck {
        DoctorCheck(.stop, "\(name) is stopped, and the session goes on", standIn: standIn != nil) { bench in
            let host = try await bench.host()
            let used = host.isStandIn ? standIn ?? script : script
            let run = try await host.run(PowerShellCommand(used), deadline: .after(.seconds(120)))
            let reading = Task { try await run.collect(limit: 0) }
            try await Task.sleep(for: .milliseconds(300))
            let start = ContinuousClock.now
            run.stop()
            let end = try await reading.value.end
            let took = ContinuousClock.now - start
            try demand(end?.state == .stopped, "it ended as \(end?.state.rawValue ?? "nothing")")
            _ = try await goesOn(host)
            return Figure.milliseconds(took)
        }
    }

    /// Returns the check of a command that can only be stopped by ending the process.
    private static func ends(_ name: String, _ script: String, standIn: String?) -> DoctorCheck {
        DoctorCheck(.stop, "\(name) is ended with its process", standIn: standIn != nil) { bench in
            try await bench.withFreshHost { host in
                let used = host.isStandIn ? standIn ?? script : script
                do {
                    _ = try await host.answer(PowerShellCommand(used), deadline: .after(.milliseconds(300)))
                    throw DoctorFinding("it ended by itself")
                } catch let error as MMError {
                    try demand(error.code == .deadlineExceeded, error.description)
                    try demand(error.details["sessionRestarted"] == true, "the process lives")
                }
                return ""
            }
        }
    }

    /// Checks that the same process accepts the next command.
    private static func goesOn(_ host: PowerShellHost) async throws -> String {
        // The previous command may still be ending.
        let deadline = Deadline.after(.seconds(10))
        while true {
            do {
                let run = try await host.run(PowerShellCommand("Write-Output on"), deadline: .after(.seconds(10)))
                let values = try await run.collect().values
                try demand(values == ["on"], "the next command gave \(values)")
                return ""
            } catch let loss as HostLoss {
                try demand(!host.isLost && !deadline.hasPassed, "the session is lost: \(loss.reason)")
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
