internal import MMCore

/// All that the guard judges by: the built-in tables and the user's rules. All judges share one.
final class GuardTables: Sendable {
    let paths = GraphPathTable()
    let requests = RequestRuleTable()
    let cmdlets: CmdletTable
    let commands: KnownCommands
    let user: UserRuleFile

    init(user: UserRuleFile = .none) {
        let cmdlets = CmdletTable()
        self.cmdlets = cmdlets
        commands = KnownCommands(cmdlets)
        self.user = user
    }
}

/// The commands that scripts have named, looked up once for all scripts that a guard judges.
final class KnownCommands: Sendable {
    private let tables: CmdletTable
    private let common: [CmdletParameter]
    private let found = Mutex<[UInt32: KnownCommand]>([:])
    /// Scripts use few of the thousands of commands; one that names them all must not keep them all in memory.
    private static let most = 500

    init(_ tables: CmdletTable) {
        self.tables = tables
        common = tables.commonParameters()
    }

    /// Returns what the tables say about an entry.
    func command(_ entry: CmdletEntry) -> KnownCommand {
        if let known = found.withLock({ $0[entry.row] }) { return known }
        let made = KnownCommand(entry, tables: tables, common: common)
        found.withLock { found in
            if found.count >= Self.most { found = [:] }
            found[entry.row] = made
        }
        return made
    }
}
