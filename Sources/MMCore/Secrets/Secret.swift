/// A string that prints as `‹redacted›` everywhere; `reveal()` returns the text.
public struct Secret: Sendable {
    private let text: String

    /// Creates a secret with this text.
    public init(_ text: String) {
        self.text = text
    }

    /// Returns the text itself, for the one place that needs it.
    public func reveal() -> String { text }

    /// Whether the text is empty.
    public var isEmpty: Bool { text.isEmpty }
}

extension Secret: Hashable {
    /// Compares the texts in constant time.
    public static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(Array(left.text.utf8), Array(right.text.utf8))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text shown in place of a secret.
    public static let placeholder = "‹redacted›"
    /// The placeholder, never the text.
    public var description: String { Self.placeholder }
    /// The placeholder, never the text.
    public var debugDescription: String { Self.placeholder }
    /// A mirror without children, so that `dump` reveals nothing.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
