import MMCLI
import MMCore
import MMGuard
import MMOperations
import PowerShellSyntax

/// What a prompt knows of PowerShell in a session of a connection.
struct PowerShellGuide: PromptGuide {
    private let preview: ScriptPreview
    private let cmdlets: CmdletCompletion

    /// A guide for a connection and a module.
    /// - Throws: `notFound` and `invalidInput` with the names that there are.
    init(connection: String, module: String, services: GuardServices) throws(MMError) {
        preview = try ScriptPreview(connection: connection, module: module, services: services)
        cmdlets = CmdletCompletion(module: module)
    }

    func isUnfinished(_ text: String) -> Bool {
        // A backtick at the end of a line is one that goes on, as is a pipe.
        text.hasSuffix("`") || PowerShellParser.parse(text).isIncomplete
    }

    func holdsSecret(_ text: String) -> Bool {
        if Redactor.standard.text(text) != text { return true }
        guard let verdict = try? preview.verdict(on: text) else { return true }
        return verdict.classes.contains(.secret)
    }

    func completions(of text: String) -> (typed: String, words: [String]) {
        // The command that the cursor stands in.
        let separators: Set<Character> = ["|", ";", "(", "{", "&", "=", "\n"]
        let command = text.split(whereSeparator: { separators.contains($0) }).last ?? ""
        let endsWord = text.last.map { $0 == " " || separators.contains($0) } ?? true
        let words = (text.last.map { separators.contains($0) } == true ? "" : command).split(separator: " ")
        let typed = endsWord ? "" : words.last.map(String.init) ?? ""
        guard let first = words.first, words.count > 1 || endsWord else {
            return (typed, typed.isEmpty ? [] : cmdlets.names(startingWith: typed))
        }
        guard typed.hasPrefix("-") else { return (typed, []) }
        let wanted = typed.dropFirst().lowercased()
        let parameters = cmdlets.parameters(of: String(first)).filter { $0.lowercased().hasPrefix(wanted) }
        return (typed, parameters.map { "-" + $0 })
    }

    func remark(on text: String) -> PromptRemark? {
        guard !isUnfinished(text), let verdict = try? preview.verdict(on: text) else { return nil }
        let word = verdict.guardClass.rawValue
        return switch verdict.decision {
        case .allow: PromptRemark(.runs, word)
        case .ask: PromptRemark(.asks, "asks: \(word)")
        case .deny: PromptRemark(.refused, "refused: \(word)")
        }
    }
}
