import MMCore
import MMDesk
import MMGuard

/// The forecast of requests' changes for a dry run: each property before and after, the consequences, the guard's
/// verdict, and whether the change could be undone. Only reads are sent.
struct WriteForecast {
    private let desk: Desk

    init(_ desk: Desk) { self.desk = desk }

    func answer(_ requests: [GraphRequest]) async throws(MMError) -> OperationAnswer {
        try await answer(await desk.watch.writes(requests))
    }

    /// Returns the forecast for writes whose states have been read.
    func answer(_ writes: [WriteWatch.Write]) async throws(MMError) -> OperationAnswer {
        desk.context.record.note("dryRun", true)
        var verdicts: [Verdict?] = []
        for write in writes { verdicts.append(try desk.judge([write.request])) }
        let rows = zip(writes, verdicts).map { Self.row($0, $1) }
        let text = zip(writes, verdicts).map { Self.lines($0, $1).joined(separator: "\n") }.joined(separator: "\n\n")
        var notes = Change.unreadNote(writes.lazy.compactMap(\.change), of: desk.connection.name)
        let strictest = verdicts.compactMap { $0?.decision }.max() ?? .allow
        if let joint = try desk.judge(writes.map(\.request)), joint.decision > strictest {
            notes.append("The guard would ask a person about the whole: \(joint.reason)")
        }
        return OperationAnswer(
            .value(rows.count == 1 ? rows[0] : .array(rows)), notes: notes + ["Dry run: nothing was changed."],
            columns: ["request", "change", "verdict", "undo"], text: text, connection: desk.connection.name)
    }

    private static func row(_ write: WriteWatch.Write, _ verdict: Verdict?) -> JSONValue {
        var row: JSONObject = ["request": .string(line(write))]
        if let verdict {
            row["verdict"] = .string(verdict.decision.rawValue)
            if verdict.decision != .allow { row["reason"] = .string(verdict.reason) }
        }
        guard let change = write.change else {
            row["change"] = "only reads"
            return .object(row)
        }
        for (key, value) in change.forecast { row[key] = value }
        return .object(row)
    }

    private static func lines(_ write: WriteWatch.Write, _ verdict: Verdict?) -> [String] {
        var lines = [line(write)] + (write.change?.forecastLines ?? ["  only reads"])
        switch verdict?.decision {
        case .ask: lines.append("  The guard would ask a person: \(verdict?.reason ?? "")")
        case .deny: lines.append("  The guard would deny it: \(verdict?.reason ?? "")")
        case .allow, nil: break
        }
        return lines
    }

    private static func line(_ write: WriteWatch.Write) -> String {
        VisibleText.exact("\(write.request.method) \(write.request.target.pathAndQuery)")
    }
}

extension Change {
    /// The forecast of a change in a dry run, as JSON.
    var forecast: JSONObject {
        var row: JSONObject = ["change": .string(title), "isBeforeKnown": .bool(isBeforeKnown)]
        row["now"] = before
        row["then"] = after
        row["lines"] = .array(lines.map { .string($0) })
        row["consequences"] = .array(consequences.map { .string($0) })
        row["undo"] = .string(undoSentence)
        return row
    }

    /// The forecast of a change as lines for people.
    var forecastLines: [String] {
        var texts = ["  \(title)"]
        for line in lines { texts.append("    " + line) }
        for consequence in consequences { texts.append("    ! " + consequence) }
        return texts + ["  undo: \(undoSentence)"]
    }

    /// Returns the note on changes whose states nobody has signed in to read; empty if there are none.
    static func unreadNote(_ changes: some Sequence<Change>, of connection: String) -> [String] {
        guard changes.contains(where: \.isUnread) else { return [] }
        return [
            "Nobody is signed in to \(connection), so what it changes is unknown. "
                + "To sign in: mm login \(ShellWord.quoted(connection))"
        ]
    }

    private var undoSentence: String {
        guard !isUnread else { return "known once its state has been read" }
        return expectedObstacle.map { "can't be taken back: \($0)" } ?? "can be taken back"
    }
}
