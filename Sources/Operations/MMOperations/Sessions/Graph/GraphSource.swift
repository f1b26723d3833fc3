import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative

/// A source that runs the cmdlets of Graph's modules as requests, without the modules. Each request is judged and noted
/// in the journal.
///
/// Each source serves one script: after a failure that broke the script, all further cmdlets fail.
final class GraphSource: ScriptSource {
    let story = SourceStory()
    private let client: GuardedClient
    private let watch: WriteWatch
    /// The clearance of the script; `nil` in a rehearsal, which sends only reads.
    private let cleared: Cleared<JudgedAgain>?
    private let rehearsal: GraphRehearsal?
    /// The work that is rehearsed.
    private let work: RehearsedWork?
    private let deadline: Deadline
    private let host: NativeHost?
    private let binder = GraphBinder()

    /// Creates a source for one script.
    /// - Parameters:
    ///   - watch: sends the requests and notes their changes.
    ///   - cleared: the clearance of the script.
    ///   - deadline: when to give up.
    ///   - host: reads and keeps files.
    ///   - report: called with a sentence when the service asks to slow down.
    init(
        _ watch: WriteWatch, by cleared: Cleared<JudgedAgain>, deadline: Deadline, host: NativeHost?,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.watch = watch
        self.cleared = cleared
        (rehearsal, work) = (nil, nil)
        self.host = host
        self.deadline = deadline
        client = watch.client.reportingWaits(to: report)
    }

    /// Creates a source that shows what one script would change.
    init(
        _ watch: WriteWatch, rehearsing rehearsal: GraphRehearsal, of work: RehearsedWork?, deadline: Deadline,
        host: NativeHost?
    ) {
        self.watch = watch
        cleared = nil
        self.rehearsal = rehearsal
        self.work = work
        self.host = host
        self.deadline = deadline
        client = watch.client
    }

    func knows(_ name: String) -> Bool { binder.knows(name) }

    func parameters(of cmdlet: String) -> [String]? { binder.parameters(of: cmdlet) }

    func check(_ call: CmdletCall) throws(CmdletFault) {
        if let cmdlet = TeamCmdlet(named: call.name) {
            _ = try team(cmdlet, call)
            return
        }
        // A call that takes pipeline input can't be checked before the input is there, since that may hold the keys.
        guard !call.takesInput || call.input != nil else { return }
        _ = try bound(call)
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        if let cmdlet = TeamCmdlet(named: call.name) {
            let team = try team(cmdlet, call)
            if let failure = story.failure { throw .failed(ExchangeRecord.of(failure, cmdlet: call.name)) }
            return TeamRows(source: self, call: team, errorAction: team.errorAction ?? call.errorPreference)
        }
        let bound = try bound(call)
        if let failure = story.failure { throw .failed(ExchangeRecord.of(failure, cmdlet: call.name)) }
        let content = try content(for: bound)
        let request: GraphRequest
        do throws(MMError) { request = try bound.request(at: client, content: content) } catch {
            if bound.isOfWeb, let given = try fromOutside(bound) { return given }
            throw .failed(GraphRecord.of(error, bound))
        }
        if bound.isPreview {
            let line = "What if: \(request.method) \(request.target.path)"
            return PreviewRows(batch: CmdletBatch([], information: [line]))
        }
        do throws(MMError) {
            if let rehearsal {
                var objects = GraphObjects(bound.shape, of: bound.cmdlet)
                if let found = rehearsal.found(by: request) {
                    return PreviewRows(batch: CmdletBatch(found.map { objects.object(.object($0)) }))
                }
                if !rehearsal.lets(request, of: bound.cmdlet) {
                    try check(request)
                    let made = await rehearsal.note(request, of: bound.cmdlet)
                    return PreviewRows(batch: CmdletBatch(made.map { [objects.object(.object($0))] } ?? []))
                }
            }
            try check(request)
            return try GraphRows(
                source: self, call: bound, request: request, errorAction: bound.errorAction ?? call.errorPreference)
        } catch {
            throw story.broken(by: error, as: ExchangeRecord.of(error, cmdlet: bound.cmdlet))
        }
    }

    /// Throws if a request has a stricter verdict than the script.
    private func check(_ request: GraphRequest) throws(MMError) {
        if let cleared { _ = try cleared.act.holds(request, under: cleared.verdict) }
        try work?.check(request)
    }

    /// Returns the bytes of the file that a request sends.
    private func content(for call: GraphCmdletCall) throws(CmdletFault) -> [UInt8]? {
        guard let path = call.inFile else { return nil }
        guard let bytes = host?.content(of: path) else {
            throw .failed(
                NativeError(
                    "FileNotFound,\(call.cmdlet)", "Could not find file '\(path)': pass the file with --attach.",
                    category: "ObjectNotFound", command: call.cmdlet, isReadable: true))
        }
        return bytes
    }

    /// Returns the attached file with the same name for a request to a host that doesn't belong to the connection.
    /// - Returns: `nil` if the path is not a complete address.
    private func fromOutside(_ call: GraphCmdletCall) throws(CmdletFault) -> (any CmdletRows)? {
        guard let address = WebAddress(call.path.replacing(" ", with: "%20")) else { return nil }
        let path = address.pathAndQuery.prefix { $0 != "?" }
        let segment = path.split(separator: "/", omittingEmptySubsequences: false).last
        let name = segment.flatMap { PercentCoding.decode($0.utf8) } ?? ""
        guard call.method == "GET", let bytes = host?.read(name) else {
            let hint = !name.contains(".") || call.method != "GET" ? "" : ": pass the file with --attach \(name)"
            throw .failed(
                NativeError(
                    "WebCmdletWebResponseException,Microsoft.PowerShell.Commands.\(call.cmdlet.filter { $0 != "-" })Command",
                    "\(call.cmdlet) uses \(address.host), which is not a service of this connection\(hint).",
                    category: "InvalidOperation", command: call.cmdlet, isReadable: true))
        }
        if let file = call.outFile {
            host?.keep(bytes, as: file)
            return PreviewRows(batch: CmdletBatch([]))
        }
        var objects = GraphObjects(call.shape, of: call.cmdlet)
        let text = String(decoding: bytes, as: UTF8.self)
        if case .page = call.shape { return PreviewRows(batch: CmdletBatch([GraphRows.page(text)])) }
        let json = try? JSONParser.parse(text)
        return PreviewRows(
            batch: CmdletBatch(json.map { ($0.array ?? [$0]).map { objects.object($0) } } ?? [.string(text)]))
    }

    private func bound(_ call: CmdletCall) throws(CmdletFault) -> GraphCmdletCall {
        do throws(GraphBinder.Fault) { return try binder.bind(call) } catch { throw error.fault }
    }

    private func team(_ cmdlet: TeamCmdlet, _ call: CmdletCall) throws(CmdletFault) -> TeamCall {
        do throws(GraphBinder.Fault) { return try TeamCall(cmdlet, call) } catch { throw error.fault }
    }

    // MARK: Sending

    /// Sends a request that may change something, with notes in the journal.
    func send(_ request: GraphRequest, _ call: GraphCmdletCall) async throws(MMError) -> GraphResponse {
        guard let cleared else { return try await client.read(request, deadline: deadline) }
        var notes: [String] = []
        let writes = await watch.writes([request])
        if writes.contains(where: { $0.change != nil }) || request.method != "GET" {
            story.note(write: call.cmdlet)
        }
        let result: Result<GraphResponse, MMError>
        do throws(MMError) {
            result = .success(try await watch.send(request, by: cleared, changing: writes, notes: &notes))
        } catch {
            result = .failure(error)
        }
        story.note(information: notes)
        return try result.get()
    }

    /// Returns the pages of a read.
    func pages(_ request: GraphRequest, _ limits: PageLimits) throws(MMError) -> GraphPages {
        guard let cleared else { return try client.readPages(request, limits: limits, deadline: deadline) }
        return try client.pages(request, by: cleared, limits: limits, deadline: deadline)
    }

    /// Returns the objects that a read answers with, of all pages of a list.
    func objects(
        _ path: String, _ query: [(name: String, value: String)], for cmdlet: String
    ) async throws(MMError) -> [JSONObject] {
        var call = GraphCmdletCall(cmdlet: cmdlet)
        (call.path, call.query) = (path, query)
        let request = try call.request(at: client)
        if let rehearsal {
            if let found = rehearsal.found(by: request) { return found }
            if !rehearsal.lets(request, of: cmdlet) {
                _ = await rehearsal.note(request, of: cmdlet)
                return []
            }
        }
        var walk = try pages(request, PageLimits()).makeAsyncIterator()
        var objects: [JSONObject] = []
        while let page = try await walk.next() {
            for item in page.items {
                if case .object(let object)? = try? JSONParser.parse(item) { objects.append(object) }
            }
        }
        return objects
    }

    /// Whether the script is only rehearsed.
    var isRehearsed: Bool { rehearsal != nil }

    /// Whether a rehearsal has held back a change, on which what follows may depend.
    var hasHeld: Bool { rehearsal?.steps.contains { !$0.wasSent } ?? false }

    /// The error that ends a rehearsal where the script needs the answer to a change that was held back.
    var needsHeld: MMError { MMError(.unsupported, NativeEngine.needsHeld) }

    /// Sends a request that changes something, and waits until the service has finished it; in a rehearsal, records it.
    /// - Returns: the object that the service answers with; in a rehearsal, the one that would be created.
    func change(
        _ method: String, _ path: String, _ body: JSONValue?, for cmdlet: String
    ) async throws(MMError) -> JSONObject? {
        var call = GraphCmdletCall(cmdlet: cmdlet, method: method)
        (call.path, call.body) = (path, body)
        let request = try call.request(at: client)
        try check(request)
        if let rehearsal { return await rehearsal.note(request, of: cmdlet) }
        let response = try await send(request, call)
        let outcome = try await client.outcome(of: response, to: request, deadline: deadline) { _ in }
        return outcome.body.isEmpty ? nil : (try? outcome.json())?.object
    }

    /// Returns the answers to several reads in order, of which eight are under way at a time.
    func objects(
        of paths: [String], _ query: [(name: String, value: String)], for cmdlet: String
    ) async -> [Result<[JSONObject], MMError>] {
        await paths.concurrentMap(atOnce: 8) { path in
            await Result { () async throws(MMError) in try await self.objects(path, query, for: cmdlet) }
        }
    }

    /// Decides how the script continues after a refused request, as for a refused Exchange cmdlet.
    func ended(
        _ call: GraphCmdletCall, by error: MMError, errorAction: String?
    ) throws(CmdletFault) -> CmdletBatch? {
        let record = GraphRecord.of(error, call)
        guard !error.concernsTheCaller else { throw story.broken(by: error, as: record) }
        let status = error.details["status"]?.int ?? 0
        let isRefusal = [401, 403, 429].contains(status) || status >= 500 || status == 0
        return try story.ended(
            by: record, of: error, isRefusal: isRefusal, errorAction: errorAction, endsStatement: call.endsStatements)
    }

    /// Writes an answer to a file of the run.
    func keep(_ bytes: [UInt8], as path: String) { host?.keep(bytes, as: path) }
}

/// Rows that are known without sending anything.
private struct PreviewRows: CmdletRows {
    var batch: CmdletBatch?

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        defer { batch = nil }
        return batch
    }
}

/// Error records of requests to Graph.
enum GraphRecord {
    /// Returns the record of a refused request, with the service's error code.
    static func of(_ error: MMError, _ call: GraphCmdletCall) -> NativeError {
        let code = error.details["code"]?.string ?? error.code.word
        let message = error.details["serviceMessage"]?.string ?? error.message
        let name = call.cmdlet.filter { $0 != "-" }
        return NativeError(
            "\(code),Microsoft.Graph.PowerShell.Cmdlets.\(name)", "[\(code)] : \(message)",
            category: error.code == .notFound ? "ObjectNotFound" : "InvalidOperation", command: call.cmdlet,
            isReadable: true, status: error.details["status"]?.int.flatMap { Int32(exactly: $0) })
    }
}

/// A source that only knows the names of Graph's cmdlets, to check whether a script fits the native engine.
struct GraphCmdletList: CmdletSource {
    private let binder = GraphBinder()

    func knows(_ name: String) -> Bool { binder.knows(name) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        throw .handedOver("the command \(call.name)")
    }
}

/// The output rows of one cmdlet of Graph's modules, page by page.
struct GraphRows: CmdletRows {
    private let source: GraphSource
    private let call: GraphCmdletCall
    private let request: GraphRequest
    private let errorAction: String?
    private var objects: GraphObjects
    private var pages: GraphPages.Iterator?
    private var isOver = false
    private var isFirst = true
    /// Whether the service has more objects than the page that was asked for.
    private var leavesObjects = false

    init(source: GraphSource, call: GraphCmdletCall, request: GraphRequest, errorAction: String?) throws(MMError) {
        self.source = source
        self.call = call
        self.request = request
        self.errorAction = errorAction
        let story = source.story
        let (cmdlet, asked) = (call.cmdlet, call.asked)
        // What was asked for and isn't there is empty in the service, too.
        let missed: @Sendable (MissedProperty) -> Void = { property in
            if !asked.contains(property.name.lowercased()) { story.note(missed: property, of: cmdlet) }
        }
        objects = GraphObjects(call.shape, of: call.cmdlet, missed: request.method == "GET" ? missed : nil)
        // Without -All or -Top a cmdlet asks for one page, of the size that the service chooses.
        guard case .objects = call.shape, request.method == "GET", call.outFile == nil,
            call.isWhole || call.limit != nil
        else { return }
        pages = try source.pages(request, PageLimits(items: call.limit)).makeAsyncIterator()
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        guard !isOver else {
            // Whoever asks for more than the page expects them; `Select-Object -First 5` doesn't ask.
            if leavesObjects {
                let told = "returned only the first page of its objects, as in PowerShell: -All reads all of them."
                source.story.note(information: ["\(call.cmdlet) \(told)"])
            }
            return nil
        }
        do throws(MMError) {
            return try await batch()
        } catch {
            isOver = true
            return try source.ended(call, by: error, errorAction: errorAction)
        }
    }

    private mutating func batch() async throws(MMError) -> CmdletBatch? {
        guard var walk = pages else {
            isOver = true
            let response = try await source.send(request, call)
            if let file = call.outFile {
                source.keep(response.body, as: file)
                return nil
            }
            guard !response.body.isEmpty else {
                return call.passesThrough ? CmdletBatch([.bool(true)]) : nil
            }
            var batch = CmdletBatch(answer(response))
            if let name = call.countVariable {
                let count = (try? response.json())?["@odata.count"]?.int
                batch.variables[name] = count.map { .int(Int32(truncatingIfNeeded: $0)) } ?? .null
            }
            return batch
        }
        defer { pages = walk }
        guard let page = try await walk.next() else {
            isOver = true
            return nil
        }
        var rows: [PSValue] = []
        rows.reserveCapacity(page.items.count)
        for item in page.items {
            if let object = objects.object(item) { rows.append(object) }
        }
        var batch = CmdletBatch(rows)
        if isFirst, let name = call.countVariable {
            batch.variables[name] = page.count.map { .int(Int32(truncatingIfNeeded: $0)) } ?? .null
        }
        isFirst = false
        return batch
    }

    /// Returns the objects of an answer that is not read page by page.
    private mutating func answer(_ response: GraphResponse) -> [PSValue] {
        let text = String(decoding: response.body, as: UTF8.self)
        if case .text = call.shape { return [.string(text)] }
        if case .page = call.shape { return [Self.page(text, status: response.status, headers: response.headers)] }
        guard let json = try? response.json() else {
            let count = CountText.read(response.body).flatMap { Int32(exactly: $0) }
            return [count.map { .int($0) } ?? .string(text)]
        }
        if case .int(let number) = json { return [Int32(exactly: number).map { .int($0) } ?? .long(number)] }
        if case .objects = call.shape, let items = json["value"]?.array {
            leavesObjects = json["@odata.nextLink"] != nil
            return items.map { objects.object($0) }
        }
        return [objects.object(json)]
    }

    /// Returns the object that Invoke-WebRequest makes from a text.
    static func page(_ text: String, status: Int = 200, headers: [(name: String, value: String)] = []) -> PSValue {
        let fields = PSTable(isOrdered: true)
        for (name, value) in headers where fields[name] == nil { _ = fields.add(name, .array([.string(value)])) }
        return PSObject([
            ("StatusCode", .int(Int32(status))), ("StatusDescription", .string("OK")), ("Content", .string(text)),
            ("RawContent", .string(text)), ("Headers", .table(fields)),
            ("RawContentLength", .long(Int64(text.utf8.count))),
        ]).map { .object($0) } ?? .null
    }
}
