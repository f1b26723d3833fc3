import MMCore

extension DoctorCheck {
    /// The way to the process and back.
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
