/// Which requests go through a proxy: what the environment says of it.
package struct ProxySettings: Sendable, Hashable {
    /// The variable that names the proxy.
    package let variable: String
    /// Its value.
    package let value: String
    /// Whether addresses of this machine go through it too.
    package var coversThisMachine = false
    /// Hosts that are reached without it.
    let exceptions: ProxyExceptions

    /// What an environment says; the first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that holds
    /// something counts, as with curl.
    /// - Returns: `nil` where no proxy is named.
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

    /// The proxy for an address; none for the exceptions, nor as a rule for this machine.
    /// - Throws: `.proxy` when the variable can't be read: what should go through a proxy never goes around it.
    func proxy(for address: HTTPAddress) throws(HTTPError) -> ProxyAddress? {
        guard coversThisMachine || !address.isLoopback, !exceptions.contain(address) else { return nil }
        return try ProxyAddress(value, from: variable)
    }
}
