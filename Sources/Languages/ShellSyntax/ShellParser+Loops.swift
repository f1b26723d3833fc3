/// Loops over words: the variable of each, its values, and the commands for which it has them.
extension ShellParser {
    /// Reads the part between `for` and its body. Its words are data; substitutions in them are parsed.
    /// - Parameter isChoice: whether a person chooses among them. An answer that is none of them gives no value.
    mutating func loopHead(_ list: inout List, isChoice: Bool = false) throws(ShellRefusal) {
        skipBlanks()
        if peek("(") {
            guard peek("(", after: 1) else { throw refusal("a parenthesis") }
            _ = try balanced(list.level)
            script.computes = true
            return
        }
        var words: [Word] = []
        while position < bytes.count, !peek(";"), !peek("\n") {
            let before = position
            let word = try word(list.level)
            words += try alternatives(of: word)
            try skipGap()
            if position == before { throw refusal("an unexpected character in a loop") }
        }
        if let name = words.first {
            if !isChoice { list.looped.append((script.bindings.count, list.openings.count)) }
            script.bindings.append(ShellScript.Binding(name: name, values: Array(words.dropFirst(2))))
        }
    }

    /// Notes that the body of a loop begins.
    mutating func beginLoop(_ list: List) {
        guard let loop = list.looped.last, loop.depth == list.openings.count else { return }
        script.bindings[loop.binding].body = script.commands.count..<script.commands.count
    }

    /// Notes that a construct has ended, and so have the loops that don't reach beyond it.
    mutating func endLoops(_ list: inout List, isLast: Bool = false) {
        // The keyword that ends a loop has taken it from the open constructs.
        while let last = list.looped.last, isLast || last.depth > list.openings.count {
            list.looped.removeLast()
            guard let begun = script.bindings[last.binding].body else { continue }
            script.bindings[last.binding].body = begun.lowerBound..<script.commands.count
        }
    }
}
