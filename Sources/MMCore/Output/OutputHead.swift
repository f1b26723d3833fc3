/// The beginning of an answer that is too long.
enum OutputHead {
    /// What a row costs inside a list: its text with the indentation, comma and newline that come with it.
    static func cost(ofRow row: JSONValue, _ layout: JSONWriter.Layout, depth: Int = 1) -> OutputCost {
        var cost = OutputCost(of: ",\n".utf8)
        let text = JSONWriter.bytes(row, layout: layout)
        for byte in text { cost.add(byte) }
        if case .indented(let width) = layout {
            let lines = 1 + text.count(where: { $0 == 0x0A })
            for _ in 0..<lines * width * depth { cost.add(0x20) }
        }
        return cost
    }

    /// The first whole lines of a text that the budget admits; when the first line alone is over it, its beginning.
    /// - Returns: the text, and how many lines and bytes of the whole it holds.
    static func lines(of text: [UInt8], _ budget: OutputBudget) -> (text: ArraySlice<UInt8>, lines: Int, bytes: Int) {
        var cost = OutputCost()
        var end = 0
        var lines = 0
        for (position, byte) in text.enumerated() {
            cost.add(byte)
            if !budget.admits(cost) {
                if end == 0 {
                    // Not in the middle of a character.
                    end = position
                    while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
                }
                return (text[..<end], lines, end)
            }
            if byte == 0x0A {
                lines += 1
                end = position + 1
            }
        }
        return (text[...], lines + (text.last == 0x0A || text.isEmpty ? 0 : 1), text.count)
    }
}
