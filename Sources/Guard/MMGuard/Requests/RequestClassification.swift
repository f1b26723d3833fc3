internal import MMCore

/// What the tables say about a request.
public struct RequestClassification: Sendable, Hashable {
    /// The template of the path as Microsoft Graph lists it; `nil` when unknown or for other services.
    public var template: String?
    /// The classes.
    public var classes: GuardClassSet
    /// The rule.
    public var rule: String
    /// The rule's reason.
    public var why: String
    /// Whether a table knows the path (or, for other services, a rule speaks of it).
    public var isKnown: Bool
    /// Whether it sends a message, which a person sees first.
    public var sendsMessage: Bool
    /// The items of a batch.
    public var items: [BatchItem]
    /// The service and the plain method, and the path in all its forms, for the user's rules.
    var service = RequestService.graph
    var method = "GET"
    var forms: [[String]] = []

    /// One request within a batch.
    public struct BatchItem: Sendable, Hashable {
        /// The item's own id.
        public var id: String
        /// Method and address as written.
        public var line: String
        /// Its body.
        var body = RequestBody.none
        /// What the tables say about it.
        public var classification: RequestClassification
    }
}
