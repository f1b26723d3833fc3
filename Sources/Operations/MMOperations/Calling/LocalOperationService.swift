public import MMCore
import MMIdentity
import MMSessions
import MMSystem

/// Carries operations out in this process.
public struct LocalOperationService: OperationService {
    /// Every operation there is.
    public let catalogue: Catalogue
    /// What operations work with.
    package let services: OperationServices

    /// A service over the standard catalogue.
    /// - Parameter services: what operations work with.
    public init(services: OperationServices) {
        self.init(catalogue: .standard, services: services)
    }

    /// A service over a catalogue that has other operations, too: `Catalogue(Catalogue.standard.operations + [AnyOperation(mine)])`.
    public init(catalogue: Catalogue, services: OperationServices) {
        self.catalogue = catalogue
        self.services = services
    }

    /// Carries out one operation under its deadline and writes its audit line.
    /// - Throws: as the operation; `forbidden` for a person's operation that a model calls; `deadlineExceeded`, `cancelled`.
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

    /// Ends the shells of a client that has gone, and calls off its jobs: not those of a principal, who may come back as
    /// another process.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil, client.caller.surface != .terminal else { return }
        if client.principal == nil { services.jobs.table.forget(owner: OperationJobs.owner(of: client)) }
        await services.shells.closeAll(of: client.shellOwner)
    }

    /// Carries out one operation: for each of several connections, where the call is for several.
    func perform(_ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        if let name = arguments["connection"]?.string, name.contains(":"), operation.declaration.toolset == .m365,
            operation.declaration.effects.openWorld
        {
            try await PartnerCustomers.reach(
                name, for: context.caller.server, until: .after(context.timeLimit), services)
        }
        if let answer = try await SideBySideCall.answer(operation, arguments, context, self) { return answer }
        if let assertion = context.assertion, let principal = context.caller.principal {
            services.identity.callers.note(assertion, of: principal.id)
        }
        let record = CallRecord()
        record.note(context.partOf)
        let inner = OperationContext(call: context, deadline: .after(context.timeLimit), record: record)
        let span = begin(operation, context)
        if let span { record.note("trace", .string(span.context.trace)) }
        let audit = CallAudit(
            operation, by: context.caller, record, with: services, span: span)
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
            await audit.end(clean)
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

    /// The span of a call: a part of the call that made it, such as a step of a tool, else of its caller's trace.
    private func begin(_ operation: AnyOperation, _ context: CallContext) -> Span? {
        let name = operation.declaration.name
        if let outer = Span.current { return outer.child(name) }
        return services.telemetry?.begin(name, under: context.trace)
    }
}
