import MMCore

/// A note that a collector took nothing, so that the commands of the next minute don't wait for it one by one.
package struct CollectorAbsence: Sendable {
    private let path: String
    private static let age = Duration.seconds(60)

    /// The note of a user's processes.
    package init(path: String) { self.path = path }

    /// Whether it took nothing a moment ago.
    func isKnown(at now: Timestamp) -> Bool {
        guard let bytes = try? ProtectedFile.read(path, limit: 64),
            let seconds = Int64(String(decoding: bytes, as: UTF8.self))
        else { return false }
        let noted = Timestamp(seconds: seconds)
        return noted <= now && now - noted < Self.age
    }

    /// Notes that it takes nothing.
    func note(at now: Timestamp) {
        // Where that can't be written, the next command waits as this one did.
        try? ProtectedFile.replace(path, with: Array("\(now.seconds)".utf8), durable: false)
    }
}
