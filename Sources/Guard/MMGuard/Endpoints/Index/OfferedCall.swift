/// A call of Microsoft Graph: a method of a path, with what it takes and answers.
package struct OfferedCall: Sendable, Hashable {
    /// What kind of call it is.
    package enum Kind: UInt8, Sendable {
        case list, get, create, update, replace, delete, action, function, delta, value, ref, post, batch
    }

    /// The method.
    package let method: String
    /// The template: `/users/{user-id}/messages`.
    package let template: String
    /// What kind of call it is.
    package let kind: Kind
    /// The type that it answers, or takes where it makes or changes something; empty when nothing or unknown.
    package let type: String
    /// The names in an action's body; `?` marks an optional one.
    package let body: [String]
    /// The query options that the description of the service offers, without `$`.
    package let options: [String]
    /// Other query parameters; `!` marks a required one.
    package let parameters: [String]
    /// Whether only beta has it.
    package let isBetaOnly: Bool
    /// What an example adds to the path, or its body; empty when there is none.
    package var example = ""

    /// The path with its version: beta paths say so.
    package var path: String { isBetaOnly ? "/beta" + template : template }
    /// Whether the type is that of many.
    package var answersMany: Bool { kind == .list || kind == .delta || type.hasSuffix("[]") }
}
