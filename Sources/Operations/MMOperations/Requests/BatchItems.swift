import MMCore
import MMDesk

/// The requests within a `$batch`, as the audit log tells them and advice looks them up.
struct BatchItems: Sendable {
    /// One of them.
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

    /// The items of a request; `nil` for one that is no batch of Graph.
    init?(of body: JSONValue?, at target: RequestTarget) {
        guard target.service == .graph, target.segments.last?.lowercased() == "$batch",
            let requests = body?["requests"]?.array
        else { return nil }
        items = requests.compactMap {
            var item = Item($0["id"], $0["method"], $0["url"], version: target.version, hasBody: $0["body"] != nil)
            item?.body = $0["body"]
            return item
        }
    }

    /// The items that a batch is made of.
    init(_ parts: [BatchPart]) {
        items = parts.map {
            Item(
                id: $0.id, method: $0.request.method, target: $0.request.target, hasBody: $0.request.body != nil,
                body: $0.request.body.flatMap { try? JSONParser.parse($0) })
        }
    }

    /// The items that a line of the audit log, or the record of a call, holds.
    init(recorded value: JSONValue) {
        items = (value.array ?? []).compactMap { Item($0["id"], $0["method"], $0["path"], version: nil, hasBody: true) }
    }

    /// The items for the record of a call: method and path, no query and no content.
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
        // The items of a batch are of its own version.
        self.target = version.map(target.replacingVersion) ?? target
    }
}
