/// A value as far as the text alone determines it: constants with their values, everything else by kind.
package indirect enum FactValue: Sendable, Equatable {
    /// A constant string, decoded.
    case string(String)
    /// A number.
    case number(FactNumber)
    /// `$true`, `$false` or `$null`.
    case literal(FactLiteral)
    /// An array literal.
    case array([FactValue])
    /// A hashtable literal with the values of its keys.
    case hashtable(keys: [FactValue])
    /// A value known only at run time; the name is that of a variable, type or constant member.
    case dynamic(FactDynamic, name: String?)

    /// Its constant strings, with those in arrays.
    package var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let items): items.flatMap(\.texts)
        default: []
        }
    }
}

/// A number literal with its type and value.
package struct FactNumber: Sendable, Equatable {
    /// The literal as written.
    package let text: String
    /// The value.
    package let value: NumberValue

    /// Creates a number from its text and value.
    package init(text: String, value: NumberValue) {
        self.text = text
        self.value = value
    }
}

/// The three variables that are constants.
package enum FactLiteral: String, Sendable {
    /// `$true`.
    case `true`
    /// `$false`.
    case `false`
    /// `$null`.
    case null
}

/// The kind of expression that yields a dynamic value.
package enum FactDynamic: String, Sendable {
    /// A variable.
    case variable = "var"
    /// A splatted variable.
    case splat
    /// An expandable string.
    case expandableString = "xstr"
    /// A script block.
    case scriptBlock = "sb"
    /// A pipeline in parentheses.
    case paren
    /// `$( )`.
    case sub
    /// `@( )`.
    case arrayExpression = "arr"
    /// A member read.
    case member = "mem"
    /// A method call.
    case call
    /// An index access.
    case index = "idx"
    /// A binary operator.
    case binary = "bin"
    /// A unary operator.
    case unary = "un"
    /// A cast.
    case cast
    /// An attribute before a variable.
    case attributed = "attr"
    /// A type literal.
    case type
    /// `? :`.
    case ternary = "tern"
    /// `$using:`.
    case using
    /// Anything else.
    case other
}

extension FactValue {
    /// The maximum nesting of values; deeper ones count as dynamic.
    private static let nesting = 32

    /// Reads the value of an expression as far as the text alone determines it.
    init(_ expression: ExpressionSyntax) { self.init(expression, depth: 0) }

    private init(_ expression: ExpressionSyntax, depth: Int) {
        guard depth < FactValue.nesting else {
            self = .dynamic(.other, name: nil)
            return
        }
        switch expression {
        case .string(let node): self = .string(node.value)
        case .number(let node): self = .number(FactNumber(text: node.text, value: node.value))
        case .variable(let node):
            if node.isSplatted {
                self = .dynamic(.splat, name: node.path.path)
            } else if let literal = FactLiteral(node.path) {
                self = .literal(literal)
            } else {
                self = .dynamic(.variable, name: node.path.path)
            }
        case .arrayLiteral(let node): self = .array(node.elements.map { FactValue($0, depth: depth + 1) })
        case .hashtable(let node):
            self = .hashtable(keys: node.entries.map { FactValue($0.key, depth: depth + 1) })
        case .expandableString: self = .dynamic(.expandableString, name: nil)
        case .using: self = .dynamic(.using, name: nil)
        case .paren: self = .dynamic(.paren, name: nil)
        case .sub: self = .dynamic(.sub, name: nil)
        case .array: self = .dynamic(.arrayExpression, name: nil)
        case .scriptBlock: self = .dynamic(.scriptBlock, name: nil)
        case .type: self = .dynamic(.type, name: nil)
        case .convert: self = .dynamic(.cast, name: nil)
        case .attributed: self = .dynamic(.attributed, name: nil)
        case .unary: self = .dynamic(.unary, name: nil)
        case .binary: self = .dynamic(.binary, name: nil)
        case .ternary: self = .dynamic(.ternary, name: nil)
        case .member: self = .dynamic(.member, name: nil)
        case .invokeMember, .baseConstructorCall: self = .dynamic(.call, name: nil)
        case .index: self = .dynamic(.index, name: nil)
        }
    }
}

extension FactLiteral {
    /// Reads the constant that a variable stands for; `nil` for any other variable.
    init?(_ path: VariablePath) {
        guard path.isVariable, path.name.utf8.count <= 5 else { return nil }
        if ASCIIFold.equal(path.name, "true") {
            self = .true
        } else if ASCIIFold.equal(path.name, "false") {
            self = .false
        } else if ASCIIFold.equal(path.name, "null") {
            self = .null
        } else {
            return nil
        }
    }
}

extension CommandFact {
    init(_ command: CommandSyntax, index: Int, count: Int) {
        name = command.constantName
        invocation = command.invocation
        var head: FactValue?
        var arguments: [ArgumentFact] = []
        arguments.reserveCapacity(max(0, command.elements.count - 1))
        for (place, element) in command.elements.enumerated() {
            switch element {
            case .argument(let argument):
                if place > 0 {
                    arguments.append(.value(FactValue(argument)))
                } else if name == nil {
                    head = FactValue(argument)
                }
            case .parameter where place == 0: head = .dynamic(.other, name: nil)
            case .parameter(let parameter):
                arguments.append(.parameter(parameter.name, value: parameter.argument.map { FactValue($0) }))
            }
        }
        self.head = head
        self.arguments = arguments
        redirections = command.redirections.map(RedirectionFact.init)
        self.index = index
        self.count = count
    }
}

extension RedirectionFact {
    init(_ redirection: RedirectionSyntax) {
        switch redirection {
        case .file(let file): self = .file(file.stream, target: FactValue(file.target), isAppending: file.isAppending)
        case .merging(let merging): self = .merge(merging.from)
        }
    }
}
