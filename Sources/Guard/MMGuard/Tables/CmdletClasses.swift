/// Looks up cmdlets in the guard's tables by name, for code that lists them.
package struct CmdletClasses: Sendable {
    private let table = CmdletTable()

    /// Creates an instance with the tables that come with the program.
    package init() {}

    /// Returns whether any table knows a cmdlet.
    package func knows(_ name: String) -> Bool { !table.entries(named: name).isEmpty }

    /// Returns whether a cmdlet belongs to one of the services rather than to PowerShell itself. Graph's modules have far more cmdlets than
    /// the tables; those are recognised by the requests that their names stand for.
    package func isOfService(_ name: String) -> Bool {
        table.entries(named: name).contains { $0.product != .builtin } || !GraphCmdletNames().requests(of: name).isEmpty
    }

    /// Returns the classes of a cmdlet of Exchange or of the compliance service, strictest first. If no table knows it, its verb decides.
    package func ofExchange(_ name: String) -> [GuardClass] {
        let entries = table.entries(named: name).filter { $0.product == .exchange }
        guard !entries.isEmpty else { return table.classOfUnknown(name).classes }
        return entries.reduce(into: GuardClassSet(rawValue: 0)) { $0.formUnion($1.classes) }.classes
    }
}
