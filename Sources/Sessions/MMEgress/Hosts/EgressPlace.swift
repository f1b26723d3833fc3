import MMCore
package import MMIdentity

/// A host that a session may reach.
package struct EgressPlace: Sendable, Hashable {
    /// What is served there; nil for a host that the owner listed.
    package let service: CloudHost.Service?
    /// Everything that is served there: some services share a host.
    package let services: [CloudHost.Service]
    /// Whether the sign-in service is among what is served there: its answers hold tokens.
    package let issuesTokens: Bool
    /// The host.
    package let host: String
    /// The port.
    package let port: UInt16
    /// Whether it is reached over TLS.
    package let isSecure: Bool
    /// The audiences of the tokens that it takes.
    package let audiences: Set<String>
    /// Whether everybody can get a name of this kind, so that what is sent there may be sent to a stranger.
    package let isOpenToStrangers: Bool

    /// Who has the host.
    package let owner: Owner

    /// The address that answers in the place of this one; nil where it answers itself.
    var standIn: String?

    /// Who reads what is sent to a host.
    package enum Owner: Sendable, Hashable {
        /// A service of the cloud, for all its tenants.
        case service
        /// Somebody whom the tenant's own answers, a person or the connection's owner has named.
        case named
        /// Anybody: such names are rented, and nothing has named this one.
        case unknown
    }

    /// Whether what is sent there goes over TLS.
    var isSentSecurely: Bool { standIn.map { $0.hasPrefix("https://") } ?? isSecure }

    /// Where requests go: `https://host`, with the port where it is not the scheme's own.
    package var origin: String { standIn ?? ownOrigin }

    /// The same, of what was asked for: what is judged, confirmed and recorded. Many hosts of which each is another
    /// customer's may share one address that stands in for them.
    package var ownOrigin: String {
        let scheme = isSecure ? "https" : "http"
        return port == (isSecure ? 443 : 80) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// Whether a `Host` header names this place.
    func isNamed(by header: String) -> Bool {
        guard let name = PlainHostName(header), name.host == host else { return false }
        return (name.port ?? (isSecure ? 443 : 80)) == port
    }

    /// Whether a token of this audience may be sent here.
    package func accepts(audience: String) -> Bool {
        let audience = CloudHost.audience(audience)
        return audiences.contains(audience) || (service == .dataverse && audience == CloudHost.audience(ownOrigin))
    }
}
