import MMCore
import MMDesk
import MMEgress
import MMGuard
import MMIdentity
import MMPowerShell
import PowerShellSyntax

/// A program or PowerShell script that is run only for planning: its reads are sent, and each request that would change
/// something becomes a step; the program is told that it was not sent. The plan ends where the program needs the answer
/// of such a request, or reads what one would have changed.
final class PlannedProgram: Sendable {
    private struct State {
        /// The last recording: requests are recorded one after the other, even if the program sends them concurrently.
        var last: Task<RequestRefusal, Never>?
        /// The paths that steps write to, in lower case.
        var written = PlannedPaths()
        /// The cmdlets that became steps.
        var cmdlets: [PlannedCmdlet] = []
        /// The first step whose answer the program may need.
        var answering: String?
        var failure: MMError?
        var count = 0
        var refused = 0
    }

    private let recorder: PlanRecorder
    private let connection: Connection
    private let services: RequestServices
    private let context: OperationContext
    /// The module name of its requests.
    private let module: String
    private let state = Mutex(State())

    init(
        _ recorder: PlanRecorder, of connection: Connection, _ services: RequestServices, module: String,
        in context: OperationContext
    ) {
        self.recorder = recorder
        self.module = module
        self.connection = connection
        self.services = services
        self.context = context
    }

    // MARK: Requests

    /// Records a request that would change something.
    /// - Returns: the refusal that the program receives.
    func take(_ request: DescribedRequest) async -> RequestRefusal {
        let taken = state.withLock { state in
            let before = state.last
            let task = Task {
                _ = await before?.value
                return await self.record(request)
            }
            state.last = task
            return task
        }
        return await taken.value
    }

    /// Checks whether a read that is about to be sent concerns an object that a step would have changed.
    func reads(_ request: DescribedRequest) {
        if let cmdlet = journal.cmdlet(of: request) {
            let write = state.withLock { $0.cmdlets.first { $0.changes(whatIsReadBy: cmdlet.command) } }
            if let write {
                recorder.end(because: "\(cmdlet.command.cmdlet) reads what \(write.name) would have changed")
            }
            return
        }
        guard state.withLock({ $0.written.areRead(at: request.target) }) else { return }
        recorder.end(because: "the program reads \(VisibleText.exact(Self.path(of: request))), which a step changes")
    }

    private func record(_ request: DescribedRequest) async -> RequestRefusal {
        if let step = state.withLock({ $0.answering }) {
            recorder.end(because: "the program continues after “\(step)”, whose answer is not known yet")
        }
        state.withLock { $0.refused += 1 }
        guard recorder.open == nil else { return Self.beyond }
        do throws(MMError) {
            if let cmdlet = journal.cmdlet(of: request), let written = cmdlet.written {
                try await record(cmdlet, written)
                return Self.planned
            }
            let (desk, place) = try desk(for: request)
            let parts = try WireJournal.parts(of: request, desk.client).requests
            let before = recorder.steps.count
            _ = try await recorder.record(parts, of: place, at: desk)
            let steps = recorder.steps.dropFirst(before)
            state.withLock { state in
                state.count += steps.count
                let subjects = steps.compactMap(\.change?.subject)
                for part in parts { state.written.add(part.target.pathAndQuery, of: subjects) }
                state.answering = state.answering ?? steps.first(where: \.isAnswered)?.title
            }
            return Self.planned
        } catch {
            if recorder.open != nil { return Self.beyond }
            // The steps before can be applied; the following ones can't be known.
            if recorder.steps.isEmpty || error.code == .denied {
                state.withLock { $0.failure = $0.failure ?? error }
            } else {
                recorder.end(because: error.message)
            }
            return RequestRefusal(code: error.code.word, message: error.message)
        }
    }

    /// Records a cmdlet.
    private func record(_ cmdlet: WireCmdlet, _ written: Change) async throws(MMError) {
        let (watch, command) = (cmdlet.watch, cmdlet.command)
        let place: Change.Service = watch.client.service == .compliance ? .compliance : .exchange
        let found = await watch.read(written)
        let change = found.following(recorder.left(on: connection.name, place)[found.place] ?? [], written: written)
        let act = PlanStep.Act.command(command, at: watch.client.service)
        guard try recorder.carriedOut(act, on: connection.name, change) == nil else { return }
        let before = recorder.steps.count
        try await recorder.record(command, changing: change, found: found, in: module, by: watch)
        guard recorder.steps.count > before else { return }
        state.withLock { state in
            state.count += 1
            state.cmdlets.append(PlannedCmdlet(command, change))
            if change.kind == .creation { state.answering = state.answering ?? change.title }
        }
    }

    /// Recognises cmdlets in requests.
    private var journal: WireJournal { WireJournal(of: connection, services, in: context) }

    private static let planned = RequestRefusal(
        code: "planned", message: "This is only planned: nothing was sent, and the service has not answered.")
    private static let beyond = RequestRefusal(
        code: "planned", message: "The plan ends before this: nothing was sent.")

    /// Returns the desk that records requests to the service of a request.
    private func desk(for request: DescribedRequest) throws(MMError) -> (Desk, PlanService) {
        let unknown = MMError(
            .unsupported, "A request to \(request.place.host) can't be part of a plan.",
            hint: "Plans hold requests to Graph, Power Automate, Teams, Azure, SharePoint and the Power Platform.")
        let wire = WireRequest(request)
        guard let service = wire.service, let place = PlanService(service) else { throw unknown }
        if case .beginning = request.body {
            throw MMError(
                .unsupported,
                "The body of \(request.method) \(Self.path(of: request)) is too large to be part of a plan.")
        }
        let cloud = try services.identity.cloud(of: connection)
        let host = WebAddress(wire.origin).flatMap {
            RequestResource.place(of: $0, among: [.sharepoint], connection, cloud)
        }
        let client = try GuardedClient(
            identity: services.identity, connection: connection, service: service,
            sharePointLabel: host?.sharePointLabel)
        let watch = WriteWatch(client: client, connection: connection, requests: services, context: context)
        return (Desk(watch: watch, module: place.module, confirmed: false), place)
    }

    private static func path(of request: DescribedRequest) -> String { PlannedPaths.path(of: request.target) }

    // MARK: The end

    /// Returns the call's answer after the program has ended.
    /// - Parameter code: the program's exit code; `nil` where it was terminated.
    /// - Throws: the error of one of its requests; the end of the plan.
    func end(code: Int32?) throws(MMError) -> OperationAnswer {
        let word = code.map { "ended with exit code \($0)" } ?? "exceeded the time limit"
        return try end(
            code == 0 ? nil : "the program \(word), because its changes were not sent",
            orElse: MMError(
                .remoteFailed, "The program \(word) before it changed anything. Nothing was planned.",
                hint: "Run it without planning: mm exec --read-only."))
    }

    /// Returns the call's answer after the script has ended.
    /// - Throws: as `end(code:)`.
    func end(of answer: PowerShellAnswer, script: String, parsed: ParsedScript) throws(MMError) -> OperationAnswer {
        let errors = answer.reportedErrors(in: script)
        // Each change that was held back is an error of its cmdlet. Where that error ends the script, it still ran
        // completely if it is a single cmdlet.
        let held = state.withLock { $0.refused }
        let isAtEnd =
            answer.end?.state == .completed || answer.end?.state == .failed && Self.isOneCmdlet(parsed)
        let isWhole = isAtEnd && errors.count <= held
        let problem = answer.end?.state == .completed ? errors.first?.line ?? "" : answer.problem(in: script)
        return try end(
            isWhole ? nil : "the script fails there, because its changes were not sent",
            orElse: MMError(.remoteFailed, "\(problem) Nothing was planned."))
    }

    /// Whether a script is a single call of a service's cmdlet: not a function, which might continue, and without
    /// commands in its arguments.
    private static func isOneCmdlet(_ script: ParsedScript) -> Bool {
        guard let statements = script.root?.body?.statements, statements.count == 1,
            case .pipeline(let pipeline) = statements[0], pipeline.elements.count == 1,
            case .command(let command) = pipeline.elements[0], command.invocation == nil,
            let name = command.constantName, CmdletClasses().isOfService(name)
        else { return false }
        let commands = ScriptFacts(of: script).items.count { if case .command = $0.detail { true } else { false } }
        return commands == 1
    }

    /// Whether any change was held back.
    var hasHeld: Bool { state.withLock { $0.refused > 0 } }

    /// - Parameters:
    ///   - fault: the reason why it did not run to its end; `nil` where it did.
    ///   - error: the error to throw if it has not changed anything.
    private func end(_ fault: String?, orElse error: MMError) throws(MMError) -> OperationAnswer {
        let (failure, count) = state.withLock { ($0.failure, $0.count) }
        if let failure { throw failure }
        if let fault {
            guard count > 0 else { throw error }
            recorder.end(because: fault)
        }
        if recorder.open != nil { throw PlanRecorder.beyond }
        return OperationAnswer(.value([]), notes: ["Planned: nothing was sent."], connection: connection.name)
    }
}

extension PlanStep {
    /// Whether a script may go on with its answer, which isn't known before it is sent.
    var isAnswered: Bool { change.map { $0.kind == .creation || $0.service == .other } ?? true }
}
