internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    mutating func walk(_ expression: ExpressionSyntax) {
        guard enter(expression.extent) else { return }
        defer { depth -= 1 }
        switch expression {
        case .string, .number: break
        case .expandableString(let node): for part in node.parts { walk(part) }
        case .variable(let node): read(node)
        case .using(let node):
            report(.usingVariable, node.extent)
            walk(node.expression)
        case .paren(let node): walk(node.pipeline, in: .script)
        case .sub(let node): walk(node.block, in: .script)
        case .array(let node): walk(node.block, in: .script)
        case .arrayLiteral(let node): for element in node.elements { walk(element) }
        case .hashtable(let node): walk(node, allowsCode: false)
        case .scriptBlock(let node):
            report(.scriptBlock, node.extent)
            walk(block: node.scriptBlock, in: .script)
        case .type(let node): walk(type: node.typeName)
        case .convert(let node): walk(node)
        case .attributed(let node):
            walk(attribute: node.attribute)
            walk(node.operand)
        case .unary(let node): walk(node)
        case .binary(let node): walk(node)
        case .ternary(let node):
            walk(node.condition)
            walk(node.ifTrue)
            walk(node.ifFalse)
        case .member(let node): walk(node)
        case .invokeMember(let node): walk(node)
        case .baseConstructorCall(let node): for argument in node.arguments { walk(argument) }
        case .index(let node):
            walk(node.target)
            walk(node.index)
        }
    }

    /// Notes that a variable is read.
    private mutating func read(_ variable: VariableExpressionSyntax) {
        let path = variable.path
        if variable.isSplatted { report(.splat, variable.extent, subject: "@" + path.path) }
        guard path.qualifier == .none else {
            return report(
                path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
        }
        // A name that nobody would type may stand for a file or something else that is addressed by a path.
        let isOrdinary = isPlainName(path.name) || PlainVariables.isReadable(path.name)
        if !isOrdinary || (tables.cmdlets.isAutomaticVariable(path.name) && !PlainVariables.isReadable(path.name)) {
            report(.automaticVariable, variable.extent, subject: "$" + path.path)
        }
    }

    /// A hashtable: keys are constants; values may hold code only where a filter takes calculated properties.
    mutating func walk(_ table: HashtableSyntax, allowsCode: Bool) {
        for entry in table.entries {
            let key = ConstantValue(entry.key).text
            if key == nil { report(.hashKey, entry.key.extent) }
            walk(entry.key)
            if allowsCode, let key, isExpressionKey(key), let block = onlyBlock(entry.value) {
                walk(block: block, in: .filterBlock)
            } else {
                walk(entry.value, in: .script)
            }
        }
    }

    private func isExpressionKey(_ key: String) -> Bool {
        let key = key.asciiLowercased
        return !key.isEmpty && "expression".hasPrefix(key)
    }

    private func onlyBlock(_ statement: StatementSyntax) -> ScriptBlockSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty,
            case .scriptBlock(let block) = element.expression
        else { return nil }
        return block.scriptBlock
    }

    private mutating func walk(_ node: ConvertExpressionSyntax) {
        walk(type: node.type.typeName)
        let name = node.type.typeName.fullName.asciiLowercased
        if case .hashtable(let table) = node.operand {
            // [T]@{…} makes an object and sets its properties.
            if !["pscustomobject", "ordered", "hashtable", "psobject", "management.automation.psobject"].contains(name)
            {
                report(.typeName, node.extent, subject: "[\(name)]@{}")
            }
            return walk(table, allowsCode: false)
        }
        if name.contains("regex"), ConstantValue(node.operand) == .dynamic {
            report(.typeName, node.extent, subject: "[regex]")
        }
        walk(node.operand)
    }

    private mutating func walk(_ node: UnaryExpressionSyntax) {
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            if case .variable(let variable) = node.operand {
                write(variable, isData: true)
            } else {
                report(.variableTarget, node.extent)
                walk(node.operand)
            }
        case .exclaim, .not, .bnot, .plus, .minus, .join, .isplit, .csplit: walk(node.operand)
        }
    }

    private mutating func walk(_ node: BinaryExpressionSyntax) {
        // Long chains lean to the left: no recursion for them.
        var current = node
        while true {
            check(current)
            walk(current.right)
            guard case .binary(let next) = current.left else { break }
            current = next
        }
        walk(current.left)
    }

    private mutating func check(_ node: BinaryExpressionSyntax) {
        switch node.op {
        case .ireplace, .creplace, .isplit, .csplit:
            if !isText(node.right) { report(.operatorUse, node.extent, subject: "-" + node.op.rawValue) }
        case .as, .is, .isNot:
            if case .type = node.right { break }
            report(.typeName, node.right.extent)
        case .multiply, .divide, .rem, .plus, .minus, .dotDot, .format, .and, .or, .xor, .band, .bor, .bxor, .join,
            .ieq, .ine, .ige, .igt, .ilt, .ile, .ilike, .inotlike, .imatch, .inotmatch, .icontains, .inotcontains,
            .iin, .inotin, .ceq, .cne, .cge, .cgt, .clt, .cle, .clike, .cnotlike, .cmatch, .cnotmatch, .ccontains,
            .cnotcontains, .cin, .cnotin, .shl, .shr, .questionQuestion:
            break
        }
    }

    /// Whether a value can only be text or a number: a variable could hold a block, which `-replace` runs.
    private func isText(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .string, .number, .expandableString: true
        case .arrayLiteral(let node): node.elements.allSatisfy(isText)
        case .paren: ConstantValue(expression) != .dynamic
        default: false
        }
    }

    // MARK: Members

    private mutating func walk(_ node: MemberExpressionSyntax) {
        guard let name = ConstantValue(node.member).text, isBare(node.member) else {
            report(.computedMember, node.member.extent)
            walk(node.member)
            return walk(node.target)
        }
        guard node.isStatic else {
            if PureTypes.isReflection(name) { report(.staticMember, node.extent, subject: ".\(name)") }
            return walk(node.target)
        }
        guard case .type(let type) = node.target else {
            report(.staticMember, node.extent, subject: name)
            return walk(node.target)
        }
        if !PureTypes.hasProperty(type.typeName.fullName, name) || type.typeName.assembly != nil {
            report(.staticMember, node.extent, subject: "[\(type.typeName.fullName)]::\(name)")
        }
    }

    private mutating func walk(_ node: InvokeMemberExpressionSyntax) {
        guard let name = ConstantValue(node.member).text, isBare(node.member), node.genericArguments.isEmpty else {
            report(.computedMember, node.extent)
            walk(node.member)
            walk(node.target)
            for argument in node.arguments { walk(argument) }
            return
        }
        if node.isStatic {
            if case .type(let type) = node.target {
                let full = type.typeName.fullName
                if !PureTypes.hasMethod(full, name) || type.typeName.assembly != nil {
                    report(.staticMember, node.extent, subject: "[\(full)]::\(name)()")
                }
            } else {
                report(.staticMember, node.extent, subject: name)
                walk(node.target)
            }
            for argument in node.arguments { walk(argument) }
            return
        }
        walk(node.target)
        if ["where", "foreach"].contains(name.asciiLowercased), let block = soleBlock(node.arguments) {
            return walk(block: block, in: .filterBlock)
        }
        if name.asciiLowercased == "replace" { noteReplace(node) }
        if name.asciiLowercased == "gettype", !node.arguments.isEmpty {
            // With a name, assemblies and modules hand out any type there is.
            report(.methodCall, node.extent, subject: ".\(name)()")
        }
        if !PureTypes.isPlainMethod(name) { report(.methodCall, node.extent, subject: ".\(name)()") }
        for argument in node.arguments { walk(argument) }
    }

    /// A file object has a Replace of its own, which replaces the file.
    private mutating func noteReplace(_ node: InvokeMemberExpressionSyntax) {
        replaceCalls.append(node.extent)
    }

    private func soleBlock(_ arguments: [ExpressionSyntax]) -> ScriptBlockSyntax? {
        guard arguments.count == 1, case .scriptBlock(let block) = arguments[0] else { return nil }
        return block.scriptBlock
    }

    /// Whether a member name stands as a word or a constant string.
    private func isBare(_ member: ExpressionSyntax) -> Bool {
        if case .string = member { return true }
        return false
    }
}
