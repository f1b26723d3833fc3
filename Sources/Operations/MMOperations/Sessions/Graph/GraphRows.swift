import MMCore
import MMGraph
import MMNative

/// The rows of one cmdlet of Graph's modules, page by page.
struct GraphRows: CmdletRows {
    private let source: GraphSource
    private let call: GraphCmdletCall
    private let request: GraphRequest
    private let errorAction: String?
    private var objects: GraphObjects
    private var pages: GraphPages.Iterator?
    private var isOver = false
    private var isFirst = true

    init(source: GraphSource, call: GraphCmdletCall, request: GraphRequest, errorAction: String?) {
        self.source = source
        self.call = call
        self.request = request
        self.errorAction = errorAction
        objects = GraphObjects(call.shape, of: call.cmdlet)
        // Without -All or -Top a cmdlet asks for one page, of the size that the service chooses.
        guard case .objects = call.shape, request.method == "GET", call.outFile == nil,
            call.isWhole || call.limit != nil
        else { return }
        pages = source.pages(request, PageLimits(items: call.limit)).makeAsyncIterator()
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        guard !isOver else { return nil }
        do throws(MMError) {
            return try await batch()
        } catch {
            isOver = true
            return try ended(by: error)
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

    /// The objects of an answer that is not read page by page.
    private mutating func answer(_ response: GraphResponse) -> [PSValue] {
        let text = String(decoding: response.body, as: UTF8.self)
        if case .text = call.shape { return [.string(text)] }
        guard let json = try? response.json() else {
            // `/$count` answers a number alone.
            let line = text.filter { !$0.isWhitespace && $0 != "\u{FEFF}" }
            return [Int32(line).map { .int($0) } ?? .string(text)]
        }
        if case .int(let number) = json { return [Int32(exactly: number).map { .int($0) } ?? .long(number)] }
        if case .objects = call.shape, let items = json["value"]?.array { return items.map { objects.object($0) } }
        return [objects.object(json)]
    }

    /// What becomes of the script when a request was refused, as of a refused cmdlet of Exchange.
    private func ended(by error: MMError) throws(CmdletFault) -> CmdletBatch? {
        let record = GraphRecord.of(error, call)
        if error.concernsTheCaller {
            source.note(failure: error)
            throw .interrupted(PipelineStop(refusedWith: record))
        }
        source.note(cause: error, of: record)
        let status = error.details["status"]?.int ?? 0
        let isRefusal = [401, 403, 429].contains(status) || status >= 500 || status == 0
        switch errorAction {
        case "silentlycontinue", "ignore": return nil
        case "stop" where !isRefusal: throw .interrupted(PipelineStop(endingWith: record))
        case nil where !isRefusal, "continue": return CmdletBatch([], errors: [record])
        default: throw .interrupted(PipelineStop(refusedWith: record))
        }
    }
}
