/// How much of an answer is given at once; the rest is stored and can be paged.
package struct OutputBudget: Sendable, Hashable {
    /// Most characters (Unicode scalars).
    package var characters: Int
    /// Most tokens of a language model, by estimate.
    package var tokens: Int

    package init(characters: Int = 25_000, tokens: Int = 10_000) {
        self.characters = characters
        self.tokens = tokens
    }

    /// 25,000 characters and about 10,000 tokens.
    package static let standard = OutputBudget()

    /// Whether a text may be given whole.
    package func admits(_ text: some Sequence<UInt8>) -> Bool {
        var cost = OutputCost()
        for byte in text {
            cost.add(byte)
            if cost.characters > characters || cost.tokens > tokens { return false }
        }
        return true
    }

    /// Whether a cost is within the budget.
    func admits(_ cost: OutputCost) -> Bool { cost.characters <= characters && cost.tokens <= tokens }

    /// A budget that leaves something aside, for the notes that go with an answer.
    package func leaving(characters aside: Int) -> OutputBudget {
        OutputBudget(characters: max(1, characters - aside), tokens: max(1, tokens - aside / 3))
    }

    /// About how many tokens a text is for a language model.
    package static func estimatedTokens(_ text: some Sequence<UInt8>) -> Int {
        var cost = OutputCost()
        for byte in text { cost.add(byte) }
        return cost.tokens
    }
}

/// What a text costs of a budget, counted byte by byte.
///
/// Tokens are an estimate that leans to the high side: four letters, three digits or two signs make one, and every
/// character beyond ASCII one of its own. Blanks go with the word after them.
struct OutputCost: Sendable, Hashable {
    private(set) var characters = 0
    private var twelfths = 0

    /// Tokens so far, rounded up.
    var tokens: Int { (twelfths + 11) / 12 }

    init() {}

    /// The cost of a whole text.
    init(of text: some Sequence<UInt8>) {
        for byte in text { add(byte) }
    }

    mutating func add(_ byte: UInt8) {
        // Continuation bytes belong to the character before them.
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
