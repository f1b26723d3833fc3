internal import MMCore
internal import MMHTTP

/// `$count`: how many there are, as plain text.
extension GraphReader {
    func countAnswer(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        var count = 0
        switch place.node {
        case .collection(let address, let test):
            let table = store.table(address)
            try checkCount(call, table.kind)
            if call.options.filter == nil, call.options.search == nil, test == nil {
                count = table.count
            } else {
                count =
                    try page(counting(call), kind: table.kind, total: nil, test: test) { table.scan(skipping: $0, $1) }
                    .count ?? 0
            }
        case .links(let ids, _):
            try checkCount(call, .directoryObject)
            count =
                ids.compactMap { store.object($0) }.filter {
                    place.cast == nil || store.table($0.0).kind.name == place.cast
                }
                .count
        case .made(let kind, let rows):
            try checkCount(call, kind)
            count = rows.count
        default: throw .unknownSegment("$count")
        }
        return HTTPServerResponse(status: 200, contentType: "text/plain", body: Array("\(count)".utf8))
    }

    private func checkCount(_ call: GraphCall, _ kind: EntityKind) throws(GraphFailure) {
        guard !kind.isDirectoryObject || call.isEventual else {
            throw .badRequest("$count is not currently supported.")
        }
        var options = call.options
        options.count = true
        do throws(QueryFault) { try QueryCheck.check(options, on: kind, isEventual: call.isEventual) } catch {
            throw GraphFailure(error)
        }
    }

    private func counting(_ call: GraphCall) -> GraphCall {
        var options = call.options
        options.count = true
        options.top = nil
        return GraphCall(
            request: call.request, version: call.version, segments: call.segments, options: options,
            principal: call.principal,
            requestID: call.requestID, clientRequestID: call.clientRequestID)
    }
}
