import MMCore

/// The results of sending or fetching a folder's files.
struct FolderReport {
    /// The place to which the files are transferred.
    let place: String
    /// The number of files.
    let total: Int
    /// The number of files transferred, and their bytes.
    private(set) var moved = 0
    private(set) var bytes = 0
    /// The number of files that existed already with the same content.
    private(set) var unchanged = 0
    private var failed: [(path: String, error: MMError)] = []
    private var leftOut: [(path: String, reason: String)] = []

    init(place: String, total: Int) {
        self.place = place
        self.total = total
    }

    /// Whether nothing is left to continue.
    var isComplete: Bool { failed.isEmpty }

    /// The number of files processed.
    var done: Int { moved + unchanged + failed.count }

    mutating func move(_ size: Int) {
        moved += 1
        bytes += size
    }

    mutating func keep() { unchanged += 1 }

    mutating func leave(_ path: String, _ reason: String) { leftOut.append((path, reason)) }

    /// Records the error of one file, so that the next one can follow.
    /// - Throws: an error that would affect the other files as well, with a hint on how to continue.
    mutating func fail(_ path: String, _ error: MMError) throws(MMError) {
        let isItsOwn = [.conflict, .invalidInput, .notFound, .limitExceeded].contains(error.code)
        guard isItsOwn, error.details["status"]?.int != 507 else {
            var error = error
            error.hint = [error.hint, "\(done) of \(total) files are done. Repeat the call to continue with the rest."]
                .compactMap(\.self).joined(separator: " ")
            throw error
        }
        failed.append((path, error))
    }

    /// Returns the answer: the counts, and each file that failed or was left out.
    func answer(_ verb: String, connection: Connection) -> OperationAnswer {
        var value: JSONObject = [
            "place": .string(place), "files": .int(Int64(total)), verb: .int(Int64(moved)),
            "bytes": .int(Int64(bytes)), "unchanged": .int(Int64(unchanged)),
        ]
        if !failed.isEmpty {
            value["failed"] = .array(
                failed.map { ["path": .string($0.path), "error": .string($0.error.message)] })
        }
        if !leftOut.isEmpty {
            value["leftOut"] = .array(
                leftOut.map { ["path": .string($0.path), "reason": .string($0.reason)] })
        }
        var answer = OperationAnswer(.value(.object(value)), connection: connection.name)
        if let first = failed.first {
            let text =
                "\(failed.count) of \(total) files failed; the first is \(first.path): \(first.error.message)"
                + (first.error.hint.map { " " + $0 } ?? "")
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }
}
