package import MMCore

/// What a self-test of a PowerShell found.
package struct DoctorTable: Sendable {
    /// Which PowerShell was tested, in words.
    package let host: String
    /// The rows in the order they were tried.
    package let rows: [DoctorRow]

    /// Whether every row passed, or needs a real PowerShell where none was tested.
    package var isSound: Bool {
        !rows.isEmpty && !rows.contains { if case .failed = $0.outcome { true } else { false } }
    }

    /// 0 when it is sound, else 1.
    package var exitCode: Int32 { isSound ? 0 : 1 }

    /// How many rows passed, failed, and need a real PowerShell.
    package var counts: (passed: Int, failed: Int, needReal: Int) {
        var counts = (passed: 0, failed: 0, needReal: 0)
        for row in rows {
            switch row.outcome {
            case .passed: counts.passed += 1
            case .failed: counts.failed += 1
            case .needsRealPowerShell: counts.needReal += 1
            }
        }
        return counts
    }

    /// The table for a terminal, without colour.
    package var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        var lines = [host]
        var area: DoctorRow.Area?
        for row in rows {
            if row.area != area {
                area = row.area
                lines.append("")
                lines.append(row.area.rawValue)
            }
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            lines.append("  \(name)  \(row.outcome.word)")
        }
        let counts = counts
        lines.append("")
        lines.append("\(counts.passed) passed, \(counts.failed) failed, \(counts.needReal) need a real PowerShell")
        return lines.joined(separator: "\n")
    }

    /// The table as JSON.
    package var json: JSONObject {
        [
            "host": .string(host), "sound": .bool(isSound),
            "rows": .array(
                rows.map { row in
                    var object: JSONObject = ["area": .string(row.area.rawValue), "name": .string(row.name)]
                    switch row.outcome {
                    case .passed(let detail):
                        object["outcome"] = "passed"
                        if !detail.isEmpty { object["detail"] = .string(detail) }
                    case .failed(let why):
                        object["outcome"] = "failed"
                        object["detail"] = .string(why)
                    case .needsRealPowerShell: object["outcome"] = "needs a real PowerShell"
                    }
                    return .object(object)
                }),
        ]
    }
}

/// One row of a self-test.
package struct DoctorRow: Sendable {
    /// What a row is about.
    package enum Area: String, Sendable, Hashable, CaseIterable {
        /// The way to the process and back.
        case wire = "Wire"
        /// Stopping commands.
        case stop = "Stop"
        /// Device codes.
        case prompts = "Device codes"
        /// What records look like: recorded answers of a PowerShell.
        case recordings = "Recorded answers"
        /// What commands do to a session.
        case commands = "Commands"
        /// Guards inside the process.
        case guards = "Guards"
        /// Times and sizes.
        case figures = "Figures"
    }

    /// What came of it.
    package enum Outcome: Sendable, Hashable {
        /// As it should be; with a figure or word where there is one.
        case passed(String)
        /// Not as it should be.
        case failed(String)
        /// Nothing was asked: only a real PowerShell could answer.
        case needsRealPowerShell

        /// The outcome in a table's cell.
        package var word: String {
            switch self {
            case .passed(let detail): detail.isEmpty ? "ok" : "ok, \(detail)"
            case .failed(let why): "FAILED: \(why)"
            case .needsRealPowerShell: "needs a real PowerShell"
            }
        }
    }

    /// What it is about.
    package let area: Area
    /// What should hold.
    package let name: String
    /// Whether it does.
    package let outcome: Outcome
}
