import MMCore
import MMDesk
import MMGuard
import MMNative

/// Provides the cmdlets of Exchange or of the compliance service anywhere in a native script.
///
/// One source serves one script: an error such as a failed sign-in or connection stops every later cmdlet. The requests
/// sent are recorded, so that a script that has changed something is not run a second time.
final class ExchangeSource: ScriptSource {
    let story = SourceStory()
    private let client: GuardedExchange
    private let service: ExchangeTable.Service
    private let table = ExchangeTable.standard
    private let binder: ExchangeBinder
    private let others: ExchangeCmdletList?
    private let deadline: Deadline
    private let report: @Sendable (String) -> Void
    /// Records the changes of cmdlets in the journal.
    private let watch: CmdletWatch?
    /// Takes writes in place of the service.
    private let rehearsal: CmdletRehearsal?
    /// The work that is rehearsed.
    private let work: RehearsedWork?

    /// Creates a source for one script.
    /// - Parameters:
    ///   - client: runs the cmdlets.
    ///   - service: the service whose cmdlets are meant.
    ///   - others: the cmdlets that the service lists for the account, for names that the table doesn't have.
    ///   - deadline: the deadline of all requests.
    ///   - watch: records the changes of cmdlets in the journal.
    ///   - rehearsal: takes writes, so that only reads are sent.
    ///   - work: the work that is rehearsed, whose run would refuse what has a stricter verdict.
    ///   - report: receives a sentence when the service asks to slow down.
    init(
        client: GuardedExchange, service: ExchangeTable.Service, others: ExchangeCmdletList? = nil, deadline: Deadline,
        watch: CmdletWatch? = nil, rehearsal: CmdletRehearsal? = nil,
        of work: RehearsedWork? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.client = client
        self.service = service
        self.others = others
        self.deadline = deadline
        self.report = report
        self.watch = watch
        self.rehearsal = rehearsal
        self.work = work
        binder = ExchangeBinder(service: service, table: table) { others?.spelling(of: $0) }
    }

    /// The name of the connection.
    var connectionName: String { client.connectionName }

    /// The endpoint that runs them.
    var endpoint: ExchangeService { client.service }

    func knows(_ name: String) -> Bool { table.knows(name, in: service) || others?.contains(name) == true }

    func parameters(of cmdlet: String) -> [String]? { table.parameters(of: cmdlet, in: service) }

    func check(_ call: CmdletCall) throws(CmdletFault) { _ = try command(call) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        let (command, bound) = try command(call)
        if let failure = story.failure { throw .failed(ExchangeRecord.of(failure, cmdlet: command.cmdlet)) }
        let pages: ExchangePages
        do throws(MMError) {
            if let rehearsal, !rehearsal.lets(command) {
                try work?.check(command, at: client)
                return RehearsedRows(rehearsal: rehearsal, command: command, cmdlet: call.name)
            }
            pages = try self.pages(of: command)
        } catch {
            throw story.broken(by: error, as: ExchangeRecord.of(error, cmdlet: command.cmdlet))
        }
        return ExchangeRows(
            source: self, pages: pages, command: command,
            cmdlet: call.name, errorAction: bound.errorAction ?? call.errorPreference,
            isPreview: bound.parameters["WhatIf"] == .bool(true),
            isAsking: bound.parameters["Confirm"] == .bool(true),
            isSilent: bound.headers["WarningAction"]?.lowercased() == "silentlycontinue")
    }

    /// Returns the pages of a cmdlet's rows; a write is sent under the clearance of the script.
    private func pages(of command: ExchangeCommand) throws(MMError) -> ExchangePages {
        guard !command.isReadOnly, let cleared = watch?.cleared else {
            return try client.readPages(command, deadline: deadline, report: report)
        }
        return try client.pages(command, by: cleared, deadline: deadline, report: report)
    }

    /// Returns the request of a call.
    private func command(_ call: CmdletCall) throws(CmdletFault) -> (ExchangeCommand, ExchangeCall) {
        let bound: ExchangeCall
        do throws(BindingFault) {
            bound = try binder.bind(call)
        } catch {
            if error.needsPowerShell { throw .handedOver(error.message) }
            throw .failed(
                NativeError(
                    "\(error.id),\(call.name)", error.isReadable ? error.message : error.told,
                    category: "InvalidArgument", command: call.name, isReadable: error.isReadable))
        }
        do throws(MMError) {
            return (try ExchangeCommands.command(of: bound, at: service), bound)
        } catch {
            guard error.code != .unsupported else { throw .handedOver(error.message) }
            throw .failed(ExchangeRecord.of(error, cmdlet: bound.cmdlet))
        }
    }

    /// Records that a cmdlet is about to be sent.
    func begin(_ command: ExchangeCommand) async throws(MMError) -> JournalEntry? {
        guard let watch else { return nil }
        var notes: [String] = []
        let entry = try await watch.begin(command, notes: &notes)
        story.note(information: notes)
        return entry
    }

    /// Records how the cmdlet ended.
    func end(_ entry: JournalEntry?, _ result: Result<ExchangePage?, MMError>) async {
        guard let entry else { return }
        await watch?.end(entry, result)
    }
}

/// The rows of one cmdlet, page by page.
struct ExchangeRows: CmdletRows {
    private let source: ExchangeSource
    private var pages: ExchangePages
    private let command: ExchangeCommand
    private let errorAction: String?
    private let isPreview: Bool
    private let isAsking: Bool
    private let isSilent: Bool
    private var isNoted = false
    private var reader: ExchangeRowReader
    private var isOver = false
    /// The end of the script, after the rows that came with it have been passed on.
    private var stop: PipelineStop?

    init(
        source: ExchangeSource, pages: ExchangePages, command: ExchangeCommand, cmdlet: String,
        errorAction: String?, isPreview: Bool, isAsking: Bool, isSilent: Bool
    ) {
        reader = ExchangeRowReader(of: cmdlet)
        self.source = source
        self.pages = pages
        self.command = command
        self.errorAction = errorAction
        self.isPreview = isPreview
        self.isAsking = isAsking
        self.isSilent = isSilent
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        if let stop { throw .interrupted(stop) }
        guard !isOver else { return nil }
        var entry: JournalEntry?
        if !isNoted {
            do throws(MMError) { entry = try await source.begin(command) } catch {
                isOver = true
                return try ended(by: .failed(error), error)
            }
            if !CmdletClasses().onlyReads(command.cmdlet) { source.story.note(write: command.cmdlet) }
        }
        isNoted = true
        let page: ExchangePage?
        do throws(ExchangeFault) {
            page = try await pages.next()
            await source.end(entry, .success(page))
        } catch {
            isOver = true
            let cause = error.mmError(of: source.connectionName, source.endpoint)
            await source.end(entry, .failure(cause))
            return try ended(by: error, cause)
        }
        guard let page else {
            isOver = true
            return nil
        }
        if errorAction == "stop", let error = page.errors.first {
            isOver = true
            stop = PipelineStop(endingWith: ExchangeRecord.of(error, on: source.connectionName))
        }
        return batch(page)
    }

    private func ended(by fault: ExchangeFault, _ cause: MMError) throws(CmdletFault) -> CmdletBatch? {
        let record: NativeError
        let isRefusal: Bool
        switch fault {
        case .failed(let failure):
            record = ExchangeRecord.of(failure, cmdlet: command.cmdlet)
            guard !failure.concernsTheCaller else { throw source.story.broken(by: failure, as: record) }
            isRefusal = true
        case .refused(let refusal):
            record = ExchangeRecord.of(refusal, on: source.connectionName)
            isRefusal = refusal.isRefusal
        }
        return try source.story.ended(by: record, of: cause, isRefusal: isRefusal, errorAction: errorAction)
    }

    private mutating func batch(_ page: ExchangePage) -> CmdletBatch {
        var objects: [PSValue] = []
        objects.reserveCapacity(page.rows.count)
        for row in page.rows {
            if let object = reader.object(row) { objects.append(object) }
        }
        var information: [String] = []
        if let words = page.confirmation {
            if isPreview { information.append("What if: \(words)") }
            if isAsking {
                information.append("Confirm: \(words) Nothing was changed: to run it, leave out -Confirm.")
            }
        }
        return CmdletBatch(
            objects, warnings: reader.takeWarnings() + (isSilent ? [] : page.warnings),
            errors: errorAction == "stop" ? [] : page.errors.map { ExchangeRecord.of($0, on: source.connectionName) },
            errorDisplay: .init(errorAction), information: information)
    }
}

/// Error records of cmdlets that a service ran.
enum ExchangeRecord {
    /// Returns the record of the service's own error.
    /// - Parameter connection: the name of the connection, for the remedy.
    static func of(_ error: ExchangeError, on connection: String) -> NativeError {
        var message = error.message
        if let hint = error.hint(for: connection) { message += " \(hint)" }
        return NativeError(
            error.fullyQualifiedID, message, category: error.category, command: error.cmdlet, isReadable: true)
    }

    /// Returns the record of an error that stops the script: it ends the cmdlet, and the caller gets the whole error.
    static func of(_ error: MMError, cmdlet: String) -> NativeError {
        NativeError(
            "\(error.code.word),\(cmdlet)", error.message, category: "OperationStopped", command: cmdlet,
            isReadable: true)
    }
}

extension ExchangeError {
    /// Whether the service refused the request as a whole. It has then said nothing about the requested objects, and
    /// continuing would treat the refusal as an answer.
    var isRefusal: Bool {
        switch status {
        // A missing object is reported with an exception type; without one, the address itself is unknown.
        case 404: exceptionType.isEmpty
        case 401, 403, 407, 408, 429: true
        case 500...: kind != .notFound
        default: false
        }
    }
}

extension MMError {
    /// Whether only the caller can resolve the error, so that the script must not handle it.
    var concernsTheCaller: Bool {
        switch code {
        case .signInNeeded, .confirmationNeeded, .denied, .cancelled, .deadlineExceeded: true
        default: false
        }
    }
}

/// Turns a bound cmdlet into the request that is sent.
enum ExchangeCommands {
    /// Returns the request of a bound cmdlet, with limits and paging, and without the service's confirmation, since the
    /// guard has asked.
    /// - Throws: `.unsupported` for a call that only PowerShell can carry out, `.invalidInput` for one that must not be
    ///   sent.
    static func command(of bound: ExchangeCall, at service: ExchangeTable.Service) throws(MMError) -> ExchangeCommand {
        if let common = bound.powerShellOnlyParameter {
            throw MMError(.unsupported, "the common parameter -\(common) of \(bound.cmdlet)")
        }
        if let action = bound.errorAction,
            !["stop", "silentlycontinue", "ignore", "continue"].contains(action)
        {
            throw MMError(.unsupported, "-ErrorAction \(action)")
        }
        if service == .scc, bound.parameters["WhatIf"] == .bool(true) {
            throw MMError(
                .invalidInput,
                "-WhatIf does not work in the compliance service: \(bound.cmdlet) would really run, so it was not sent.",
                hint: "Leave -WhatIf out to run it, or use mm run --dry-run to see the request.")
        }
        var command = ExchangeCommand(bound.cmdlet, bound.parameters)
        if bound.asksFirst, bound.parameters["Confirm"] == nil, bound.parameters["WhatIf"] != .bool(true) {
            command.parameters["Confirm"] = .bool(false)
        }
        command.headers = bound.headers
        command.limit = bound.limit
        if bound.limit == nil, bound.takesResultSize, bound.parameters["ResultSize"] == nil {
            command.limit = ExchangeCommand.maxPageSize
        }
        if let size = bound.pageSize { command.pageSize = size }
        command.usesCustomRouting = bound.usesCustomRouting
        command.properties = bound.properties
        return command
    }
}

extension ExchangeTable.Service {
    /// The endpoint that runs its cmdlets.
    var endpoint: ExchangeService { self == .exo ? .exchange : .compliance }

    /// The module's name.
    var module: String { self == .exo ? "exo" : "compliance" }

    /// Creates the service whose cmdlets an endpoint runs.
    init(of endpoint: ExchangeService) { self = endpoint == .exchange ? .exo : .scc }

    /// Creates the service of a module's name; `nil` for other modules.
    init?(module: String) {
        switch module.lowercased() {
        case "exo": self = .exo
        case "compliance": self = .scc
        default: return nil
        }
    }
}
