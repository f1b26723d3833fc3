import MMCore
import MMDesk
import MMGuard
import MMHTTP
import MMIdentity

/// A watch on Exchange cmdlets that reads the state before they are sent and keeps it in the journal.
///
/// The prior state is read with one request at most, by the same account, and only if the guard allows the read without
/// asking. A failed read never stops the write; the write then can't be undone, and the answer says so.
struct CmdletWatch: Sendable {
    let client: GuardedExchange
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext
    /// The clearance of the script; `nil` if only reads are sent.
    var cleared: Cleared<JudgedAgain>?
    /// The states that were read while a person was asked.
    var known = KnownStates()

    /// The time limit for reading a state.
    private static let longestRead = Duration.seconds(20)

    private var journal: JournalNotes {
        JournalNotes(connection: connection, resource: client.service.resource, requests: requests, context: context)
    }

    /// Whether the connection can read without asking a person to sign in first.
    var isSignedIn: Bool {
        get async {
            let state = await requests.identity.state(of: connection, resource: client.service.resource)
            if case .signedIn = state { return true }
            return false
        }
    }

    // MARK: Before

    /// Returns a change with its prior state; unread if that needs a sign-in.
    func read(_ change: Change) async -> Change {
        do throws(MMError) { return try await readOrWait(change) } catch { return change }
    }

    /// Returns a change with its prior state.
    /// - Throws: `signInNeeded` if it can't be read without a sign-in.
    private func readOrWait(_ change: Change) async throws(MMError) -> Change {
        let reading = await tried(change)
        if let fault = reading.fault, fault.code == .signInNeeded { throw fault }
        return reading.change
    }

    /// Returns a change with its prior state, or with the error of a read that failed; unread if that needs a sign-in.
    func tried(_ change: Change) async -> (change: Change, fault: MMError?) {
        let commands = change.priorCommands
        guard !change.isBeforeKnown, !change.isUnreadable, !commands.isEmpty else { return (change, nil) }
        do throws(MMError) {
            let states = try await states(commands, min(context.deadline, .after(Self.longestRead)))
            var recipients = RecipientIdentities()
            let names = change.writtenRecipients
            for (name, rows) in zip(names, states.suffix(names.count)) { recipients.note(rows ?? [], of: name) }
            let content = states.dropFirst().dropLast(names.count).first.flatMap(\.self)
            let known = change.knowing(rows: states[0], content: content ?? [], recipients: recipients)
            return (known, nil)
        } catch {
            return (error.code == .signInNeeded ? change : change.unreadable(error.message), error)
        }
    }

    /// Returns the present output of the cmdlet that reads a change's object; `nil` if there is no such object.
    func present(of change: Change) async throws(MMError) -> [JSONValue]? {
        guard let command = change.presentCommand else { return nil }
        return try await states([command], context.deadline)[0]
    }

    /// Returns the output of a cmdlet that reads.
    func rows(_ command: ExchangeCommand) async throws(MMError) -> [JSONValue] {
        try await states([command], context.deadline)[0] ?? []
    }

    /// Returns whether a change still stands, by the present output of the cmdlet that reads its object. Recipients
    /// that the change names differently from the service are looked up with one request.
    func standing(of change: Change, inRows rows: [JSONValue]?) async throws(MMError) -> Change.Standing {
        let names = change.unresolvedNames(inRows: rows)
        guard !names.isEmpty else { return change.standing(inRows: rows) }
        let commands = names.map(RecipientIdentities.reading)
        guard commands.allSatisfy(mayRead) else {
            throw MMError(.denied, "the guard does not allow the read that would show its state")
        }
        var recipients = RecipientIdentities()
        for (name, reading) in zip(names, try await client.readings(of: commands, deadline: context.deadline)) {
            switch reading {
            case .success(let rows): recipients.note(rows.compactMap { try? JSONParser.parse(Array($0)) }, of: name)
            case .failure(.refused): break
            case .failure(.failed(let error)): throw error
            }
        }
        return change.standing(inRows: rows, recipients)
    }

    /// Returns whether the guard allows a cmdlet that only reads without asking.
    func mayRead(_ command: ExchangeCommand) -> Bool {
        guard command.isReadOnly, let engine = try? requests.guarding.guards.engine(),
            let request = try? client.wireRequest(of: command)
        else { return false }
        let intent = engine.intent(of: request)
        return intent.isRead && intent.verdict(requests.guarding.policy(of: connection, in: context)).decision == .allow
    }

    /// Returns the output of several cmdlets that read, with one request; `nil` for each object that does not exist.
    private func states(_ commands: [ExchangeCommand], _ deadline: Deadline) async throws(MMError) -> [[JSONValue]?] {
        guard commands.allSatisfy(mayRead) else {
            throw MMError(.denied, "the guard does not allow the read that would show its state")
        }
        var states: [[JSONValue]?] = []
        for reading in try await client.readings(of: commands, deadline: deadline) {
            switch reading {
            case .success(let rows): states.append(rows.compactMap { try? JSONParser.parse(Array($0)) })
            case .failure(let fault):
                let failure = fault.mmError(of: connection.name, client.service)
                guard failure.code == .notFound else { throw failure }
                states.append(nil)
            }
        }
        return states
    }

    // MARK: Writing

    /// Notes that a cmdlet is about to be sent. A state that could not be read before the sign-in is read now.
    /// - Throws: `signInNeeded` if the state can't be read without a sign-in. The cmdlet needs it too: sent after it,
    ///   it could not be undone.
    func begin(_ command: ExchangeCommand, notes: inout [String]) async throws(MMError) -> JournalEntry? {
        var change = known.take(command) ?? Change(command, at: client.service)
        if let unread = change { change = try await readOrWait(unread) }
        return await journal.begin([(change, command.line)], notes: &notes).first ?? nil
    }

    /// Notes that a program is about to send a cmdlet with a sign-in of its own. The journal causes none of ours.
    func beginElsewhere(_ command: ExchangeCommand, notes: inout [String]) async -> JournalEntry? {
        var change = known.take(command) ?? Change(command, at: client.service)
        if let unread = change, await isSignedIn { change = await read(unread) }
        if change?.isUnread == true { change = change?.withoutSignIn }
        return await journal.begin([(change, command.line)], notes: &notes).first ?? nil
    }

    /// Notes how a cmdlet ended.
    func end(_ entry: JournalEntry, _ result: Result<ExchangePage?, MMError>) async {
        switch result {
        case .success(let page):
            if let error = page?.errors.first, page?.rows.isEmpty ?? true {
                return await journal.end([(entry, MMError(.remoteFailed, error.message))])
            }
            await end(entry, left: page?.values ?? [])
        case .failure(let error): await journal.end([(entry, error)])
        }
    }

    /// Notes that a cmdlet was carried out.
    func end(_ entry: JournalEntry, left rows: [JSONValue]) async {
        await journal.end([(entry.left(entry.change.left(by: rows)), nil)])
    }

    /// Runs a cmdlet that undoes a change, and notes it in the journal.
    /// - Returns: the change that the cmdlet made.
    func run(
        _ command: ExchangeCommand, by cleared: Cleared<some CmdletAct>, changing change: Change,
        undoing: JournalNotes.Undoing, notes: inout [String]
    ) async throws(MMError) -> Change {
        var pages = try client.pages(command, by: cleared, deadline: context.deadline)
        let entry = await journal.begin([(change, command.line)], undoing: undoing, notes: &notes).first ?? nil
        do throws(ExchangeFault) {
            let page = try await pages.next()
            if let entry { await end(entry, .success(page)) }
            return change.left(by: page?.values ?? [])
        } catch {
            let failure = error.mmError(of: connection.name, client.service)
            if let entry { await end(entry, .failure(failure)) }
            throw failure
        }
    }
}

/// States that were read to ask a person, kept for the cmdlets that run after the person's yes.
final class KnownStates: Sendable {
    private let states = Mutex<[[UInt8]: [Change]]>([:])

    func keep(_ change: Change, of command: ExchangeCommand) {
        states.withLock { $0[JSONWriter.bytes(command.body), default: []].append(change) }
    }

    /// Removes and returns the state that was read for a cmdlet.
    func take(_ command: ExchangeCommand) -> Change? {
        states.withLock { states in
            let key = JSONWriter.bytes(command.body)
            guard states[key]?.isEmpty == false else { return nil }
            return states[key]?.removeFirst()
        }
    }
}

extension ExchangePage {
    /// The rows as JSON values.
    var values: [JSONValue] { rows.compactMap { try? JSONParser.parse(Array($0)) } }
}

extension ExchangeFault {
    /// Returns the error for a caller.
    func mmError(of connection: String, _ service: ExchangeService) -> MMError {
        switch self {
        case .refused(let error): error.mmError(of: connection, service)
        case .failed(let error): error
        }
    }
}
