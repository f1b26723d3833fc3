/// Looks up cmdlets in the guard's tables by name, for code that lists them.
package struct CmdletClasses: Sendable {
    private let table = CmdletTable()

    /// Creates an instance with the tables that come with the program.
    package init() {}

    /// Returns whether any table knows a cmdlet.
    package func knows(_ name: String) -> Bool { !table.entries(named: name).isEmpty }

    /// Returns whether a cmdlet belongs to one of the services rather than to PowerShell itself. Graph's modules have
    /// far more cmdlets than the tables; those are recognised by the requests that their names stand for.
    package func isOfService(_ name: String) -> Bool {
        table.entries(named: name).contains { $0.product != .builtin } || !GraphCmdletNames().requests(of: name).isEmpty
    }

    /// Returns whether a command, of a service or of PowerShell itself, certainly changes nothing anywhere, also no
    /// file.
    package func changesNothing(_ name: String) -> Bool {
        let entries = table.entries(named: name)
        return !entries.isEmpty && entries.allSatisfy { $0.classes.subtracting([.read, .secret]).isEmpty }
    }

    /// Returns the classes of a cmdlet of Exchange or of the compliance service, strictest first. If no table knows it,
    /// its verb decides.
    package func ofExchange(_ name: String) -> [GuardClass] {
        let entries = table.entries(named: name).filter { $0.product == .exchange }
        guard !entries.isEmpty else { return table.classOfUnknown(name).classes }
        return entries.reduce(into: GuardClassSet(rawValue: 0)) { $0.formUnion($1.classes) }.classes
    }

    /// Returns whether a cmdlet of a service only reads: by the tables, where they prove its class; otherwise a cmdlet
    /// of Graph by the request that its name stands for, and others that no table knows by their verb.
    package func onlyReads(_ name: String) -> Bool {
        let entries = table.entries(named: name).filter { $0.product != .builtin }
        guard entries.isEmpty || entries.contains(where: { $0.lists.contains(.unproven) }) else {
            return entries.allSatisfy { $0.classes.subtracting([.read, .secret]).isEmpty }
        }
        let requests = GraphCmdletNames().requests(of: name)
        if !requests.isEmpty { return requests.allSatisfy { $0.method == "GET" } }
        let verb = name.asciiLowercased.prefix { $0 != "-" }
        return entries.isEmpty && ["get", "search", "test", "find"].contains(verb)
    }
}
