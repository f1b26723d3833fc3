import PowerShellSyntax

/// A property requested from Select-Object, Sort-Object, Group-Object or a formatting command.
struct CalculatedProperty {
    /// The origin of the value.
    enum Source { case name(String), pattern(Wildcard), block(PSBlock) }

    /// The property's name in the result; `nil` for patterns.
    let label: String?
    /// The origin of the value.
    let source: Source
    /// Whether a hashtable gave the property its name.
    private(set) var isNamed = false
    /// For sorting: whether the order is descending.
    var isDescending: Bool?
    /// For tables: the requested width.
    var width: Int?
    /// For tables: the requested alignment.
    var alignment: CellAlignment?
    /// For layouts: how the script wants the value to be written.
    private(set) var format: String?

    /// Creates a property from a plain name.
    init(name: String) {
        label = name
        source = .name(name)
    }

    /// The keys of a hashtable that each command knows.
    private static let keys = [
        "Select-Object": ["expression", "name", "label"], "Sort-Object": ["expression", "ascending", "descending"],
        "Group-Object": ["expression"], "ConvertTo-Html": ["expression", "name", "label", "alignment", "width"],
        "Format-Table": ["expression", "name", "label", "alignment", "width", "formatstring"],
        "Format-List": ["expression", "name", "label", "formatstring"], "Format-Wide": ["expression", "formatstring"],
    ]

    /// Returns the error of a hashtable with a key that a command doesn't know.
    private static func illegal(_ key: String, in specification: CommandSpecification) -> Interrupt {
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

    /// Returns the full key of a hashtable, in lower case, which may be written by its first letters.
    private static func key(_ written: String, for specification: CommandSpecification) throws(Interrupt) -> String {
        let known = (keys[specification.name] ?? []).filter { $0.hasPrefix(written.lowercased()) }
        guard let key = known.first else { throw illegal(written, in: specification) }
        guard known.count == 1 else { throw .handOver("an unusual calculated property") }
        return key
    }

    /// Reads a property as written: a name, a pattern, a block, or a hashtable with a name and an expression.
    /// - Parameter specification: the command that requests it.
    init(
        _ value: PSValue, of specification: CommandSpecification, in evaluator: Evaluator
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
                switch (try Self.key(written, for: specification), value) {
                case ("name", .string(let text)), ("label", .string(let text)):
                    guard label == nil, !text.isEmpty else { throw .handOver("an unusual calculated property") }
                    label = text
                    isNamed = true
                case ("expression", .block(let block)): source = .block(block)
                case ("expression", .string(let name)):
                    guard !Wildcard.isPattern(name), Collation.isCertain(name), !name.isEmpty else {
                        throw .handOver("an unusual calculated property")
                    }
                    source = .name(name)
                case ("width", .int(let count)) where (1...1000).contains(count) && specification.isLayout:
                    width = Int(count)
                case ("alignment", .string(let side)) where !side.isEmpty && specification.isLayout:
                    alignment = CellAlignment.allCases.first { $0.rawValue.hasPrefix(side.lowercased()) }
                    guard alignment != nil else { throw .handOver("an unusual calculated property") }
                case ("formatstring", .string(let text)) where !text.isEmpty: format = text
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
        let value = try output(for: item, in: evaluator)
        return if case .block = source { value?.plain } else { value }
    }

    /// Returns what the property puts out for an object, which may be nothing at all; `nil` when the object has no such
    /// property.
    func output(for item: PSValue, in evaluator: Evaluator) throws(Interrupt) -> PSValue? {
        switch source {
        case .name(let name): return try evaluator.property(name, of: item)
        case .block(let block):
            let value = try evaluator.scoped { () throws(Interrupt) in try evaluator.property(of: block, on: item) }
            return value.isNothing ? value : value.plain
        case .pattern: throw .handOver("a property by pattern")
        }
    }
}

extension CommandSpecification {
    /// Whether the command lays out objects for a reader.
    fileprivate var isLayout: Bool { name.hasPrefix("Format-") }
}

extension BoundCommand {
    /// The properties that a call requests; none where it gives `$null` for all of them, as PowerShell has it.
    var properties: [PSValue] {
        guard let written = self["Property"], !written.isNull else { return [] }
        return Cmdlets.list(written)
    }
}
