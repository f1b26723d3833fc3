internal import PowerShellSyntax

/// A value as far as the text alone determines it.
enum ConstantValue: Sendable, Hashable {
    case string(String)
    case number(String)
    case bool(Bool)
    case null
    case array([ConstantValue])
    /// Known only when the script runs.
    case dynamic

    init(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let node): self = .string(node.value)
        case .number(let node): self = .number(node.text)
        case .variable(let node) where !node.isSplatted && node.path.qualifier == .none:
            switch node.path.name.asciiLowercased {
            case "true": self = .bool(true)
            case "false": self = .bool(false)
            case "null": self = .null
            default: self = .dynamic
            }
        case .arrayLiteral(let node):
            let items = node.elements.map(ConstantValue.init)
            self = items.contains(.dynamic) ? .dynamic : .array(items)
        case .paren(let node):
            guard case .pipeline(let pipeline) = node.pipeline else {
                self = .dynamic
                return
            }
            self = ConstantValue(onlyExpressionOf: pipeline)
        case .array(let node):
            guard node.block.traps.isEmpty, node.block.statements.count == 1,
                case .pipeline(let pipeline) = node.block.statements[0]
            else {
                self = .dynamic
                return
            }
            self = ConstantValue(onlyExpressionOf: pipeline)
        default: self = .dynamic
        }
    }

    private init(onlyExpressionOf pipeline: PipelineSyntax) {
        guard pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else {
            self = .dynamic
            return
        }
        self = ConstantValue(element.expression)
    }

    /// The texts of a constant string or number, or of a list of them; `nil` if any part is something else.
    var texts: [String]? {
        switch self {
        case .string(let text), .number(let text): return [text]
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard let more = item.texts else { return nil }
                texts += more
            }
            return texts
        case .bool(let flag): return [flag ? "True" : "False"]
        case .null, .dynamic: return nil
        }
    }

    /// The single text; `nil` for lists and anything dynamic.
    var text: String? {
        guard let texts, texts.count == 1 else { return nil }
        return texts[0]
    }
}
