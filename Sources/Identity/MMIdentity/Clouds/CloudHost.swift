/// A host of a cloud's services, or all subdomains of a name, with the tokens that are accepted there.
package struct CloudHost: Sendable, Hashable {
    /// The kind of service at a host.
    package enum Service: Sendable, Hashable {
        /// The sign-in service, which issues tokens and accepts none.
        case signIn
        /// A service with its own tokens.
        case resource(ServiceResource)
        /// Azure Storage: blobs, files, queues, tables.
        case storage
        /// Dataverse: each organisation has its own host, and tokens are for that host.
        case dataverse
        /// The content store of SharePoint and OneDrive, whose URLs carry their own authorisation.
        case contents
        /// The PowerShell Gallery, for reading.
        case gallery
    }

    /// The hosts that a name stands for.
    package enum Form: Sendable, Hashable {
        /// The name itself.
        case exact
        /// Subdomains with exactly one more label.
        case directSubdomains
        /// Subdomains at any depth.
        case subdomains
    }

    /// The kind of service.
    package let service: Service
    /// The host name in lower case.
    package let name: String
    /// Whether the name stands for itself or for its subdomains.
    package let form: Form
    /// Whether the host is reached over TLS; otherwise it is on this machine.
    package let isSecure: Bool
    /// The port.
    package let port: UInt16
    /// The audiences of the tokens accepted there, normalised by `CloudHost.audience`.
    package let audiences: Set<String>

    /// Creates hosts of a service.
    init(
        _ service: Service, _ name: String, _ form: Form = .exact, isSecure: Bool = true, port: UInt16 = 443,
        audiences: some Sequence<String> = []
    ) {
        self.service = service
        self.name = name
        self.form = form
        self.isSecure = isSecure
        self.port = port
        self.audiences = Set(audiences.map(Self.audience))
    }

    /// Whether anyone can register a host of this form, so that data sent there may reach a stranger.
    package var isPubliclyRegistrable: Bool {
        switch service {
        case .storage, .dataverse, .contents, .gallery: true
        case .resource(.keyVault): form != .exact
        case .signIn, .resource: false
        }
    }

    /// Whether anyone can rent a name of this form and read the requests sent to it. Hosts that one operator runs for
    /// all tenants are excluded.
    package var isRentable: Bool { service != .contents && isPubliclyRegistrable && !isOperators }

    private var isOperators: Bool { service == .dataverse && form == .exact }

    /// Returns whether this entry covers a host and port.
    /// - Parameter host: the host in lower case, without a trailing dot.
    package func covers(host: String, port: UInt16, isSecure: Bool) -> Bool {
        guard port == self.port, isSecure == self.isSecure else { return false }
        guard form != .exact else { return host == name }
        guard host.hasSuffix("." + name) else { return false }
        let labels = host.dropLast(name.utf8.count + 1).split(separator: ".", omittingEmptySubsequences: false)
        // `xn--` marks internationalised names, which none of these services uses.
        guard labels.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("xn--") }) else { return false }
        return form == .subdomains || labels.count == 1
    }

    /// Normalises an audience for comparison: services and libraries write it in any case, with and without a trailing
    /// slash.
    package static func audience(_ text: String) -> String {
        var text = text.lowercased()
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}
