import MMGuard

/// The cmdlets and parameters that may end a PowerShell text.
struct CmdletWords: Sendable {
    private let cmdlets: CmdletCompletion

    /// Those of a module, and of PowerShell itself.
    init(module: String) { cmdlets = CmdletCompletion(module: module) }

    /// What may end a text: the part of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String]) {
        // The command that the cursor stands in.
        let separators: Set<Character> = ["|", ";", "(", "{", "&", "=", "\n"]
        let isAtStart = text.last.map { separators.contains($0) } ?? true
        let command = isAtStart ? "" : text.split(whereSeparator: { separators.contains($0) }).last ?? ""
        let words = command.split(separator: " ")
        let typed = command.last == " " ? "" : words.last.map(String.init) ?? ""
        guard let first = words.first, words.count > 1 || typed.isEmpty else {
            return (typed, cmdlets.names(startingWith: typed))
        }
        guard typed.hasPrefix("-") else { return (typed, []) }
        let wanted = typed.dropFirst().lowercased()
        let parameters = cmdlets.parameters(of: String(first)).filter { $0.lowercased().hasPrefix(wanted) }
        return (typed, parameters.map { "-" + $0 })
    }
}
