import MMCore

/// Takes copies of audit lines.
package protocol AuditSink: Sendable {
    /// Delivers lines, in their order.
    /// - Throws: an error when they may not have arrived; they are then sent again.
    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault)
}

/// Why lines were not delivered.
package struct AuditSinkFault: Error, Sendable {
    /// In words.
    package let reason: String
    /// When the destination asked to be tried again.
    package var after: Duration?
    /// Whether fewer lines at once may be taken.
    package var isTooMuch = false

    /// Creates a fault.
    package init(_ reason: String, after: Duration? = nil, isTooMuch: Bool = false) {
        (self.reason, self.after, self.isTooMuch) = (reason, after, isTooMuch)
    }
}
