import MMCore

/// The tables' result for a request.
package struct RequestClassification: Sendable, Hashable {
    /// The template of the path as Microsoft Graph lists it; `nil` when unknown or for other services.
    package var template: String?
    /// The classes.
    package var classes: GuardClassSet
    /// The rule.
    package var rule: String
    /// The rule's reason.
    package var why: String
    /// Whether a table knows the path (or, for other services, a rule speaks of it).
    package var isKnown: Bool
    /// Whether it sends a message, which a person is shown first.
    package var sendsMessage: Bool
    /// The items of a batch.
    package var items: [BatchItem]
    /// Whether the rule applies only because of the properties that are read.
    var isForSelection = false
    /// The service, the method and all forms of the path, for the user's rules.
    var service = RequestService.graph
    var method = "GET"
    var forms: [[String]] = []

    /// What the request changes, in a form that is only compared; `nil` if it only reads, and for a batch.
    var object: String?

    /// The objects that it changes, by itself or by the items of a batch.
    package var objects: Set<String> { Set(([self] + items.map(\.classification)).compactMap(\.object)) }

    /// Whether it counts as the worst because something that it carries, a request or a cmdlet, can't be read.
    var isUnread: Bool { ["batch-unreadable", "invoke-command-unreadable"].contains(rule) }

    /// Adds the classes of what the request also reads; its template stays that of its own path.
    mutating func include(_ read: RequestClassification) {
        if method == read.method { forms += read.forms }
        guard read.classes != .read else { return }
        if read.classes.strictest.rank > classes.strictest.rank {
            (rule, why, isForSelection) = (read.rule, read.why, read.isForSelection)
        }
        classes = classes.union(read.classes).subtracting(.read)
    }

    /// One request within a batch.
    package struct BatchItem: Sendable, Hashable {
        /// The item's own id.
        package var id: String
        /// The method and address as written.
        package var line: String
        /// The body of the item.
        var body = RequestBody.none
        /// The tables' result for the item.
        package var classification: RequestClassification
    }
}
