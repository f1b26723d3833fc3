import MMCore

extension PolledReader {
    /// Takes what a peer is still sending, throws it away, and closes the descriptor once the peer has ended.
    ///
    /// A peer that still sends when its connection is closed gets a reset, and might never read the answer that it was
    /// given before (RFC 9112, section 9.6).
    /// - Parameters:
    ///   - time: how long that may last.
    ///   - bytes: how much is taken.
    package func discard(within time: Duration, upTo bytes: Int) async {
        let watch = DeadlineWatch.shared.watch(.now + time) { self.close() }
        defer {
            DeadlineWatch.shared.cancel(watch)
            close()
        }
        var left = bytes
        while left > 0, let piece = try? await read(), !piece.isEmpty { left -= piece.count }
    }
}
