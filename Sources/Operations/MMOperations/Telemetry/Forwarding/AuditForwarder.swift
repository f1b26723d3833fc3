package import MMCore
import MMSystem

/// Sends copies of audit lines to one destination.
///
/// The audit log itself is the spool: a line is on disk, private, before its call ends, and stays there. Only the
/// position of each destination is kept in addition. So calls don't wait, memory holds only one batch, a restart loses
/// nothing, and each line arrives at least once, in order.
package struct AuditForwarder: Sendable {
    /// The delays.
    package struct Rests: Sendable {
        /// The interval between checks for new lines.
        package var look = Duration.seconds(1)
        /// The delay after a first failure; each further failure doubles it.
        package var first = Duration.seconds(1)
        /// The maximum delay after failures.
        package var longest = Duration.seconds(300)
        /// The maximum time for the last lines when the process is closing.
        package var last = Duration.seconds(3)
        /// The minimum time that processes which end at once leave a destination alone after a failure.
        package var absence = Duration.seconds(60)

        /// Creates the default delays.
        package init() {}
    }

    private let destination: AuditDestination
    private let sink: any AuditSink
    private let audit: AuditLog
    private let paths: StatePaths
    private let log: Log
    private let rests: Rests

    /// The number of bytes read at once.
    private static let batchBytes = 256 << 10

    /// Creates a forwarder.
    package init(
        to destination: AuditDestination, by sink: any AuditSink, of audit: AuditLog, paths: StatePaths, log: Log,
        rests: Rests = Rests()
    ) {
        (self.destination, self.sink, self.audit, self.paths) = (destination, sink, audit, paths)
        (self.log, self.rests) = (log.from("audit-copies"), rests)
    }

    /// Sends lines as they are written, until the task is cancelled, and then the last ones. Only one process at a time
    /// does so; the others wait for it to end.
    package func run() async {
        let path = AuditCopyState.path(of: destination, paths)
        var told: String?
        while !Task.isCancelled {
            do throws(MMError) {
                if let lock = try FileLock.tryAcquire(path) {
                    try await forward()
                    await sink.close()
                    _ = consume lock
                    return
                }
                told = nil
            } catch {
                if told != error.message { log.warning("\(destination.name): \(error.message)") }
                told = error.message
            }
            guard (try? await Task.sleep(for: rests.look * 5)) != nil else { return }
        }
    }

    /// Sends the remaining lines, unless another process does so or the destination can't be reached. For processes
    /// that end at once.
    package func sendRest() async {
        do throws(MMError) {
            guard let lock = try FileLock.tryAcquire(AuditCopyState.path(of: destination, paths)) else { return }
            // A cancelled task sends the remaining lines and doesn't wait for more.
            let task = Task { () async -> MMError? in
                do throws(MMError) {
                    try await forward()
                    return nil
                } catch {
                    return error
                }
            }
            task.cancel()
            if let error = await task.value { throw error }
            await sink.close()
            _ = consume lock
        } catch {
            log.warning("\(destination.name): \(error.message)")
        }
    }

    private func forward() async throws(MMError) {
        var state = try AuditCopyState.read(destination, paths)
        var limit = Self.batchBytes
        var rest = rests.first
        var end: Deadline?
        while true {
            // Lines written before the cancellation are still sent.
            if Task.isCancelled {
                let until = end ?? .after(rests.last)
                end = until
                guard !until.hasPassed else { return }
            }
            let piece = try audit.following(state.position, limit: limit)
            if piece.isOtherFile {
                log.warning("the audit log was replaced; the new one is sent from its start")
                state.position = .start
            }
            guard !piece.lines.isEmpty else {
                guard end == nil else { return }
                try? await Task.sleep(for: rests.look)
                continue
            }
            // A line that is longer than the limit is read together with others, so only the first one is taken.
            let batch = limit == 1 ? Batch(first: piece) : Batch(piece)
            do throws(AuditSinkFault) {
                try await deliver(batch.lines)
                noteDelivery(&state)
                state.position = batch.position
                (rest, limit) = (rests.first, min(limit * 2, Self.batchBytes))
            } catch {
                if error.isTooMuch, batch.lines.count > 1 {
                    limit = max(1, limit / 2)
                    continue
                }
                if error.isTooMuch {
                    state.skipped += 1
                    log.error("\(destination.name) can't accept line \(batch.position.number), because it is too long")
                    state.position = batch.position
                } else {
                    note(error, &state)
                }
                try state.write(destination, paths)
                guard !error.isTooMuch else { continue }
                // After the cancellation, a destination that can't be reached isn't tried again.
                guard (try? await Task.sleep(for: error.after ?? rest)) != nil else { return }
                rest = min(rest * 2, rests.longest)
                continue
            }
            try state.write(destination, paths)
        }
    }

    /// Sends lines. If the process is closing meanwhile, it waits for the delivery and records it: otherwise the next
    /// process would send lines again that the destination has already accepted.
    private func deliver(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        let outcome = OneShot<Result<Void, AuditSinkFault>>()
        let sending = Task { [sink] in
            do throws(AuditSinkFault) {
                try await sink.send(lines)
                outcome.resolve(.success(()))
            } catch {
                outcome.resolve(.failure(error))
            }
        }
        return try await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: { [rests] in
            Task {
                try? await Task.sleep(for: rests.last)
                // A call that blocks can't be interrupted, so the process doesn't wait for it.
                outcome.resolve(.failure(AuditSinkFault("it accepted no lines before the process ended")))
                sending.cancel()
            }
        }.get()
    }

    /// Lines that are sent together.
    private struct Batch {
        let lines: [ArraySlice<UInt8>]
        let position: AuditPosition

        init(_ piece: AuditPiece) { self.init(piece.lines, piece.position) }

        private init(_ lines: [ArraySlice<UInt8>], _ position: AuditPosition) {
            (self.lines, self.position) = (lines, position)
        }

        /// Creates a batch of the first complete line, with the fragments of a crash before it.
        init(first piece: AuditPiece) {
            // The lines are slices of the bytes read, which end at the position.
            let start = piece.position.offset - (piece.lines.last.map { $0.endIndex + 1 } ?? 0)
            for (index, line) in piece.lines.enumerated() {
                let entry: JSONValue? = try? JSONParser.parse(Array(line))
                guard let number = entry?["seq"]?.int, let hash = entry?["hash"]?.string else { continue }
                self.init(
                    Array(piece.lines[...index]),
                    AuditPosition(offset: start + line.endIndex + 1, number: Int64(number), hash: hash))
                return
            }
            self.init(piece)
        }
    }

    private func noteDelivery(_ state: inout AuditCopyState) {
        if state.fault != nil { log.info("\(destination.name) accepts audit lines again") }
        (state.fault, state.faultSince, state.nextAttempt) = (nil, nil, nil)
        state.delivered = Timestamp.now.iso8601
    }

    private func note(_ fault: AuditSinkFault, _ state: inout AuditCopyState) {
        if state.fault == nil {
            state.faultSince = Timestamp.now.iso8601
            log.warning("\(destination.name) accepts no audit lines: \(fault.reason)")
        }
        state.fault = fault.reason
        state.nextAttempt = .now + max(fault.after ?? .zero, rests.absence)
    }
}

/// The position of the copies for one destination, kept in a file (0600) across restarts.
package struct AuditCopyState: Sendable, Hashable {
    /// The destination's text form.
    package let destination: String
    /// The position after the last line that arrived.
    package var position = AuditPosition.start
    /// The time at which lines last arrived.
    package var delivered: String?
    /// The reason why lines don't arrive at present.
    package var fault: String?
    /// The time since which they don't arrive.
    package var faultSince: String?
    /// The time before which a process that ends at once doesn't try the destination again.
    fileprivate(set) var nextAttempt: Timestamp?
    /// The number of lines that the destination never accepted, each of which was logged.
    package var skipped = 0

    init(destination: String) { self.destination = destination }

    /// Whether the destination accepted nothing a moment ago. A time beyond the longest pause that a destination can
    /// ask for was noted before the clock was set back.
    func isAway(at now: Timestamp) -> Bool {
        guard let nextAttempt else { return false }
        return now < nextAttempt && nextAttempt - now <= AuditSinkFault.longestRest
    }

    /// Returns the folder of the files.
    private static func folder(_ paths: StatePaths) -> String { paths.stateDirectory + "/audit-copies" }

    /// Returns the file of a destination.
    static func path(of destination: AuditDestination, _ paths: StatePaths) -> String {
        let digest = Hex.text(SHA256.digest("\(destination)".utf8).prefix(6))
        return "\(folder(paths))/\(StatePaths.safeName(destination.name).prefix(60))-\(digest).json"
    }

    /// Reads the state of a destination; a new one begins at the start.
    /// - Throws: an error when the file can't be read.
    package static func read(_ destination: AuditDestination, _ paths: StatePaths) throws(MMError) -> AuditCopyState {
        var state = AuditCopyState(destination: destination.name)
        guard let bytes = try ProtectedFile.read(path(of: destination, paths), limit: 1 << 16),
            let json = try? JSONParser.parse(bytes), let offset = json["offset"]?.int, let number = json["seq"]?.int,
            let hash = json["hash"]?.string
        else { return state }
        state.position = AuditPosition(offset: offset, number: Int64(number), hash: hash)
        state.delivered = json["delivered"]?.string
        state.fault = json["fault"]?.string
        state.faultSince = json["faultSince"]?.string
        state.nextAttempt = json["nextAttempt"]?.string.flatMap { Timestamp(iso8601: $0) }
        state.skipped = json["skipped"]?.int ?? 0
        return state
    }

    func write(_ destination: AuditDestination, _ paths: StatePaths) throws(MMError) {
        // Lines whose position a power failure loses are sent again.
        try ProtectedFile.replace(
            Self.path(of: destination, paths), with: JSONWriter.bytes(.object(json)), durable: false)
    }

    /// The JSON form in the file and in `mm pool status`.
    package var json: JSONObject {
        var json: JSONObject = [
            "destination": .string(destination), "offset": .int(Int64(position.offset)),
            "seq": .int(position.number), "hash": .string(position.hash),
        ]
        if let delivered { json["delivered"] = .string(delivered) }
        if let fault { json["fault"] = .string(fault) }
        if let faultSince { json["faultSince"] = .string(faultSince) }
        if let nextAttempt { json["nextAttempt"] = .string(nextAttempt.iso8601) }
        if skipped > 0 { json["skipped"] = .int(Int64(skipped)) }
        return json
    }
}

/// A receiver of copies of audit lines.
package protocol AuditSink: Sendable {
    /// Delivers lines, in their order.
    /// - Throws: an error when they may not have arrived; they are then sent again.
    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault)

    /// Ends the connection to the destination, if there is one.
    func close() async
}

extension AuditSink {
    /// Does nothing: most destinations have no connection whose end they must be told of.
    package func close() async {}
}

/// The reason why lines were not delivered.
package struct AuditSinkFault: Error, Sendable {
    /// The reason in words.
    package let reason: String
    /// The delay that the destination asked for.
    package var after: Duration?
    /// Whether the destination may accept a smaller batch.
    package var isTooMuch = false
    /// The longest delay that a destination can ask for.
    static let longestRest = Duration.seconds(3600)

    /// Creates a fault.
    package init(_ reason: String, after: Duration? = nil, isTooMuch: Bool = false) {
        (self.reason, self.after, self.isTooMuch) = (reason, after, isTooMuch)
    }
}
