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
