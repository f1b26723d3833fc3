public import MMCore
import MMIdentity
import MMSessions
import MMSystem

/// The service that carries operations out in this process.
public struct LocalOperationService: OperationService {
    /// The operations of this service.
    public let catalogue: Catalogue
    /// The services that operations use.
    package let services: OperationServices

    /// Creates a service with the standard catalogue.
    /// - Parameter services: the services that operations use.
    public init(services: OperationServices) {
        self.init(catalogue: .standard, services: services)
    }

    /// Creates a service with another catalogue, such as `Catalogue(Catalogue.standard.operations +
    /// [AnyOperation(mine)])`.
    public init(catalogue: Catalogue, services: OperationServices) {
        self.catalogue = catalogue
        self.services = services
    }

    /// Carries out one operation under its deadline and writes its audit line.
    /// - Throws: the operation's errors; `forbidden` if a model calls an operation for people only; `deadlineExceeded`,
    ///   `cancelled`.
    public func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        if operation.declaration.audience == .person, context.caller.surface == .mcp {
            throw MMError(
                .forbidden, "`\(operation.declaration.name)` is for people at a terminal.",
                hint: "Ask the person to run `mm \(operation.declaration.command.joined(separator: " "))`."
            )
        }
        guard let patience = context.backgroundAfter, operation.declaration.mayLast else {
            return try await perform(operation, arguments, context)
        }
        let job = JobCall(operation: operation, arguments: arguments, services: services.workServices)
        return try await job.run(in: context, patience: patience) {
            (context: CallContext) async throws(MMError) in
            try await perform(operation, arguments, context)
        }
    }

    /// Closes the shells of a client that has gone, and cancels its jobs. The jobs of a principal go on, since it may
    /// come back as another process.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil, client.caller.surface != .terminal else { return }
        if client.jobOwner == nil { services.jobs.table.forget(owner: OperationJobs.owner(of: client)) }
        await services.shells.closeAll(of: client.shellOwner)
    }

    /// Carries out one operation, once for each connection if the call names several.
    func perform(_ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        if let name = arguments["connection"]?.string, name.contains(":"), name != EnvironmentConnection.name,
            operation.declaration.toolset == .m365,
            operation.declaration.effects.openWorld
        {
            try await PartnerCustomers.reach(
                name, for: context.caller.server, until: .after(context.timeLimit), in: services.registry,
                as: services.identity)
        }
        if let answer = try await SideBySideCall.answer(operation, arguments, context, self) { return answer }
        if let assertion = context.assertion, let principal = context.caller.signedIn {
            services.identity.callers.note(assertion, of: principal.id)
        }
        let record = CallRecord()
        // The name is for this call only; its steps have names of their own.
        var context = context
        if let name = context.recordName { record.goesOn(with: name) }
        context.recordName = nil
        record.note(context.partOf)
        let inner = OperationContext(call: context, deadline: .after(context.timeLimit), record: record)
        let span = begin(operation, context)
        if let span { record.note("trace", .string(span.context.trace)) }
        let audit = CallAudit(operation, by: context.caller, record, with: services, span: span)
        audit.prepareBeginning()
        do throws(MMError) {
            var answer = try await CallerAssertion.with(context.assertion) { () async throws(MMError) in
                try await run(operation, arguments, inner, span)
            }
            if let assertion = context.assertion, let stream = answer.body.stream {
                answer.body = answer.body.flowing(stream.reading(for: assertion))
            }
            if operation.declaration.carriesSessionOutput {
                answer = OutgoingFilter(detectsShapes: !record.hasConfirmedSecret).answer(answer)
            }
            answer.notes += await services.refusalAdvice.notes(on: answer, record)
            answer.isOfRead = audit.isRead
            guard let stream = answer.body.stream, answer.stored == nil, audit.isAudited else {
                await audit.end(nil, errors: answer.errors.count)
                answer.notes += audit.notes
                return answer
            }
            if !audit.isRead { try await record.begin(.preferred) }
            await audit.notePlace()
            answer.notes += audit.notes
            var isList = false
            if case .items = answer.body { isList = true }
            answer.body = answer.body.flowing(FlowingAnswer.watched(stream, for: audit, countsRows: isList))
            return answer
        } catch {
            let clean = OutgoingFilter().error(error)
            if let node = context.begunElsewhere, clean.isRefusalOfReader {
                await audit.endUnknown(begunBy: node)
            } else {
                await audit.end(clean)
            }
            throw await services.refusalAdvice.explaining(clean, record)
        }
    }

    private func run(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: OperationContext, _ span: Span?
    ) async throws(MMError) -> OperationAnswer {
        if let leases = services.leases, let name = services.leased(operation, arguments, in: context.call) {
            let isReading = operation.declaration.effects.readOnly || context.call.readsOnly
            return try await leases.holding(name, isReading: isReading) { () async throws(MMError) in
                try await runHeld(operation, arguments, context, span)
            }
        }
        return try await runHeld(operation, arguments, context, span)
    }

    private func runHeld(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: OperationContext, _ span: Span?
    ) async throws(MMError) -> OperationAnswer {
        guard let span else { return try await operation.run(arguments, in: context, with: services) }
        return try await span.around { () async throws(MMError) in
            try await operation.run(arguments, in: context, with: services)
        }
    }

    /// Starts the span of a call: a child of the enclosing call's span, as for a step of a tool, otherwise of the
    /// caller's trace.
    private func begin(_ operation: AnyOperation, _ context: CallContext) -> Span? {
        let name = operation.declaration.name
        if let outer = Span.current { return outer.child(name) }
        return services.telemetry?.begin(name, under: context.trace)
    }
}

/// A call whose caller gets a handle if the call takes long.
struct JobCall: Sendable {
    /// The operation.
    let operation: AnyOperation
    /// The arguments that the caller sent.
    let arguments: JSONObject
    /// The services that hold the job and its answer.
    let services: WorkServices
    /// How long a call with zero patience may take to report that it is under way, so that invalid input is reported at
    /// once and questions are asked while the caller can still answer.
    private static let underWay = Duration.seconds(2)

    /// Does the work and waits for it, or returns a handle while it goes on.
    ///
    /// A caller that cancels its request ends the work, as long as the request has no answer yet.
    /// - Parameters:
    ///   - context: the call's context.
    ///   - patience: how long the caller waits.
    ///   - perform: does the work, in the job's context.
    /// - Throws: the errors of the work; `unavailable` if this process ends with the call.
    func run(
        in context: CallContext, patience: Duration,
        _ perform: @escaping @Sendable (CallContext) async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        if context.caller.surface == .terminal, !services.jobs.outlivesCalls {
            throw MMError(
                .unavailable, "A background call needs the pool, because this process ends with the command.",
                hint: "Run mm pool start, or leave out --detach.",
                details: ["pool": "none"])
        }
        let (outputs, server) = (services.outputs.of(context.caller), context.caller.server)
        // Given when the job has reported progress, or ended.
        let begun = OneShot<Void>()
        let form = arguments["output"]?.string
        let job = Job.start(operation.declaration.name, for: OperationJobs.owner(of: context)) {
            (job: Job<KeptAnswer>) in
            var inner = context
            inner.progress = { report in
                job.update(JobProgress(done: report.done, total: report.total, message: report.message))
                begun.resolve(())
                context.progress(report)
            }
            inner.person = context.person.map { JobPerson(person: $0, job: job) }
            defer { begun.resolve(()) }
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
            if patience <= .zero { await begun.wait(until: .after(Self.underWay), late: ()) }
            var limit = patience
            while true {
                if let result = await job.result(within: limit) {
                    return Result<KeptAnswer, MMError>?.some(result)
                }
                if services.jobs.table.detach(job) { return nil }
                // While a question is open or the table is full, the caller keeps waiting.
                limit = max(patience, .milliseconds(200))
            }
        } onCancel: {
            // A request that was answered with a handle can't be cancelled any more; its job goes on.
            if !job.isDetached { job.cancel() }
        }
        guard let outcome, !context.needsHandle || !services.jobs.table.keep(job) else {
            return JobAnswer(job.report, in: services.jobs).answer
        }
        return try outcome.get().read()
    }
}

/// The person behind a call that may move to the background.
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

    func answer(to question: String) async throws(MMError) -> String? {
        try await job.asking { () async throws(MMError) in try await person.answer(to: question) } ?? nil
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        let answer = try await job.asking { () async throws(MMError) in try await person.decide(question) }
        if let answer { return answer }
        throw MMError(
            .confirmationNeeded, "A person must confirm, but the call now runs in the background: \(question.title)",
            hint: "Repeat the call for this step only.")
    }
}

/// A wrapper of a streamed answer that counts the rows and records the end of the call: after the last row, on an
/// error, or when the reader stops early.
final class FlowingAnswer: Sendable {
    private let stream: ItemStream
    private let audit: CallAudit
    /// Whether the stream is a list. The pieces of a command's output are not counted.
    private let countsRows: Bool
    /// The number of rows so far; `nil` once the end is recorded.
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
                .cancelled,
                countsRows ? "The client disconnected after \(rows.counted("row"))." : "The client disconnected.",
                hint: "Run it again."), rows: countsRows ? rows : nil)
    }

    /// Returns the same stream, which records the end of its call.
    static func watched(_ stream: ItemStream, for audit: CallAudit, countsRows: Bool) -> ItemStream {
        let watch = FlowingAnswer(stream, audit, countsRows)
        // The audit line is written behind the last row: only then is it known whether it could be.
        let begun = audit.notes
        return ItemStream(
            end: {
                var end = stream.end()
                end.notes += audit.notes.filter { !begun.contains($0) }
                return end
            }
        ) { () async throws(MMError) in try await watch.next() }
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

    /// Returns the next rows. Their requests belong to the call's trace, although the call's task has ended.
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
