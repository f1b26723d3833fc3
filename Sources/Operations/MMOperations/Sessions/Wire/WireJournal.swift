import MMCore
import MMDesk
import MMEgress
import MMGuard
import MMHTTP
import MMIdentity

/// The journal of the changes that a PowerShell script or another program makes, noted like those of our own requests:
/// our own client reads the prior state just before a request is forwarded.
struct WireJournal: Sendable {
    let connection: Connection
    let requests: RequestServices
    let context: OperationContext
    private let notes = WireJournalNotes()

    /// Creates a journal of a program's changes.
    init(of connection: Connection, _ requests: RequestServices, in context: OperationContext) {
        self.connection = connection
        self.requests = requests
        self.context = context
    }

    /// The notes for the program's end, which say why something can't be undone.
    var told: [String] { notes.all }

    /// Notes that a request is about to be forwarded.
    /// - Returns: a witness that notes how the request ended; `nil` if it makes no change that the journal knows.
    func witness(of request: DescribedRequest) async -> RequestWitness? {
        if let cmdlet = cmdlet(of: request) { return await witness(of: cmdlet) }
        guard let service = WireRequest(request).service, service != .signIn else { return nil }
        guard let client = try? GuardedClient(identity: requests.identity, connection: connection, service: service),
            let parts = try? Self.parts(of: request, client)
        else { return await witness(elsewhere: request) }
        let watch = WriteWatch(client: client, connection: connection, requests: requests, context: context)
        let writes = await watch.writes(parts.requests)
        guard writes.contains(where: { $0.change != nil }) else { return nil }
        var notes: [String] = []
        let entries = await watch.beginElsewhere(writes, notes: &notes)
        self.notes.add(notes)
        return RequestWitness { answer in await watch.end(entries, Self.endings(answer, parts.ids, entries.count)) }
    }

    /// Returns the cmdlet in a request.
    func cmdlet(of request: DescribedRequest) -> WireCmdlet? {
        guard case .whole(let bytes) = request.body, let address = WebAddress(request.url),
            address.pathAndQuery.lowercased().hasPrefix("/adminapi/"), let body = try? JSONParser.parse(bytes)
        else { return nil }
        return WireCmdlet(at: address, body, of: connection, requests, in: context)
    }

    private func witness(of cmdlet: WireCmdlet) async -> RequestWitness? {
        guard cmdlet.written != nil else { return nil }
        let watch = cmdlet.watch
        var notes: [String] = []
        let entry = await watch.beginElsewhere(cmdlet.command, notes: &notes)
        self.notes.add(notes)
        guard let entry else { return nil }
        return RequestWitness { answer in
            let ending = Self.endings(answer, nil, 1)[0]
            switch ending {
            case .done(let body, _): await watch.end(entry, left: body?["value"]?.array ?? [])
            case .failed(let error): await watch.end(entry, .failure(error))
            }
        }
    }

    /// Notes a write to a service whose requests can't be interpreted.
    private func witness(elsewhere request: DescribedRequest) async -> RequestWitness? {
        let journal = JournalNotes(connection: connection, resource: .graph, requests: requests, context: context)
        let path = String(request.target.prefix { $0 != "?" })
        var notes: [String] = []
        let entry =
            await journal.begin(
                [(Change(elsewhere: path), "\(request.method) https://\(request.place.host)\(path)")], notes: &notes
            ).first ?? nil
        self.notes.add(notes)
        guard let entry else { return nil }
        return RequestWitness { answer in
            guard case .failed(let error) = Self.endings(answer, nil, 1)[0] else {
                return await journal.end([(entry, nil)])
            }
            await journal.end([(entry, error)])
        }
    }

    /// Returns the requests of which a request consists: the items of a batch, otherwise itself.
    static func parts(
        of request: DescribedRequest, _ client: GuardedClient
    ) throws(MMError) -> (requests: [GraphRequest], ids: [String]?) {
        let target = try client.target(request.target)
        var body: [UInt8]?
        if case .whole(let bytes) = request.body, !bytes.isEmpty { body = bytes }
        let value = body.flatMap { try? JSONParser.parse($0) }
        if BatchItems(of: value, at: target) != nil {
            let items = BatchOfRequests.parts(ofBody: value, client: client)
            return (items.map(\.request), items.map(\.id))
        }
        var headers: [String: String] = [:]
        for name in ["If-Match", "Prefer"] { headers[name] = request.headers[name] }
        let whole = try GraphRequest(
            method: request.method, target: target, headers: headers, body: body,
            contentType: body == nil ? nil : request.headers["content-type"])
        return ([whole], nil)
    }

    private static func endings(_ answer: RequestWitness.Answer?, _ ids: [String]?, _ count: Int) -> [WriteEnding] {
        guard let answer else {
            let unknown = MMError(.unavailable, "No answer arrived: the request may have been carried out.")
            return Array(repeating: .failed(unknown), count: count)
        }
        let body = answer.body.flatMap { try? JSONParser.parse($0) }
        guard let ids, (200..<300).contains(answer.status) else {
            let etag: JSONObject = answer.headers["etag"].map { ["ETag": .string($0)] } ?? [:]
            let ending = WriteEnding(status: answer.status, headers: etag, body: body ?? .null)
            return Array(repeating: ending, count: count)
        }
        return WriteEnding.ofBatch(body, ids)
    }
}

/// The notes of a journal, each once.
private final class WireJournalNotes: Sendable {
    private static let most = 20
    private let notes = Mutex<[String]>([])

    var all: [String] { notes.withLock { $0 } }

    func add(_ more: [String]) {
        notes.withLock { notes in
            let new = more.filter { !notes.contains($0) }
            if notes.count < Self.most { JournalNotes.add(new, to: &notes) }
        }
    }
}

/// A cmdlet of Exchange or compliance that a program sends as a request, with the watch that reads and notes its
/// change.
struct WireCmdlet {
    let command: ExchangeCommand
    let watch: CmdletWatch

    /// Reads the cmdlet from a request to the admin API; `nil` for any other request.
    /// - Parameter body: the body, if it is JSON.
    init?(
        at address: WebAddress, _ body: JSONValue, of connection: Connection, _ requests: RequestServices,
        in context: OperationContext
    ) {
        let path = address.pathAndQuery.prefix { $0 != "?" }.lowercased()
        guard path.hasPrefix("/adminapi/"), path.hasSuffix("/invokecommand"),
            let name = body["CmdletInput"]?["CmdletName"]?.string,
            let parameters = body["CmdletInput"]?["Parameters"]?.object
        else { return nil }
        for service in ExchangeService.allCases {
            guard
                let client = try? GuardedExchange(
                    identity: requests.identity, connection: connection, service: service),
                client.serves(address)
            else { continue }
            command = ExchangeCommand(name, parameters)
            watch = CmdletWatch(client: client, connection: connection, requests: requests, context: context)
            return
        }
        return nil
    }

    /// The change that the cmdlet would make, from its parameters alone; `nil` if it only reads.
    var written: Change? { Change(command, at: watch.client.service) }
}
