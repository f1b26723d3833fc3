package import MMCore

/// The reply of one of the earlier servers' routes.
package struct RouteReply: Sendable {
    /// The HTTP status; those servers used 200 for most errors too.
    package var status: Int
    /// The body.
    package var body: JSONObject

    package init(_ body: JSONObject, status: Int = 200) {
        self.status = status
        self.body = body
    }
}
