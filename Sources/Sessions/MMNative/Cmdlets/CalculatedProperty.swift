import PowerShellSyntax

/// A property requested from Select-Object, Sort-Object, Group-Object or a formatting command.
struct CalculatedProperty {
    /// The origin of the value.
    enum Source { case name(String), pattern(Wildcard), block(PSBlock) }

    /// The property's name in the result; `nil` for patterns.
    let label: String?
    /// The origin of the value.
    let source: Source
    /// The key by which a hashtable gave the property its name, as written.
    private(set) var nameKey: String?
    /// For sorting: whether the order is descending.
    var isDescending: Bool?
    /// For tables: the requested width.
    var width: Int?
    /// For tables: whether right alignment was requested.
    var isRight: Bool?

    /// Creates a property from a plain name.
    init(name: String) {
        label = name
        source = .name(name)
    }

    /// The keys that any command knows.
    private static let keys = [
        "name", "label", "expression", "width", "alignment", "formatstring", "ascending", "descending", "depth",
    ]

    /// Returns the error of a hashtable with a key that a command doesn't know.
    static func illegal(_ key: String, in specification: CommandSpecification) -> Interrupt {
        .statement(
            NativeError(
                specification.errorID("DictionaryKeyIllegal"), "The \(key) key is not valid.",
                category: "InvalidArgument"))
    }

    /// Returns the error of a property that is neither a name nor a block, such as `$null` in a list of names.
    private static func unusable(_ value: PSValue, in specification: CommandSpecification) -> Interrupt {
        .statement(
            NativeError(
                specification.errorID("DictionaryKeyUnknownType"),
                "Cannot convert \(value.isNull ? "null" : value.typeName) to one of the following types {System.String, "
                    + "System.Management.Automation.ScriptBlock}.", category: "InvalidArgument"))
    }

    /// Returns the full key of a hashtable, in lower case, which may be written by its first letters; an unknown one
    /// stays as it is.
    private static func key(_ written: String) -> String {
        let lower = written.lowercased()
        let near = keys.filter { $0.hasPrefix(lower) }
        return near.count == 1 && !lower.isEmpty ? near[0] : lower
    }

    /// Reads a property as written: a name, a pattern, a block, or a hashtable with a name and an expression.
    /// - Parameters:
    ///   - specification: the command that requests it.
    ///   - forText: whether the property is a column of a table or a line of a list, which may request a width and an
    ///     alignment.
    init(
        _ value: PSValue, of specification: CommandSpecification, in evaluator: Evaluator, forText: Bool = false
    ) throws(Interrupt) {
        switch value {
        case .string(let name):
            guard Collation.isCertain(name), !name.isEmpty else { throw .handOver("a property name beyond ASCII") }
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
            for (written, value) in table.pairs {
                let key = Self.key(written)
                guard Self.keys.contains(where: { $0.hasPrefix(key) }) else {
                    throw Self.illegal(written, in: specification)
                }
                switch (key, value) {
                case ("name", .string(let text)), ("label", .string(let text)):
                    guard label == nil, !text.isEmpty else { throw .handOver("an unusual calculated property") }
                    label = text
                    nameKey = written
                case ("expression", .block(let block)): source = .block(block)
                case ("expression", .string(let name)):
                    guard !Wildcard.isPattern(name), Collation.isCertain(name), !name.isEmpty else {
                        throw .handOver("an unusual calculated property")
                    }
                    source = .name(name)
                case ("width", .int(let count)):
                    guard forText, (1...1000).contains(count) else { throw .handOver("an unusual calculated property") }
                    width = Int(count)
                case ("alignment", .string(let side)):
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
        default: throw Self.unusable(value, in: specification)
        }
    }

    /// Returns the value for an object; `nil` when the object has no such property.
    func value(of item: PSValue, in evaluator: Evaluator) throws(Interrupt) -> PSValue? {
        switch source {
        case .name(let name): return try evaluator.property(name, of: item)
        case .block(let block):
            return try evaluator.scoped { () throws(Interrupt) in try evaluator.property(of: block, on: item).plain }
        case .pattern: throw .handOver("a property by pattern")
        }
    }
}

extension BoundCommand {
    /// The properties that a call requests; none where it gives `$null` for all of them, as PowerShell has it.
    var properties: [PSValue] {
        guard let written = self["Property"], !written.isNull else { return [] }
        return Cmdlets.list(written)
    }
}
