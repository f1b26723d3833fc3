/// A step of a path to Microsoft Graph, as the guard reads it.
package struct GraphPathStep: Sendable, Hashable {
    let step: PathStep

    init(_ step: PathStep) { self.step = step }

    /// A name, or a key.
    package static func word(_ name: String) -> GraphPathStep { GraphPathStep(.word(name)) }

    /// The text without parentheses and namespace, in small letters.
    package var name: String { step.name }
    /// Whether it can stand for a key.
    package var isKeyLike: Bool { step.isKeyLike }
    /// Whether it is a plain word: a name or a key.
    package var isWord: Bool { step.kind == .word }
}
