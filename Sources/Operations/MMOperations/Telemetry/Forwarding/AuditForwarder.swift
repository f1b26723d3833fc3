package import MMCore
import MMSystem

/// Sends copies of audit lines to one destination.
///
/// The audit log itself is the spool: it is on disk before a call ends, private, and stays. What is kept besides is how far a
/// destination has come. So calls wait for nothing, memory holds one batch, a restart loses nothing, and each line arrives at
/// least once, in order.
package struct AuditForwarder: Sendable {
    /// How long to rest.
    package struct Rests: Sendable {
        /// Between two looks for new lines.
        package var look = Duration.seconds(1)
        /// After a first failure; each further one doubles it.
        package var first = Duration.seconds(1)
        /// At most, after failures.
        package var longest = Duration.seconds(300)
        /// How long the last lines may take when the process is to end.
        package var last = Duration.seconds(3)

        /// The usual ones.
        package init() {}
    }

    private let destination: AuditDestination
    private let sink: any AuditSink
    private let audit: AuditLog
    private let paths: StatePaths
    private let log: Log
    private let rests: Rests
    private let clock: WallClock

    /// What is read at once.
    private static let batchBytes = 256 << 10

    /// A forwarder that sends nothing yet.
    package init(
        to destination: AuditDestination, by sink: any AuditSink, of audit: AuditLog, paths: StatePaths, log: Log,
        rests: Rests = Rests(), clock: WallClock = .system
    ) {
        (self.destination, self.sink, self.audit, self.paths) = (destination, sink, audit, paths)
        (self.log, self.rests, self.clock) = (log.from("audit-copies"), rests, clock)
    }

    /// Sends lines as they come, until the task is cancelled, and then the last ones. One process does it at a time; the others wait
    /// for it to end.
    package func run() async {
        let path = AuditCopyState.path(of: destination, paths)
        var told: String?
        while !Task.isCancelled {
            do throws(MMError) {
                if let lock = try FileLock.tryAcquire(path) {
                    try await forward()
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

    /// Sends what waits, unless another process does or the destination is away. For processes that end at once.
    package func sendRest() async {
        do throws(MMError) {
            guard let lock = try FileLock.tryAcquire(AuditCopyState.path(of: destination, paths)) else { return }
            // Whoever is told to end sends what waits, and looks for no more.
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
            // What the process wrote until it was to end goes out with it, unless the destination is away.
            if Task.isCancelled {
                let until = end ?? .after(rests.last)
                end = until
                guard state.fault == nil, !until.hasPassed else { return }
            }
            let piece = try audit.following(state.position, limit: limit)
            if piece.isOtherFile {
                log.warning("another audit log stands in the place of the old one; it is sent from its start")
                state.position = .start
            }
            guard !piece.lines.isEmpty else {
                guard end == nil else { return }
                try? await Task.sleep(for: rests.look)
                continue
            }
            // A line that is longer than the limit comes with its neighbours.
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
                    log.error("\(destination.name) never takes line \(batch.position.number), which is too long for it")
                    state.position = batch.position
                } else {
                    note(error, &state)
                }
                try state.write(destination, paths)
                guard !error.isTooMuch else { continue }
                guard (try? await Task.sleep(for: error.after ?? rest)) != nil else { return }
                rest = min(rest * 2, rests.longest)
                continue
            }
            try state.write(destination, paths)
        }
    }

    /// Sends lines. Those that are under way when the process is to end are waited for, and noted when they have arrived: a destination
    /// that has taken them and is not listened to would get them again from the next process.
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
                sending.cancel()
            }
        }.get()
    }

    /// Lines that are sent at once.
    private struct Batch {
        let lines: [ArraySlice<UInt8>]
        let position: AuditPosition

        init(_ piece: AuditPiece) { self.init(piece.lines, piece.position) }

        private init(_ lines: [ArraySlice<UInt8>], _ position: AuditPosition) {
            (self.lines, self.position) = (lines, position)
        }

        /// The first whole line, with what a crash left in front of it.
        init(first piece: AuditPiece) {
            // The lines are slices of what was read, which ends at the position.
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
        if state.fault != nil { log.info("\(destination.name) takes audit lines again") }
        (state.fault, state.faultSince) = (nil, nil)
        state.delivered = clock.now.iso8601
    }

    private func note(_ fault: AuditSinkFault, _ state: inout AuditCopyState) {
        if state.fault == nil {
            state.faultSince = clock.now.iso8601
            log.warning("\(destination.name) takes no audit lines: \(fault.reason)")
        }
        state.fault = fault.reason
    }
}

/// How far the copies of the audit log for one destination have come; kept in a file (0600) over restarts.
package struct AuditCopyState: Sendable, Hashable {
    /// The destination, as people write it.
    package let destination: String
    /// Behind the last line that arrived.
    package var position = AuditPosition.start
    /// When lines last arrived.
    package var delivered: String?
    /// Why they don't arrive now.
    package var fault: String?
    /// Since when they don't.
    package var faultSince: String?
    /// Lines that the destination never takes, each of them named in the log.
    package var skipped = 0

    init(destination: String) { self.destination = destination }

    /// The folder of the files.
    private static func folder(_ paths: StatePaths) -> String { paths.stateDirectory + "/audit-copies" }

    /// The file of a destination.
    static func path(of destination: AuditDestination, _ paths: StatePaths) -> String {
        let digest = Hex.text(SHA256.digest("\(destination)".utf8).prefix(6))
        return "\(folder(paths))/\(StatePaths.safeName(destination.name).prefix(60))-\(digest).json"
    }

    /// The state of a destination; that of a new one where there is none.
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
        state.skipped = json["skipped"]?.int ?? 0
        return state
    }

    func write(_ destination: AuditDestination, _ paths: StatePaths) throws(MMError) {
        // What a power cut loses of it is sent again.
        try ProtectedFile.replace(
            Self.path(of: destination, paths), with: JSONWriter.bytes(.object(json)), durable: false)
    }

    /// As the file and `mm pool status` hold it.
    package var json: JSONObject {
        var json: JSONObject = [
            "destination": .string(destination), "offset": .int(Int64(position.offset)),
            "seq": .int(position.number), "hash": .string(position.hash),
        ]
        if let delivered { json["delivered"] = .string(delivered) }
        if let fault { json["fault"] = .string(fault) }
        if let faultSince { json["faultSince"] = .string(faultSince) }
        if skipped > 0 { json["skipped"] = .int(Int64(skipped)) }
        return json
    }
}

/// Takes copies of audit lines.
package protocol AuditSink: Sendable {
    /// Delivers lines, in their order.
    /// - Throws: an error when they may not have arrived; they are then sent again.
    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault)
}

/// Why lines were not delivered.
package struct AuditSinkFault: Error, Sendable {
    /// In words.
    package let reason: String
    /// When the destination asked to be tried again.
    package var after: Duration?
    /// Whether fewer lines at once may be taken.
    package var isTooMuch = false

    /// Creates a fault.
    package init(_ reason: String, after: Duration? = nil, isTooMuch: Bool = false) {
        (self.reason, self.after, self.isTooMuch) = (reason, after, isTooMuch)
    }
}
