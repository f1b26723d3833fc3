import MMCLI
import MMCore
import MMGuard
import MMOperations
import PowerShellSyntax

/// What a prompt knows of PowerShell in a session of a connection.
struct PowerShellGuide: PromptGuide {
    private let preview: ScriptPreview
    private let words: CmdletWords

    /// A guide for a connection and a module.
    /// - Throws: `notFound` and `invalidInput` with the names that there are.
    init(connection: String, module: String, services: GuardServices) throws(MMError) {
        preview = try ScriptPreview(connection: connection, module: module, services: services)
        words = CmdletWords(module: preview.module)
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
        // Nothing typed asks for nothing: that would be every cmdlet.
        let found = words.completions(of: text)
        return found.typed.isEmpty ? ("", []) : found
    }

    func remark(on text: String, beforeCursor: String) -> PromptRemark? {
        // Blanks and empty lines end nothing.
        let end = text.lastIndex { !$0.isWhitespace }
        guard let end, !isUnfinished(String(text[...end])), !words.isTypingName(at: beforeCursor),
            let verdict = try? preview.verdict(on: text)
        else { return nil }
        let word = verdict.guardClass.rawValue
        return switch verdict.decision {
        case .allow: PromptRemark(.runs, word)
        case .ask: PromptRemark(.asks, "asks: \(word)")
        case .deny: PromptRemark(.refused, "refused: \(word)")
        }
    }
}
