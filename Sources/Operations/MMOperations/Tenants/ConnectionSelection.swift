package import MMCore

/// A selection of connections for a call: names, `tag:NAME`, names with `*`, `all`, or several of these separated by
/// commas; a leading minus excludes connections, as in `tag:msp,-Contoso`.
package struct ConnectionSelection: Sendable, Hashable {
    private enum Term: Hashable {
        case name(String)
        case tag(String)
        case pattern(String)
        case customers(String)
    }

    /// The selection as the caller wrote it.
    package let text: String
    private let included: [Term]
    private let excluded: [Term]

    /// Reads a selection.
    /// - Returns: `nil` for the plain name of one connection: a text that is exactly a registered name means that
    ///   connection, whatever characters it contains.
    /// - Throws: `invalidInput` for a selection that can't select anything.
    package init?(
        _ text: String, in registry: @autoclosure () throws(MMError) -> RegistrySnapshot
    ) throws(MMError) {
        // Nearly every call names one connection, for which the registry isn't read.
        guard RegistrySnapshot.selectsSeveral(text) else { return nil }
        let snapshot = try registry()
        let known = Set(snapshot.names)
        guard !known.contains(text), snapshot.implied(named: text) == nil else { return nil }
        self.text = text
        var included: [Term] = []
        var excluded: [Term] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let word = part.trimmed
            guard !word.isEmpty else { continue }
            if known.contains(word) || !word.hasPrefix("-") {
                included.append(Self.term(word, known))
            } else {
                excluded.append(Self.term(word.dropFirst().trimmed, known))
            }
        }
        guard !included.isEmpty else {
            throw MMError(
                .invalidInput, "`\(text.prefix(100))` selects no connection.",
                hint:
                    "Start with the connections to include, such as tag:msp or all, then exclude others: all,-Contoso.",
                details: ["field": "connection"])
        }
        self.included = included
        self.excluded = excluded
        var partners: [String] = []
        func addPartner(of name: String) {
            if let partner = RegistrySnapshot.partner(of: name, among: snapshot.names) { partners.append(partner) }
        }
        for term in included {
            switch term {
            case .customers(let name): partners.append(name)
            case .name(let name) where !known.contains(name): addPartner(of: name)
            case .pattern(let pattern): addPartner(of: pattern)
            case .name, .tag: break
            }
        }
        var seen: Set<String> = []
        self.partners = partners.filter { seen.insert($0).inserted }
    }

    private static func term(_ word: String, _ known: Set<String>) -> Term {
        if known.contains(word) { return .name(word) }
        if word == "all" { return .pattern("*") }
        if word.hasPrefix("tag:") { return .tag(String(word.dropFirst(4))) }
        if word.hasPrefix("customers:") { return .customers(String(word.dropFirst(10))) }
        return word.utf8.contains(UInt8(ascii: "*")) ? .pattern(word) : .name(word)
    }

    /// The partners whose customers are selected.
    package let partners: [String]

    /// Returns the names of the selected connections, each once, in the registry's order. Faulty entries are included:
    /// their call reports the fault.
    /// - Parameters:
    ///   - snapshot: the registry.
    ///   - server: the calling server; `nil` for the owner.
    ///   - customers: the names of each partner's customers.
    /// - Throws: `notFound`, with the existing names, for an unknown name and for a part that selects nothing.
    package func names(
        in snapshot: RegistrySnapshot, for server: String?, customers: [String: [String]] = [:]
    ) throws(MMError) -> [String] {
        let registered = server.map { snapshot.names(visibleTo: $0) } ?? snapshot.names
        let all = registered + customers.values.flatMap(\.self)
        var chosen: Set<String> = []
        for term in included {
            let found = try names(of: term, among: all, snapshot, server, customers)
            guard !found.isEmpty else { throw nothing(term, registered, snapshot) }
            chosen.formUnion(found)
        }
        for term in excluded { chosen.subtract(try names(of: term, among: all, snapshot, server, customers)) }
        let order = registered + partners.flatMap { customers[$0] ?? [] }
        let names = order.filter { chosen.remove($0) != nil }
        guard !names.isEmpty else {
            throw MMError(
                .notFound, "`\(text.prefix(100))` excludes every connection that it selects.",
                hint: "To see the connections: mm connections list.")
        }
        return names
    }

    private func names(
        of term: Term, among all: [String], _ snapshot: RegistrySnapshot, _ server: String?,
        _ customers: [String: [String]]
    ) throws(MMError) -> [String] {
        switch term {
        case .name(let name):
            if all.contains(name) { return [name] }
            return [try snapshot.connection(named: name, for: server).name]
        case .tag(let tag):
            return all.filter { name in
                snapshot.document["connections"]?[name]?["tags"]?.array?.contains(.string(tag)) ?? false
            }
        case .pattern(let pattern): return all.filter { Self.matches($0[...], pattern[...]) }
        case .customers(let partner): return customers[partner] ?? []
        }
    }

    private func nothing(_ term: Term, _ registered: [String], _ snapshot: RegistrySnapshot) -> MMError {
        switch term {
        case .tag(let tag):
            let tags = Self.tags(of: registered, in: snapshot)
            return MMError(
                .notFound, "No connection has the tag '\(tag.prefix(100))'.",
                hint: tags.isEmpty
                    ? "No connection has tags. To add one: mm connections edit NAME 'tags=[\"msp\"]'."
                    : "Tags: \(tags.prefix(20).joined(separator: ", ")).")
        case .customers(let partner):
            return MMError(
                .notFound, "\(partner.prefix(100)) has no customer with active delegated administration.",
                hint: "Pending or ended relationships give no access.")
        case .name(let text), .pattern(let text):
            return MMError(
                .notFound, "There is no connection '\(text.prefix(100))'.",
                hint: "To see the connections: mm connections list."
            )
        }
    }

    /// Returns the tags of connections, each once, in order.
    package static func tags(of names: [String], in snapshot: RegistrySnapshot) -> [String] {
        let lists = names.map { snapshot.document["connections"]?[$0]?["tags"]?.array ?? [] }
        return Set(lists.flatMap { $0.compactMap(\.string) }).sorted()
    }

    /// Whether a name matches a pattern, in which `*` matches any text.
    private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        // Only the last star is retried: otherwise a pattern with many stars would take exponential time.
        var (name, pattern) = (name, pattern)
        var retry: (name: Substring, pattern: Substring)?
        while !name.isEmpty {
            if pattern.first == "*" {
                pattern.removeFirst()
                retry = (name, pattern)
            } else if let next = pattern.first, next == name.first {
                pattern.removeFirst()
                name.removeFirst()
            } else if let last = retry {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry?.name = name
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }
}

extension ConnectionSelection {
    /// Returns the connections of a text: a single name, or a selection of several.
    /// - Throws: as `names`, and the fault of a selected entry.
    static func connections(
        _ text: String, in registry: ConnectionRegistry, _ context: OperationContext
    ) throws(MMError) -> [Connection] {
        let snapshot = try registry.snapshot()
        guard let selection = try ConnectionSelection(text, in: snapshot) else {
            return [try registry.connection(named: text, in: context)]
        }
        if let partner = selection.partners.first {
            throw MMError(
                .unsupported, "To reach the customers of \(partner.prefix(100)), use its own sign-in.",
                hint: "Select only the partner.", details: ["field": "connection"])
        }
        context.record.note("connection", .string(text))
        var connections: [Connection] = []
        for name in try selection.names(in: snapshot, for: context.call.caller.server) {
            connections.append(try snapshot.connection(named: name, for: context.call.caller.server))
        }
        return connections
    }
}
