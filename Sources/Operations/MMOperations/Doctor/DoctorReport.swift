package import MMCore

/// What a doctor found.
package struct DoctorReport: Sendable {
    /// One thing that was looked at.
    package struct Row: Sendable, Hashable {
        /// What it is.
        package let name: String
        /// How it is.
        package let state: State
        /// What was found.
        package let detail: String
        /// What to do about it; `nil` where nothing needs doing.
        package let remedy: String?

        /// Whether nothing is broken.
        package var isSound: Bool { state != .failed }
    }

    /// How something is.
    package enum State: String, Sendable, Hashable {
        /// As it has to be.
        case sound = "ok"
        /// It works, and a person may want to change it.
        case advice = "note"
        /// Broken.
        case failed = "FAILED"
    }

    /// What was found, in the order it was looked at.
    package private(set) var rows: [Row] = []

    /// A report without rows.
    package init() {}

    /// Whether nothing is broken.
    package var isSound: Bool { rows.allSatisfy(\.isSound) }

    /// Notes what was found.
    /// - Parameters:
    ///   - name: what was looked at.
    ///   - state: how it is.
    ///   - detail: what was found.
    ///   - remedy: what to do about it.
    package mutating func add(_ name: String, _ state: State, _ detail: String, remedy: String? = nil) {
        rows.append(Row(name: name, state: state, detail: detail, remedy: remedy))
    }

    /// Notes that something is as it has to be, or broken.
    mutating func add(_ name: String, _ isSound: Bool, _ detail: String) {
        add(name, isSound ? .sound : .failed, detail)
    }

    /// Notes that something failed, and what to do about it.
    package mutating func add(_ name: String, _ error: MMError) {
        add(name, .failed, error.message, remedy: error.hint)
    }

    /// An error and what to do about it.
    static func words(_ error: MMError) -> String { error.message + (error.hint.map { " " + $0 } ?? "") }

    /// The table for a terminal; what to do stands below what it is about.
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
