/// The proxy settings in the environment, which decide which requests go through a proxy.
package struct ProxySettings: Sendable, Hashable {
    /// The environment variable that names the proxy.
    package let variable: String
    /// Its value.
    package let value: String
    /// Whether addresses of this machine go through it too.
    package var coversThisMachine = false
    /// The hosts that are reached without it.
    let exceptions: ProxyExceptions

    /// Reads an environment. The first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that isn't empty
    /// counts, as with curl.
    /// - Returns: `nil` when no proxy is named.
    package init?(environment: [String: String]) {
        let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        guard let variable = names.first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[variable]
        else { return nil }
        self.variable = variable
        self.value = value
        exceptions = ProxyExceptions(
            ["no_proxy", "NO_PROXY"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "")
    }

    /// Returns the proxy for an address; `nil` for exceptions and normally for this machine.
    /// - Throws: `.proxy` when the variable can't be parsed: what should go through a proxy never bypasses it.
    func proxy(for address: HTTPAddress) throws(HTTPError) -> ProxyAddress? {
        guard coversThisMachine || !address.isLoopback, !exceptions.contains(address) else { return nil }
        return try ProxyAddress(value, from: variable)
    }
}
