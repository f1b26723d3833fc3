import MMCore

extension DoctorCheck {
    /// Every recorded request is made again, in the same order, in one session; the answers must be the recorded ones.
    static let recordings: [DoctorCheck] = Transcript.all.enumerated().map { number, transcript in
        DoctorCheck(.recordings, transcript.name) { bench in
            // The first one begins with a session that nobody has used.
            if number == 0 { await bench.close() }
            let answer = try await bench.host().answer(transcript.command, deadline: .after(.seconds(60)))
            try compare(answer, transcript)
            return ""
        }
    }

    /// Words of messages change between versions; kinds, order, values and ids don't.
    static func compare(_ answer: PowerShellAnswer, _ transcript: Transcript) throws {
        var recorded: [(stream: String, value: JSONValue)] = []
        var end = JSONObject()
        for frame in transcript.frames {
            let kind = frame["t"]?.string ?? ""
            if kind == "end" { end = frame } else { recorded.append((kind, frame["v"] ?? .null)) }
        }
        // Only the latest progress is sent: how many there are depends on the moment.
        let records = answer.records.filter { $0.stream != .progress }
        recorded.removeAll { $0.stream == "progress" }
        if transcript.runsProgram {
            // What a program writes to two pipes has no order, and every shell complains in its own number of lines.
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
        // The recordings were made by a host that let an old exit code stand: ours counts for its own command only.
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

    /// Whether two values are one; numbers by value, since the recordings went through a reader of doubles.
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
