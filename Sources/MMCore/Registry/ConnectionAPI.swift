/// An API that isn't in any cloud's table: an organisation of Dataverse, or one of the tenant's own APIs.
public struct ConnectionAPI: Sendable, Hashable {
    /// The audience of its tokens: `https://org.crm.dynamics.com`, `api://…`, or the id of its app registration.
    package let audience: String
    /// The origin of the only host that its tokens may be sent to; `nil` when neither the audience nor the entry names
    /// one, so that requests to it aren't sent by this program.
    public let address: String?

    /// Creates an API.
    /// - Parameters:
    ///   - audience: the audience of its tokens, with or without `/.default`.
    ///   - address: the URL of its host, if the audience isn't that URL.
    /// - Throws: `invalidInput`, with the fault and the expected form of an audience.
    package init(_ audience: String, address: String? = nil) throws(MMError) {
        let text = audience.hasSuffix("/.default") ? String(audience.dropLast("/.default".count)) : audience
        guard let host = Self.host(ofAudience: text) else {
            throw MMError(
                .invalidInput, "'\(audience.prefix(120))' is not an audience of an API.",
                hint: "Use https://HOST as for Dataverse, api://ID as in “Expose an API” of the app registration, or "
                    + "the application ID.", details: ["field": "audience"])
        }
        var origin = host.isEmpty ? nil : "https://\(host)"
        if let address {
            guard let given = Self.host(of: address, mayHavePath: false) else {
                throw MMError(
                    .invalidInput, "'\(address.prefix(120))' is not an address of an API.",
                    hint: "Use https://HOST, without a path. Tokens are sent to no other host.",
                    details: ["field": "address"])
            }
            guard origin == nil || origin == "https://\(given)" else {
                throw MMError(
                    .invalidInput,
                    "The host of the address \(address.prefix(120)) differs from that of the audience \(text).",
                    hint: "A token is sent only to the host of its audience. Leave out the address.",
                    details: ["field": "address"])
            }
            origin = "https://\(given)"
        }
        self.audience = text
        self.address = origin
    }

    /// Returns the host in an audience, empty if the audience contains none; `nil` if the text isn't an audience.
    private static func host(ofAudience text: String) -> String? {
        guard text.utf8.count <= 400, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C })
        else {
            return nil
        }
        if GUID.isValid(text) { return "" }
        if text.lowercased().hasPrefix("api://") {
            let rest = text.dropFirst("api://".count)
            let isSound = !rest.isEmpty && !rest.hasPrefix("/") && !rest.utf8.contains { "?#@".utf8.contains($0) }
            return isSound ? "" : nil
        }
        return host(of: text, mayHavePath: true)
    }

    /// Returns the host of an `https` URL with the standard port, in lower case; `nil` for anything else.
    private static func host(of url: String, mayHavePath: Bool) -> String? {
        guard url.lowercased().hasPrefix("https://") else { return nil }
        let rest = url.dropFirst("https://".count)
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        let path = rest[end...]
        guard mayHavePath || path.isEmpty || path == "/", !path.utf8.contains(where: { "?#".utf8.contains($0) }) else {
            return nil
        }
        let host = rest[..<end].lowercased()
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isSound =
            labels.count >= 2 && host.utf8.count <= 253
            && labels.allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x7A) ~= $0 || $0 == 0x2D }
            }
        // The last label of a host name is never a number, and a bare IP address can't be an audience.
        guard isSound, labels.last?.utf8.contains(where: { $0 >= 0x61 }) == true else { return nil }
        return host
    }
}
