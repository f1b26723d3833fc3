internal import MMCore

extension Cloud {
    /// Reads the description of a cloud that isn't in the table.
    ///
    /// ```json
    /// {"login": "https://login.example.de", "sharePointDomain": "sharepoint.example.de",
    ///  "graph": "https://graph.example.de",
    ///  "arm": {"address": "https://management.example.de", "audience": "https://management.core.example.de"}}
    /// ```
    /// Each service is an address, which is also its audience, or both. Services that aren't listed don't exist there.
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - name: the path as the connection writes it, which is the cloud's name.
    /// - Throws: `.invalidInput` naming the file, the entry and the remedy; `.notFound` where there is no file.
    static func read(_ path: String, named name: String) throws(MMError) -> Cloud {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else {
            throw MMError(
                .notFound, "There is no cloud file \(path).", hint: "Correct `cloud` of the connection.",
                details: ["path": .string(path)])
        }
        let parsed: JSONValue
        do throws(JSONError) {
            parsed = try JSONParser.parse(bytes)
        } catch {
            throw fault(path, "isn't JSON: \(error)", "Write an object with login and the services' addresses.")
        }
        guard let description = parsed.object else {
            throw fault(path, "is \(parsed.kindName)", "Write an object with login and the services' addresses.")
        }
        let services = Dictionary(uniqueKeysWithValues: ServiceResource.plain.map { ($0.name, $0) })
        let known = ["login", "loginAliases", "deviceCodePage", "sharePointDomain"] + services.keys.sorted()
        for key in description.keys where !known.contains(key) && !key.hasPrefix("_") {
            let meant = NearestNames.of(key, among: known, limit: 1).first.map { "Did you mean \($0)?" }
            throw fault(
                path, "has an unknown entry `\(key.prefix(60))`", meant ?? "Entries: \(known.joined(separator: ", ")).")
        }
        var bases: [ServiceResource: String] = [:]
        var audiences: [ServiceResource: String] = [:]
        for (key, resource) in services {
            guard let value = description[key], !value.isNull else { continue }
            let base = try origin(value.object?["address"] ?? value, of: key, in: path)
            bases[resource] = base
            audiences[resource] = value.object?["audience"]?.string ?? base
        }
        let login = try origin(description["login"] ?? .null, of: "login", in: path)
        let page = try description["deviceCodePage"].map { value throws(MMError) in
            try origin(value, of: "deviceCodePage", in: path, allowsPath: true)
        }
        var aliases: [String] = []
        for alias in description["loginAliases"]?.array ?? [] {
            aliases.append(try host(alias, of: "loginAliases", in: path))
        }
        let sharePoint = try description["sharePointDomain"].map { value throws(MMError) in
            try host(value, of: "sharePointDomain", in: path)
        }
        return Cloud(
            name: name, login: login, loginAliases: aliases,
            deviceCodePage: page ?? login + "/common/oauth2/deviceauth",
            sharePointDomain: sharePoint ?? "", bases: bases, audiences: audiences)
    }

    /// An address that tokens are sent to.
    private static func origin(
        _ value: JSONValue, of entry: String, in path: String, allowsPath: Bool = false
    ) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress(text), address.scheme == "https", !address.hasUserInfo,
            allowsPath || address.pathAndQuery.isEmpty || address.pathAndQuery == "/"
        else {
            throw fault(
                path, "has no usable address in `\(entry)`: \(value.string?.prefix(120).description ?? value.kindName)",
                "Write https and the host, as in https://\(entry).example.com.")
        }
        return allowsPath ? text : address.origin
    }

    /// The name of a host.
    private static func host(_ value: JSONValue, of entry: String, in path: String) throws(MMError) -> String {
        guard let text = value.string, let address = WebAddress("https://" + text), !address.hasUserInfo,
            address.pathAndQuery.isEmpty, address.host == text.lowercased()
        else {
            throw fault(
                path, "has no host in `\(entry)`: \(value.string?.prefix(120).description ?? value.kindName)",
                "Write the name alone, as in login.example.com.")
        }
        return address.host
    }

    private static func fault(_ path: String, _ what: String, _ hint: String) -> MMError {
        MMError(.invalidInput, "The cloud file \(path) \(what).", hint: hint, details: ["path": .string(path)])
    }
}
