import MMCore
import MMSystem

/// Stands between an answer that is still being fetched and its reader, counts the rows, and writes down how the call ended
/// when that is known: with the last row, with the error that came instead, or when the reader went away.
final class FlowingAnswer: Sendable {
    private let stream: ItemStream
    private let audit: CallAudit
    /// Whether what flows is a list: the pieces of a command's output are nothing to count.
    private let countsRows: Bool
    /// The rows so far; nil once the end is written down.
    private let rows = Mutex<Int?>(0)

    private init(_ stream: ItemStream, _ audit: CallAudit, _ countsRows: Bool) {
        self.stream = stream
        self.audit = audit
        self.countsRows = countsRows
    }

    deinit {
        guard let rows = taken() else { return }
        audit.endAtOnce(
            MMError(
                .cancelled, countsRows ? "The reader went away after \(rows) rows." : "The reader went away.",
                hint: "Run it again."), rows: countsRows ? rows : nil)
    }

    /// The same list, which writes its own end down.
    static func watched(_ stream: ItemStream, for audit: CallAudit, countsRows: Bool) -> ItemStream {
        let watch = FlowingAnswer(stream, audit, countsRows)
        return ItemStream(end: stream.end) { () async throws(MMError) in try await watch.next() }
    }

    private func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
        do throws(MMError) {
            guard let batch = try await batch() else {
                if let rows = taken() {
                    await audit.end(nil, rows: countsRows ? rows : nil, errors: stream.end().errors.count)
                }
                return nil
            }
            rows.withLock { if let count = $0 { $0 = count + batch.count } }
            return batch
        } catch {
            if let rows = taken() { await audit.end(error, rows: countsRows ? rows : nil) }
            throw error
        }
    }

    /// The next rows, whose requests belong to the call's trace though its task has ended.
    private func batch() async throws(MMError) -> [ArraySlice<UInt8>]? {
        guard let span = audit.span else { return try await stream.next() }
        let stream = stream
        return try await span.around { () async throws(MMError) in try await stream.next() }
    }

    private func taken() -> Int? {
        rows.withLock { rows in
            defer { rows = nil }
            return rows
        }
    }
}
