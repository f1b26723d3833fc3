public import MMCore
import MMPool
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

    /// A service over any catalogue.
    package init(catalogue: Catalogue, services: OperationServices) {
        self.catalogue = catalogue
        self.services = services
    }

    /// Carries out one operation under its deadline and writes its audit line.
    public func call(_ name: String, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let operation = try catalogue.require(name)
        if operation.declaration.audience == .person, context.caller.surface == .mcp {
            throw MMError(
                .forbidden, "`\(operation.declaration.name)` is for people at a terminal.",
                hint: "Ask the person to run `mm \(operation.declaration.command.joined(separator: " "))`."
            )
        }
        guard let patience = context.patience, operation.declaration.mayLast else {
            return try await perform(operation, arguments, context)
        }
        let job = JobCall(operation: operation, arguments: arguments, services: services)
        return try await job.run(in: context, patience: patience) {
            (context: CallContext) async throws(MMError) in
            try await perform(operation, arguments, context)
        }
    }

    /// Calls off the jobs of a client that has gone, and ends its shells.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil, client.caller.surface != .terminal else { return }
        services.jobs.board.forget(owner: OperationJobs.owner(of: client))
        await services.shells.closeAll(of: client.shellOwner)
    }

    private func perform(_ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        let record = CallRecord()
        let inner = OperationContext(
            call: context, services: services, deadline: .after(context.timeLimit), record: record
        )
        let started = ContinuousClock.now
        do throws(MMError) {
            let answer = try await operation.run(arguments, in: inner)
            await finish(operation, context.caller, record, started, nil)
            return answer
        } catch {
            await finish(operation, context.caller, record, started, error)
            throw error
        }
    }

    /// A log that can't be written must not turn a done operation into a failed one; the log line says so instead.
    private func finish(
        _ operation: AnyOperation, _ caller: Caller, _ record: CallRecord, _ started: ContinuousClock.Instant,
        _ error: MMError?
    ) async {
        let name = operation.declaration.name
        let facts = record.facts
        let milliseconds = Int64((ContinuousClock.now - started) / .milliseconds(1))
        let outcome = error?.code.word ?? "done"
        let log = services.log.scoped(facts["connection"]?.string ?? "-", facts["module"]?.string ?? name)
        let text = "\(name) \(outcome) in \(milliseconds) ms for \(caller.surface.rawValue)"
        switch error?.code {
        case nil, .signInNeeded?, .confirmationNeeded?: log.info(text, facts)
        case .internalError?: log.error("\(text): \(error?.message ?? "")", facts)
        default: log.warning("\(text): \(error?.message ?? "")", facts)
        }
        // What only shows this machine's own files is no deed.
        guard operation.declaration.effects.openWorld || !operation.declaration.effects.readOnly else { return }
        var entry: JSONObject = [
            "operation": .string(name), "surface": .string(caller.surface.rawValue), "client": .string(caller.name),
            "outcome": .string(outcome), "durationMilliseconds": .int(milliseconds),
        ]
        for (key, value) in facts { entry[key] = value }
        let audit = services.audit
        do throws(MMError) {
            try await audit.append(entry)
        } catch {
            log.error("the audit line could not be written: \(error.message)")
        }
    }
}
