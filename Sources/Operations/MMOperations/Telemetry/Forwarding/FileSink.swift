import MMCore
import MMSystem

/// Appends lines to a file, such as one on a share that only takes more.
final class FileSink: AuditSink {
    private let path: String
    /// Whether the file may end within a line, as one does whose disk was full.
    private let mayBeTorn: Mutex<Bool>

    /// A file.
    /// - Parameter isAfterFault: whether an earlier process failed to write to it last.
    init(path: String, isAfterFault: Bool = false) {
        self.path = path
        mayBeTorn = Mutex(isAfterFault)
    }

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        // The rest of a line would make the next one unreadable, too.
        let start: [UInt8] = mayBeTorn.withLock { $0 } ? [0x0A] : []
        let bytes = start + Array(lines.joined(separator: [0x0A])) + [0x0A]
        let path = path
        do throws(MMError) {
            try await BlockingWork.run { () throws(MMError) in try ProtectedFile.append(bytes, to: path) }
            mayBeTorn.withLock { $0 = false }
        } catch {
            mayBeTorn.withLock { $0 = true }
            throw AuditSinkFault(error.message)
        }
    }
}
