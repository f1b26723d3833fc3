package import MMCore

/// The input that a caller sends while its call runs: the standard input of a command line.
package protocol CallInput: Sendable {
    /// Returns the next bytes. It is called when there is room for them, by one reader at a time.
    /// - Returns: `nil` at the end.
    /// - Throws: `cancelled` when the task is cancelled or the caller has gone.
    func next() async throws(MMError) -> [UInt8]?
}
