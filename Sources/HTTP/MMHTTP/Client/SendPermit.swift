/// A permission to send that is checked immediately before a request's first bytes are sent.
///
/// A sender whose permission expires (the holder of a lease) is checked here once more, after name look-ups, connecting
/// and waiting. If the permission has expired by then, nothing is sent.
package struct SendPermit: Sendable {
    /// The function that returns why nothing may be sent, or `nil` if sending is allowed. It must be fast, because it
    /// is called on the client's thread.
    package let refusal: @Sendable () -> String?

    /// The permit of the current task's requests, for those that have none of their own.
    @TaskLocal package static var current: SendPermit?

    /// Creates a permit.
    package init(refusal: @escaping @Sendable () -> String?) {
        self.refusal = refusal
    }
}
