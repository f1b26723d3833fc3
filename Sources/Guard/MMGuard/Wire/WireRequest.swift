package import MMCore

/// A request that a session wants to send, as it stands at the wire: nothing decoded, nothing left out but tokens.
package struct WireRequest: Sendable, Hashable {
    /// A header field.
    package struct Field: Sendable, Hashable {
        /// Its name as written.
        package let name: String
        /// Its value.
        package let value: String

        /// A field.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What is known of a body.
    package enum Body: Sendable, Hashable {
        /// There is none.
        case none
        /// All of it.
        case whole([UInt8])
        /// Its beginning; the rest is too large to be looked at.
        case beginning([UInt8])

        /// The bytes that are known.
        var seen: [UInt8] {
            switch self {
            case .none: []
            case .whole(let bytes), .beginning(let bytes): bytes
            }
        }
    }

    /// Who reads what is sent to a host.
    package enum Owner: Sendable, Hashable {
        /// A service of the cloud.
        case service
        /// Somebody whom the tenant's own answers, a person or the connection's owner has named.
        case named
        /// Anybody who has rented the name.
        case unknown
    }

    /// The service at its host; nil for a host that the owner of the connection added.
    package let service: RequestService?
    /// The host's address: `https://graph.microsoft.com`.
    package let origin: String
    /// The method.
    package let method: String
    /// Who has the host.
    package let owner: Owner
    /// Path and query.
    package let target: String
    /// The header fields without tokens.
    package let headers: [Field]
    /// The body.
    package let body: Body

    /// Creates a request.
    package init(
        service: RequestService?, origin: String, owner: Owner = .service, method: String, target: String,
        headers: [Field] = [], body: Body = .none
    ) {
        self.service = service
        self.origin = origin
        self.owner = owner
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Method and address as a person reads them.
    package var line: String { "\(method) \(origin)\(target)" }

    /// The host, with a port where one is written.
    var host: String { String(origin.drop { $0 != "/" }.drop { $0 == "/" }) }

    /// Whether all of it is known, so that a yes can hold for exactly this.
    package var isWhole: Bool {
        if case .beginning = body { false } else { true }
    }

    /// The header fields that change what the request does.
    package var decisiveHeaders: JSONObject {
        var object: JSONObject = [:]
        for field in headers {
            let name = field.name.asciiLowercased
            guard Self.decisive.contains(name) else { continue }
            object[name] = .string([object[name]?.string, field.value].compactMap(\.self).joined(separator: ", "))
        }
        return object
    }

    /// The request without what its client makes up anew each time it is sent: what a yes is bound to.
    package var withoutVolatileParts: WireRequest {
        let types = values("content-type")
        guard case .whole(let bytes) = body, types.count == 1,
            let (type, body) = MultipartBoundary.replaced(in: bytes, contentType: types[0])
        else { return self }
        return WireRequest(
            service: service, origin: origin, owner: owner, method: method, target: target,
            headers: headers.map { $0.name.asciiLowercased == "content-type" ? Field($0.name, type) : $0 },
            body: .whole(body))
    }

    /// The digest of all that makes it this request and no other: a retry has the same.
    package var digest: String { withoutVolatileParts.ownDigest }

    private var ownDigest: String {
        var hash = SHA256()
        func add(_ bytes: some Collection<UInt8>) {
            hash.update("\(bytes.count):".utf8)
            hash.update(bytes)
        }
        add(method.utf8)
        add(origin.utf8)
        add(target.utf8)
        add(
            JSONWriter.bytes(.object(JSONObject(decisiveHeaders.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })))
        )
        add(body.seen)
        add((isWhole ? "" : values("content-length").joined(separator: ",") + "…").utf8)
        return Hex.text(hash.finish())
    }

    /// The values of a header, given in lower case.
    func values(_ name: String) -> [String] {
        headers.filter { $0.name.asciiLowercased == name }.map(\.value)
    }

    private static let decisive: Set<String> =
        RequestTarget.refusedHeaders.reduce(into: [
            "content-type", "content-encoding", "upgrade", "x-cmdletname", "x-anchormailbox",
        ]) {
            $0.insert($1)
        }
}

/// Clients make up the boundary between the parts of a message anew each time. Here a message gets boundaries of ours in their
/// places, so that the same request is the same request when it is sent again, and every other one is another.
struct MultipartBoundary: Sendable {
    /// How ours begin. A message that holds one already is left as it is.
    private static let own = "mm-boundary-"
    private static let most = 1_000

    private var names: [(theirs: String, ours: String)] = []

    /// A message with our boundaries; nil where it has none, or where readers could cut it in different ways.
    /// - Parameters:
    ///   - bytes: the body.
    ///   - contentType: the value of its header.
    /// - Returns: the value of the header, and the body.
    static func replaced(in bytes: [UInt8], contentType: String) -> (contentType: String, body: [UInt8])? {
        var boundary = MultipartBoundary()
        guard let type = boundary.replaced(in: contentType), let body = boundary.replaced(in: bytes) else { return nil }
        return (type, body)
    }

    /// The value of a header whose boundary is ours; nil where it names none, or more than one.
    private mutating func replaced(in contentType: String) -> String? {
        let lower = contentType.asciiLowercased
        guard lower.hasPrefix("multipart/"), names.count < Self.most, let key = lower.firstRange(of: "boundary="),
            !lower[key.upperBound...].contains("boundary="),
            let value = WireBody.parameter("boundary", of: contentType), (1...70).contains(value.utf8.count)
        else { return nil }
        let rest = contentType.dropFirst(lower[..<key.upperBound].count)
        guard let place = rest.firstRange(of: value) else { return nil }
        // Sets of changes may share a name; only none may have that of the whole.
        let known = names.dropFirst().first { $0.theirs == value }
        // Where one begins as another does, a line may end a part for one reader and not for the next.
        guard known != nil || !names.contains(where: { $0.theirs.hasPrefix(value) || value.hasPrefix($0.theirs) })
        else {
            return nil
        }
        let ours = known?.ours ?? Self.own + String(names.count + 1)
        if known == nil { names.append((value, ours)) }
        return contentType[..<place.lowerBound] + ours + contentType[place.upperBound...]
    }

    private mutating func replaced(in bytes: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        var isWithinHead = false
        var isClosed = false
        while position < bytes.endIndex {
            let end = bytes[position...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.endIndex
            var line = bytes[position..<end]
            position = end
            while let last = line.last, last == 0x0a || last == 0x0d { line.removeLast() }
            let ending = bytes[line.endIndex..<end]
            if line.starts(with: "--".utf8) {
                guard let text = delimiter(line.dropFirst(2)) else { return nil }
                if let (ours, isEnd) = text {
                    result += Array("--\(ours)\(isEnd ? "--" : "")".utf8) + ending
                    isWithinHead = !isEnd
                    if isEnd, ours == names[0].ours { isClosed = true }
                    continue
                }
            }
            if line.isEmpty { isWithinHead = false }
            if isWithinHead, let field = String(validating: line, as: UTF8.self), let type = Self.type(field) {
                guard let value = replaced(in: type) else { return nil }
                result += Array((field.dropLast(type.count) + value).utf8) + ending
                continue
            }
            result += line + ending
        }
        return isClosed ? result : nil
    }

    /// What a line is that begins as a boundary's does, without that beginning: `.some(nil)` for contents, nil where readers
    /// could take it for both.
    private func delimiter(_ line: ArraySlice<UInt8>) -> (ours: String, isEnd: Bool)?? {
        guard !line.starts(with: Self.own.utf8) else { return nil }
        for (theirs, ours) in names where line.starts(with: theirs.utf8) {
            let rest = line.dropFirst(theirs.utf8.count)
            guard rest.isEmpty || rest.elementsEqual("--".utf8) else { return nil }
            return .some((ours, !rest.isEmpty))
        }
        return .some(nil)
    }

    /// The value of a part's own content type, where that is made of parts again.
    private static func type(_ field: String) -> String? {
        guard let colon = field.firstIndex(of: ":"), field[..<colon].asciiLowercased == "content-type" else {
            return nil
        }
        let value = String(field[field.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        return value.asciiLowercased.hasPrefix("multipart/") ? value : nil
    }
}
