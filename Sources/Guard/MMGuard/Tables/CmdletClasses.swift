/// What the guard's tables say of cmdlets by name, for those who list them.
package struct CmdletClasses: Sendable {
    private let table = CmdletTable()

    /// The tables that come with the program.
    package init() {}

    /// Whether any table knows a cmdlet.
    package func knows(_ name: String) -> Bool { !table.entries(named: name).isEmpty }

    /// Whether it is a cmdlet of one of the services, and none of PowerShell's own. Graph's modules have far more of them
    /// than any table names: those are known by the requests that they stand for.
    package func isOfService(_ name: String) -> Bool {
        table.entries(named: name).contains { $0.product != .builtin } || !GraphCmdletNames().requests(of: name).isEmpty
    }

    /// The classes of a cmdlet of Exchange or of the compliance service, strictest first; those that its verb suggests
    /// where no table knows it.
    package func ofExchange(_ name: String) -> [GuardClass] {
        let entries = table.entries(named: name).filter { $0.product == .exchange }
        guard !entries.isEmpty else { return table.classOfUnknown(name).classes }
        return entries.reduce(into: GuardClassSet(rawValue: 0)) { $0.formUnion($1.classes) }.classes
    }
}
