/// The target of a request: an endpoint as the caller wrote it, parsed and checked once.
///
/// The guard judges these segments and the client sends `pathAndQuery`, which is rebuilt from them, so nothing can be
/// sent that wasn't judged. The form follows RFC 3986 and OData 4.01 URL Conventions, section 2.
public struct RequestTarget: Sendable, Hashable {
    /// How to treat a path that has to be cleaned to show its meaning: dot segments, doubled slashes, a fragment.
    public enum PathNormalization: Sendable, Hashable {
        /// Throw an error that shows the clean form; used for sending.
        case refuse
        /// Continue with the clean form; used for dry checks.
        case clean
    }

    /// The service that the request is for.
    public let service: RequestService
    /// The origin that the caller wrote, such as `https://graph.microsoft.com`; `nil` for a relative endpoint.
    package let writtenOrigin: String?
    /// `v1.0` or `beta` for Graph, otherwise `nil`.
    public let version: String?
    /// The path below the version, split and then decoded once. `search(q='a/b')` is one segment.
    package let segments: [String]
    /// The decoded query items, in order.
    package let queryItems: [QueryItem]

    /// The path to send: starts with `/` and the version, with every segment escaped anew.
    public var path: String {
        let head = version.map { "/" + $0 } ?? ""
        let rest = segments.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
        return head.isEmpty && rest.isEmpty ? "/" : head + rest
    }

    /// The query to send, without `?`; `nil` when there is none.
    public var query: String? {
        guard !queryItems.isEmpty else { return nil }
        return queryItems.map { item in
            let name = PercentCoding.encode(
                item.name, isPlain: { $0 != UInt8(ascii: "=") && PercentCoding.isQueryByte($0) })
            guard let value = item.value else { return name }
            return name + "=" + PercentCoding.encode(value, isPlain: PercentCoding.isQueryByte)
        }.joined(separator: "&")
    }

    /// The part of the URL after the host, as sent.
    public var pathAndQuery: String {
        guard let query else { return path }
        return path + "?" + query
    }

    /// Whether this is a usage report, which Graph returns as one CSV file.
    package var isReport: Bool {
        service == .graph && segments.count == 2 && segments[0].lowercased() == "reports"
            && segments[1].lowercased().hasPrefix("get")
    }

    /// Returns the value of the first query item with this name, ignoring a leading `$` and case.
    package func queryValue(_ name: String) -> String? {
        let plain = QueryItem(name, nil).plainName
        return queryItems.first { $0.plainName == plain }?.value
    }

    /// Returns the target with a query item added, unless it already has one of that name (ignoring a leading `$` and
    /// case).
    package func addingQuery(_ name: String, _ value: String) -> RequestTarget {
        let plain = QueryItem(name, nil).plainName
        if queryItems.contains(where: { $0.plainName == plain }) { return self }
        return RequestTarget(
            service: service, writtenOrigin: writtenOrigin, version: version, segments: segments,
            queryItems: queryItems + [QueryItem(name, value)])
    }

    /// The headers that override the method. Services obey them, so they are never sent.
    package static let refusedHeaders = ["x-http-method", "x-http-method-override", "x-method-override"]

    /// Refuses headers that would change the method after the guard has judged it.
    /// - Throws: `invalidInput`, naming the header.
    package static func checkHeader(_ name: String) throws(MMError) {
        let lower = name.lowercased()
        guard refusedHeaders.contains(lower) else { return }
        throw MMError(
            .invalidInput, "The header \(lower) changes the method of the request and is never sent.",
            hint: "Set the method instead: method: PATCH, DELETE, PUT…")
    }

    init(
        service: RequestService, writtenOrigin: String?, version: String?, segments: [String], queryItems: [QueryItem]
    ) {
        self.service = service
        self.writtenOrigin = writtenOrigin
        self.version = version
        self.segments = segments
        self.queryItems = queryItems
    }

    /// Parses an endpoint: `/users`, `beta/me`, `https://graph.microsoft.com/v1.0/me?$select=id`.
    /// - Parameters:
    ///   - text: the endpoint as written; surrounding whitespace, quotes and `<>` are dropped.
    ///   - service: the service that the endpoint is for.
    ///   - allowedHosts: the hosts of that service for this connection (`graph.microsoft.com`). An entry with a scheme
    ///     and a port (`http://127.0.0.1:8080`) admits plain HTTP, on loopback addresses only. Empty for the hosts of
    ///     all clouds.
    ///   - normalization: how to treat dot segments, doubled slashes and fragments.
    /// - Throws: `invalidInput`, naming what is wrong with the endpoint and how to write it.
    public init(
        parsing text: String, service: RequestService, allowedHosts: [String] = [],
        normalization: PathNormalization = .refuse
    ) throws(MMError) {
        self = try RequestTargetParser(
            service: service, allowedHosts: allowedHosts.isEmpty ? service.knownHosts : allowedHosts,
            normalization: normalization
        ).parse(text)
    }
}

extension RequestTarget {
    /// Returns the same target with another API version; the items of a batch use the version of the batch.
    package func replacingVersion(_ version: String) -> RequestTarget {
        RequestTarget(
            service: service, writtenOrigin: writtenOrigin, version: version, segments: segments,
            queryItems: queryItems)
    }
}

/// A decoded `name=value` pair of a query string.
package struct QueryItem: Sendable, Hashable {
    /// The name as written, including `$`.
    package var name: String
    /// The value; `nil` when there was no `=`.
    package var value: String?

    package init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }

    /// The name in lower case and without a leading `$`: OData services treat `$top`, `top` and `$TOP` alike.
    package var plainName: String {
        let lower = name.lowercased()
        return lower.hasPrefix("$") ? String(lower.dropFirst()) : lower
    }
}
