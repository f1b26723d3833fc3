package import MMCore

/// A person who has answered a waiting request, and how they were authenticated.
package struct Approver: Sendable, Hashable {
    /// The person who answered: the owner of the key, or the login of the terminal.
    package var person: String
    /// The way in which the answer was given: `terminal`, `form`, or `passkey` with the key's name.
    package var means: String

    /// Creates an approver.
    package init(person: String, means: String) {
        self.person = person
        self.means = means
    }

    /// A short text with the person and the means.
    package var text: String { "\(person) (\(means))" }
}

extension Approver {
    /// The approver as JSON, for storing and showing.
    package var json: JSONValue { ["person": .string(person), "means": .string(means)] }

    /// Reads a stored approver; `nil` if the value isn't one.
    init?(json: JSONValue) {
        guard let person = json["person"]?.string, let means = json["means"]?.string else { return nil }
        self.init(person: person, means: means)
    }
}
