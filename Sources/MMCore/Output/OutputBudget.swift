/// The maximum size of an answer that is returned at once; the rest is stored and can be paged.
package struct OutputBudget: Sendable, Hashable {
    /// The maximum number of characters (Unicode scalars).
    package var characters: Int
    /// The maximum estimated number of language model tokens.
    package var tokens: Int

    package init(characters: Int = 25_000, tokens: Int = 10_000) {
        self.characters = characters
        self.tokens = tokens
    }

    /// 25,000 characters and about 10,000 tokens.
    package static let standard = OutputBudget()

    /// Returns whether a text fits into the budget as a whole.
    package func allows(_ text: some Sequence<UInt8>) -> Bool {
        var cost = OutputCost()
        for byte in text {
            cost.add(byte)
            if cost.characters > characters || cost.tokens > tokens { return false }
        }
        return true
    }

    /// Returns whether a cost is within the budget.
    func allows(_ cost: OutputCost) -> Bool { cost.characters <= characters && cost.tokens <= tokens }

    /// Returns a budget reduced by `aside` characters, which are reserved for the notes that accompany an answer.
    package func reserving(characters aside: Int) -> OutputBudget {
        OutputBudget(characters: max(1, characters - aside), tokens: max(1, tokens - aside / 3))
    }
}

/// The cost of a text against a budget, counted byte by byte.
///
/// The token estimate errs on the high side: four letters, three digits or two symbols make one token, and so does
/// every character beyond ASCII. A space costs a twelfth of a token, since it usually belongs to the word after it.
struct OutputCost: Sendable, Hashable {
    private(set) var characters = 0
    private var twelfths = 0

    /// The tokens so far, rounded up.
    var tokens: Int { (twelfths + 11) / 12 }

    init() {}

    /// Computes the cost of a whole text.
    init(of text: some Sequence<UInt8>) {
        for byte in text { add(byte) }
    }

    mutating func add(_ byte: UInt8) {
        // Continuation bytes belong to the preceding character.
        if byte & 0xC0 == 0x80 { return }
        characters += 1
        switch byte {
        case 0x41...0x5A, 0x61...0x7A: twelfths += 3
        case 0x30...0x39: twelfths += 4
        case 0x20: twelfths += 1
        case 0x80...: twelfths += 12
        default: twelfths += 6
        }
    }

    static func + (left: OutputCost, right: OutputCost) -> OutputCost {
        var sum = left
        sum.characters += right.characters
        sum.twelfths += right.twelfths
        return sum
    }
}
