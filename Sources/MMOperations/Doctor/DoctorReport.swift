package import MMCore

/// What a doctor found.
package struct DoctorReport: Sendable {
    /// One thing that was looked at.
    package struct Row: Sendable, Hashable {
        /// What it is.
        package let name: String
        /// Whether it is as it has to be.
        package let isSound: Bool
        /// What was found.
        package let detail: String
    }

    /// What was found, in the order it was looked at.
    package private(set) var rows: [Row] = []

    /// Whether everything is as it has to be.
    package var isSound: Bool { rows.allSatisfy(\.isSound) }

    /// Notes what was found.
    mutating func add(_ name: String, _ isSound: Bool, _ detail: String) {
        rows.append(Row(name: name, isSound: isSound, detail: detail))
    }

    /// An error and what to do about it.
    static func words(_ error: MMError) -> String { error.message + (error.hint.map { " " + $0 } ?? "") }

    /// The table for a terminal.
    package var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            return "\(row.isSound ? "ok    " : "FAILED")  \(name)  \(row.detail)"
        }.joined(separator: "\n")
    }

    /// The table as JSON.
    package var json: JSONObject {
        [
            "sound": .bool(isSound),
            "rows": .array(
                rows.map { row in
                    ["name": .string(row.name), "sound": .bool(row.isSound), "detail": .string(row.detail)]
                }),
        ]
    }
}
