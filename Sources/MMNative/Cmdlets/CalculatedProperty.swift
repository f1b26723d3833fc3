import PowerShellSyntax

/// One property that Select-Object, Sort-Object or Group-Object is asked for.
struct CalculatedProperty {
    /// Where the value comes from.
    enum Source { case name(String), pattern(Wildcard), block(PSBlock) }

    /// The name under which the value shows; `nil` for patterns.
    let label: String?
    /// Where the value comes from.
    let source: Source
    /// Whether a table gave it a name.
    private(set) var isNamed = false
    /// Sorting only: from the largest.
    var isDescending: Bool?
    /// Tables only: the width asked for.
    var width: Int?
    /// Tables only: the side asked for.
    var isRight: Bool?

    /// A property by its plain name.
    init(name: String) {
        label = name
        source = .name(name)
    }

    /// Reads a property as written: a name, a pattern, a block, or a table with a name and an expression.
    /// - Parameter forText: it is a column of a table or a line of a list, which may ask for a width and a side.
    init(_ value: PSValue, in evaluator: Evaluator, forText: Bool = false) throws(Interrupt) {
        switch value {
        case .string(let name):
            guard name.isPlain, !name.isEmpty else { throw .handOver("a property name beyond ASCII") }
            label = name
            if Wildcard.isPattern(name) {
                source = .pattern(try evaluator.wildcard(name, ignoringCase: true))
            } else {
                source = .name(name)
            }
        case .block(let block):
            label = block.text
            source = .block(block)
        case .table(let table):
            var label: String?
            var source: Source?
            for (key, value) in table.pairs {
                switch (key.lowercased(), value) {
                case ("n", .string(let text)), ("name", .string(let text)), ("l", .string(let text)),
                    ("label", .string(let text)):
                    guard label == nil, !text.isEmpty else { throw .handOver("an unusual calculated property") }
                    label = text
                    isNamed = true
                case ("e", .block(let block)), ("expression", .block(let block)): source = .block(block)
                case ("e", .string(let name)), ("expression", .string(let name)):
                    guard !Wildcard.isPattern(name), name.isPlain, !name.isEmpty else {
                        throw .handOver("an unusual calculated property")
                    }
                    source = .name(name)
                case ("w", .int(let count)), ("width", .int(let count)):
                    guard forText, (1...1000).contains(count) else { throw .handOver("an unusual calculated property") }
                    width = Int(count)
                case ("a", .string(let side)), ("align", .string(let side)), ("alignment", .string(let side)):
                    guard forText, ["left", "right"].contains(side.lowercased()) else {
                        throw .handOver("an unusual calculated property")
                    }
                    isRight = side.lowercased() == "right"
                case ("descending", .bool(let flag)): isDescending = flag
                case ("ascending", .bool(let flag)): isDescending = !flag
                default: throw .handOver("an unusual calculated property")
                }
            }
            guard let source else { throw .handOver("an unusual calculated property") }
            self.source = source
            if let label {
                self.label = label
            } else if case .block(let block) = source {
                self.label = String(
                    decoding: Array(block.text.utf8).trimmingBlanks(), as: UTF8.self)
            } else if case .name(let name) = source {
                self.label = name
            } else {
                throw .handOver("an unusual calculated property")
            }
        default: throw .handOver("an unusual property")
        }
    }

    /// The value for an object; `nil` when it has no such property.
    func value(of item: PSValue, in evaluator: Evaluator) throws(Interrupt) -> PSValue? {
        switch source {
        case .name(let name): return try Cmdlets.property(item, name)
        case .block(let block):
            // The block has a scope of its own: what it assigns is gone behind it.
            let outer = evaluator.variables
            defer { evaluator.variables = outer }
            return try evaluator.result(of: block, on: item)
        case .pattern: throw .handOver("a property by pattern")
        }
    }
}
