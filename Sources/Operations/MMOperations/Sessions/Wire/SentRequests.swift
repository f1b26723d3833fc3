package import MMCore
import MMEgress
import MMSystem

/// The record of the requests of all sessions of this process: a line of the audit chain for each, and counts by host
/// and status.
package final class SentRequests: Sendable {
    /// The key of a count.
    package struct Kind: Sendable, Hashable {
        /// The host.
        package let host: String
        /// The status that the session got; 0 if it had gone.
        package let status: Int
    }

    private enum Entry: Sendable {
        case line(JSONObject)
        case mark(OneShot<Void>)
    }

    /// The maximum number of separate counts. Further hosts are counted as `other`, since sessions may invent host
    /// names.
    private static let mostKinds = 500

    private let queue: AsyncStream<Entry>.Continuation
    private let counted = Mutex<[Kind: Int]>([:])
    /// The number of lines that wait to be written.
    private let waiting = LineCount()

    /// A counter of waiting lines, which the writing task decrements.
    private final class LineCount: Sendable {
        private let count = Mutex(0)

        var isZero: Bool { count.withLock { $0 == 0 } }
        func add(_ number: Int) { count.withLock { $0 += number } }
    }

    /// Starts the task that writes the lines.
    /// - Parameters:
    ///   - audit: the audit log for the lines.
    ///   - log: the log for failures to write a line.
    package init(audit: AuditLog, log: Log) {
        let (entries, queue) = AsyncStream<Entry>.makeStream()
        self.queue = queue
        Task { [waiting] in
            for await entry in entries {
                switch entry {
                case .mark(let mark): mark.resolve(())
                case .line(let line):
                    do throws(MMError) { try await audit.append(line) } catch {
                        log.error("the audit line of a request could not be written: \(error.message)")
                    }
                    waiting.add(-1)
                }
            }
        }
    }

    deinit { queue.finish() }

    /// The operation's name in the lines of requests.
    static let operation = "request"

    /// The numbers of requests.
    package var counts: [Kind: Int] { counted.withLock { $0 } }

    /// Records a request that has ended.
    /// - Parameters:
    ///   - record: the request.
    ///   - facts: the facts about its session and call.
    func add(_ record: EgressRecord, _ facts: JSONObject) {
        counted.withLock { counted in
            let kind = Kind(host: record.host, status: record.status)
            let isKnown = counted[kind] != nil || counted.count < Self.mostKinds
            counted[isKnown ? kind : Kind(host: "other", status: record.status), default: 0] += 1
        }
        var line = facts
        line["number"] = .int(Int64(record.number))
        line["method"] = .string(record.method)
        line["host"] = .string(record.host)
        line["path"] = .string(record.pathTemplate)
        line["class"] = record.requestClass.map { .string($0) }
        line["template"] = DeployedTemplate.json(of: record.templates)
        line["status"] = .int(Int64(record.status))
        line["outcome"] = .string(record.fault ?? "done")
        line["sent"] = .bool(record.wasSent)
        line["bytesSent"] = .int(Int64(record.bytesUp))
        line["bytesAnswered"] = .int(Int64(record.bytesDown))
        line["requestId"] = record.requestID.map { .string($0) }
        line["durationMilliseconds"] = .int(record.duration.milliseconds)
        write(line)
    }

    /// Records a connection that was refused before it had a request, or on which something illegitimate was found.
    func add(fault: String, host: String?, _ facts: JSONObject) {
        var line = facts
        line["host"] = host.map { .string($0) }
        line["outcome"] = .string(fault)
        line["sent"] = false
        write(line)
    }

    private func write(_ line: JSONObject) {
        waiting.add(1)
        queue.yield(.line(line))
    }

    /// Waits until all lines so far are written. Usually none waits, and it returns at once.
    func flush() async {
        if waiting.isZero { return }
        let mark = OneShot<Void>()
        queue.yield(.mark(mark))
        await mark.wait()
    }
}
