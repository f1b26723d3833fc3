package import MMCore

/// The work of a process that outlives the calls that started it: detached calls, and commands of shell sessions.
///
/// Every look-up names the owners; anyone else is told that there is no such job. The table belongs to the process; its
/// contents end with it.
package final class WorkTable: Sendable {
    /// The limits of a table.
    package struct Limits: Sendable {
        /// The maximum number of detached calls that run at once; the caller of a further one waits for its result.
        package var running = 64
        /// The maximum number of stored results of detached calls.
        package var kept = 200
        /// The maximum number of results that stay stored although they were delivered: the rest of a long output is
        /// read from there.
        package var keptDelivered = 64
        /// How long a result is stored.
        package var age: Duration = .seconds(3600)

        /// Creates the standard limits.
        package init() {}
    }

    private struct Table {
        /// The work in its order of arrival.
        var works: [any LongWork] = []
        var isClosed = false

        mutating func remove(_ isGone: (any LongWork) -> Bool) -> [any LongWork] {
            let gone = works.filter(isGone)
            works.removeAll(where: isGone)
            return gone
        }
    }

    private let limits: Limits
    private let table = Mutex(Table())

    /// Creates an empty table.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Adds work to the table: from now on it is found by its handle.
    package func add(_ work: any LongWork) {
        table.withLock { table in
            makeRoom(in: &table)
            if !table.isClosed { table.works.append(work) }
        }
    }

    /// Detaches the call of a job if there is room for one more: from now on the job is found by its handle.
    /// - Returns: `false` if the caller has to keep waiting.
    package func detach<Answer>(_ job: Job<Answer>) -> Bool {
        table.withLock { table in
            let running = table.works.count { $0.isDetached && $0.ended == nil }
            guard !table.isClosed, running < limits.running, job.detach() else { return false }
            makeRoom(in: &table)
            table.works.append(job)
            return true
        }
    }

    /// Keeps a job that ended before its call could be detached; its answer is read by its handle, like that of a
    /// detached job.
    /// - Returns: `false` if the table is closed.
    package func keep<Answer>(_ job: Job<Answer>) -> Bool {
        table.withLock { table in
            guard !table.isClosed else { return false }
            job.keep()
            makeRoom(in: &table)
            table.works.append(job)
            return true
        }
    }

    /// Removes expired entries, and the oldest entries beyond the limits.
    private func makeRoom(in table: inout Table) {
        let now = ContinuousClock.now
        _ = table.remove { work in work.ended.map { now - $0 > limits.age } ?? false }
        for (isDetached, most) in [(true, limits.kept), (false, limits.keptDelivered)] {
            let ended = table.works.filter { $0.isDetached == isDetached && $0.ended != nil }
            let others = isDetached ? table.works.count { $0.isDetached && $0.ended == nil } : 0
            let surplus = ended.count + others + 1 - most
            guard surplus > 0 else { continue }
            let oldest = ended.sorted { ($0.ended ?? now) < ($1.ended ?? now) }.prefix(surplus).map(\.handle)
            _ = table.remove { oldest.contains($0.handle) }
        }
    }

    /// Returns the work with this handle.
    /// - Parameters:
    ///   - handle: the handle.
    ///   - owners: the owners on whose behalf the caller asks; `nil` for a caller who may see everything.
    /// - Throws: `notFound`, also for work of another owner.
    package func work(_ handle: String, for owners: Set<String>?) throws(MMError) -> any LongWork {
        let found = table.withLock { table in table.works.first { $0.handle == handle } }
        if let found, owners?.contains(found.owner) ?? true { return found }
        throw MMError(
            .notFound, "There is no job “\(handle.prefix(40))”.",
            hint:
                "Jobs end with the process that runs them, and results are kept for an hour at most. If the call "
                + "changes something, check that before you repeat it.")
    }

    /// Returns the work of one kind, oldest first.
    package func all<Work: LongWork>(_ kind: Work.Type) -> [Work] {
        table.withLock { table in table.works.compactMap { $0 as? Work } }
    }

    /// Returns reports about detached work, newest first; of all owners if `owners` is `nil`.
    package func reports(for owners: Set<String>?) -> [JobReport] {
        table.withLock { $0.works }.filter { $0.isDetached && owners?.contains($0.owner) ?? true }.map(\.report)
            .sorted { ($0.started, $0.handle) > ($1.started, $1.handle) }
    }

    /// Cancels work and waits briefly for its end.
    /// - Throws: `notFound`, also for work of another owner.
    package func cancel(_ handle: String, for owners: Set<String>?) async throws(MMError) -> JobReport {
        let work = try work(handle, for: owners)
        work.cancel()
        await work.finished(within: .seconds(10))
        return work.report
    }

    /// Cancels and removes the work of an owner who has gone.
    package func forget(owner: String) {
        for work in table.withLock({ $0.remove { $0.owner == owner } }) { work.cancel() }
    }

    /// Cancels all work, waits for its end for a while, and removes it.
    package func close() async {
        let works = table.withLock { table in
            table.isClosed = true
            return table.remove { _ in true }
        }
        for work in works { work.cancel() }
        let limit = ContinuousClock.now + .seconds(10)
        for work in works { await work.finished(within: max(.zero, limit - .now)) }
    }
}

/// Work that may outlive the call that started it. It can be found by its handle as long as the table keeps it.
package protocol LongWork: AnyObject, Sendable {
    /// The handle by which it is found, see ``WorkHandle``.
    var handle: String { get }
    /// Its owner; nobody else may read or end it.
    var owner: String { get }
    /// Whether its call was answered while it was running; only then do lists show it.
    var isDetached: Bool { get }
    /// When it ended; `nil` while it is running.
    var ended: ContinuousClock.Instant? { get }
    /// A report about the job.
    var report: JobReport { get }
    /// The events from now on; ends with ``JobEvent/ended(_:)``.
    var events: AsyncStream<JobEvent> { get }

    /// Cancels it.
    func cancel()

    /// Waits for its end, for a limited time and at most until the waiting task ends.
    func finished(within limit: Duration) async
}

/// The handles of long work. They are random, so that they can't be guessed.
package enum WorkHandle: String, CaseIterable, Sendable {
    /// A call.
    case call = "job-"
    /// A command of a shell session.
    case command = "cmd-"

    /// Creates a handle.
    package func new() -> String { rawValue + RandomBytes.text(bytes: 18) }

    /// Returns whether a text has the form of a handle.
    package static func isValid(_ text: String) -> Bool { allCases.contains { text.hasPrefix($0.rawValue) } }
}
