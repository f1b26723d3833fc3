package import MMCore

/// The results of a doctor's checks.
package struct DoctorReport: Sendable {
    /// The result of one check.
    package struct Row: Sendable, Hashable {
        /// The subject of the check.
        package let name: String
        /// The state.
        package let state: State
        /// The details.
        package let detail: String
        /// The remedy; `nil` where none is needed.
        package let remedy: String?

        /// Whether the check did not fail.
        package var isSound: Bool { state != .failed }
    }

    /// The state of a checked subject.
    package enum State: String, Sendable, Hashable {
        /// It is in order.
        case sound = "ok"
        /// It works, but there is a recommendation.
        case advice = "note"
        /// It doesn't work.
        case failed = "FAILED"
    }

    /// The results, in the order of the checks.
    package private(set) var rows: [Row] = []

    /// Creates a report without rows.
    package init() {}

    /// Whether no check failed.
    package var isSound: Bool { rows.allSatisfy(\.isSound) }

    /// Adds a result.
    /// - Parameters:
    ///   - name: the subject of the check.
    ///   - state: the state.
    ///   - detail: the details.
    ///   - remedy: the remedy.
    package mutating func add(_ name: String, _ state: State, _ detail: String, remedy: String? = nil) {
        rows.append(Row(name: name, state: state, detail: detail, remedy: remedy))
    }

    /// Adds a result that is either in order or failed.
    mutating func add(_ name: String, _ isSound: Bool, _ detail: String) {
        add(name, isSound ? .sound : .failed, detail)
    }

    /// Adds a failure with its remedy.
    package mutating func add(_ name: String, _ error: MMError) {
        add(name, .failed, error.message, remedy: error.hint)
    }

    /// Returns an error's message and hint.
    static func words(_ error: MMError) -> String { error.message + (error.hint.map { " " + $0 } ?? "") }

    /// The table for a terminal, with each remedy below its row.
    package var text: String {
        let width = rows.map { TableText.width($0.name) }.max() ?? 0
        return rows.map { row in
            let state = row.state.rawValue + String(repeating: " ", count: 6 - row.state.rawValue.count)
            let name = row.name + String(repeating: " ", count: width - TableText.width(row.name))
            let remedy = row.remedy.map { "\n" + String(repeating: " ", count: width + 10) + "→ " + $0 } ?? ""
            return "\(state)  \(name)  \(row.detail)\(remedy)"
        }.joined(separator: "\n")
    }

    /// The table as JSON.
    package var json: JSONObject {
        [
            "sound": .bool(isSound),
            "rows": .array(
                rows.map { row in
                    var object: JSONObject = [
                        "name": .string(row.name), "sound": .bool(row.isSound), "state": .string(row.state.rawValue),
                        "detail": .string(row.detail),
                    ]
                    object["remedy"] = row.remedy.map { .string($0) }
                    return .object(object)
                }),
        ]
    }
}
