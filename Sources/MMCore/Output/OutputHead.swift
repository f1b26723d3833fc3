/// Computes the beginning of an answer that is too long.
enum OutputHead {
    /// Returns the cost of a row in a list, including its indentation, comma and newline.
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

    /// Returns the leading whole lines that fit the budget, or the beginning of the first line if that alone exceeds
    /// it.
    /// - Returns: the text, and the numbers of lines and bytes in it.
    static func lines(of text: [UInt8], _ budget: OutputBudget) -> (text: ArraySlice<UInt8>, lines: Int, bytes: Int) {
        var cost = OutputCost()
        var end = 0
        var lines = 0
        for (position, byte) in text.enumerated() {
            cost.add(byte)
            if !budget.allows(cost) {
                if end == 0 {
                    // Don't cut a character in two.
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
