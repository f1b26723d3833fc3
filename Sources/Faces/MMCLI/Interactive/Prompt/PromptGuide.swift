/// What a prompt knows of the language that is typed there.
package protocol PromptGuide: Sendable {
    /// Whether a text has begun something that it doesn't end: a block, a string, a pipeline.
    func isUnfinished(_ text: String) -> Bool
    /// Whether a text holds a secret that no history may keep.
    func holdsSecret(_ text: String) -> Bool
    /// What may complete a text: the end of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String])
    /// What the guard would say of a text; nothing while a word that decides it is still being typed.
    /// - Parameters:
    ///   - text: the text.
    ///   - beforeCursor: the part of it before the cursor.
    func remark(on text: String, beforeCursor: String) -> PromptRemark?
}

/// What the guard would say of what stands in a prompt.
package struct PromptRemark: Sendable, Hashable {
    /// What would become of it.
    package enum Decision: Sendable {
        /// It would run.
        case runs
        /// A person would be asked.
        case asks
        /// It would be refused.
        case refused
    }

    /// What would become of it.
    package var decision: Decision
    /// In a few words.
    package var text: String

    /// A remark.
    package init(_ decision: Decision, _ text: String) {
        self.decision = decision
        self.text = text
    }
}
