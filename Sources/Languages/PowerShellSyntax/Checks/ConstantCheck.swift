/// Decides whether an expression is constant in the sense of attribute arguments.
enum ConstantCheck {
    /// Iterates over the expression instead of recursing; expressions that are too deep or too large count as not
    /// constant.
    static func isConstant(_ expression: ExpressionSyntax, allowsScriptBlocks: Bool) -> Bool {
        var open = [expression]
        while let expression = open.popLast() {
            switch expression {
            case .string, .number, .type: continue
            case .scriptBlock: if !allowsScriptBlocks { return false }
            case .variable(let node): if FactLiteral(node.path) == nil { return false }
            case .using(let node): open.append(node.expression)
            case .paren(let node):
                guard let inner = node.pureExpression else { return false }
                open.append(inner)
            case .sub(let node):
                guard let inner = node.block.pureExpression else { return false }
                open.append(inner)
            case .arrayLiteral(let node): open.append(contentsOf: node.elements)
            case .ternary(let node): open.append(contentsOf: [node.condition, node.ifTrue, node.ifFalse])
            case .unary(let node):
                guard [.exclaim, .not, .bnot, .plus, .minus].contains(node.op) else { return false }
                open.append(node.operand)
            case .binary(let node):
                guard folds(node.op), !dividesByNothing(node) else { return false }
                open.append(node.left)
                open.append(node.right)
            case .convert(let node):
                guard KnownTypes.isSimple(node.type.typeName) else { return false }
                open.append(node.operand)
            case .member(let node):
                guard isLiteralField(node) else { return false }
            default: return false
            }
        }
        return true
    }

    private static func folds(_ op: BinaryOperator) -> Bool {
        switch op {
        case .multiply, .divide, .rem, .plus, .minus, .and, .or, .xor, .band, .bor, .bxor, .shl, .shr: true
        default: false
        }
    }

    private static func dividesByNothing(_ node: BinaryExpressionSyntax) -> Bool {
        guard node.op == .divide || node.op == .rem, case .variable(let variable) = node.right else { return false }
        return FactLiteral(variable.path) != .true
    }

    /// Returns whether a member is a constant of a well-known type: an enumeration value or a numeric limit.
    private static func isLiteralField(_ node: MemberExpressionSyntax) -> Bool {
        guard node.isStatic, case .type(let type) = node.target, let name = node.constantName,
            let typeName = KnownTypes.plainName(type.typeName)
        else { return false }
        if ["maxvalue", "minvalue"].contains(ASCIIFold.lowercased(name)) {
            return KnownTypes.isSimple(type.typeName) && !["decimal", "datetime", "string"].contains(typeName)
        }
        if typeName == "math" { return ["pi", "e", "tau"].contains(ASCIIFold.lowercased(name)) }
        return enumTypes.contains(typeName)
    }

    private static let enumTypes: Set<String> = [
        "experimentaction", "management.automation.experimentaction", "environmentvariabletarget",
        "management.automation.errorcategory", "management.automation.validaterangekind", "validaterangekind",
        "io.fileaccess", "io.fileshare", "io.fileattributes", "io.searchoption", "net.securityprotocoltype",
        "security.principal.windowsbuiltinrole", "security.cryptography.x509certificates.storelocation",
        "security.cryptography.x509certificates.storename", "microsoft.powershell.executionpolicy",
        "globalization.datetimestyles", "globalization.numberstyles", "datetimekind", "platformid",
        "management.automation.confirmimpact", "management.automation.commandtypes", "dayofweek", "io.filemode",
        "text.regularexpressions.regexoptions", "management.automation.actionpreference", "consolecolor",
        "management.automation.scopeditemoptions", "stringcomparison", "security.accesscontrol.filesystemrights",
    ]
}
