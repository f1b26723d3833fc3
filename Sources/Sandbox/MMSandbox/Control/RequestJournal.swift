internal import MMCore
internal import MMHTTP

/// The received requests, for tests to inspect. Tokens are not stored, only whether there was one.
final class RequestJournal {
    private(set) var recent: [JSONValue] = []
    private(set) var count = 0
    /// The number of the last listed request, so that repeated readers see what arrived in between.
    private var last = 0

    func note(_ request: HTTPServerRequest) {
        count += 1
        guard !request.path.hasPrefix("/sandbox/") else { return }
        last += 1
        recent.append(
            .object([
                "number": .int(Int64(last)), "method": .string(request.method), "path": .string(request.path),
                "query": .string(request.path.contains("oauth2") ? "" : request.query ?? ""),
                "host": request.headers["host"].map { .string($0) } ?? .null,
                "authorized": .bool(request.headers["authorization"] != nil),
                "bytes": .int(Int64((request.receiver as? UploadReceiver)?.content.count ?? request.body.count)),
            ]))
        if recent.count > 600 { recent.removeFirst(100) }
    }

    func clear() { recent = [] }
}
