import MMCore
import MMEgress
import MMShell

extension ShellsConfigurationReader {
    /// Reads what confined shells reach of the network: `network`, the `hosts` of an egress, or the wire of an `identity`.
    func readNetwork(of object: JSONObject, into made: inout ShellsConfiguration) throws(MMError) {
        if let value = object["identity"] {
            guard let name = value.string, !name.isEmpty else { throw wrong("identity", "the name of a connection") }
            guard object["network"] == nil, object["hosts"] == nil else {
                throw wrong(
                    "network",
                    "left out beside `identity`: such a shell reaches what its connection does (`egress.allow`)")
            }
            guard made.sandbox ?? .workspace == .workspace else {
                throw wrong("sandbox", "workspace beside `identity`: nothing else keeps a shell to the wire")
            }
            made.identity = name
            return
        }
        guard object["network"] == "egress" else {
            guard object["hosts"] == nil else {
                throw wrong("hosts", "left out: it counts only with `\"network\": \"egress\"`")
            }
            if let value = object["network"] { made.network = try network(value) }
            return
        }
        if let sandbox = made.sandbox, sandbox != .workspace {
            throw MMError(
                .invalidInput,
                "`network` in \(path) can't be egress with `\"sandbox\": \"\(sandbox.rawValue)\"`: nothing would keep a "
                    + "shell to the hosts of the list.",
                hint: "Set `sandbox` to \"workspace\", or `network` to something else; until then no shell is started.")
        }
        let patterns = (object["hosts"]?.array ?? []).map { $0.string.flatMap { HostPattern($0) } }
        let hosts = patterns.compactMap(\.self)
        guard !hosts.isEmpty, hosts.count == patterns.count else {
            throw wrong(
                "hosts",
                "a list of the hosts that shells may reach, for example api.github.com, *.example.com (all names below "
                    + "it) or localhost:8443")
        }
        made.egress = hosts
    }

    private func network(_ value: JSONValue) throws(MMError) -> WorkspaceRules.Network {
        if value == "none" { return .none }
        if value == "all" { return .all }
        let ports = (value.array ?? []).map { $0.int.flatMap { UInt16(exactly: $0) } }
        let known = ports.compactMap(\.self)
        guard !known.isEmpty, known.count == ports.count else {
            throw wrong("network", "none, all, egress (with `hosts`), or a list of TCP ports")
        }
        return .ports(known)
    }
}
