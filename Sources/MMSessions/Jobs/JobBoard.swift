package import MMCore

/// The work of a process that outlives the calls which asked for it.
///
/// Everything is asked for with an owner's name: who is not the owner is told that there is no such job. The table is the
/// process's own; what it holds ends with it.
package final class JobBoard<Answer: Sendable>: Sendable {
    /// How many, and how long.
    package struct Limits: Sendable {
        /// Most jobs that go on at a time after their callers were let go; a call beyond them is simply waited for.
        package var running = 64
        /// Most results that are kept.
        package var kept = 200
        /// How long a result is kept.
        package var age: Duration = .seconds(3600)

        /// The standard limits.
        package init() {}
    }

    private struct Table {
        var jobs: [String: Job<Answer>] = [:]
        var isClosed = false
    }

    private let limits: Limits
    private let table = Mutex(Table())

    /// A table without jobs.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Starts work. It is on the table once its call has been let go, see ``letGo(_:)``.
    /// - Parameters:
    ///   - label: what is done, for people.
    ///   - owner: who may read and end it.
    ///   - work: does it; it is cancelled with the job.
    package func start(
        label: String, for owner: String,
        _ work: @escaping @Sendable (Job<Answer>) async -> Result<Answer, MMError>
    ) -> Job<Answer> {
        Job.start(label, for: owner, work)
    }

    /// Lets the call of a job go, if there is room for one more: from now on the job is found by its handle.
    /// - Returns: false when the call has to wait on.
    package func letGo(_ job: Job<Answer>) -> Bool {
        table.withLock { table in
            let now = ContinuousClock.now
            for (handle, other) in table.jobs where other.ended.map({ now - $0 > limits.age }) ?? false {
                table.jobs[handle] = nil
            }
            guard !table.isClosed, table.jobs.values.count(where: { $0.ended == nil }) < limits.running, job.detach()
            else { return false }
            while table.jobs.count >= limits.kept,
                let oldest = table.jobs.values.filter({ $0.ended != nil })
                    .min(by: { ($0.ended ?? now) < ($1.ended ?? now) })
            {
                table.jobs[oldest.handle] = nil
            }
            table.jobs[job.handle] = job
            return true
        }
    }

    /// A job.
    /// - Parameters:
    ///   - handle: as it was given.
    ///   - owner: who asks; `nil` for who may see everything.
    /// - Throws: `notFound` also for somebody else's.
    package func job(_ handle: String, for owner: String?) throws(MMError) -> Job<Answer> {
        if let job = table.withLock({ $0.jobs[handle] }), owner == nil || job.owner == owner { return job }
        throw MMError(
            .notFound, "There is no job '\(handle.prefix(40))'.",
            hint: "Jobs end with the process that runs them, and results are kept for an hour: call again.")
    }

    /// What is told of a job.
    /// - Throws: `notFound` also for somebody else's.
    package func report(_ handle: String, for owner: String?) throws(MMError) -> JobReport {
        try job(handle, for: owner).report
    }

    /// The jobs of an owner, newest first; `nil`: everybody's.
    package func reports(for owner: String?) -> [JobReport] {
        let jobs = table.withLock { table in table.jobs.values.filter { owner == nil || $0.owner == owner } }
        return jobs.map(\.report).sorted { ($0.started, $0.handle) > ($1.started, $1.handle) }
    }

    /// What becomes of a job from now on.
    /// - Throws: `notFound` also for somebody else's.
    package func events(_ handle: String, for owner: String?) throws(MMError) -> AsyncStream<JobEvent> {
        try job(handle, for: owner).events
    }

    /// Calls a job off and waits a moment for its end.
    /// - Throws: `notFound` also for somebody else's.
    package func cancel(_ handle: String, for owner: String?) async throws(MMError) -> JobReport {
        let job = try job(handle, for: owner)
        job.cancel()
        _ = await job.result(within: .seconds(5), endsEarly: true)
        return job.report
    }

    /// Calls off and forgets the jobs of an owner who has gone.
    package func forget(owner: String) {
        let gone = table.withLock { table in
            let gone = table.jobs.values.filter { $0.owner == owner }
            for job in gone { table.jobs[job.handle] = nil }
            return gone
        }
        for job in gone { job.cancel() }
    }

    /// Calls every job off, waits a while for their ends, and forgets them.
    package func close() async {
        let jobs = table.withLock { table in
            table.isClosed = true
            defer { table.jobs = [:] }
            return Array(table.jobs.values)
        }
        for job in jobs { job.cancel() }
        let limit = ContinuousClock.now + .seconds(10)
        for job in jobs { _ = await job.result(within: max(.zero, limit - .now), endsEarly: true) }
    }
}
