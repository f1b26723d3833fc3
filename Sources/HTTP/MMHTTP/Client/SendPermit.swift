/// Leave to send, asked for as the last thing before a request's bytes leave.
///
/// Whoever may send only for a while (the holder of a lease) is asked here once more, after names were looked up,
/// connections made and waits waited: what was late by then is not sent at all.
package struct SendPermit: Sendable {
    /// Why nothing may be sent; `nil` where it may. It must be short: it is called on the client's thread.
    package let refusal: @Sendable () -> String?

    /// The permit of the current task's requests, for those that have none of their own.
    @TaskLocal package static var current: SendPermit?

    /// A permit.
    package init(refusal: @escaping @Sendable () -> String?) {
        self.refusal = refusal
    }
}
