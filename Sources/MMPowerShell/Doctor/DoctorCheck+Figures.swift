import MMCore

extension DoctorCheck {
    /// Times and sizes. The limits are wide: they find what is broken, not what is slow.
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
