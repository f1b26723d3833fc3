import MMCore
import MMDesk
import MMNative

/// The cmdlets of Exchange or of the compliance service as the head, middle or inside of a native pipeline.
///
/// One source serves one script: what broke it once (sign-in, network) stops every cmdlet after it, and what was sent is
/// remembered, so that nobody runs a script twice that has written.
final class ExchangeSource: CmdletSource {
    private struct State {
        var failure: MMError?
        var requests = 0
        var writes: [String] = []
        var information: [String] = []
        var causes: [NativeError: MMError] = [:]
    }

    private let client: GuardedExchange
    private let service: ExchangeTable.Service
    private let table: ExchangeTable
    private let binder: ExchangeBinder
    private let others: ExchangeCmdletList?
    private let deadline: Deadline
    private let report: @Sendable (String) -> Void
    /// Notes what cmdlets change.
    private let watch: CmdletWatch?
    /// Takes what changes something in the place of the service.
    private let rehearsal: CmdletRehearsal?
    private let state = Mutex(State())

    /// A source for one script.
    /// - Parameters:
    ///   - client: runs the cmdlets.
    ///   - service: which cmdlets are meant.
    ///   - others: what the account may run by the service's own word, for names that the table doesn't know.
    ///   - deadline: when to give up.
    ///   - watch: notes in the journal what cmdlets change.
    ///   - rehearsal: takes what changes something, so that nothing but reads is sent.
    ///   - report: is told in a sentence when the service asks to slow down.
    init(
        client: GuardedExchange, service: ExchangeTable.Service, others: ExchangeCmdletList? = nil, deadline: Deadline,
        table: ExchangeTable = .standard, watch: CmdletWatch? = nil, rehearsal: CmdletRehearsal? = nil,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.client = client
        self.service = service
        self.others = others
        self.deadline = deadline
        self.report = report
        self.watch = watch
        self.rehearsal = rehearsal
        self.table = table
        binder = ExchangeBinder(service: service, table: table) { others?.spelling(of: $0) }
    }

    /// Whose cmdlets they are.
    var connectionName: String { client.connectionName }

    /// The endpoint that runs them.
    var endpoint: ExchangeService { client.service }

    /// What broke the script, if anything did.
    var failure: MMError? { state.withLock { $0.failure } }

    /// The cmdlets that were sent and may have changed something, in order.
    var writes: [String] { state.withLock { $0.writes } }

    /// What the records of refused cmdlets were made of: whoever gets one of them as the end of a script gets the whole.
    var causes: [NativeError: MMError] { state.withLock { $0.causes } }

    /// What the service said to the person: the lines of `-WhatIf` and `-Confirm`.
    var information: [String] { state.withLock { $0.information } }

    /// How many cmdlets were sent.
    var requests: Int { state.withLock { $0.requests } }

    func knows(_ name: String) -> Bool { table.knows(name, in: service) || others?.contains(name) == true }

    func check(_ call: CmdletCall) throws(CmdletFault) { _ = try command(call) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        let (command, bound) = try command(call)
        if let failure { throw .failed(ExchangeRecord.of(failure, cmdlet: command.cmdlet)) }
        if let rehearsal, !rehearsal.lets(command) {
            return RehearsedRows(rehearsal: rehearsal, command: command, view: CmdletView.of(call.name))
        }
        let pages: ExchangePages
        do throws(MMError) { pages = try self.pages(of: command) } catch {
            note(failure: error)
            throw .interrupted(PipelineStop(refusedWith: ExchangeRecord.of(error, cmdlet: command.cmdlet)))
        }
        return ExchangeRows(
            source: self, pages: pages, command: command,
            view: CmdletView.of(call.name), errorAction: bound.errorAction ?? call.errorPreference,
            isPreview: bound.parameters["WhatIf"] == .bool(true),
            isAsking: bound.parameters["Confirm"] == .bool(true),
            isSilent: bound.headers["WarningAction"]?.lowercased() == "silentlycontinue")
    }

    /// Where a cmdlet's rows come from: one that changes something is sent as the script was let through for.
    private func pages(of command: ExchangeCommand) throws(MMError) -> ExchangePages {
        guard !command.isReadOnly, let cleared = watch?.cleared else {
            return try client.readPages(command, deadline: deadline, report: report)
        }
        return try client.pages(command, by: cleared, deadline: deadline, report: report)
    }

    /// The request of a call.
    private func command(_ call: CmdletCall) throws(CmdletFault) -> (ExchangeCommand, ExchangeCall) {
        let bound: ExchangeCall
        do throws(BindingFault) {
            bound = try binder.bind(call)
        } catch {
            if error.needsPowerShell { throw .handedOver(error.message) }
            throw .failed(
                NativeError(
                    "\(error.id),\(call.name)", error.message, category: "InvalidArgument", command: call.name))
        }
        do throws(MMError) {
            return (try ExchangeCommands.command(of: bound, at: service), bound)
        } catch {
            guard error.code != .unsupported else { throw .handedOver(error.message) }
            throw .failed(ExchangeRecord.of(error, cmdlet: bound.cmdlet))
        }
    }

    /// Notes that a cmdlet is about to be sent.
    func begin(_ command: ExchangeCommand) async -> JournalEntry? {
        guard let watch else { return nil }
        var notes: [String] = []
        let entry = await watch.begin(command, notes: &notes)
        note(information: notes)
        return entry
    }

    /// Notes how it ended.
    func end(_ entry: JournalEntry?, _ result: Result<ExchangePage?, MMError>) async {
        guard let entry else { return }
        await watch?.end(entry, result)
    }

    func noteRequest(of command: ExchangeCommand) {
        state.withLock { state in
            state.requests += 1
            if !command.isReadOnly { state.writes.append(command.cmdlet) }
        }
    }

    func note(information: [String]) {
        guard !information.isEmpty else { return }
        state.withLock { $0.information += information }
    }

    func note(cause: MMError, of record: NativeError) {
        state.withLock { state in
            if state.causes.count < ReportedError.most { state.causes[record] = cause }
        }
    }

    func note(failure: MMError) {
        state.withLock { state in
            if state.failure == nil { state.failure = failure }
        }
    }
}
