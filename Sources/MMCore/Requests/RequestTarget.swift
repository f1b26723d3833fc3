/// Where a request goes: an endpoint as a caller wrote it, taken apart and checked once.
///
/// The guard judges these segments and the client sends `pathAndQuery`, which is written anew from them: nothing can be
/// sent that was not judged. The form follows RFC 3986 and OData 4.01 URL Conventions, section 2.
public struct RequestTarget: Sendable, Hashable {
    /// What to do with a path that only reaches its meaning after cleaning: dot segments, doubled slashes, a fragment.
    public enum Respelling: Sendable, Hashable {
        /// An error that shows the clean form: what senders use.
        case refuse
        /// Judge the clean form: what a dry check uses.
        case clean
    }

    /// The service asked.
    public let service: RequestService
    /// The base address that the caller wrote, such as `https://graph.microsoft.com`; `nil` for a relative endpoint.
    public let writtenOrigin: String?
    /// `v1.0` or `beta` for Graph, else `nil`.
    public let version: String?
    /// The path below the version, split and then decoded once. `search(q='a/b')` is one segment.
    public let segments: [String]
    /// The query, decoded, in order.
    public let queryItems: [QueryItem]

    /// The path to send: starts with `/`, carries the version, every segment escaped anew.
    public var path: String {
        let head = version.map { "/" + $0 } ?? ""
        let rest = segments.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
        return head.isEmpty && rest.isEmpty ? "/" : head + rest
    }

    /// The query to send without `?`, or `nil` when there is none.
    public var query: String? {
        guard !queryItems.isEmpty else { return nil }
        return queryItems.map { item in
            let name = PercentCoding.encode(
                item.name, isPlain: { $0 != UInt8(ascii: "=") && PercentCoding.isQueryByte($0) })
            guard let value = item.value else { return name }
            return name + "=" + PercentCoding.encode(value, isPlain: PercentCoding.isQueryByte)
        }.joined(separator: "&")
    }

    /// What follows the host on the wire.
    public var pathAndQuery: String {
        guard let query else { return path }
        return path + "?" + query
    }

    /// The value of the first query item of this name, compared without `$` and case.
    public func queryValue(_ name: String) -> String? {
        let plain = QueryItem(name, nil).plainName
        return queryItems.first { $0.plainName == plain }?.value
    }

    /// The same target with a query item added, unless one of that name (without `$` and case) is there already.
    public func addingQuery(_ name: String, _ value: String) -> RequestTarget {
        let plain = QueryItem(name, nil).plainName
        if queryItems.contains(where: { $0.plainName == plain }) { return self }
        return RequestTarget(
            service: service, writtenOrigin: writtenOrigin, version: version, segments: segments,
            queryItems: queryItems + [QueryItem(name, value)])
    }

    /// The headers that name another method than the visible one. The service obeys them, so nobody may send them.
    package static let refusedHeaders = ["x-http-method", "x-http-method-override", "x-method-override"]

    /// Refuses headers that would change the method after the guard has judged it.
    /// - Throws: `.invalidInput` naming the header.
    package static func checkHeader(_ name: String) throws(MMError) {
        let lower = name.lowercased()
        guard refusedHeaders.contains(lower) else { return }
        throw MMError(
            .invalidInput, "The header \(lower) changes the method of the request and is never sent.",
            hint: "Give the method itself: method: PATCH, DELETE, PUT…")
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

    /// Takes an endpoint apart: `/users`, `beta/me`, `https://graph.microsoft.com/v1.0/me?$select=id`.
    /// - Parameters:
    ///   - text: the endpoint as written; blanks around it, quotes and `<>` are dropped.
    ///   - service: the service it is meant for.
    ///   - allowedHosts: the hosts of that service for this connection (`graph.microsoft.com`); an entry with a scheme
    ///     and port (`http://127.0.0.1:8080`) admits plain HTTP there, and only on a loopback address. Empty: the hosts
    ///     of all clouds.
    ///   - respelling: what to do with dot segments, doubled slashes and fragments.
    /// - Throws: `.invalidInput` naming what is wrong with the endpoint and how to write it.
    public init(
        parsing text: String, service: RequestService, allowedHosts: [String] = [], respelling: Respelling = .refuse
    ) throws(MMError) {
        self = try RequestTargetParser(
            service: service, allowedHosts: allowedHosts.isEmpty ? service.knownHosts : allowedHosts,
            respelling: respelling
        ).parse(text)
    }
}
