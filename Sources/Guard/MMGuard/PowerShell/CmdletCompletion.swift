import MMCore

/// Completes the cmdlets of a module and their parameters on a command line.
package struct CmdletCompletion: Sendable {
    private let table = CmdletTable()
    private let module: String
    private let product: CmdletEntry.Product?

    /// Creates a completion for the cmdlets of a module and those of PowerShell itself.
    /// - Parameter module: the module's word: `exo`, `az`, `pnp`.
    package init(module: String) {
        self.module = module.asciiLowercased
        product = KnownModules.product(of: module)
    }

    /// Returns the cmdlets with this prefix, in alphabetical order.
    package func names(startingWith typed: String) -> [String] {
        let lower = typed.asciiLowercased
        var found: Set<String> = []
        for row in 0..<table.count {
            let entry = table.entry(row)
            guard isOffered(entry) else { continue }
            let name = entry.name
            if name.asciiLowercased.hasPrefix(lower) { found.insert(name) }
        }
        return found.sorted()
    }

    /// Returns the cmdlets that a misspelt name most likely means, best first.
    package func near(_ name: String) -> [String] {
        let known = names(startingWith: "")
        let noun = name.drop { $0 != "-" }
        func reads(_ name: String) -> Bool { name.lowercased().hasPrefix("get-") }
        // Whoever knows the noun may think of another verb for the same thing.
        var same: [String] = []
        if GraphCmdletNames.isForm(name), product == .graph, !reads(name) {
            let names = GraphCmdletNames()
            same = ["New", "Set", "Update", "Add"].map { $0 + noun }.filter { !names.requests(of: $0).isEmpty }
        } else if !noun.isEmpty {
            same = known.filter { $0.lowercased().hasSuffix(noun.lowercased()) && reads($0) == reads(name) }
        }
        return Array((same + NearestNames.of(name, among: known).filter { !same.contains($0) }).prefix(3))
    }

    /// Returns the PowerShell module of an Azure cmdlet; `nil` for a name that no table knows.
    package func azureModule(of cmdlet: String) -> String? {
        table.entries(named: cmdlet).lazy.filter { $0.product == .azure }.map { table.module(of: $0) }
            .first { !$0.isEmpty }
    }

    /// Returns the parameters of a cmdlet, with the common ones, in alphabetical order.
    package func parameters(of cmdlet: String) -> [String] {
        guard let entry = table.entries(named: table.alias(cmdlet) ?? cmdlet).first(where: isOffered) else { return [] }
        let own = table.parameters(of: entry) ?? table.usualParameters(of: entry.product)
        return Set((own + table.commonParameters()).map(\.name)).sorted()
    }

    private func isOffered(_ entry: CmdletEntry) -> Bool {
        if entry.product == .builtin { return !entry.lists.contains(.outside) }
        guard entry.product == product else { return false }
        guard product == .exchange else { return true }
        let isCompliance = !["exo", "exchange"].contains(module)
        return entry.services & (isCompliance ? 2 : 1) != 0
    }
}
