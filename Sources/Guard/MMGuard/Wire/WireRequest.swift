package import MMCore

/// A request that a session wants to send, as the proxy received it: nothing is decoded, and only tokens are left out.
package struct WireRequest: Sendable, Hashable {
    /// A header field.
    package struct Field: Sendable, Hashable {
        /// Its name as written.
        package let name: String
        /// Its value.
        package let value: String

        /// Creates a field.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The body, as far as it is known.
    package enum Body: Sendable, Hashable {
        /// There is no body.
        case none
        /// The whole body.
        case whole([UInt8])
        /// The beginning of a body that is too large to be looked at as a whole.
        case beginning([UInt8])

        /// The known bytes.
        var seen: [UInt8] {
            switch self {
            case .none: []
            case .whole(let bytes), .beginning(let bytes): bytes
            }
        }
    }

    /// The owner of a host, who can read what is sent to it.
    package enum Owner: Sendable, Hashable {
        /// One of the cloud's services.
        case service
        /// A host that the tenant's own answers, a person or the connection's owner has named.
        case named
        /// A host that anybody may have registered.
        case unknown
    }

    /// The service at its host; nil for a host that the owner of the connection added.
    package let service: RequestService?
    /// The host's address: `https://graph.microsoft.com`.
    package let origin: String
    /// The method.
    package let method: String
    /// The owner of the host.
    package let owner: Owner
    /// The path and query.
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

    /// The method and address as shown to a person.
    package var line: String { "\(method) \(origin)\(target)" }

    /// The host, with its port if one is given.
    var host: String { String(origin.drop { $0 != "/" }.drop { $0 == "/" }) }

    /// Whether it is known as a whole, so that a confirmation can hold for exactly this request.
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

    /// The request without the parts that its client generates anew each time it is sent; a confirmation is bound to
    /// this form.
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

    /// The digest of everything that distinguishes this request from others; a retry has the same digest.
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

    /// Returns the values of a header, given in lower case.
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

/// Replaces the random boundaries of a multipart message by fixed ones, so that the same request has the same digest
/// when it is sent again, and different requests have different digests.
struct MultipartBoundary: Sendable {
    /// The prefix of the replacing boundaries. A message that contains it already is left as it is.
    private static let own = "mm-boundary-"
    private static let most = 1_000

    private var names: [(theirs: String, ours: String)] = []

    /// Returns a message with the fixed boundaries; nil if it has none, or if readers could split it in different ways.
    /// - Parameters:
    ///   - bytes: the body.
    ///   - contentType: the value of its `Content-Type` header.
    /// - Returns: the new value of the header, and the new body.
    static func replaced(in bytes: [UInt8], contentType: String) -> (contentType: String, body: [UInt8])? {
        var boundary = MultipartBoundary()
        guard let type = boundary.replaced(in: contentType), let body = boundary.replaced(in: bytes) else { return nil }
        return (type, body)
    }

    /// Returns the value of a header with the boundary replaced; nil if it names none, or more than one.
    private mutating func replaced(in contentType: String) -> String? {
        let lower = contentType.asciiLowercased
        guard lower.hasPrefix("multipart/"), names.count < Self.most, let key = lower.firstRange(of: "boundary="),
            !lower[key.upperBound...].contains("boundary="),
            let value = WireBody.parameter("boundary", of: contentType), (1...70).contains(value.utf8.count)
        else { return nil }
        let rest = contentType.dropFirst(lower[..<key.upperBound].count)
        guard let place = rest.firstRange(of: value) else { return nil }
        // Change sets may share a boundary, but none may have that of the whole message.
        let known = names.dropFirst().first { $0.theirs == value }
        // If one boundary is a prefix of another, readers could disagree on whether a line ends a part.
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

    /// Returns what a line that starts with `--` is: a boundary, or `.some(nil)` for contents; nil if readers could
    /// take it for either.
    private func delimiter(_ line: ArraySlice<UInt8>) -> (ours: String, isEnd: Bool)?? {
        guard !line.starts(with: Self.own.utf8) else { return nil }
        for (theirs, ours) in names where line.starts(with: theirs.utf8) {
            let rest = line.dropFirst(theirs.utf8.count)
            guard rest.isEmpty || rest.elementsEqual("--".utf8) else { return nil }
            return .some((ours, !rest.isEmpty))
        }
        return .some(nil)
    }

    /// Returns the value of a part's own content type, if that part is a multipart message itself.
    private static func type(_ field: String) -> String? {
        guard let colon = field.firstIndex(of: ":"), field[..<colon].asciiLowercased == "content-type" else {
            return nil
        }
        let value = String(field[field.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        return value.asciiLowercased.hasPrefix("multipart/") ? value : nil
    }
}
