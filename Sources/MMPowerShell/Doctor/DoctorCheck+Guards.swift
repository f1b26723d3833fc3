import MMCore

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
            let deadline = Deadline.after(.seconds(60))
            let host = try await PowerShellHost.start(settings, deadline: .after(.seconds(120)))
            try await host.constrain(deadline: deadline)
            var command = PowerShellCommand("Get-Needed; \"$($ExecutionContext.SessionState.LanguageMode)\"")
            command.needs = ScriptNeeds(of: command.script)
            let answer = try await host.answer(command, deadline: deadline)
            await host.close()
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
