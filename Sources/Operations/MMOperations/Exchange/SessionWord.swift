import MMNative
import PowerShellSyntax

/// What people type in every shell: a screen to clear, a folder to go to, help. An Exchange session has neither screen nor
/// folder, and no PowerShell is needed to say so.
struct SessionWord {
    /// What to know about it.
    let note: String
    /// What it puts out.
    let text: String

    /// The word that a script consists of; `nil` for any other script.
    init?(_ script: ParsedScript, in module: String) {
        guard ExchangeTable.Service(module: module) != nil, script.errors.isEmpty, script.root?.parameterBlock == nil,
            script.root?.body?.statements.count == 1
        else { return nil }
        let items = ScriptFacts(of: script).items
        guard items.count == 1, case .command(let command)? = items.first?.detail, command.count == 1,
            command.redirections.isEmpty, let name = command.name?.lowercased()
        else { return nil }
        switch (name, command.arguments.count) {
        case ("cls", 0), ("clear", 0), ("clear-host", 0):
            note = "This session has no screen of its own: nothing was cleared."
            text = ""
        case ("cd", 0...1), ("chdir", 0...1), ("sl", 0...1), ("set-location", 0...1):
            if let argument = command.arguments.first, !Self.isText(argument) { return nil }
            note = "This session has no folder to go to: its cmdlets work on the service, not on files."
            text = ""
        case ("help", 0), ("get-help", 0):
            note = "Get-Help NAME tells a cmdlet's parameters, Get-Command PATTERN finds names, mm cmdlets lists them."
            text = ""
        default: return nil
        }
    }

    /// Whether an argument is a text as it stands.
    private static func isText(_ argument: ArgumentFact) -> Bool {
        if case .value(.string) = argument { true } else { false }
    }
}
