package import MMCore
import MMEgress
import MMSystem

/// What all sessions of this process have sent: a line of the audit chain for each request, and how many by host and status.
package final class SentRequests: Sendable {
    /// What is counted together.
    package struct Kind: Sendable, Hashable {
        /// The host.
        package let host: String
        /// The status that the session got; 0 where it had gone.
        package let status: Int
    }

    private enum Entry: Sendable {
        case line(JSONObject)
        case mark(OneShot<Void>)
    }

    /// Hosts of which sessions may make up names are counted together beyond this.
    private static let mostKinds = 500

    private let queue: AsyncStream<Entry>.Continuation
    private let counted = Mutex<[Kind: Int]>([:])
    /// How many lines wait to be written.
    private let waiting = LineCount()

    /// The lines that wait, which the task that writes them counts down.
    private final class LineCount: Sendable {
        private let count = Mutex(0)

        var isZero: Bool { count.withLock { $0 == 0 } }
        func add(_ number: Int) { count.withLock { $0 += number } }
    }

    /// Nothing sent yet.
    /// - Parameters:
    ///   - audit: where the lines go.
    ///   - log: told when one can't be written.
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

    /// The operation that the lines of requests name.
    static let operation = "request"

    /// Whether a line of the audit chain is a call's, and not that of a request which a session sent.
    package static func isCall(_ entry: JSONObject) -> Bool { entry["operation"]?.string != operation }

    /// How many requests there were.
    package var counts: [Kind: Int] { counted.withLock { $0 } }

    /// A request has ended.
    /// - Parameters:
    ///   - record: the request.
    ///   - facts: whose it was.
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
        line["durationMilliseconds"] = .int(Int64(record.duration / .milliseconds(1)))
        write(line)
    }

    /// A connection was refused before it held a request, or something was found on it that doesn't belong there.
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

    /// Returns when all lines so far are written; at once where none waits, as after most calls.
    func flush() async {
        if waiting.isZero { return }
        let mark = OneShot<Void>()
        queue.yield(.mark(mark))
        await mark.wait()
    }
}
