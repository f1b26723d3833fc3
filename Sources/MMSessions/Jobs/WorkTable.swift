package import MMCore

/// The work of a process that outlives the calls which asked for it: calls that were let go, and commands of shell sessions.
///
/// Everything is asked for with the names of an owner: who is not the owner is told that there is no such job. The table is
/// the process's own; what it holds ends with it.
package final class WorkTable: Sendable {
    /// How many, and how long.
    package struct Limits: Sendable {
        /// Most works that go on at a time after their callers were let go; a call beyond them is simply waited for.
        package var running = 64
        /// Most results that are kept for callers who were let go.
        package var kept = 200
        /// Most results that are kept although their callers had them: the rest of a long output is read from there.
        package var keptGiven = 64
        /// How long a result is kept.
        package var age: Duration = .seconds(3600)

        /// The standard limits.
        package init() {}
    }

    private struct Table {
        /// In the order in which they came.
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

    /// A table without work.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Puts work on the table: from now on it is found by its handle.
    package func add(_ work: any LongWork) {
        table.withLock { table in
            makeRoom(in: &table)
            if !table.isClosed { table.works.append(work) }
        }
    }

    /// Lets the call of a job go, if there is room for one more: from now on the job is found by its handle.
    /// - Returns: false when the call has to wait on.
    package func letGo<Answer>(_ job: Job<Answer>) -> Bool {
        table.withLock { table in
            let running = table.works.count { $0.isDetached && $0.ended == nil }
            guard !table.isClosed, running < limits.running, job.detach() else { return false }
            makeRoom(in: &table)
            table.works.append(job)
            return true
        }
    }

    /// Forgets what is too old, and the oldest where one more would be too many.
    private func makeRoom(in table: inout Table) {
        let now = ContinuousClock.now
        _ = table.remove { work in work.ended.map { now - $0 > limits.age } ?? false }
        for (isDetached, most) in [(true, limits.kept), (false, limits.keptGiven)] {
            let ended = table.works.filter { $0.isDetached == isDetached && $0.ended != nil }
            let others = isDetached ? table.works.count { $0.isDetached && $0.ended == nil } : 0
            let surplus = ended.count + others + 1 - most
            guard surplus > 0 else { continue }
            let oldest = ended.sorted { ($0.ended ?? now) < ($1.ended ?? now) }.prefix(surplus).map(\.handle)
            _ = table.remove { oldest.contains($0.handle) }
        }
    }

    /// The work of a handle.
    /// - Parameters:
    ///   - handle: as it was given.
    ///   - owners: the names of who asks; `nil` for who may see everything.
    /// - Throws: `notFound` also for somebody else's.
    package func work(_ handle: String, for owners: Set<String>?) throws(MMError) -> any LongWork {
        let found = table.withLock { table in table.works.first { $0.handle == handle } }
        if let found, owners?.contains(found.owner) ?? true { return found }
        throw MMError(
            .notFound, "There is no job “\(handle.prefix(40))”.",
            hint: "Jobs end with the process that runs them, and results are kept for an hour at most: call again.")
    }

    /// The work of one kind, oldest first.
    package func all<Work: LongWork>(_ kind: Work.Type) -> [Work] {
        table.withLock { table in table.works.compactMap { $0 as? Work } }
    }

    /// What is told of the work whose callers were let go, newest first; with `nil` of everybody's.
    package func reports(for owners: Set<String>?) -> [JobReport] {
        table.withLock { $0.works }.filter { $0.isDetached && owners?.contains($0.owner) ?? true }.map(\.report)
            .sorted { ($0.started, $0.handle) > ($1.started, $1.handle) }
    }

    /// Calls work off and waits a moment for its end.
    /// - Throws: `notFound` also for somebody else's.
    package func cancel(_ handle: String, for owners: Set<String>?) async throws(MMError) -> JobReport {
        let work = try work(handle, for: owners)
        work.cancel()
        await work.finished(within: .seconds(10))
        return work.report
    }

    /// Calls off and forgets the work of an owner who has gone.
    package func forget(owner: String) {
        for work in table.withLock({ $0.remove { $0.owner == owner } }) { work.cancel() }
    }

    /// Calls all work off, waits a while for its end, and forgets it.
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
