import MMCore
import MMSessions

/// A call whose caller is let go with a handle when it takes long.
struct JobCall: Sendable {
    /// What is called.
    let operation: AnyOperation
    /// What the caller sent.
    let arguments: JSONObject
    /// Where it goes on, and where its answer is kept.
    let services: WorkServices
    /// How long a call without patience may take to say that it is under way: bad input is told at once, and questions
    /// are put before nobody is there to answer.
    private static let underWay = Duration.seconds(2)

    /// Does the work and waits for it, or lets the call go with a handle.
    ///
    /// A caller that calls its request off ends the work, as long as the request is open.
    /// - Parameters:
    ///   - context: the call.
    ///   - patience: how long it is waited for.
    ///   - perform: does the work, in a context of the job's.
    /// - Throws: what the work threw; `unavailable` where the process ends with the call.
    func run(
        in context: CallContext, patience: Duration,
        _ perform: @escaping @Sendable (CallContext) async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        if context.caller.surface == .terminal, !services.jobs.outlivesCalls {
            throw MMError(
                .unavailable, "Nothing can run in the background without a pool: this process ends with the command.",
                hint: "Start the pool with `mm pool start`, or leave out --detach.",
                details: ["pool": "none"])
        }
        let (outputs, server) = (services.outputs.of(context.caller), context.caller.server)
        let begun = Begun()
        let form = arguments["output"]?.string
        let job = Job.start(operation.declaration.name, for: OperationJobs.owner(of: context)) {
            (job: Job<KeptAnswer>) in
            var inner = context
            inner.progress = { report in
                job.update(JobProgress(done: report.done, total: report.total, message: report.message))
                begun.mark()
                context.progress(report)
            }
            inner.person = context.person.map { JobPerson(person: $0, job: job) }
            defer { begun.mark() }
            do throws(MMError) {
                let answer = try await perform(inner)
                var kept = try await KeptAnswer(answer, in: outputs, for: server) {
                    job.beginEnd() || context.needsHandle
                }
                kept.form = form
                return .success(kept)
            } catch {
                _ = job.beginEnd()
                return .failure(error)
            }
        }
        let outcome = await withTaskCancellationHandler {
            if patience <= .zero { await begun.wait(atMost: Self.underWay) }
            var limit = patience
            while true {
                if let result = await job.result(within: limit, endsEarly: false) {
                    return Result<KeptAnswer, MMError>?.some(result)
                }
                if services.jobs.table.detach(job) { return nil }
                // While a question is open or the table is full, the call is simply waited for.
                limit = max(patience, .milliseconds(200))
            }
        } onCancel: {
            // An answered request can't be called off: what has been let go goes on.
            if !job.isDetached { job.cancel() }
        }
        guard let outcome, !context.needsHandle || !services.jobs.table.keep(job) else {
            return JobAnswer.running(job.report, in: services.jobs)
        }
        return try outcome.get().read()
    }
}

/// Knows when a job is under way: it told of its progress, or ended.
private final class Begun: Sendable {
    private let signal = AsyncStream.makeStream(of: Void.self)

    func mark() { signal.continuation.finish() }

    func wait(atMost limit: Duration) async {
        let timer = Task { [signal] in
            try? await Task.sleep(for: limit)
            signal.continuation.finish()
        }
        for await _ in signal.stream {}
        timer.cancel()
    }
}

/// The person behind a call that may be let go.
private struct JobPerson: ConfirmingPerson {
    let person: any ConfirmingPerson
    let job: Job<KeptAnswer>

    var canBeAsked: Bool { !job.isDetached && person.canBeAsked }
    var isAtTerminal: Bool { person.isAtTerminal }

    func showSignIn(_ details: JSONObject) async {
        guard !job.isDetached else { return }
        await person.showSignIn(details)
    }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await decide(question) != .no
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        let answer = try await job.asking { () async throws(MMError) in try await person.decide(question) }
        if let answer { return answer }
        throw MMError(
            .confirmationNeeded, "A person must confirm, but the call has moved to the background: \(question.title)",
            hint: "Call again for this step alone.")
    }
}
