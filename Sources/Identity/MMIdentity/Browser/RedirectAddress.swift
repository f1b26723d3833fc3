internal import MMCore

/// Where the listener of a browser sign-in stands: any free port of this machine's loopback addresses, unless
/// `MM_REDIRECT_ADDRESS` says otherwise. In a container it has to: what a host publishes is one port that is known before,
/// and arrives at an address that isn't loopback.
///
/// The page returns to `http://localhost:PORT` in every case, and an answer counts only with the state of this sign-in.
struct RedirectAddress: Equatable {
    static let variable = "MM_REDIRECT_ADDRESS"

    /// The addresses to listen on. The first has to be had, others may be missing.
    let hosts: [String]
    /// The port; 0 for a free one.
    let port: UInt16

    /// Any free port of the loopback addresses. Browsers try `::1` first for `localhost`; a machine without IPv6 lacks it.
    static let any = RedirectAddress(hosts: ["127.0.0.1", "::1"], port: 0)

    private init(hosts: [String], port: UInt16) {
        self.hosts = hosts
        self.port = port
    }

    /// Reads the address from an environment: `8400`, `0.0.0.0:8400` or `[::]:8400`.
    init(environment: [String: String]) throws(MMError) {
        guard let text = environment[Self.variable], !text.isEmpty else {
            self = .any
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var host = parts.dropLast().joined(separator: ":")
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        guard let port = parts.last.flatMap({ UInt16($0) }), port > 0, isBracketed || !host.contains(":"),
            parts.count == 1 || !host.isEmpty
        else {
            throw MMError(
                .invalidInput, "\(Self.variable) is no address: \(text).",
                hint: "Give a port (8400), or an address and a port (0.0.0.0:8400).")
        }
        self.init(hosts: host.isEmpty ? Self.any.hosts : [host], port: port)
    }
}
