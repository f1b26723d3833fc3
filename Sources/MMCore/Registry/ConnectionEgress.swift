/// How a connection's PowerShell sessions reach the network.
package enum ConnectionEgress: Sendable, Hashable {
    /// Directly: sessions reach every host, and hold the tokens that they use.
    case off
    /// Through the egress proxy: the hosts of the connection's cloud and tenant, and those that the owner adds.
    case wire(allow: [PlainHostName])

    /// The hosts that the owner added; `nil` for sessions without the proxy.
    package var allowed: [PlainHostName]? {
        if case .wire(let allow) = self { allow } else { nil }
    }

    /// Reads `"egress": "off"` or `"egress": {"allow": ["api.contoso.com"]}`.
    static func read(_ reader: inout EntryReader) -> ConnectionEgress {
        guard let value = reader.value("egress") else { return .wire(allow: []) }
        if value == "off" { return .off }
        guard let object = value.object else {
            reader.report(
                "egress", "must be \"off\" or an object",
                hint:
                    "For example {\"allow\": [\"api.contoso.com\"]}; without the key the cloud's and "
                    + "tenant's hosts are reached.",
                value: value)
            return .wire(allow: [])
        }
        for (key, _) in object where key != "allow" {
            reader.report("egress.\(key)", "isn't a key of egress", hint: "Use allow, a list of host names.")
        }
        var names: [PlainHostName] = []
        for text in reader.texts("allow", in: object, label: "egress.allow") ?? [] {
            guard let name = PlainHostName(text), !name.isAddress else {
                reader.report(
                    "egress.allow", "contains an invalid host name",
                    hint: "Write a name alone, such as api.contoso.com, with :PORT where it is not 443. "
                        + "IP addresses and wildcards aren't accepted.",
                    value: .string(text))
                continue
            }
            names.append(name)
        }
        return .wire(allow: names)
    }
}
