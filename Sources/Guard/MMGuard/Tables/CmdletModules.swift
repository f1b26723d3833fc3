internal import MMCore

/// Finds the sessions in which cmdlets run, by their names.
package struct CmdletModules: Sendable {
    private let table = CmdletTable()

    /// Creates an instance with the tables that come with the program.
    package init() {}

    /// Returns the words of the sessions that have a cmdlet of this name: several if modules share it, none for
    /// PowerShell's own commands and for unknown names.
    package func sessions(of name: String) -> Set<String> {
        let lower = name.asciiLowercased
        if lower == "pac" { return ["powerplatform"] }
        var words: Set<String> = []
        for entry in table.entries(named: table.alias(name) ?? name) {
            switch entry.product {
            case .builtin: return []
            case .exchange:
                if entry.services & 1 != 0 { words.insert("exo") }
                if entry.services & 2 != 0 { words.insert("compliance") }
            case .teams: words.insert("teams")
            case .pnp: words.insert("pnp")
            case .azure: words.insert("azure")
            case .graph: words.insert("graph")
            // These have modules of their own, but no sessions.
            case .sharePoint, .powerApps: break
            }
        }
        guard words.isEmpty, let dash = lower.firstIndex(of: "-") else { return words }
        // Modules have more cmdlets than the tables, but all nouns of a module begin alike.
        let noun = lower[lower.index(after: dash)...]
        let beginnings = [("azuread", ""), ("mg", "graph"), ("az", "azure"), ("pnp", "pnp"), ("cs", "teams")]
        guard let (beginning, word) = beginnings.first(where: { noun.hasPrefix($0.0) && noun != $0.0 }), !word.isEmpty,
            let next = name.dropFirst(name.count - noun.count + beginning.count).first,
            next.isUppercase || name == lower
        else { return [] }
        return [word]
    }

    /// Returns whether the tables have a cmdlet of this name, in any case.
    package func hasCmdlet(_ name: String) -> Bool { name.contains("-") && !table.entries(named: name).isEmpty }

    /// Returns the services' cmdlets that a misspelt name most likely means, best first, each with a session that has
    /// it.
    package func near(_ name: String) -> [(name: String, session: String)] {
        var names: Set<String> = []
        for row in 0..<table.count {
            let entry = table.entry(row)
            if entry.product != .builtin { names.insert(entry.name) }
        }
        return NearestNames.of(name, among: names.sorted()).compactMap { near in
            let sessions = sessions(of: near)
            return (sessions.contains("exo") ? "exo" : sessions.sorted().first).map { (near, $0) }
        }
    }

    /// Returns whether a name is that of a cmdlet with a slip of the hand in it.
    package func hasSlip(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: "-", maxSplits: 1)
        guard parts.count == 2 else { return false }
        return (0..<table.count).contains { row in
            let known = table.entry(row).name
            let own = known.lowercased().split(separator: "-", maxSplits: 1)
            return own.count == 2 && (own[0] == parts[0] || own[1] == parts[1]) && NearestNames.isSlip(name, of: known)
        }
    }

    /// Returns whether a name is one of PowerShell's own commands or aliases.
    package func isBuiltIn(_ name: String) -> Bool {
        table.entries(named: table.alias(name) ?? name).contains { $0.product == .builtin }
    }
}
