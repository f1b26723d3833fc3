package import MMCore
internal import MMHTTP

/// What a sign-in service publishes about itself (RFC 8414; OpenID Connect Discovery 1.0), and its keys.
package struct IssuerMetadata: Sendable {
    /// Its names.
    package let name: IssuerName
    /// The whole document.
    package let document: JSONObject
    /// The keys that its tokens are signed with.
    package let keys: [IssuerKey]

    /// The largest document that is read, in bytes.
    private static let largest = 1 << 20
    /// The most keys that are kept of a set.
    private static let mostKeys = 100

    /// Where a service may publish its metadata, in the order in which clients of the protocol look
    /// (RFC 8414, section 3.1 and 5; OpenID Connect Discovery 1.0, section 4).
    static func places(of issuer: String) -> [String] {
        guard let address = WebAddress(issuer) else { return [] }
        var path = address.pathAndQuery
        if path.hasSuffix("/") { path.removeLast() }
        let all = [
            "\(address.origin)\(path)/.well-known/openid-configuration",
            "\(address.origin)/.well-known/oauth-authorization-server\(path)",
            "\(address.origin)/.well-known/openid-configuration\(path)",
        ]
        return path.isEmpty ? Array(all.prefix(2)) : all
    }

    /// Asks a service for its metadata and keys.
    /// - Throws: `unavailable` while it can't be reached, `remoteFailed` for an answer that is none.
    static func read(_ issuer: String, by transport: any HTTPTransport) async throws(MMError) -> IssuerMetadata {
        for place in places(of: issuer) {
            guard let document = try await object(at: place, of: issuer, transport) else { continue }
            guard let given = document["issuer"]?.string else { throw fault(place, "it names no issuer") }
            guard let name = IssuerName(given, configured: issuer) else {
                throw fault(place, "it is of the issuer \(VisibleText.exact(String(given.prefix(200))))")
            }
            guard let keys = document["jwks_uri"]?.string, isAllowed(keys, for: issuer) else {
                throw fault(place, "it names no address of keys (jwks_uri) with https")
            }
            guard let set = try await object(at: keys, of: issuer, transport)?["keys"]?.array else {
                throw fault(keys, "it holds no keys")
            }
            return IssuerMetadata(
                name: name, document: document, keys: set.prefix(Self.mostKeys).compactMap(IssuerKey.init))
        }
        throw MMError(
            .remoteFailed, "The sign-in service \(issuer) publishes no metadata.",
            hint: "Give the issuer exactly as its openid-configuration names it (--oauth-issuer).")
    }

    /// Whether keys may be read there: with https, or at this machine for an issuer of this machine.
    private static func isAllowed(_ keys: String, for issuer: String) -> Bool {
        guard let address = WebAddress(keys), !address.hasUserInfo else { return false }
        return address.scheme == "https" || (address.isLoopback && WebAddress(issuer)?.isLoopback == true)
    }

    private static func object(
        at url: String, of issuer: String, _ transport: any HTTPTransport
    ) async throws(MMError) -> JSONObject? {
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await transport.send(
                HTTPRequest(
                    url: url, headers: ["Accept": "application/json"], timeout: .seconds(10),
                    maxResponseBytes: largest, allowsPlainHTTP: WebAddress(issuer)?.isLoopback == true))
        } catch {
            throw MMError(
                .unavailable, "The sign-in service can't be reached at \(url): \(error.message)",
                retry: .after(.seconds(10)))
        }
        switch response.status {
        case 200: break
        case 400..<500: return nil
        default: throw fault(url, "the answer has status \(response.status)")
        }
        guard let object = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: largest, depth: 32)))?.object
        else { throw fault(url, "the answer is no JSON object") }
        return object
    }

    private static func fault(_ url: String, _ what: String) -> MMError {
        MMError(.remoteFailed, "What the sign-in service publishes at \(url) can't be used: \(what).")
    }
}
