import MMCore

extension DoctorCheck {
    /// Stopping commands, rung by rung.
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
            return try await goesOn(bench, host)
        },
        DoctorCheck(.stop, "a reader that goes away stops its command", standIn: true) { bench in
            let host = try await bench.host()
            let script = host.isStandIn ? "Invoke-StandIn flood 0 100" : "while ($true) { 'x' }"
            do {
                let run = try await host.run(PowerShellCommand(script), deadline: .after(.seconds(60)))
                var events = run.makeAsyncIterator()
                _ = try await events.next()
            }
            return try await goesOn(bench, host)
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

    /// A command that a stop ends, with the session going on.
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
            _ = try await goesOn(bench, host)
            return Figure.milliseconds(took)
        }
    }

    /// A command that only the end of the process ends.
    private static func ends(_ name: String, _ script: String, standIn: String? = nil) -> DoctorCheck {
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

    /// Whether the same process takes the next command.
    private static func goesOn(_ bench: DoctorBench, _ host: PowerShellHost) async throws -> String {
        // The command before may still be on its way out.
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
