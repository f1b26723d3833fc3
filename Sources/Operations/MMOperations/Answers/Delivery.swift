package import MMCore

/// What a call does once its answer has arrived: it forgets what it gives only once, or remembers what was given.
///
/// Whoever hands the answer to its reader settles it after the last byte is written. Answers can fail after the call
/// itself: a filter doesn't fit, a column is unknown, or a disk is full.
package struct Delivery: Sendable {
    private let work: @Sendable () async throws(MMError) -> Void

    /// Creates a delivery that has not been settled.
    package init(_ work: @escaping @Sendable () async throws(MMError) -> Void) { self.work = work }

    /// Does what waited for the arrival of the answer.
    package func settle() async throws(MMError) { try await work() }
}
