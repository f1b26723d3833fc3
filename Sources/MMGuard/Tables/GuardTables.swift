/// All that the guard judges by: the built-in tables, which copies share as read-only memory, and the user's rules.
struct GuardTables: Sendable {
    let paths = GraphPathTable()
    let requests = RequestRuleTable()
    let cmdlets: CmdletTable
    let commands: KnownCommands
    var user: UserRuleFile

    init(user: UserRuleFile = .none) {
        let cmdlets = CmdletTable()
        self.cmdlets = cmdlets
        commands = KnownCommands(cmdlets)
        self.user = user
    }
}
