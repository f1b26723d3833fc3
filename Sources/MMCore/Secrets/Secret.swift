/// A text that must not be shown: it prints as `‹redacted›` everywhere, and is taken out by asking for it by name.
public struct Secret: Sendable {
    private let text: String

    public init(_ text: String) {
        self.text = text
    }

    /// The text itself, for the one place that needs it.
    public func reveal() -> String { text }

    /// Whether there is no text at all.
    public var isEmpty: Bool { text.isEmpty }
}

extension Secret: Hashable {
    /// Equal texts; compared in constant time.
    public static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(Array(left.text.utf8), Array(right.text.utf8))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What is shown in a secret's place.
    public static let placeholder = "‹redacted›"
    /// Never the text.
    public var description: String { Self.placeholder }
    /// Never the text.
    public var debugDescription: String { Self.placeholder }
    /// Nothing to look into: `dump` walks mirrors.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
