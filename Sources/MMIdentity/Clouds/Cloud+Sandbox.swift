internal import MMCore

extension Cloud {
    /// Creates the cloud of a sandbox tenant, whose services all run on this machine.
    ///
    /// Its tokens carry the audiences of the public cloud, because everything it serves follows the public cloud. Plain
    /// HTTP is accepted only on loopback addresses.
    /// - Parameters:
    ///   - description: `{"login": …, "graph": …, "flow": …}` with a base URL each; missing services have no host.
    ///   - source: where the description comes from, for messages.
    /// - Throws: `.invalidInput`, naming the entry that isn't an address of this machine.
    static func sandbox(_ description: JSONObject, source: String) throws(MMError) -> Cloud {
        guard let pattern = table["public"] else { throw MMError(.internalError, "The public cloud is missing.") }
        var bases: [ServiceResource: String] = [:]
        for resource in pattern.audiences.keys {
            guard let value = description[resource.name], !value.isNull else { continue }
            bases[resource] = try sandboxBase(value, entry: resource.name, source: source)
        }
        guard let login = description["login"] else {
            throw MMError(
                .invalidInput, "\(source) names no sign-in address (login).",
                hint: "Start the sandbox again: mm sandbox start.")
        }
        let loginBase = try sandboxBase(login, entry: "login", source: source)
        return Cloud(
            name: "sandbox", login: loginBase, loginAliases: [], deviceCodePage: loginBase + "/devicelogin",
            sharePointDomain: "", bases: bases, audiences: pattern.audiences, writtenBases: pattern.bases)
    }

    /// Creates the cloud of a sandbox whose services share one address.
    static func sandbox(origin: String, source: String) throws(MMError) -> Cloud {
        var description: JSONObject = ["login": .string(origin)]
        for resource in table["public"]?.audiences.keys.map(\.name) ?? [] { description[resource] = .string(origin) }
        return try sandbox(description, source: source)
    }

    private static func sandboxBase(_ value: JSONValue, entry: String, source: String) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress(text), !address.hasUserInfo,
            address.pathAndQuery.isEmpty || address.pathAndQuery == "/", address.isLoopback
        else {
            throw MMError(
                .invalidInput,
                "\(source) gives an address for \(entry) that is not one of this machine: \(value.string ?? value.kindName).",
                hint:
                    "The sandbox is only reached on loopback, as in http://127.0.0.1:8080. Start it "
                    + "again: mm sandbox start."
            )
        }
        return address.origin
    }
}
