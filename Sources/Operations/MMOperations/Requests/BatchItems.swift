import MMCore
import MMDesk

/// The requests within a `$batch`, for the audit log and for advice on refusals.
struct BatchItems: Sendable {
    /// One request of the batch.
    struct Item: Sendable {
        let id: String
        let method: String
        let target: RequestTarget
        /// Whether it has a body, as far as that is known.
        let hasBody: Bool
        /// The body, where it is known.
        var body: JSONValue?
    }

    let items: [Item]

    /// Reads the items of a request; `nil` for a request that isn't a Graph batch.
    init?(of body: @autoclosure () -> JSONValue?, at target: RequestTarget) {
        guard target.service == .graph, target.segments.last?.lowercased() == "$batch",
            let requests = body()?["requests"]?.array
        else { return nil }
        items = requests.compactMap {
            var item = Item($0["id"], $0["method"], $0["url"], version: target.version, hasBody: $0["body"] != nil)
            item?.body = $0["body"]
            return item
        }
    }

    /// Creates the items of the parts of a batch.
    init(_ parts: [BatchPart]) {
        items = parts.map {
            Item(
                id: $0.id, method: $0.request.method, target: $0.request.target, hasBody: $0.request.body != nil,
                body: $0.request.body.flatMap { try? JSONParser.parse($0) })
        }
    }

    /// Creates the items of several requests of one call, by their numbers.
    init(_ requests: [GraphRequest]) {
        items = requests.enumerated().map { index, request in
            Item(
                id: String(index + 1), method: request.method, target: request.target, hasBody: request.body != nil)
        }
    }

    /// Reads the items from a line of the audit log or the record of a call.
    init(recorded value: JSONValue) {
        items = (value.array ?? []).compactMap { Item($0["id"], $0["method"], $0["path"], version: nil, hasBody: true) }
    }

    /// The items for the record of a call: method and path, without query and body.
    var json: JSONValue {
        .array(
            items.map {
                ["id": .string($0.id), "method": .string($0.method), "path": .string($0.target.path)]
            })
    }
}

extension BatchItems.Item {
    fileprivate init?(_ id: JSONValue?, _ method: JSONValue?, _ url: JSONValue?, version: String?, hasBody: Bool) {
        guard let url = url?.string,
            let target = try? RequestTarget(parsing: url, service: .graph, normalization: .clean)
        else { return nil }
        self.id = id?.string ?? id?.int.map(String.init) ?? ""
        self.method = (method?.string ?? "GET").uppercased()
        self.hasBody = hasBody
        // All items of a batch use the batch's version.
        self.target = version.map(target.replacingVersion) ?? target
    }
}
