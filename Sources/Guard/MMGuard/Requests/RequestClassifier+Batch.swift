import MMCore

/// The requests within a batch: each is judged like one that is sent alone, and what can't be read for certain counts
/// as the worst.
extension RequestClassifier {
    private static let mostBatchItems = 20

    func batch(_ request: GuardedRequest, _ template: String?) -> RequestClassification {
        func unreadable(_ why: String) -> RequestClassification {
            var result = refused("batch-unreadable", why)
            result.template = template
            result.isKnown = template != nil || request.target.service != .graph
            return result
        }
        guard case .json(let body) = request.body, let object = body.object else {
            return unreadable("the batch can't be read")
        }
        guard let requests = only("requests", of: object)?.array, object.count == 1 else {
            return unreadable("a batch must be an object with only the key requests, a list")
        }
        guard requests.count <= Self.mostBatchItems else {
            return unreadable("more than \(Self.mostBatchItems) requests in one batch")
        }
        var items: [RequestClassification.BatchItem] = []
        for (index, item) in requests.enumerated() {
            items.append(batchItem(item, index, request.target))
        }
        return joined(items, template: template)
    }

    /// Returns the classification of several requests in one: that of the strictest, with the classes of all.
    func joined(_ items: [RequestClassification.BatchItem], template: String?) -> RequestClassification {
        let classes = items.reduce(into: GuardClassSet()) { $0.formUnion($1.classification.classes) }
        let worst = items.max { $0.classification.classes.strictest.rank < $1.classification.classes.strictest.rank }
        return RequestClassification(
            template: template, classes: classes.isEmpty ? .read : classes,
            rule: worst.map { $0.classification.rule } ?? "batch",
            why: worst.map { "item \($0.id) (\($0.line)): \($0.classification.why)" } ?? "an empty batch",
            isKnown: items.allSatisfy(\.classification.isKnown), sendsMessage: false, items: items)
    }

    private func batchItem(
        _ item: JSONValue, _ index: Int, _ outer: RequestTarget
    ) -> RequestClassification.BatchItem {
        let isARM = outer.service == .arm
        let object = item.object ?? [:]
        let id = (only("id", of: object) ?? only("name", of: object))?.string ?? "\(index + 1)"
        let method = only(isARM ? "httpMethod" : "method", of: object)?.string
        // Resource Manager accepts either name, and absolute addresses of its own; having both is ambiguous.
        let urls = (isARM ? ["relativeUrl", "url"] : ["url"]).compactMap { only($0, of: object)?.string }
        guard let method, let url = urls.first, urls.count == 1 else {
            return .init(id: id, line: "?", classification: refused("batch-unreadable", "method or url can't be read"))
        }
        let line = "\(method.uppercased()) \(url)"
        // Exchange accepts absolute addresses too. They have to be on the batch's own host.
        let isOwn =
            (isARM || outer.service == .exchange) && outer.writtenOrigin.map { url.hasPrefix($0 + "/") } ?? false
        if !isOwn, url.contains("://") || url.hasPrefix("//") {
            return .init(
                id: id, line: line,
                classification: refused(
                    "batch-absolute-url", "an absolute address within a batch: write the path alone, such as /users"))
        }
        let allowed = isOwn ? outer.writtenOrigin.map { [$0] } ?? [] : []
        guard
            var target = try? RequestTarget(
                parsing: url, service: outer.service, allowedHosts: allowed, normalization: .clean)
        else {
            return .init(
                id: id, line: line, classification: refused("batch-unreadable", "its address can't be read"))
        }
        if outer.service == .graph, let version = outer.version { target = target.replacingVersion(version) }
        let key = isARM ? "content" : "body"
        let bodies = object.filter { $0.key.asciiLowercased == key }
        let body: RequestBody = bodies.count > 1 ? .opaque : bodies.first.map { .json($0.value) } ?? .none
        guard let headers = headerNames(of: object) else {
            return .init(
                id: id, line: line, classification: refused("batch-unreadable", "its headers can't be read"))
        }
        let inner = GuardedRequest(method: method, target: target, body: body, headerNames: headers)
        return .init(id: id, line: line, body: body, classification: classify(inner, isInBatch: true))
    }

    /// Returns the names of an item's headers, those under every spelling of the member that holds them, because
    /// services differ in which one they read; nil if one of them isn't an object.
    private func headerNames(of item: JSONObject) -> [String]? {
        var names: [String] = []
        for (key, value) in item where ["headers", "requestheaderdetails"].contains(key.asciiLowercased) {
            guard !value.isNull else { continue }
            guard let headers = value.object else { return nil }
            names += headers.keys
        }
        return names
    }

    /// Returns the only member with this name, compared without case; nil if there are several, because services differ
    /// in which one they read.
    private func only(_ name: String, of object: JSONObject) -> JSONValue? {
        let found = object.filter { $0.key.asciiLowercased == name.asciiLowercased }
        return found.count == 1 ? found.first?.value : nil
    }
}
