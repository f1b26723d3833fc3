import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// The service of a planned request: one that callers can name, or the Teams configuration, which only scripts reach.
enum PlanService {
    case named(RequestResource)
    case teams

    init?(_ service: RequestService) {
        if service == .teams {
            self = .teams
        } else {
            guard let resource = RequestResource(service) else { return nil }
            self = .named(resource)
        }
    }

    /// - Parameter word: the service's name in a plan.
    init?(word: String) {
        if word == Self.teams.word {
            self = .teams
        } else {
            guard let resource = RequestResource(rawValue: word) else { return nil }
            self = .named(resource)
        }
    }

    /// The service's name in a plan.
    var word: String { if case .named(let resource) = self { resource.rawValue } else { "teams" } }

    /// The module of its session.
    var module: String { if case .named(let resource) = self { resource.module } else { "teams" } }

    /// Returns the service to which an address in a plan belongs.
    func service(of address: String) -> RequestService {
        if case .named(let resource) = self { resource.service(of: address) } else { .teams }
    }

    /// The service of the changes that its requests make.
    var changes: Change.Service {
        switch self {
        case .named(.flow): .flow
        case .named: .graph
        case .teams: .teams
        }
    }
}

/// Sends the steps of a plan to one connection's services, with the journal, as any other write.
struct PlanSending: Sendable {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext

    /// The result of a step.
    struct Sent: Sendable {
        /// The change that it made.
        var change: Change?
        /// The id of its entry in the journal.
        var entry: String?
        var status: Int?
        /// The service's answer.
        var answer: JSONValue?
        var notes: [String] = []
    }

    /// A step ready to be sent, with the present state of its object.
    struct Ready: Sendable {
        let state: PlanState
        fileprivate let work: Work

        fileprivate enum Work: Sendable {
            case request(WriteWatch, WriteWatch.Write)
            case command(CmdletWatch, ExchangeCommand, Change?)
        }
    }

    private var states: PlanStates { PlanStates(connection: connection, services: services, context: context) }

    // MARK: Before

    /// Returns the request of a step, byte for byte.
    /// - Throws: `conflict` where the request would go to another address now.
    func request(_ text: PlanStep.GraphRequestText) throws(MMError) -> (GuardedClient, GraphRequest) {
        let client = try client(of: text)
        let target = try client.target(text.address)
        guard target.planned == text.address else {
            throw MMError(
                .conflict, "\(text.method) \(text.address) would now go to another address.",
                hint: "Nothing was sent. Make a new plan.")
        }
        let request = try GraphRequest(
            method: text.method, target: target, headers: text.headers, body: text.body,
            contentType: text.contentType)
        return (client, request)
    }

    private func client(of text: PlanStep.GraphRequestText) throws(MMError) -> GuardedClient {
        switch PlanService(word: text.resource) {
        case .named(let resource):
            let place = try RequestResource.place(
                resource, of: text.address, connection: connection, cloud: try services.identity.cloud(of: connection))
            return try GuardedClient(
                identity: services.identity, connection: connection, service: place.service,
                sharePointLabel: place.sharePointLabel)
        case .teams: return try GuardedClient(identity: services.identity, connection: connection, service: .teams)
        case nil:
            throw MMError(.invalidInput, "The plan names a service that doesn't exist: \(text.resource.prefix(40)).")
        }
    }

    /// Returns the service whose access token a step needs.
    func resource(of step: PlanStep) throws(MMError) -> ServiceResource? {
        switch step.act {
        case .request(let text): try request(text).0.resource
        case .command(_, let service): service.resource
        case .undo: nil
        }
    }

    /// Reads the object of a step.
    /// - Throws: the error of a read that failed.
    func ready(_ step: PlanStep) async throws(MMError) -> Ready? {
        switch step.act {
        case .request(let text):
            let (client, request) = try request(text)
            let watch = WriteWatch(client: client, connection: connection, requests: services, context: context)
            guard let write = await watch.writes([request]).first else { return nil }
            let state = try await states.read(write).state(for: step)
            return Ready(state: state, work: .request(watch, write))
        case .command(let command, let service):
            let client = try GuardedExchange(identity: services.identity, connection: connection, service: service)
            let watch = CmdletWatch(client: client, connection: connection, requests: services, context: context)
            guard let change = Change(command, at: client.service) else {
                return Ready(state: PlanState(), work: .command(watch, command, nil))
            }
            let tried = await watch.tried(change)
            var reading = await states.read(tried.change)
            reading.fault = tried.fault ?? reading.fault
            return Ready(state: try reading.state(for: step), work: .command(watch, command, tried.change))
        case .undo: return nil
        }
    }

    // MARK: Sending

    /// Sends a step that is ready.
    /// - Parameter etag: the version that the object must have, where the service has versions.
    /// - Throws: `unavailable`, before anything is sent, where the journal can't be written.
    func send(
        _ ready: Ready, by cleared: Cleared<PlanAct>, ifVersion etag: String?
    ) async throws(MMError) -> Sent {
        switch ready.work {
        case .request(let watch, let write): try await send(write, by: cleared, watch, etag)
        case .command(let watch, let command, let change): try await send(command, by: cleared, change, watch)
        }
    }

    private func send(
        _ write: WriteWatch.Write, by cleared: Cleared<PlanAct>, _ watch: WriteWatch, _ etag: String?
    ) async throws(MMError) -> Sent {
        var sent = Sent()
        let entries = try await watch.begin([write], notes: &sent.notes)
        let entry = entries.first ?? nil
        guard write.change == nil || entry != nil else { throw Self.withoutJournal(sent.notes) }
        sent.entry = entry?.id
        let request = try Self.guarded(write.request, by: etag)
        do throws(MMError) {
            let response = try await watch.client.send(request, by: cleared, deadline: context.deadline)
            let answer = try? response.json()
            await watch.end(entries, [.done(answer, etag: response.etag)])
            sent.change = write.change?.left(by: answer, etag: response.etag)
            sent.status = response.status
            sent.answer = answer
            return sent
        } catch {
            await watch.end(entries, entries.map { _ in .failed(error) })
            throw error
        }
    }

    /// Returns the request with an `If-Match` header for the version that was planned for.
    private static func guarded(_ request: GraphRequest, by etag: String?) throws(MMError) -> GraphRequest {
        guard let etag, ["PATCH", "DELETE", "PUT"].contains(request.method), request.header("If-Match") == nil else {
            return request
        }
        var headers = request.headers
        headers["If-Match"] = etag
        return try GraphRequest(
            method: request.method, target: request.target, headers: headers, body: request.body,
            contentType: request.contentType)
    }

    private func send(
        _ command: ExchangeCommand, by cleared: Cleared<PlanAct>, _ change: Change?, _ watch: CmdletWatch
    ) async throws(MMError) -> Sent {
        var pages = try watch.client.pages(command, by: cleared, deadline: context.deadline)
        var sent = Sent()
        if let change { watch.known.keep(change, of: command) }
        let entry = try await watch.begin(command, notes: &sent.notes)
        guard change == nil || entry != nil else { throw Self.withoutJournal(sent.notes) }
        sent.entry = entry?.id
        do throws(ExchangeFault) {
            let page = try await pages.next()
            if let entry { await watch.end(entry, .success(page)) }
            if let error = page?.errors.first, page?.rows.isEmpty ?? true {
                throw ExchangeFault.refused(error)
            }
            let rows = page?.values ?? []
            sent.change = change?.left(by: rows)
            sent.answer = rows.isEmpty ? nil : .array(rows)
            return sent
        } catch {
            let failure = error.mmError(of: connection.name, watch.client.service)
            if let entry { await watch.end(entry, .failure(failure)) }
            throw failure
        }
    }

    private static func withoutJournal(_ notes: [String]) -> MMError {
        var error = MMError(
            .unavailable,
            "The journal of changes can't be written, so nothing was sent: \(notes.joined(separator: " "))",
            hint: "Free disk space: a plan is applied only if its changes can be recorded for undo and for continuing.")
        error.isUnsent = true
        return error
    }
}

extension RequestTarget {
    /// The address as a plan holds it.
    fileprivate var planned: String { (writtenOrigin ?? "") + pathAndQuery }
}

/// The steps of a plan as an act: exactly these are sent. The requests of an undo step are made when its turn comes,
/// and judged again then.
struct PlanAct: RequestAct, CmdletAct {
    private struct Request: Hashable {
        let method: String
        let address: String
        let body: [UInt8]?
    }

    private struct Command: Hashable {
        let command: ExchangeCommand
        let service: ExchangeService
    }

    // Looked up for each of thousands of steps.
    private var requests: Set<Request> = []
    private var commands: Set<Command> = []
    private var undoes = false
    private let guarding: GuardServices

    init(_ steps: [PlanStep], guarding: GuardServices) {
        self.guarding = guarding
        for step in steps {
            switch step.act {
            case .request(let text):
                requests.insert(Request(method: text.method, address: text.address, body: text.body))
            case .command(let command, let service):
                commands.insert(Command(command: command, service: service))
            case .undo: undoes = true
            }
        }
    }

    /// The error for a plan of which nothing was judged.
    static let notJudged = MMError(
        .conflict, "The guard has not judged this plan: nothing was sent.", hint: "Make a new plan.")

    func holds(_ request: GraphRequest, under verdict: Verdict) throws(MMError) -> Bool {
        let step = Request(method: request.method, address: request.target.planned, body: request.body)
        if requests.contains(step) { return true }
        guard undoes else { return false }
        return try guarding.guards.engine().judge(request.guarded, policy: .standard).decision <= verdict.decision
    }

    func holds(
        _ command: ExchangeCommand, at client: GuardedExchange, under verdict: Verdict
    ) throws(MMError) -> Bool {
        if commands.contains(Command(command: command, service: client.service)) { return true }
        guard undoes else { return false }
        let intent = try guarding.guards.engine().intent(of: try client.wireRequest(of: command))
        return intent.verdict(.standard).decision <= verdict.decision
    }
}
