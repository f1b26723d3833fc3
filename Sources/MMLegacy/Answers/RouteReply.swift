package import MMCore

/// What a route of the earlier servers answers.
package struct RouteReply: Sendable {
    /// The HTTP status; those servers answered 200 for most errors too.
    package var status: Int
    /// The body.
    package var body: JSONObject

    package init(_ body: JSONObject, status: Int = 200) {
        self.status = status
        self.body = body
    }
}
