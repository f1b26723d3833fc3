package import MMCore
import MMSystem

/// The page that a request comes from, as passkeys are bound to it: served by this very server, over TLS or from this machine.
package struct PageOrigin: Sendable, Hashable {
    /// The origin, as browsers write it.
    package let origin: String
    /// Whom passkeys sign for there: the host name.
    package let party: String

    /// Reads a request's page.
    /// - Parameters:
    ///   - origin: the header `Origin`.
    ///   - host: the header `Host`, which the server has found to be one of its own names.
    /// - Throws: `forbidden` for a page of another server, and for one where browsers have no passkeys.
    package init(origin: String?, host: String?) throws(MMError) {
        guard let origin, let host else {
            throw MMError(
                .forbidden, "Passkeys are for the pool's own page.", hint: "Open the page of the pool in a browser.")
        }
        let isSecure = origin.hasPrefix("https://")
        let authority = String(origin.dropFirst(isSecure ? 8 : 7))
        let name = Self.name(authority)
        guard isSecure || origin.hasPrefix("http://"), !authority.isEmpty, name == Self.name(host.lowercased()),
            isSecure || authority == host.lowercased()
        else {
            throw MMError(
                .forbidden, "This page is another server's.", hint: "Open the page of the pool itself in a browser.")
        }
        guard IPAddress(name) == nil, !name.hasPrefix("["), isSecure || name == "localhost" else {
            throw MMError(
                .forbidden, "Browsers have passkeys only for names over TLS, and for localhost.",
                hint: "Open the page as http://localhost:PORT, or through the name that --allow-host gives it.")
        }
        self.origin = origin
        party = name
    }

    private static func name(_ authority: String) -> String {
        guard !authority.hasPrefix("["), let colon = authority.lastIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}
