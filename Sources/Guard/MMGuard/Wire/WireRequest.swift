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
