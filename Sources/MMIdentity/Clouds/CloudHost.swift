/// A host of a cloud's services, or all hosts below a name, with the tokens that are taken there.
package struct CloudHost: Sendable, Hashable {
    /// What is served there.
    package enum Service: Sendable, Hashable {
        /// The sign-in service: it takes no token, it gives them.
        case signIn
        /// A service with tokens of its own.
        case resource(ServiceResource)
        /// Azure Storage: blobs, files, queues, tables.
        case storage
        /// Dataverse: each organization has a host, whose tokens are for that host.
        case dataverse
        /// Where SharePoint and OneDrive keep contents; addresses there carry a right of their own.
        case contents
        /// The PowerShell Gallery, to be read.
        case gallery
    }

    /// Which hosts are meant.
    package enum Form: Sendable, Hashable {
        /// The name itself.
        case exact
        /// Names with exactly one label in front of it.
        case oneLabelBelow
        /// Names with any number of labels in front of it.
        case below
    }

    /// What is served there.
    package let service: Service
    /// A host, in lower case.
    package let name: String
    /// Whether the name itself or hosts below it are meant.
    package let form: Form
    /// Whether it is reached over TLS; else it is on this machine.
    package let isSecure: Bool
    /// The port.
    package let port: UInt16
    /// The audiences of the tokens that are taken there, in the form of `CloudHost.audience`.
    package let audiences: Set<String>

    /// Hosts of a service.
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

    /// Whether everybody can get a name of this form: what is sent there may be sent to a stranger.
    package var isOpenToStrangers: Bool {
        switch service {
        case .storage, .dataverse, .contents, .gallery: true
        case .resource(.keyVault): form != .exact
        case .signIn, .resource: false
        }
    }

    /// Whether an address of this host and port is meant.
    /// - Parameter host: a host in lower case, without a final dot.
    package func covers(host: String, port: UInt16, isSecure: Bool) -> Bool {
        guard port == self.port, isSecure == self.isSecure else { return false }
        guard form != .exact else { return host == name }
        guard host.hasSuffix("." + name) else { return false }
        let labels = host.dropLast(name.utf8.count + 1).split(separator: ".", omittingEmptySubsequences: false)
        // Names in other scripts are written with this prefix; none of these services has one.
        guard labels.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("xn--") }) else { return false }
        return form == .below || labels.count == 1
    }

    /// An audience as it is compared: services and libraries write it with and without a final slash, in any case.
    package static func audience(_ text: String) -> String {
        var text = text.lowercased()
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}
