internal import MMCore

/// Classifies a request that a session sends to the proxy: reads it as the service will, and looks it up like any other
/// request.
struct WireClassifier: Sendable {
    private let requests: RequestClassifier

    init(tables: GuardTables) {
        requests = RequestClassifier(tables: tables)
    }

    /// Returns the classification of a request.
    func classify(_ request: WireRequest, isInBatch: Bool = false) -> RequestClassification {
        guard request.values("upgrade").isEmpty else {
            return RequestClassification(
                template: nil, classes: .write, rule: "web-socket",
                why: "it opens a web socket, whose traffic can't be checked", isKnown: false,
                sendsMessage: false,
                items: [])
        }
        guard let service = request.service else { return foreign(request) }
        guard let (target, isPlain) = target(of: request, service) else {
            return requests.refused("address-spelling", "its address is ambiguous")
        }
        guard let methods = methods(of: request, service) else {
            return requests.refused("method-header", "its headers set several methods")
        }
        let body = WireBody(request)
        var result: RequestClassification?
        for method in methods {
            for target in [target] + otherVersion(of: target, request) {
                let found = classify(method, target, body, request, isInBatch: isInBatch)
                let isWorse = result.map { found.classes.strictest.rank > $0.classes.strictest.rank } ?? true
                if isWorse { result = found }
            }
        }
        guard var result else { return requests.refused("unknown-method", "it has no method") }
        let isRead = methods.allSatisfy { RequestMethod(written: $0) == .get }
        if !isPlain, !isRead {
            result = also(
                .privilege, result, "address-spelling", "its address is written in a way that servers read differently")
        } else if body.isHidden, !isRead, result.items.isEmpty, result.rule != "batch" {
            result = also(.privilege, result, "unreadable-body", "its body can't be read before it is sent")
        }
        return result
    }

    private func also(
        _ classes: GuardClassSet, _ found: RequestClassification, _ rule: String, _ why: String
    ) -> RequestClassification {
        var found = found
        found.classes = found.classes.subtracting(.read).union(classes)
        found.rule = rule
        found.why = why
        found.items = []
        return found
    }

    private func classify(
        _ method: String, _ target: RequestTarget, _ body: WireBody, _ request: WireRequest, isInBatch: Bool
    ) -> RequestClassification {
        if RequestMethod(written: method) == .post, let parts = parts(of: target, body, request, isInBatch: isInBatch) {
            return parts
        }
        let found = requests.classify(GuardedRequest(method: method, target: target, body: body.content))
        // A header that names another cmdlet than the body would let one of them go unnoticed.
        if target.service == .exchange, case .json(let value) = body.content,
            let cmdlet = InvokedExchangeCommand.name(in: value),
            request.values("x-cmdletname").contains(where: { $0.asciiLowercased != cmdlet.asciiLowercased })
        {
            return requests.refused("invoke-command-unreadable", "header and body name different cmdlets")
        }
        return found
    }

    /// Classifies a request to a host that the connection's owner added, which no table knows.
    private func foreign(_ request: WireRequest) -> RequestClassification {
        let isRead = ["GET", "HEAD", "OPTIONS"].contains(request.method.uppercased())
        guard isRead, request.headers.allSatisfy({ !RequestTarget.refusedHeaders.contains($0.name.asciiLowercased) })
        else {
            return RequestClassification(
                template: nil, classes: .external, rule: "added-host",
                why: "it sends data to a host that the owner added",
                isKnown: true, sendsMessage: false, items: [])
        }
        return RequestClassification(
            template: nil, classes: .read, rule: "reads", why: "it only reads", isKnown: true, sendsMessage: false,
            items: [])
    }

    // MARK: Address and method

    /// Returns the address, and whether it is written in a form that all servers read alike.
    private func target(of request: WireRequest, _ service: RequestService) -> (RequestTarget, isPlain: Bool)? {
        let address = request.origin + request.target
        func parsed(_ normalization: RequestTarget.PathNormalization) -> RequestTarget? {
            try? RequestTarget(
                parsing: address, service: service, allowedHosts: [request.origin], normalization: normalization)
        }
        if let plain = parsed(.refuse) { return (plain, true) }
        return parsed(.clean).map { ($0, false) }
    }

    /// Returns the address as a beta path if its first segment may be a version: Graph serves more versions than v1.0
    /// and beta.
    private func otherVersion(of target: RequestTarget, _ request: WireRequest) -> [RequestTarget] {
        guard target.service == .graph, target.segments.count > 1,
            let first = request.target.split(separator: "/").first?.asciiLowercased,
            first == target.segments.first?.asciiLowercased,
            let rest = request.target.dropFirst().firstIndex(of: "/"),
            let other = try? RequestTarget(
                parsing: request.origin + "/beta" + request.target[rest...], service: .graph,
                allowedHosts: [request.origin], normalization: .clean)
        else { return [] }
        return [other]
    }

    /// Returns the methods that the service may see; nil if headers contradict each other.
    private func methods(of request: WireRequest, _ service: RequestService) -> [String]? {
        let named = RequestTarget.refusedHeaders.flatMap(request.values)
        guard let override = named.first else { return [request.method] }
        guard named.allSatisfy({ $0.uppercased() == override.uppercased() }) else { return nil }
        let obeys = service == .sharePoint || service == .dataverse
        // MERGE is OData's former name for PATCH.
        let method = obeys && override.uppercased() == "MERGE" ? "PATCH" : override
        return obeys && request.method.uppercased() == "POST" ? [method] : [request.method, method]
    }

    // MARK: Requests within a request

    /// Returns the classification of a body that consists of steps or parts; nil for every other request.
    private func parts(
        of target: RequestTarget, _ body: WireBody, _ request: WireRequest, isInBatch: Bool
    ) -> RequestClassification? {
        let path = SharePointPath.plain(target.segments.map(\.asciiLowercased))
        switch target.service {
        case .sharePoint where path.suffix(2) == ["_api", "processquery"]:
            guard let text = body.text, let objects = ObjectRequest(text) else {
                return requests.refused("batch-unreadable", "its steps can't be read")
            }
            let items = objects.steps.enumerated().map { index, step in
                RequestClassification.BatchItem(
                    id: "\(index + 1)", line: step.path.joined(separator: "/"), classification: classify(step))
            }
            return named(requests.joined(items, template: nil), target)
        case .sharePoint where path.suffix(2) == ["_api", "$batch"], .dataverse where path.last == "$batch":
            guard !isInBatch else { return requests.refused("nested-batch", "a batch within a batch") }
            guard let text = body.text,
                let parts = MultipartBatch.read(text, contentTypes: request.values("content-type"))
            else {
                return requests.refused("batch-unreadable", "the batch can't be read")
            }
            let items = parts.enumerated().map { index, part in item(part, index, of: request) }
            return named(requests.joined(items, template: nil), target)
        default: return nil
        }
    }

    private func named(_ found: RequestClassification, _ target: RequestTarget) -> RequestClassification {
        var found = found
        found.service = target.service
        found.method = "POST"
        return found
    }

    private func item(
        _ part: MultipartBatch.Part, _ index: Int, of request: WireRequest
    ) -> RequestClassification.BatchItem {
        let line = "\(part.method) \(part.url)"
        let path: String
        if part.url.hasPrefix(request.origin + "/") {
            path = String(part.url.dropFirst(request.origin.count))
        } else if part.url.contains("://") || part.url.hasPrefix("//") {
            return .init(
                id: "\(index + 1)", line: line,
                classification: requests.refused("batch-absolute-url", "an address of another host within a batch"))
        } else if part.url.hasPrefix("/") {
            path = part.url
        } else {
            let folder = request.target.prefix { $0 != "?" }.lastIndex(of: "/")
            path = request.target[...(folder ?? request.target.startIndex)] + part.url
        }
        let inner = WireRequest(
            service: request.service, origin: request.origin, method: part.method, target: path, headers: part.headers,
            body: part.body.isEmpty ? .none : .whole(part.body))
        return .init(
            id: "\(index + 1)", line: line, body: WireBody(inner).content,
            classification: classify(inner, isInBatch: true))
    }

    /// Classifies a step of an object request: known lookups are reads, and the rules for the same path of the REST
    /// interface apply.
    private func classify(_ step: ObjectRequest.Step) -> RequestClassification {
        let name = step.path.last ?? ""
        func found(_ rule: RequestRuleTable.Rule, isKnown: Bool = true) -> RequestClassification {
            RequestClassification(
                template: nil, classes: rule.classes, rule: rule.id, why: rule.why, isKnown: isKnown,
                sendsMessage: false,
                items: [])
        }
        let own = requests.rules.first(objectStep: name, method: step.method)
        if let own, own.classes == .read { return found(own) }
        let shared = requests.rules.first(
            service: .sharePoint, method: step.method, forms: [["_api"] + step.path], body: .none,
            selected: SelectedNames([]))
        let rules = [own, shared].compactMap(\.self).filter { !$0.isBatch }
        guard let worst = rules.max(by: { $0.classes.strictest.rank < $1.classes.strictest.rank }) else {
            return RequestClassification(
                template: nil, classes: .write, rule: "writes", why: "it creates or changes something", isKnown: false,
                sendsMessage: false, items: [])
        }
        // The same name may mean something else in a type that no table knows, or in a collection without a name.
        let isVague = step.path.first == "type" || step.path == ["object", "add"]
        return found(worst, isKnown: !(isVague && worst.classes == .write))
    }
}

/// Reads a batch in the form of a multipart message (OData's `multipart/mixed`), in which each part is a request.
///
/// It is strict: one boundary, whole lines, whole parts. Anything that a lenient server could split in another way is
/// refused.
struct MultipartBatch: Sendable {
    /// A request within a batch.
    struct Part: Sendable, Hashable {
        let method: String
        let url: String
        let headers: [WireRequest.Field]
        let body: [UInt8]
    }

    private static let mostParts = 1_000

    /// Returns the requests of a body; nil if it can't be read.
    static func read(_ bytes: [UInt8], contentTypes: [String]) -> [Part]? {
        guard contentTypes.count == 1 else { return nil }
        return read(bytes[...], contentType: contentTypes[0], isChangeSet: false)
    }

    private static func read(_ bytes: ArraySlice<UInt8>, contentType: String, isChangeSet: Bool) -> [Part]? {
        let kind = contentType.prefix { $0 != ";" }.asciiLowercased.filter { $0 != " " }
        guard kind == "multipart/mixed", let boundary = WireBody.parameter("boundary", of: contentType),
            (1...70).contains(boundary.utf8.count), let bodies = split(bytes, boundary: boundary)
        else { return nil }
        var parts: [Part] = []
        for body in bodies {
            guard let (headers, content) = head(body) else { return nil }
            let types = headers.filter { $0.name.asciiLowercased == "content-type" }.map(\.value)
            guard types.count == 1, let type = types.first,
                headers.allSatisfy(
                    { ["binary", "8bit", "7bit"].contains($0.value.asciiLowercased) },
                    named: "content-transfer-encoding")
            else { return nil }
            if !isChangeSet, type.asciiLowercased.hasPrefix("multipart/mixed") {
                guard let inner = read(content, contentType: type, isChangeSet: true) else { return nil }
                parts += inner
            } else {
                guard type.prefix(while: { $0 != ";" }).asciiLowercased.filter({ $0 != " " }) == "application/http",
                    let part = request(content)
                else { return nil }
                parts.append(part)
            }
            guard parts.count <= mostParts else { return nil }
        }
        return parts
    }

    /// Returns the parts between the boundaries; nil if the boundaries don't match.
    private static func split(_ bytes: ArraySlice<UInt8>, boundary: String) -> [ArraySlice<UInt8>]? {
        let mark = Array("--\(boundary)".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var start: Int?
        var position = bytes.startIndex
        var isClosed = false
        while position < bytes.endIndex {
            let end = bytes[position...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.endIndex
            var line = bytes[position..<end]
            while let last = line.last, last == 0x0a || last == 0x0d { line.removeLast() }
            if line.starts(with: mark) {
                let rest = line.dropFirst(mark.count)
                guard rest.isEmpty || rest.elementsEqual("--".utf8), !isClosed else { return nil }
                if let start { parts.append(bytes[start..<position]) } else if !rest.isEmpty { return nil }
                start = end
                isClosed = !rest.isEmpty
            } else if start == nil || isClosed, !line.allSatisfy({ $0 == 0x20 }) {
                return nil
            }
            position = end
        }
        return isClosed ? parts : nil
    }

    /// Returns the header fields and the content after the empty line.
    private static func head(_ bytes: ArraySlice<UInt8>) -> ([WireRequest.Field], ArraySlice<UInt8>)? {
        var fields: [WireRequest.Field] = []
        var position = bytes.startIndex
        while let end = bytes[position...].firstIndex(of: 0x0a) {
            var line = bytes[position..<end]
            if line.last == 0x0d { line.removeLast() }
            position = end + 1
            if line.isEmpty { return (fields, bytes[position...]) }
            guard fields.count < 100, let text = String(validating: line, as: UTF8.self), !text.utf8.contains(0x0d),
                let colon = text.firstIndex(of: ":"), colon != text.startIndex,
                text[..<colon].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
            else { return nil }
            let value = text[text.index(after: colon)...]
            fields.append(WireRequest.Field(String(text[..<colon]), String(value.drop { $0 == " " || $0 == "\t" })))
        }
        return nil
    }

    private static func request(_ bytes: ArraySlice<UInt8>) -> Part? {
        guard let end = bytes.firstIndex(of: 0x0a) else { return nil }
        var line = bytes[..<end]
        if line.last == 0x0d { line.removeLast() }
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), let (fields, body) = head(bytes[(end + 1)...]) else {
            return nil
        }
        var content = body
        while let last = content.last, last == 0x0a || last == 0x0d { content.removeLast() }
        // A server that splits the message elsewhere may take content after a read for a separate request.
        guard content.isEmpty || RequestMethod(written: String(words[0])) != .get else { return nil }
        return Part(method: String(words[0]), url: String(words[1]), headers: fields, body: Array(content))
    }
}

extension [WireRequest.Field] {
    /// Returns whether every field with a name, given in lower case, fulfils a condition.
    fileprivate func allSatisfy(_ holds: (WireRequest.Field) -> Bool, named name: String) -> Bool {
        filter { $0.name.asciiLowercased == name }.allSatisfy(holds)
    }
}

/// The body of a request, read as the service will read it.
struct WireBody: Sendable {
    /// The body for the guard's rules.
    let content: RequestBody
    /// Whether the rules would have to look at it, but it can't be read.
    let isHidden: Bool
    /// The whole body, if it is plain UTF-8.
    let text: [UInt8]?

    private static let plainCharsets: Set<String> = ["utf-8", "utf8", "us-ascii"]

    init(_ request: WireRequest) {
        let types = request.values("content-type").map(\.asciiLowercased)
        let saysJSON = types.contains { $0.contains("json") }
        let bytes = request.body.seen
        let isEncoded = request.values("content-encoding").contains { !["", "identity"].contains($0.asciiLowercased) }
        let charsets = types.compactMap { Self.parameter("charset", of: $0) }
        let isForeign = types.count > 1 || !charsets.allSatisfy(Self.plainCharsets.contains)
        guard case .whole = request.body, !isEncoded, !isForeign else {
            content = bytes.isEmpty && request.body == .none ? .none : .opaque
            isHidden = content == .opaque && (saysJSON || isEncoded || isForeign || Self.looksLikeText(bytes))
            text = nil
            return
        }
        content = RequestBody(bytes: bytes)
        isHidden = content == .opaque && (saysJSON || Self.looksLikeText(bytes))
        text = bytes
    }

    /// Returns the value of a parameter of a content type, in lower case and without quotes.
    static func parameter(_ name: String, of type: String) -> String? {
        for part in type.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].trimmedOfSpacesAndTabs.asciiLowercased == name else { continue }
            let value = pair[1].trimmedOfSpacesAndTabs
            return value.hasPrefix("\"") && value.hasSuffix("\"") && value.utf8.count > 1
                ? String(value.dropFirst().dropLast()) : value
        }
        return nil
    }

    /// Returns whether bytes begin like JSON or XML, in UTF-8 or UTF-16: a service may read them as such whatever their
    /// type is.
    private static func looksLikeText(_ bytes: [UInt8]) -> Bool {
        let first = bytes.first {
            !" \t\r\n\u{0}".utf8.contains($0) && ![0xef, 0xbb, 0xbf, 0xfe, 0xff].contains($0)
        }
        return first.map { "{[<".utf8.contains($0) } ?? false
    }
}
