/// The registry at one point in time.
public struct RegistrySnapshot: Sendable {
    /// The whole document, including unknown keys.
    package let document: JSONObject
    /// The usable connections, in the file's order.
    public let connections: [Connection]
    /// The names of all entries, including unusable ones, in the file's order.
    public let names: [String]
    /// App ids of modules, shared by all connections (`_knownModuleApps`).
    package let knownModuleApps: [String: String]
    /// What is wrong with individual entries and with `_knownModuleApps`. Only errors make an entry unusable.
    public let problems: [RegistryProblem]

    /// How many times the file has been loaded. Within one process, equal numbers mean equal content; 0 means no file.
    package var revision = 0
    /// Connections that aren't in the file; available by name but never listed.
    var implied: [ExactKey: Connection] = [:]
    /// SharePoint hosts of connections whose entries name none.
    var sharePointHosts: [ExactKey: String] = [:]
    /// Whether this process has added connections or hosts to those in the file.
    package var hasGiven: Bool { !implied.isEmpty || !sharePointHosts.isEmpty }
    /// The same connections without the SharePoint hosts that their entries don't name.
    package var withoutGivenHosts: RegistrySnapshot {
        var copy = self
        copy.sharePointHosts = [:]
        return copy
    }
    private let positions: [ExactKey: Int]
    private let firstProblem: [ExactKey: RegistryProblem]

    /// A registry without connections.
    package static let empty = RegistrySnapshot(checked: [:], entries: [:])

    /// Reads the connections of a document.
    /// - Parameters:
    ///   - document: the registry's JSON.
    ///   - path: where it came from, for messages.
    /// - Throws: `invalidInput` when `connections` isn't an object.
    public init(document: JSONObject, path: String = "the registry") throws(MMError) {
        let listed = document["connections"] ?? .object([:])
        guard let entries = listed.object else {
            throw MMError(
                .invalidInput, "'connections' in \(path) must be an object, but it is \(listed.kindName).",
                hint: "Write \"connections\": {\"NAME\": {\"tenant\": \"contoso.onmicrosoft.com\"}}.")
        }
        self.init(checked: document, entries: entries)
    }

    private init(checked document: JSONObject, entries: JSONObject) {
        var connections: [Connection] = []
        var problems: [RegistryProblem] = []
        var positions: [ExactKey: Int] = [:]
        var firstProblem: [ExactKey: RegistryProblem] = [:]
        var known = EntryReader(name: "_knownModuleApps", entry: document)
        knownModuleApps = known.map("_knownModuleApps")
        for problem in known.problems {
            problems.append(
                RegistryProblem(
                    .warning, key: problem.key,
                    message: "'\(problem.key ?? "_knownModuleApps")' is not used: "
                        + "it must be an object of GUIDs.", hint: problem.hint))
        }
        for (name, value) in entries {
            guard let entry = value.object else {
                let problem = RegistryProblem(
                    .error, connection: name,
                    message: "Connection '\(name)' must be an object, but it is \(value.kindName).",
                    hint: "Write {\"tenant\": \"contoso.onmicrosoft.com\"} or remove the entry.")
                problems.append(problem)
                firstProblem[ExactKey(name)] = problem
                continue
            }
            var reader = EntryReader(name: name, entry: entry)
            let connection = Connection(reading: &reader)
            problems += reader.problems
            if let first = reader.problems.first {
                firstProblem[ExactKey(name)] = first
            } else {
                problems += RegistryCheck.misspeltKeys(of: connection)
                positions[ExactKey(name)] = connections.count
                connections.append(connection)
            }
        }
        self.document = document
        self.connections = connections
        self.names = entries.keys
        self.problems = problems
        self.positions = positions
        self.firstProblem = firstProblem
    }

    /// Returns the connection with a name.
    /// - Parameters:
    ///   - name: the name as in the registry; another case is accepted if it is unambiguous.
    ///   - server: the asking server, which `mcps` must admit; `nil` for the owner's terminal.
    /// - Throws: `notFound`, listing the known names with near misses first; `invalidInput` when the entry is
    ///   malformed.
    public func connection(named name: String, for server: String? = nil) throws(MMError) -> Connection {
        if let position = positions[ExactKey(name)] {
            var connection = connections[position]
            if let host = sharePointHosts[ExactKey(name)], !namesSharePointHost(name) {
                connection = try connection.with(["sharepoint_host": .string(host)])
            }
            if server.map({ connection.isVisible(to: $0) }) ?? true { return connection }
        } else if let problem = firstProblem[ExactKey(name)] {
            // An entry whose `mcps` can't be read is hidden from every server: it could be meant for any of them.
            if server == nil || isVisible(name, to: server ?? "") { throw problem.error }
        } else if let connection = implied[ExactKey(name)], server.map({ connection.isVisible(to: $0) }) ?? true {
            return connection
        }
        let names = server.map { self.names(visibleTo: $0) } ?? names
        let meant = names.filter { $0.lowercased() == name.lowercased() }
        if meant.count == 1, meant[0] != name { return try connection(named: meant[0], for: server) }
        throw Self.unknown(name, among: names)
    }

    /// Returns the implied connection with a name that isn't in the file; see `ConnectionRegistry.imply`.
    package func implied(named name: String) -> Connection? {
        names.contains(name) ? nil : implied[ExactKey(name)]
    }

    /// Returns whether an entry specifies its SharePoint host itself.
    package func namesSharePointHost(_ name: String) -> Bool {
        document["connections"]?[name]?["sharepoint_host"]?.string?.isEmpty == false
    }

    /// Returns the connections that a server may use.
    package func visible(to server: String) -> [Connection] {
        connections.filter { $0.isVisible(to: server) }
    }

    /// Returns the names of all entries that a server may see, including malformed ones.
    package func names(visibleTo server: String) -> [String] {
        names.filter { isVisible($0, to: server) }
    }

    private func isVisible(_ name: String, to server: String) -> Bool {
        if let position = positions[ExactKey(name)] { return connections[position].isVisible(to: server) }
        switch document["connections"]?[name]?["mcps"] {
        case nil, .null?: return document["connections"]?[name]?.object != nil
        case .array(let items)?: return items.contains(.string(server))
        default: return false
        }
    }

    /// A hint for people at how to add a connection.
    package static let howToAdd =
        "To add one, a person runs mm connect DOMAIN, or with an existing app: "
        + "mm connections add NAME --tenant DOMAIN --app-id ID."

    /// Returns whether a text that isn't a connection's name selects several connections where a call takes several.
    package static func selectsSeveral(_ text: String) -> Bool {
        text == "all" || text.hasPrefix("tag:") || text.hasPrefix("customers:")
            || text.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "*") }
    }

    /// Returns the connection of the partner whose customer a name such as `Partner:Fabrikam` names.
    package static func partner(of name: String, among names: [String]) -> String? {
        guard !name.hasPrefix("tag:"), !name.hasPrefix("customers:") else { return nil }
        return names.filter { name.hasPrefix($0 + ":") }.max { $0.count < $1.count }
    }

    /// Returns the error for a name that no connection has.
    /// - Parameter names: the names that the caller may use.
    package static func unknown(_ name: String, among names: [String]) -> MMError {
        let sorted = NearestNames.sorted(names, by: name)
        let shown = sorted.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
        let more = sorted.count > 20 ? " and \(sorted.count - 20) more" : ""
        let asked = String(name.prefix(100))
        var one = selectsSeveral(name) ? "Only a single connection can be named here. " : ""
        if let partner = partner(of: name, among: names) {
            one += "A customer of '\(partner)' can't be named here; its settings are those of '\(partner)'. "
        }
        return MMError(
            .notFound, "There is no connection '\(asked)'.",
            hint: names.isEmpty
                ? "The registry has no usable connection. " + howToAdd
                : one + "Known connections: \(shown)\(more). There is no default.",
            details: ["connection": .string(asked), "known": .array(sorted.prefix(50).map { .string($0) })])
    }
}
