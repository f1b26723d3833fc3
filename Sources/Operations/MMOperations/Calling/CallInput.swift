package import MMCore

/// What a caller hands over while its call runs: the standard input of a command line.
package protocol CallInput: Sendable {
    /// The next bytes, asked for when there is room for them; one reader at a time may ask.
    /// - Returns: nil at the end.
    /// - Throws: `cancelled` when the task is cancelled or the caller has gone.
    func next() async throws(MMError) -> [UInt8]?
}
