package import MMCore

/// A person who has answered a request that waited, and how they proved to be one.
package struct Approver: Sendable, Hashable {
    /// Whose yes or no it is: the owner of the key, or the login of the terminal.
    package var person: String
    /// How it was given: `terminal`, `form`, or `passkey` with the key's name.
    package var means: String

    /// Creates an approver.
    package init(person: String, means: String) {
        self.person = person
        self.means = means
    }

    /// The approver in a few words.
    package var text: String { "\(person) (\(means))" }
}

extension Approver {
    /// The approver as it is stored and shown.
    package var json: JSONValue { ["person": .string(person), "means": .string(means)] }

    /// Reads a stored approver; `nil` if the value isn't one.
    init?(json: JSONValue) {
        guard let person = json["person"]?.string, let means = json["means"]?.string else { return nil }
        self.init(person: person, means: means)
    }
}
