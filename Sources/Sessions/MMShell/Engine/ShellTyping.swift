import Glibc
import MMCore
import MMSystem

/// The writing end of the pipe that a shell reads its lines from.
final class ShellTyping: Sendable {
    private let writer: PolledWriter
    /// The same pipe, to ask how full it is.
    private let gauge: OwnedDescriptor

    /// Takes over the writing end.
    init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        gauge = OwnedDescriptor(try descriptor.duplicate())
        writer = try PolledWriter(descriptor)
    }

    /// How many bytes the shell has not read yet; nil when that can't be told.
    var unread: Int? { FileDescriptor.pendingInput(gauge.raw) }

    /// Hands over a line at once, whole or not at all.
    /// - Returns: false when there is no room for it, or when it is too long for one piece.
    func post(_ line: [UInt8]) -> Bool {
        // Up to this size a pipe takes all or nothing (pipe(7), PIPE_BUF).
        guard line.count <= 4096 else { return false }
        return line.withUnsafeBytes { Glibc.write(gauge.raw, $0.baseAddress, $0.count) } == line.count
    }

    /// Hands over bytes, in pieces where need be.
    func write(_ bytes: [UInt8]) async throws(MMError) { try await writer.write(bytes) }

    /// Closes the pipe.
    func close() { writer.close() }
}
