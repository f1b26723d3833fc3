import MMGuard

/// The cmdlets and parameters that may end a PowerShell text.
struct CmdletWords: Sendable {
    private let cmdlets: CmdletCompletion

    /// Those of a module, and of PowerShell itself.
    init(module: String) { cmdlets = CmdletCompletion(module: module) }

    /// What may end a text: the part of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String]) {
        let (first, typed) = command(at: text)
        guard let first else { return (typed, cmdlets.names(startingWith: typed)) }
        guard typed.hasPrefix("-") else { return (typed, []) }
        let wanted = typed.dropFirst().lowercased()
        let parameters = cmdlets.parameters(of: first).filter { $0.lowercased().hasPrefix(wanted) }
        return (typed, parameters.map { "-" + $0 })
    }

    /// Whether a text ends in the beginning of a cmdlet's name that isn't a whole one yet.
    func isTypingName(at text: String) -> Bool {
        let (first, typed) = command(at: text)
        guard first == nil, !typed.isEmpty else { return false }
        let names = cmdlets.names(startingWith: typed)
        return !names.isEmpty && !names.contains { $0.lowercased() == typed.lowercased() }
    }

    /// The command that a text ends in: its name, once it stands there, and the word that is being typed.
    private func command(at text: String) -> (name: String?, typed: String) {
        let separators: Set<Character> = ["|", ";", "(", "{", "&", "=", "\n"]
        let isAtStart = text.last.map { separators.contains($0) } ?? true
        let command = isAtStart ? "" : text.split(whereSeparator: { separators.contains($0) }).last ?? ""
        let words = command.split(separator: " ")
        let typed = command.last == " " ? "" : words.last.map(String.init) ?? ""
        let isName = words.count > 1 || typed.isEmpty
        return (isName ? words.first.map(String.init) : nil, typed)
    }
}
