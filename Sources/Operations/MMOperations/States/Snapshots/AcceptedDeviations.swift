package import MMCore

/// A deviation from a snapshot for which a person takes responsibility until a day.
package struct AcceptedDeviation: Sendable, Hashable {
    /// The name of the object's kind.
    package let kind: String
    /// The object's name or id.
    package let object: String
    /// The digest of the finding that was accepted; `nil` where any deviation of the object is accepted.
    package let digest: String?
    /// The reason for accepting it.
    package let reason: String
    /// The person who accepted it.
    package let person: String
    /// The day of the acceptance, `2026-11-23`.
    package let since: String
    /// The last day on which it is valid.
    package let until: String

    /// Creates the acceptance of a finding.
    package init(_ finding: SnapshotFinding, reason: String, person: String, since: String, until: String) {
        (kind, object, digest) = (finding.kind.name, finding.name, finding.digest)
        (self.reason, self.person, self.since, self.until) = (reason, person, since, until)
    }

    init?(json: JSONValue) {
        guard let kind = json["kind"]?.string, let object = json["object"]?.string, let reason = json["reason"]?.string,
            let person = json["person"]?.string, let until = json["until"]?.string, Self.isDay(until), !reason.isEmpty,
            !person.isEmpty
        else { return nil }
        (self.kind, self.object, self.reason, self.person, self.until) = (kind, object, reason, person, until)
        digest = json["digest"]?.string
        since = json["since"]?.string ?? ""
    }

    /// The JSON form in the file.
    package var json: JSONValue {
        var members: JSONObject = ["kind": .string(kind), "object": .string(object)]
        members["digest"] = digest.map { .string($0) }
        members["reason"] = .string(reason)
        members["person"] = .string(person)
        if !since.isEmpty { members["since"] = .string(since) }
        members["until"] = .string(until)
        return .object(members)
    }

    /// Whether it applies to a finding, regardless of the day.
    func concerns(_ finding: SnapshotFinding) -> Bool {
        kind == finding.kind.name && [finding.name.lowercased(), finding.id.lowercased()].contains(object.lowercased())
            && digest.map { $0 == finding.digest } ?? true
    }

    /// Whether a text is a day in the form `2027-01-31`.
    package static func isDay(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return text.utf8.count == 10 && parts.map(\.utf8.count) == [4, 2, 2]
            && Timestamp(iso8601: text + "T00:00:00Z") != nil
    }
}

/// The accepted deviations, in a file beside a snapshot that people may also write by hand and keep in git.
package struct AcceptedDeviations: Sendable {
    /// The file's name.
    private static let fileName = "accepted.json"

    private let path: String
    /// All deviations, in the order of the file.
    package private(set) var all: [AcceptedDeviation] = []

    /// Reads the file of a folder; there are no deviations where it is missing.
    /// - Throws: `invalidInput` for an entry that lacks a reason, a person or a day.
    package init(in folder: String) throws(MMError) {
        path = "\(folder)/\(Self.fileName)"
        guard let bytes = try ProtectedFile.read(path) else { return }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw MMError(.invalidInput, "\(path) can't be read as JSON: \(error).", hint: "Restore the file.")
        }
        for (number, entry) in (value["accepted"]?.array ?? []).enumerated() {
            guard let deviation = AcceptedDeviation(json: entry) else {
                throw MMError(
                    .invalidInput, "Entry \(number + 1) of \(path) is incomplete.",
                    hint: "It needs `kind`, `object`, `reason`, `person` and `until`, a day such as 2027-01-31.")
            }
            all.append(deviation)
        }
    }

    /// Returns the acceptance of a finding with the latest end, and whether it is valid on a day.
    package func acceptance(of finding: SnapshotFinding, on day: String) -> (deviation: AcceptedDeviation, holds: Bool)?
    {
        let found = all.filter { $0.concerns(finding) }.max { $0.until < $1.until }
        return found.map { ($0, $0.until >= day) }
    }

    /// Adds deviations; they replace earlier ones of the same object.
    package mutating func add(_ new: [AcceptedDeviation]) throws(MMError) {
        all.removeAll { old in
            new.contains { $0.kind == old.kind && $0.object == old.object && ($0.digest == old.digest) }
        }
        all += new
        let value: JSONValue = ["accepted": .array(all.map(\.json))]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value, layout: .indented(2)) + [0x0A])
    }
}
