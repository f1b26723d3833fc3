import MMCore
import MMSystem

/// Appends lines to a file, such as one on a share that only takes more.
struct FileSink: AuditSink {
    let path: String

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        let bytes = Array(lines.joined(separator: [0x0A])) + [0x0A]
        let path = path
        do throws(MMError) {
            try await BlockingWork.run { () throws(MMError) in try ProtectedFile.append(bytes, to: path) }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}
